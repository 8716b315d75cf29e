"""Releases: their rows in vehicles.release and their schemas."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2
from psycopg2 import sql
from psycopg2.extras import Json

from shared import db
from shared.errors import FatalError
from shared.sql import SqlFolder, read_queries
from shared.vin.store import LIVE, PREVIOUS

_FOLDER = Path(__file__).parent / "sql"
STATEMENTS = SqlFolder(_FOLDER)


def query(name: str) -> str:
    """Return a statement of queries.sql."""
    return read_queries(_FOLDER / "queries.sql")[name]


@dataclass(frozen=True)
class Release:
    """A row of vehicles.release. `tables` has the rows that the source sent, by table."""

    release_id: int
    name: str
    source: str
    state: str
    tables: Mapping[str, int]

    @property
    def schema(self) -> str:
        """Where its tables are."""
        return {"live": LIVE, "previous": PREVIOUS}.get(self.state, f"vpic_load_{self.release_id}")


@contextmanager
def locked(conn: db.Connection) -> Iterator[None]:
    """Keep other loads, swaps and rollbacks out.

    Raises:
        FatalError: one is under way.
    """
    with db.transaction(conn):
        if not db.fetch_value(conn, query("try_lock")):
            raise FatalError(
                "another load or rollback of a vPIC release is under way: wait for its end "
                "(`cronhouse vehicles releases` shows it)"
            )
    try:
        yield
    finally:
        if not conn.closed:
            try:
                conn.rollback()
                db.fetch_value(conn, query("unlock"))
                conn.commit()
            except (psycopg2.Error, FatalError):
                conn.close()  # the lock goes with it
            except Exception:
                conn.close()
                raise


def find(conn: db.Connection, state: str) -> Release | None:
    """Return the release that is `live` or `previous`."""
    row = db.fetch_one(conn, query("by_state"), {"state": state})
    return Release(**row) if row else None


def newest_seen(conn: db.Connection) -> str | None:
    """Return the name of the newest release that was live, taken back ones included; None before the first."""
    return db.fetch_value(conn, query("newest_seen"))


def list_releases(conn: db.Connection, limit: int = 50) -> list[dict[str, Any]]:
    """List releases, newest first. Times are UTC."""
    return db.fetch_all(conn, query("list"), {"limit": limit})


def unfinished(conn: db.Connection) -> list[Release]:
    """Return the releases whose load has neither ended nor failed."""
    return [Release(**row) for row in db.fetch_all(conn, query("unfinished"))]


def resumable(conn: db.Connection, name: str, source: str) -> Release | None:
    """Return the load of this release from this source that was cut off among its tables."""
    row = db.fetch_one(conn, query("resumable"), {"name": name, "source": source})
    return Release(**row) if row else None


def remove_leftovers(conn: db.Connection, spare: Release | None, log: logging.Logger) -> None:
    """Drop what killed loads left behind, except for the release to go on with."""
    for release in unfinished(conn):
        if spare is None or release.release_id != spare.release_id:
            log.warning("removing what is left of the load of release %s (%s)", release.name, release.schema)
            fail(conn, release, "the load ended without a word: killed, or its machine went away")
    for row in db.fetch_all(conn, query("load_schemas")):
        if spare is None or row["schema"] != spare.schema:
            with db.transaction(conn):
                drop_schema(conn, row["schema"])
    conn.rollback()  # the reads


def begin(conn: db.Connection, name: str, source: str, run_id: int) -> Release:
    """Write the row of a new load and make its empty tables."""
    with db.transaction(conn):
        row = db.fetch_one(conn, query("begin"), {"name": name, "source": source, "run_id": run_id})
        assert row is not None
        release = Release(**row)
        db.execute(conn, sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(release.schema)))
        set_search_path(conn, release.schema)
        db.execute(conn, STATEMENTS["tables"])
        db.execute(conn, query("write_release"), {"release_id": release.release_id, "name": name})
    return release


def go_on(conn: db.Connection, release: Release, run_id: int) -> Release:
    """Take over the load that another run began."""
    with db.transaction(conn):
        db.execute(conn, query("continue"), {"release_id": release.release_id, "run_id": run_id})
    return release


def fail(conn: db.Connection, release: Release, problem: str) -> None:
    """Drop the tables of a load and say why it failed."""
    with db.transaction(conn):
        drop_schema(conn, release.schema)
        db.execute(conn, query("write_failed"), {"release_id": release.release_id, "problem": problem})


def write_loaded(conn: db.Connection, release: Release, notes: Sequence[str]) -> None:
    """Note that all tables are there. Does not commit."""
    db.execute(
        conn, query("write_loaded"), {"release_id": release.release_id, "notes": Json(sorted(set(notes)))}
    )


def set_search_path(conn: db.Connection, schema: str) -> None:
    """Let statements of this transaction mean the tables of one release."""
    db.fetch_value(conn, query("set_search_path"), {"schema": schema})


def drop_schema(conn: db.Connection, schema: str) -> None:
    """Drop a release's schema with all that is in it. Does not commit."""
    db.execute(conn, sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(schema)))


def grant_readers(conn: db.Connection, schema: str) -> None:
    """Let the reader roles read a release; without those roles, do nothing. Does not commit."""
    roles = [row["role"] for row in db.fetch_all(conn, query("reader_roles"))]
    if not roles:
        return
    names = sql.SQL(", ").join(map(sql.Identifier, roles))
    for statement in (
        "GRANT USAGE ON SCHEMA {schema} TO {roles}",
        "GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {roles}",
        "ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT SELECT ON TABLES TO {roles}",
    ):
        db.execute(conn, sql.SQL(statement).format(schema=sql.Identifier(schema), roles=names))
