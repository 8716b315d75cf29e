"""Conservation, shown: source = landed = facts + duplicates + rejected, stage by stage.

What really is in the fact table is told by `services/*/<workflow>/sql/count_facts.sql`, which returns one row
a source and business day (source, business_date, facts); without it the ledger stands alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from shared import db
from shared.config import ROOT
from shared.jobs.workflows import Workflow
from shared.retention import read_ages
from shared.sql import SqlFolder, read_queries

_Q = Path(__file__).parent / "queries" / "reconcile.sql"
Row = dict[str, Any]


@dataclass(frozen=True)
class Reconciliation:
    """Every row has `balanced`. `days` is by business day, `deliveries` by logical date, `loads` by run."""

    days: list[Row]
    deliveries: list[Row]
    loads: list[Row]

    @property
    def unbalanced(self) -> list[Row]:
        """Return the rows of all three that do not balance."""
        return [row for row in (*self.days, *self.deliveries, *self.loads) if not row["balanced"]]


def reconcile(
    conn: db.Connection, workflow: Workflow, first: date, last: date, source: str | None, now: datetime
) -> Reconciliation:
    """Compare the stages of a workflow from first to last, both included; of all sources or one."""
    values = {"pipeline": workflow.name, "first": first, "last": last, "source": source}

    def read(name: str) -> list[Row]:
        return db.fetch_all(conn, read_queries(_Q)[name], values)

    facts = _count_facts(conn, workflow, values)
    days = read("days")
    if facts is not None:
        days += _unbooked(days, facts)
    raw_days = read_ages(workflow.params.get("retention")).get("raw")
    kept_since = now - timedelta(days=raw_days) if raw_days else None
    return Reconciliation(
        days=[
            _judge_day(row, facts) for row in sorted(days, key=lambda r: (r["business_date"], r["source"]))
        ],
        deliveries=[_judge_delivery(row, kept_since) for row in read("deliveries")],
        loads=[{**row, "balanced": row["booked"] >= row["raw_rows"]} for row in read("loads")],
    )


def _count_facts(
    conn: db.Connection, workflow: Workflow, values: Mapping[str, Any]
) -> dict[tuple[str, date], int] | None:
    folders = map(SqlFolder, sorted(ROOT.glob(f"services/*/{workflow.name}/sql")))
    statement = next((folder["count_facts"] for folder in folders if "count_facts" in folder.names()), None)
    if statement is None:
        return None
    rows = db.fetch_all(conn, statement, values)
    return {
        (row["source"], row["business_date"]): row["facts"]
        for row in rows
        if values["source"] in (None, row["source"])
    }


def _unbooked(days: list[Row], facts: Mapping[tuple[str, date], int]) -> list[Row]:
    """Return rows for facts that the ledger knows nothing of."""
    booked = {(row["source"], row["business_date"]) for row in days}
    nothing = dict.fromkeys(("source_rows", "facts", "duplicates", "rejected"), 0)
    return [
        {"source": source, "business_date": day, **nothing}
        for source, day in facts
        if (source, day) not in booked
    ]


def _judge_day(row: Row, facts: Mapping[tuple[str, date], int] | None) -> Row:
    in_table = None if facts is None else facts.get((row["source"], row["business_date"]), 0)
    balanced = row["source_rows"] == row["facts"] + row["duplicates"] + row["rejected"]
    return {**row, "in_table": in_table, "balanced": balanced and in_table in (None, row["facts"])}


def _judge_delivery(row: Row, kept_since: datetime | None) -> Row:
    """Compare what the source counted, what landed and what became raw files.

    Raw files that retention has deleted cannot be counted any more.
    """
    told = row["source_rows"] in (None, row["landed"])
    good = row["landed"] - row["rejected"]
    raw = row["raw_rows"]
    if raw is None and (good == 0 or (kept_since and row["arrived_at"] < kept_since)):
        written = True
    else:
        written = good <= (raw or 0) <= good + row["replayed"]
    shown = {key: value for key, value in row.items() if key != "arrived_at"}
    return {**shown, "balanced": told and written}
