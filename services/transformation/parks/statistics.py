"""Statistics of rides and parks: the days that changed are made anew from the history, batch by batch."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from shared import db
from shared.sql import SqlFolder, read_queries

SQL = SqlFolder(Path(__file__).parent / "sql")
QUERIES = read_queries(Path(__file__).parent / "sql" / "queries.sql")
_PREPARATIONS = ("add_next_days", "cut_pieces", "choose_source", "merge_hours", "cut_cells")
_RESULTS = (
    "clear_hours", "clear_days", "clear_park_hours", "clear_parks",
    "fill_hours", "fill_days", "fill_park_hours", "fill_parks",
)  # fmt: skip


@dataclass(frozen=True)
class Batch:
    """Park-days made anew, snapshots that they were made of, rows of the four tables that were written."""

    days: int
    snapshots: int
    rows: int


def rebuild(
    conn: db.Connection, *, prefer: str, days: int, check_stop: Callable[[], None] = lambda: None
) -> Batch | None:
    """Make the statistics of up to `days` marked park-days anew; return None when none is marked.

    Never commits: the rows and the marks taken away are one transaction of the caller's. All work is the
    database's; what it holds at once grows with `days` alone.
    """
    if not db.fetch_value(conn, QUERIES["is_marked"]):
        return None
    db.execute(conn, QUERIES["lock"])
    db.execute(conn, QUERIES["set_session"])
    db.execute(conn, SQL["make_tables"])
    if not db.execute(conn, SQL["take_days"], {"days": days}):
        return None
    for name in _PREPARATIONS:
        db.execute(conn, SQL[name], {"prefer": prefer})
    db.execute(conn, QUERIES["analyze"])
    bounds = db.fetch_one(conn, QUERIES["bounds"])
    check_stop()
    db.execute(conn, SQL["find_stands"], bounds)
    db.execute(conn, SQL["sum_parts"])
    db.execute(conn, SQL["add_same_instants"])
    db.execute(conn, QUERIES["analyze_parts"])
    check_stop()
    rows = 0
    for name in _RESULTS:
        touched = db.execute(conn, SQL[name])
        rows += touched if name.startswith("fill_") else 0
    db.execute(conn, QUERIES["take_marks"])
    db.execute(conn, QUERIES["note_refresh"])
    counts = db.fetch_one(conn, QUERIES["counts"]) or {}
    return Batch(counts["days"], counts["snapshots"], rows)


def mark_all(conn: db.Connection) -> int:
    """Mark every park-day that has statistics; return how many there are."""
    return db.execute(conn, QUERIES["mark_all"])
