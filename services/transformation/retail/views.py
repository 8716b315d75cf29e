"""The views for BI: summaries of the days that loads touched, then the materialized views made of them."""

from calendar import monthrange
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from psycopg2 import sql

from services.transformation.retail.star import SQL
from shared import db
from shared.sql import read_queries

_Q = Path(__file__).parent / "sql" / "view_queries.sql"


def summarise_days(conn: db.Connection) -> int:
    """Compute the summaries of touched days anew; return how many rows were written."""
    queries = read_queries(_Q)
    with db.transaction(conn):
        loads = db.fetch_all(conn, queries["lock_loads"])
        changed = [load["run_id"] for load in loads if load["changed_facts"]]
        rows = 0
        if changed:
            days = [
                row["business_date"] for row in db.fetch_all(conn, queries["touched_days"], {"runs": changed})
            ]
            values = {"days": days, "month_days": days_of_months(days)}
            for name in ("clear_product_months", "clear_retailer_days"):
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


def refresh_views(conn: db.Connection, run_id: int, force: bool = False) -> list[str]:
    """Refresh the views whose input is another than at their last refresh; return their names.

    Each in its own transaction, so that a run that dies leaves the rest for the next one. Readers are not
    locked out, but for the first filling of an empty view.
    """
    queries = read_queries(_Q)
    state = db.fetch_value(conn, queries["input_state"])
    refreshed = []
    for view in db.fetch_all(conn, queries["views"]):
        if view["input_state"] == state and not force:
            continue
        how = sql.SQL("CONCURRENTLY ") if view["is_filled"] else sql.SQL("")
        name = sql.Identifier("retail", view["name"])
        with db.transaction(conn):
            db.execute(conn, queries["set_session"])
            db.execute(conn, sql.SQL("REFRESH MATERIALIZED VIEW {}{}").format(how, name))
            values = {"name": view["name"], "input_state": state, "run_id": run_id}
            db.execute(conn, queries["write_refresh"], values)
        refreshed.append(view["name"])
    return refreshed
