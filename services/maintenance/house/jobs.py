"""The jobs of the house itself: partitions ahead of need, retention, storage metrics, watching."""

from datetime import UTC, date, datetime
from pathlib import Path

from psycopg2 import sql

from services.maintenance.house.retention import delete_objects, drop_partitions
from services.maintenance.house.trim import trim_memory
from services.maintenance.house.watch import watch_house
from shared import db
from shared.jobs import Counts, Run, job
from shared.jobs.workflows import load_workflows
from shared.retention import read_ages
from shared.sql import SqlFolder

_SQL = SqlFolder(Path(__file__).parent / "sql")
OBJECT_KINDS = ("landing", "raw", "processed")


@job("house_partitions", stale_after="50h")
def make_partitions(run: Run) -> Counts:
    """Make the monthly partitions from the logical date to `partitions.months_ahead` after today.

    Each function of `partitions.functions` takes the first and the last day and returns how many it made.
    """
    section = run.params["partitions"]
    first, last = run.date, _add_months(_today(), section["months_ahead"])
    made = 0
    for name in section["functions"]:
        statement = sql.SQL("SELECT {}(%(first)s, %(last)s)").format(sql.Identifier(*name.split(".")))
        with db.transaction(run.conn) as conn:
            count = db.fetch_value(conn, statement, {"first": min(first, last), "last": last})
        run.log.info("%s: %d partitions made up to %s", name, count, last)
        made += count
    return Counts(read=len(section["functions"]), written=made)


@job("house_retention", stale_after="50h")
def apply_retention(run: Run) -> Counts:
    """Delete what is older than the `retention` of each workflow and the `trim` of the house.

    Counts: objects and partitions read as gone, rows of ops written as trimmed. What a workflow does not
    name stays; what is not loaded yet stays however old it is.
    """
    gone = 0
    for name, workflow in load_workflows(run.settings).items():
        ages = read_ages(workflow.params.get("retention"))
        with run.stage("objects"):
            gone += sum(delete_objects(run, name, kind, ages[kind]) for kind in OBJECT_KINDS if kind in ages)
        with run.stage("partitions"):
            gone += drop_partitions(run, name, ages["facts"], _today()) if "facts" in ages else 0
    with run.stage("trim"):
        trimmed = trim_memory(run, run.params["trim"])
    return Counts(read=gone, written=trimmed)


@job("house_storage", stale_after="50h")
def measure_storage(run: Run) -> Counts:
    """Write the size of every table today, partitions summed; measuring again the same day replaces it."""
    with db.transaction(run.conn) as conn:
        return Counts(written=db.execute(conn, _SQL["storage_metrics"], {}))


@job("house_watch", stale_after="2h")
def watch(run: Run) -> Counts:
    """Turn late jobs and data that did not come into incidents, and announce those that are over.

    Counts: what was watched, what is wrong.
    """
    watched, wrong = watch_house(run, run.params["watch"], datetime.now(UTC))
    return Counts(read=watched, rejected=wrong)


def _today() -> date:
    return datetime.now(UTC).date()


def _add_months(day: date, months: int) -> date:
    """Return the first day of the month that lies so many months ahead."""
    number = day.year * 12 + day.month - 1 + months
    return date(number // 12, number % 12 + 1, 1)
