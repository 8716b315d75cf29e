"""cronhouse backfill."""

from contextlib import closing
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import click

from shared.cli.common import Date, start
from shared.config import Settings

if TYPE_CHECKING:
    from shared.jobs.runner import Result
    from shared.jobs.workflows import Workflow
    from shared.missing import MissingDate


@click.command("backfill", epilog="Example: cronhouse backfill retail --from 2026-01-01 --dry-run")
@click.argument("workflow")
@click.option(
    "--from", "first", type=Date(), help="First logical date; default: 30 days ago, or the first ever run."
)
@click.option("--to", "last", type=Date(), help="Last logical date; default: the last one that is due.")
@click.option("--dry-run", is_flag=True, help="Say what would run, and run nothing.")
def command(workflow: str, first: date | None, last: date | None, dry_run: bool) -> int:
    """Run the logical dates that are missing, and only those.

    They are what `cronhouse missing` lists, oldest first. A date that fails does not stop the next one;
    what failed is printed at the end, ready to paste.
    """
    from shared import db
    from shared.jobs.workflows import find_workflow
    from shared.missing import find_missing

    settings = start()
    found_workflow = find_workflow(settings, workflow)
    with closing(db.connect(settings, application_name="cronhouse:backfill")) as conn:
        found = find_missing(conn, found_workflow, first, last, datetime.now(UTC))
    if not found:
        click.echo("nothing is missing")
        return 0
    if dry_run:
        for item in found:
            names = " -> ".join(spec.name for spec in item.jobs)
            click.echo(f"{item.date}  {names}" + ("  (again)" if item.force else ""))
        return 0
    return _run(settings, found_workflow, found)


def _run(settings: Settings, workflow: "Workflow", found: "list[MissingDate]") -> int:
    from shared import logs
    from shared.cli.run import summarise
    from shared.jobs.sequence import run_dates
    from shared.progress import Progress

    logs.configure(settings.log_format, "WARNING")  # each run's lines are on record: cronhouse logs RUN
    results: list[Result] = []
    with Progress("backfill", sum(len(item.jobs) for item in found)) as progress:
        for item in found:
            done = run_dates(
                settings, workflow, item.jobs, [item.date], force=item.force, requested_by="backfill",
                on_result=lambda result: progress.advance(f"{result.date} {result.job} {result.status}"),
            )  # fmt: skip
            results += done
            if done[-1].status == "abandoned":  # SIGTERM or Ctrl-C
                break
    return summarise(results)
