"""Sizes, growth and what they forecast; the incidents that follow from them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from services.maintenance.parks.params import SHORTEST_FIT, Storage
from shared import alerts, db
from shared.jobs import Run
from shared.sizes import in_largest_unit
from shared.sql import SqlFolder, read_queries

_SQL = SqlFolder(Path(__file__).parent / "sql")
_HOUSE = SqlFolder(Path(__file__).parents[1] / "house" / "sql")  # the same measurement, of every table
HISTORY = ("parks.ride_status_snapshots", "parks.queue_postings", "parks.snapshot_extras")
LOOK_CLOSER = (
    "GET /api/admin/storage/summary, or SELECT * FROM parks.storage_growth ORDER BY measured_on DESC"
)


@dataclass(frozen=True)
class Finding:
    """One thing that may be wrong. `severity` None: it is well; `is_known` False: nobody can tell."""

    key: str
    title: str
    reason: str
    severity: str | None
    is_known: bool = True


def measure(conn: db.Connection, section: Storage) -> tuple[int, list[dict[str, Any]]]:
    """Measure every table, fit the growth, keep forecasts and check those that are due, in one transaction.

    Return how many tables were measured, and today's growth by scope.
    """
    with db.transaction(conn):
        measured = db.execute(conn, _HOUSE["storage_metrics"], {})
        today: date = db.fetch_value(conn, read_queries(_SQL.folder / "queries.sql")["today"])
        values = {
            "today": today, "history": list(HISTORY), "shortest": SHORTEST_FIT, "capacity": section.capacity,
            "window_days": section.window_days, "import_day_events": section.import_day_events,
            "horizons": list(section.horizons),
        }  # fmt: skip
        for name in ("write_growth", "write_forecasts", "check_forecasts", "write_strategies"):
            db.execute(conn, _SQL[name], values)
        return measured, db.fetch_all(conn, read_queries(_SQL.folder / "queries.sql")["growth"], values)


def describe(growth: list[dict[str, Any]]) -> Iterator[str]:
    """Say what the database and the schema take and how fast they grow."""
    for row in growth:
        if row["scope"] in ("database", "parks"):
            known = row["bytes_per_day"] is not None
            yield f"{row['scope']}: {_size(row['total_bytes'])}, growth " + (
                f"{_size(row['bytes_per_day'])} a day" if known else row["note"]
            )


def judge(growth: list[dict[str, Any]], section: Storage) -> Iterator[Finding]:
    """Yield what the disk and the growth of each scope say."""
    for row in growth:
        if row["capacity_bytes"] is not None:
            yield _judge_use(row, section)
        if row["scope"] in ("database", "parks"):
            yield _judge_growth(row, section)


def _judge_use(row: dict[str, Any], section: Storage) -> Finding:
    share = row["total_bytes"] / row["capacity_bytes"]
    left = row["days_until_full"]
    when = f"full in {left} days at this rate" if left is not None else row["note"]
    reason = f"{_size(row['total_bytes'])} of {_size(row['capacity_bytes'])}, {share:.0%}; {when}"
    severity = (
        "critical" if share >= section.alert_share else "warning" if share >= section.warn_share else None
    )
    return Finding(f"storage_used:{row['scope']}", f"the {row['scope']} fills its storage", reason, severity)


def _judge_growth(row: dict[str, Any], section: Storage) -> Finding:
    key, title = f"storage_growth:{row['scope']}", f"the growth of {row['scope']} has changed"
    now, before = row["bytes_per_day"], row["earlier_bytes_per_day"]
    if now is None or before is None:
        return Finding(key, title, "", None, is_known=False)
    difference = abs(now - before)
    changed = difference > section.growth_change * abs(before) and difference >= section.growth_floor
    reason = (
        f"{_size(now)} a day in the last {section.window_days} days, {_size(before)} a day in those before"
    )
    return Finding(key, title, reason, "warning" if changed else None)


def tell(run: Run, findings: Iterator[Finding]) -> int:
    """Raise an incident for what is wrong and close those that are over; return how many are wrong."""
    wrong = 0
    conn = db.connect(run.settings, application_name=f"cronhouse:{run.job}:{run.id}", autocommit=True)
    try:
        for item in findings:
            if item.severity:
                wrong += 1
                texts = (item.title, item.reason, LOOK_CLOSER)
                alerts.raise_incident(conn, run.settings, item.key, item.severity, *texts, run.id)
            elif item.is_known:
                alerts.recover(conn, run.settings, item.key, item.reason)
    finally:
        conn.close()
    return wrong


def _size(count: int) -> str:
    number, unit = in_largest_unit(count)
    return f"{number:.{0 if unit == 'kB' else 1}f} {unit}"
