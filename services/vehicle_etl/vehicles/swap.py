"""The swap of releases: schemas are renamed in one transaction with their rows in vehicles.release.

A reader finds vpic.some_table by name and locks it until its transaction ends. The swap takes all those locks
first, so it waits for readers that have begun, and readers that come wait for its commit and then find the new
release by the same name: no reader sees both, or none.
"""

import itertools
import logging
import random
import time
from collections.abc import Callable

from psycopg2 import sql

from services.vehicle_etl.vehicles import releases
from services.vehicle_etl.vehicles.releases import LIVE, PREVIOUS, Release, query
from shared import db
from shared.errors import FatalError, TransientError

# So long may a reader that has begun make those that come wait, in milliseconds. A reader that holds one table and
# wants another one that we hold would wait for us as we for it: many short tries get through between readers, the
# long ones are for long readers. All are shorter than deadlock_timeout, after which a reader might be ended.
SHORTEST_TRY, LONGEST_TRY = 20, 800
SHORT_TRIES = 50
LONGEST_PAUSE = 0.5  # seconds
LONGEST_WAIT = 600.0
_BUSY = ("55P03", "40P01")  # lock not available, deadlock


def swap_in(
    conn: db.Connection, release: Release, log: logging.Logger, longest_wait: float = LONGEST_WAIT
) -> None:
    """Make a verified release the live one; the live one becomes the previous, the previous goes.

    Raises:
        TransientError: readers kept the live release in transactions all the time.
    """

    def rename(attempt: int) -> None:
        _lock_tables(conn, (PREVIOUS, LIVE), attempt)
        releases.drop_schema(conn, PREVIOUS)
        db.execute(conn, query("mark_dropped"))
        if db.fetch_value(conn, query("has_schema"), {"schema": LIVE}):
            _rename(conn, LIVE, PREVIOUS)
            db.execute(conn, query("mark_previous"))
        _rename(conn, release.schema, LIVE)
        db.execute(conn, query("mark_live"), {"release_id": release.release_id})
        releases.grant_readers(conn, LIVE)

    _retry_while_busy(conn, rename, log, longest_wait)


def roll_back(
    conn: db.Connection, log: logging.Logger, longest_wait: float = LONGEST_WAIT
) -> tuple[Release, Release]:
    """Make the previous release live again and keep the other as the previous; return (live, taken back).

    Raises:
        FatalError: there is no previous release.
        TransientError: readers kept the live release in transactions all the time.
    """
    live, previous = releases.find(conn, "live"), releases.find(conn, "previous")
    conn.rollback()  # no transaction stays open while readers are waited for
    if live is None or previous is None:
        raise FatalError("there is no previous release to go back to (`cronhouse vehicles releases`)")
    aside = f"vpic_load_{live.release_id}"

    def rename(attempt: int) -> None:
        _lock_tables(conn, (PREVIOUS, LIVE), attempt)
        _rename(conn, LIVE, aside)
        _rename(conn, PREVIOUS, LIVE)
        _rename(conn, aside, PREVIOUS)
        db.execute(conn, query("mark_rolled_back"))
        db.execute(conn, query("mark_live"), {"release_id": previous.release_id})
        db.execute(conn, query("mark_previous_again"), {"release_id": live.release_id})

    _retry_while_busy(conn, rename, log, longest_wait)
    return previous, live


def _rename(conn: db.Connection, old: str, new: str) -> None:
    statement = sql.SQL("ALTER SCHEMA {} RENAME TO {}")
    db.execute(conn, statement.format(sql.Identifier(old), sql.Identifier(new)))


def _lock_tables(conn: db.Connection, schemas: tuple[str, ...], attempt: int) -> None:
    """Lock all tables of the schemas, the last schema last: its readers wait for us."""
    longer = 1.3 ** max(0, attempt - SHORT_TRIES)
    timeout = int(min(LONGEST_TRY, SHORTEST_TRY * longer))
    db.fetch_value(conn, query("swap_settings"), {"lock_timeout": f"{timeout}ms"})
    rows = db.fetch_all(conn, query("tables"), {"schemas": list(schemas)})
    rows.sort(key=lambda row: schemas.index(row["schema"]))
    if rows:
        names = sql.SQL(", ").join(sql.Identifier(row["schema"], row["table_name"]) for row in rows)
        db.execute(conn, sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(names))


def _retry_while_busy(
    conn: db.Connection, action: Callable[[int], None], log: logging.Logger, longest_wait: float
) -> None:
    """Run the action with the number of the try, in a transaction, until it gets its locks."""
    started = time.monotonic()
    for attempt in itertools.count(1):
        try:
            with db.transaction(conn):
                action(attempt)
            return
        except TransientError as exc:
            if getattr(exc.__cause__, "pgcode", None) not in _BUSY:
                raise
            if time.monotonic() - started >= longest_wait:
                raise TransientError(
                    f"readers hold the live release in transactions since {longest_wait:.0f} s: it was not swapped. "
                    "pg_stat_activity shows who: end what hangs there, then run it again"
                ) from exc
        if attempt == SHORT_TRIES:
            log.info("waiting for readers of the live release")
        time.sleep(random.uniform(0, min(LONGEST_PAUSE, 0.01 * attempt)))  # noqa: S311
