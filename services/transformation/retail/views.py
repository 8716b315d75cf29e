"""The views for BI: summaries of the days that loads touched, then the materialized views made of them."""

from calendar import monthrange
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any

from psycopg2 import sql

from services.transformation.retail.star import SQL
from shared import db
from shared.jobs import Run
from shared.sql import read_queries

_Q = Path(__file__).parent / "sql" / "view_queries.sql"
_PREPARATIONS = (
    "group_product_months", "analyze_product_months", "clear_product_months", "clear_retailer_days",
)  # fmt: skip


def summarise_days(conn: db.Connection) -> int:
    """Compute the summaries of touched days anew; return how many rows came out otherwise and were written."""
    queries = read_queries(_Q)
    with db.transaction(conn):
        loads = db.fetch_all(conn, queries["lock_loads"])
        changed = [load["run_id"] for load in loads if load["changed_facts"]]
        rows = 0
        if changed:
            touched = db.fetch_all(conn, queries["touched_days"], {"runs": changed})
            days = [row["business_date"] for row in touched]
            values = {
                "days": days,
                "retailers": [row["retailer_key"] for row in touched],
                "month_days": days_of_months(days),
            }
            db.execute(conn, queries["set_session"])
            for name in _PREPARATIONS:
                db.execute(conn, SQL[name], values)
            for name in ("summarise_products", "summarise_retailers"):
                rows += db.execute(conn, SQL[name], values)
        if loads:
            db.execute(conn, queries["mark_summarised"], {"runs": [load["run_id"] for load in loads]})
        return rows


def unchecked_dates(conn: db.Connection, gates: Sequence[str]) -> list[date]:
    """List the logical dates whose new facts none of the gates' runs has passed since they were loaded."""
    rows = db.fetch_all(conn, read_queries(_Q)["unchecked_dates"], {"gates": list(gates)})
    return [row["logical_date"] for row in rows]


def days_of_months(days: Sequence[date]) -> list[date]:
    """Return every day of the months that the days lie in: with constants the planner skips the other partitions."""
    months = sorted({(day.year, day.month) for day in days})
    return [
        date(year, month, day) for year, month in months for day in range(1, monthrange(year, month)[1] + 1)
    ]


def refresh_views(run: Run) -> list[str]:
    """Refresh the views whose input is another than at their last refresh, forced all; return their names.

    Two side by side, each in its own transaction, so that a run that dies leaves the rest for the next one.
    Readers are not locked out, but for the first filling of an empty view.
    """
    queries = read_queries(_Q)
    with db.transaction(run.conn):
        state = db.fetch_value(run.conn, queries["input_state"])
        views = db.fetch_all(run.conn, queries["views"])
    stale = [view for view in views if run.force or view["input_state"] != state]
    todo = iter(stale)  # both take the next one from it
    with ThreadPoolExecutor(max_workers=1) as pool, run.connection("beside") as conn:
        beside = pool.submit(_refresh_each, run, conn, todo, state)
        try:
            _refresh_each(run, run.conn, todo, state)
        finally:
            beside.result()
    return [view["name"] for view in stale]


def _refresh_each(run: Run, conn: db.Connection, todo: Iterator[dict[str, Any]], state: str) -> None:
    queries = read_queries(_Q)
    for view in todo:
        run.check_stop()
        how = sql.SQL("CONCURRENTLY ") if view["is_filled"] else sql.SQL("")
        name = sql.Identifier("retail", view["name"])
        with db.transaction(conn):
            db.execute(conn, queries["set_session"])
            db.execute(conn, sql.SQL("REFRESH MATERIALIZED VIEW {}{}").format(how, name))
            values = {"name": view["name"], "input_state": state, "run_id": run.id}
            db.execute(conn, queries["write_refresh"], values)
