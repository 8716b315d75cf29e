"""The parks workflow in the demonstration: three months of the sample archive, and two hours of live queues.

Run as a module it is the part that works: `python -m demo.parks`, beside the retail workflow.
"""

import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from demo.beside import LOG, Beside, running
from shared import db, logs
from shared.cli.common import print_table, show
from shared.config import ROOT, Settings, load_settings
from shared.http import Client
from shared.jobs import Run
from shared.jobs.runner import run_job
from shared.jobs.workflows import find_job
from shared.sql import read_queries

QUERIES = Path(__file__).parent / "parks.sql"
HOURS = ROOT / "services" / "themeparks" / "data" / "park_hours.csv"
POLLS, FIRST_POLL, STEP = 24, datetime(2019, 7, 4, 17, 0, tzinfo=UTC), timedelta(minutes=5)
BEFORE_REPLAY = ("parks_archive", "parks_metadata")  # the file of hours names parks as the metadata do
AFTER_REPLAY = ("parks_live", "parks_stats", "parks_quality", "parks_storage")


class History:
    """The making of the history, beside retail."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._before = self._counts()
        self.beside = Beside(settings, ["demo.parks"])

    def finish(self) -> int:
        """Wait for its end and say what came of it; return 1 when it failed."""
        if self.beside.wait():
            click.echo(f"  ✗ parks: see {self.settings.local_dir / LOG}, or cronhouse status", err=True)
            return 1
        counts = self._counts()
        new = counts["events"] - self._before["events"]
        what = f"{new:,} events imported" if new else f"{counts['events']:,} events, imported already"
        seconds = self.beside.seconds
        click.echo(
            f"  ✓ parks, three months of archive and {POLLS} polls: {what} ({seconds:.1f} s, meanwhile)"
        )
        return 0

    def _counts(self) -> dict[str, Any]:
        with closing(db.connect(self.settings, application_name="cronhouse:demo")) as conn:
            return db.fetch_one(conn, read_queries(QUERIES)["counts"]) or {}


@contextmanager
def making(settings: Settings) -> Iterator[History]:
    """Make the history beside what the block does."""
    history = History(settings)
    with running(history.beside):
        yield history


def summarise(conn: db.Connection) -> None:
    """Print what became of every event, the longest waits, and what agrees."""
    for name, question in (
        ("ledger", "What became of every event of the parks?"),
        ("busiest", "Where did people wait longest?"),
        ("board", "How long is the wait right now?"),
    ):
        click.echo(f"\n{question}")
        rows = db.fetch_all(conn, read_queries(QUERIES)[name])
        head = [column.replace("_", " ") for column in (rows[0] if rows else {})]
        print_table(head, [[show(value) for value in row.values()] for row in rows])


def work(settings: Settings) -> int:
    """Import the archive, replay the polls, ask once for now, and make statistics; return 1 when a job failed."""
    if any(_run(settings, name) for name in BEFORE_REPLAY):
        return 1
    with closing(db.connect(settings, application_name="cronhouse:demo")) as conn:
        from services.ingestion.parks.hours import load_csv

        load_csv(conn, HOURS, {})
        is_replayed = db.fetch_value(conn, read_queries(QUERIES)["is_replayed"], {"first": FIRST_POLL})
    if not is_replayed:
        replay(settings)
    return max(_run(settings, name) for name in AFTER_REPLAY)


def replay(settings: Settings) -> None:
    """Ask the stand-in for each of its recorded polls, at the time it was recorded; its clock goes on afterwards.

    The day is in the archive too: how well both agree is what the quality job tells.
    """
    from services.ingestion.parks.live import collect

    workflow, _ = find_job(settings, "parks_live")
    base = settings.environ["THEMEPARKS_API_URL"].removesuffix("/v1")
    clock = Client("the stand-in of the parks' API", base)
    try:
        for number in range(POLLS):
            at = FIRST_POLL + number * STEP
            clock.post_json("_clock", dict[str, Any], {"poll": number})
            run = Run(id=0, job="parks_live", workflow=workflow, date=at.date(), settings=settings)
            try:
                collect(run, lambda at=at: at)  # type: ignore[misc]
            finally:
                run.close()
    finally:
        clock.post_json("_clock", dict[str, Any], {"poll": None})
        clock.close()


def _run(settings: Settings, name: str) -> int:
    workflow, spec = find_job(settings, name)
    return run_job(settings, workflow, spec, spec.default_date(), requested_by="demo").exit_code


if __name__ == "__main__":
    given = load_settings()
    logs.configure(given.log_format, given.log_level)
    sys.exit(work(given))
