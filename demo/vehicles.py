"""The vehicles workflow in the demonstration: the subset of vPIC that comes along, ten VINs, what can be chosen."""

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from demo.beside import LOG, Beside, running
from services.vehicle_etl.sources import SUBSET
from shared import db
from shared.cli.common import print_table, show
from shared.config import Settings
from shared.sql import read_queries
from shared.vin import Decoder
from shared.vin.store import database_reader

JOB = "vehicles_load"
QUERIES = Path(__file__).parent / "vehicles.sql"
VINS = (
    "1HGCM82633A004352",
    "JT2BG22K7Y0100003",
    "1FM5K7F89FG100001",
    "1C6RR7KM1FS100005",
    "ZACCJBCT0FP100000",
    "WP1AA2A56JD100004",
    "5YJSB1EA2KF100003",
    "1FTFW1ET5DFC10312",  # one digit is wrong
    "1HGCM8263",  # the rest is missing
    "ZZZCM82633A004352",  # of no manufacturer
)


class Load:
    """The job vehicles_load, beside retail."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._before = self._last_run().get("run_id")
        self.beside = Beside(settings, ["shared.cli", "run", JOB], VPIC_SOURCE=str(SUBSET))

    def finish(self) -> int:
        """Wait for its end and say what came of it; return 1 when it failed."""
        code = self.beside.wait()
        row = self._last_run()
        if code:
            reason = row.get("reason") or f"see {self.settings.local_dir / LOG}"
            click.echo(f"  ✗ {JOB}: {reason}   (cronhouse logs {row.get('run_id', '')})", err=True)
            return 1
        is_new = row["rows_written"] and row["run_id"] != self._before
        already = "" if is_new else ", which was live already"
        seconds = self.beside.seconds
        click.echo(f"  ✓ vehicles, release {row['release']} of vPIC{already} ({seconds:.1f} s, meanwhile)")
        return 0

    def _last_run(self) -> dict[str, Any]:
        with closing(db.connect(self.settings, application_name="cronhouse:demo")) as conn:
            return db.fetch_one(conn, read_queries(QUERIES)["last_run"]) or {}


@contextmanager
def loading(settings: Settings) -> Iterator[Load]:
    """Load the subset beside what the block does."""
    load = Load(settings)
    with running(load.beside):
        yield load


def summarise(conn: db.Connection) -> None:
    """Print what the load took, ten decoded VINs and how much there is to choose from."""
    queries = read_queries(QUERIES)

    def ask(name: str) -> None:
        rows = db.fetch_all(conn, queries[name])
        head = [column.replace("_", " ") for column in (rows[0] if rows else {})]
        print_table(head, [[show(value) for value in row.values()] for row in rows])

    click.echo("\nvehicles_load, rows and seconds")
    ask("load")
    click.echo("\nWhich vehicles are these?")
    print_table(("VIN", "year", "make", "model", "what is wrong with it"), decode(conn, VINS))
    click.echo("\nHow much is there to choose from?")
    ask("dropdowns")


def decode(conn: db.Connection, vins: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Decode VINs by the live release: VIN, model year, make, model, text of its errors."""
    decoder = Decoder(database_reader(lambda: conn))
    now = datetime.now(UTC)
    for vin in vins:
        found = decoder.decode(vin, now=now)
        errors = "; ".join(text for text in found.error_text.split("; ") if not text.startswith("0 - "))
        yield vin, str(found.model_year or "-"), *_shown(found.values), _shorten(errors) or "-"


def _shown(values: Mapping[str, Any]) -> tuple[str, str]:
    return values.get("Make") or "-", values.get("Model") or "-"


def _shorten(text: str, width: int = 72) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"
