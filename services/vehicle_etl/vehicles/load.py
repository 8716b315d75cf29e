"""The load of a release into its fresh schema: block after block, each table one transaction."""

import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import psycopg2
from psycopg2 import sql

from services.vehicle_etl.sources import Block, Source
from services.vehicle_etl.sources.dump import CHUNK
from services.vehicle_etl.vehicles import mirror, releases
from services.vehicle_etl.vehicles.releases import STATEMENTS, Release, query
from shared import db
from shared.errors import FatalError
from shared.sql import read_queries

VIEWS = STATEMENTS.folder / "views.sql"
# A table that we do not know but that looks like a lookup is kept: a new element may name it.
_LOOKUP_NAME = re.compile(r"[a-z][a-z0-9_]{0,60}")


@dataclass
class Loaded:
    """What a load brought: rows of this run, tables, and what was odd and did not matter."""

    rows: int = 0
    tables: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def load(
    conn: db.Connection, release: Release, source: Source, log: logging.Logger, check_stop: Callable[[], None]
) -> Loaded:
    """Copy all tables of a source into the schema of a release.

    Raises:
        FatalError: the source is damaged, or lacks a table or column that is needed.
    """
    known = read_columns(conn, release.schema)
    loaded = Loaded(tables=list(release.tables))
    for block in source.blocks(release.tables):
        check_stop()
        if block.table in loaded.tables:
            raise FatalError(f"{source.label}: table {block.table} stands there twice")
        if block.table not in known and not _add_lookup(conn, release, block):
            loaded.notes.append(
                f"table {block.table} is not known and was not loaded: {', '.join(block.columns)}"
            )
            block.drain()
            continue
        if block.table not in known:
            loaded.notes.append(f"table {block.table} is new; it looks like a lookup table and is kept")
        rows = _load_table(
            conn, release, source, block, known.get(block.table, mirror.LOOKUP_COLUMNS), loaded
        )
        loaded.rows += rows
        loaded.tables.append(block.table)
        log.debug("%s: %d rows", block.table, rows)
    needed, optional = mirror.missing_tables(loaded.tables, known)
    if needed:
        raise FatalError(f"{source.label}: has no table {', '.join(needed)}: it was not loaded")
    loaded.notes += [f"table {name} is missing and stays empty" for name in optional]
    for note in loaded.notes:
        log.warning("%s: %s", source.label, note)
    return loaded


def read_columns(conn: db.Connection, schema: str) -> mirror.Columns:
    """Return the columns of the mirror's tables that a source fills."""
    found: dict[str, tuple[str, ...]] = {}
    for row in db.fetch_all(conn, query("columns"), {"schema": schema}):
        found[row["table_name"]] = (*found.get(row["table_name"], ()), row["column_name"])
    conn.rollback()
    return {table: columns for table, columns in found.items() if table not in ("release", "vin_part")}


def _add_lookup(conn: db.Connection, release: Release, block: Block) -> bool:
    if tuple(sorted(block.columns)) != mirror.LOOKUP_COLUMNS or not _LOOKUP_NAME.fullmatch(block.table):
        return False
    create = sql.SQL("CREATE TABLE IF NOT EXISTS {} (id integer PRIMARY KEY, name text NOT NULL)")
    with db.transaction(conn):
        db.execute(conn, create.format(sql.Identifier(release.schema, block.table)))
    return True


def _load_table(
    conn: db.Connection,
    release: Release,
    source: Source,
    block: Block,
    known: tuple[str, ...],
    loaded: Loaded,
) -> int:
    fit = mirror.compare(block.table, block.columns, map(str.lower, known))
    if fit.needed:
        raise FatalError(
            f"{source.label}: table {block.table} has no column {', '.join(fit.needed)}, which is needed: "
            "the release was not loaded"
        )
    loaded.notes += fit.notes
    with db.transaction(conn):
        table = sql.Identifier(release.schema, block.table)
        db.execute(conn, sql.SQL("TRUNCATE {}").format(table))
        _alter_columns(conn, table, "ADD COLUMN {} text", fit.added)
        rows = _copy(conn, table, source, block, {name.lower(): name for name in known})
        _alter_columns(conn, table, "DROP COLUMN {}", fit.added)
        values = {"release_id": release.release_id, "table": block.table, "rows": block.rows}
        db.execute(conn, query("write_table"), values)
    return rows


def _alter_columns(conn: db.Connection, table: sql.Identifier, action: str, names: tuple[str, ...]) -> None:
    """Give columns that nobody knows a place for the time of the COPY: its bytes are passed on as they are."""
    if names:
        actions = sql.SQL(", ").join(sql.SQL(action).format(sql.Identifier(name)) for name in names)
        db.execute(conn, sql.SQL("ALTER TABLE {} {}").format(table, actions))


def _copy(
    conn: db.Connection, table: sql.Identifier, source: Source, block: Block, names: Mapping[str, str]
) -> int:
    """Copy a block; `names` are the table's columns by their lower-case names.

    FREEZE: a reader whose transaction is older than the load must find the rows after the swap.
    """
    columns = sql.SQL(", ").join(sql.Identifier(names.get(name, name)) for name in block.columns)
    statement = sql.SQL("COPY {} ({}) FROM STDIN WITH ({}, FREEZE)").format(
        table, columns, sql.SQL(block.copy_options)
    )
    with conn.cursor() as cursor:
        try:
            cursor.copy_expert(statement, block, size=CHUNK)
        except psycopg2.Error as exc:
            if block.error is not None:
                raise block.error from None
            raise _copy_error(exc, source, block) from exc
        if cursor.rowcount != block.rows:
            raise FatalError(
                f"{source.label}: table {block.table}: {cursor.rowcount:,} of {block.rows:,} rows arrived"
            )
        return int(cursor.rowcount)


def _copy_error(exc: psycopg2.Error, source: Source, block: Block) -> Exception:
    """Say which row of which table a value error is about."""
    if (exc.pgcode or "")[:2] not in ("22", "23", "42"):
        return db.map_error(exc)
    line = re.search(r"line (\d+)", exc.diag.context or "")
    where = f", row {int(line[1]):,}" if line else ""
    detail = f" ({' '.join(exc.diag.message_detail.split())})" if exc.diag.message_detail else ""
    return FatalError(f"{source.label}: table {block.table}{where}: {exc.diag.message_primary}{detail}")


def finish(conn: db.Connection, release: Release, notes: list[str]) -> None:
    """Make keys, indexes and views, and note that the release is whole.

    Raises:
        FatalError: a key stands there twice.
    """
    with db.transaction(conn):
        releases.set_search_path(conn, release.schema)
        db.execute(conn, STATEMENTS["indexes"])
        for name, statement in read_queries(VIEWS).items():
            exists = db.fetch_value(conn, "SELECT to_regclass(%(name)s)", {"name": name})
            if exists is None:
                db.execute(conn, statement)
        releases.write_loaded(conn, release, notes)
    with db.transaction(conn):
        _analyze(conn, release.schema)


def _analyze(conn: db.Connection, schema: str) -> None:
    rows = db.fetch_all(conn, query("tables"), {"schemas": [schema]})
    names = sql.SQL(", ").join(sql.Identifier(row["schema"], row["table_name"]) for row in rows)
    db.execute(conn, sql.SQL("ANALYZE {}").format(names))
