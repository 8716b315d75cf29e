"""The table of compiled parts in a release's schema."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from io import BytesIO
from struct import Struct
from tempfile import TemporaryFile
from typing import Any

from psycopg2 import sql

from shared import db
from shared.errors import FatalError
from shared.vin.parts import FORMAT, RELEASE, ReadParts

LIVE, PREVIOUS = "vpic", "vpic_previous"  # schemas: a swap renames the first into the second
TABLE = "vin_part"
# https://www.postgresql.org/docs/18/sql-copy.html, "Binary Format"
_COPY_HEAD, _COPY_END = b"PGCOPY\n\xff\r\n\0" + bytes(8), b"\xff\xff"
_INT16, _INT32 = Struct(">h"), Struct(">i")
_CHUNK = 1 << 18
_copy_texts: dict[str, str] = {}
_NO_RELEASE = ("42P01", "3F000")  # undefined table, undefined schema


def write_parts(conn: db.Connection, schema: str, parts: Iterable[tuple[str, bytes]]) -> int:
    """Put parts in the place of those that a schema has; return their number. Does not commit.

    Readers find the parts that were there until the commit and wait for nothing.
    """
    table = sql.Identifier(schema, TABLE)
    count = 0
    # all is read before the first row is written: one connection cannot copy in and out at once
    with TemporaryFile() as spool:
        spool.write(_COPY_HEAD)
        for name, data in parts:
            spool.write(_copy_row(name.encode(), data))
            count += 1
        spool.write(_COPY_END)
        spool.seek(0)
        with conn.cursor() as cursor:
            cursor.execute("SELECT to_regclass(%s)", (table.as_string(cursor),))
            if next(iter(cursor))[0] is None:
                _create(cursor, table)
            cursor.execute(sql.SQL("DELETE FROM {}").format(table))
            copy = sql.SQL("COPY {} (part, data) FROM STDIN (FORMAT binary)").format(table)
            cursor.copy_expert(copy, spool, size=_CHUNK)
    return count


def _create(cursor: Any, table: sql.Identifier) -> None:
    cursor.execute(sql.SQL("CREATE TABLE {} (part text PRIMARY KEY, data bytea NOT NULL)").format(table))
    # what msgpack holds is short words and numbers: packing it again only costs time at reading
    cursor.execute(sql.SQL("ALTER TABLE {} ALTER COLUMN data SET STORAGE EXTERNAL").format(table))


def _copy_row(name: bytes, data: bytes) -> bytes:
    """Return a row for a binary COPY: the number of values, and each with its length before it."""
    return b"".join((_INT16.pack(2), _INT32.pack(len(name)), name, _INT32.pack(len(data)), data))


def _copied_rows(copied: bytes) -> Iterator[tuple[str, bytes]]:
    """Give the rows of a binary COPY of parts."""
    at = len(_COPY_HEAD)
    while copied[at : at + 2] != _COPY_END:
        row = []
        at += 2
        for _ in range(2):
            (length,) = _INT32.unpack_from(copied, at)
            row.append(copied[at + 4 : at + 4 + length])
            at += 4 + length
        yield row[0].decode(), row[1]


def has_decoder(conn: db.Connection, schema: str) -> bool:
    """Tell whether a release has compiled parts that this code can read. Ends the transaction."""
    token = _token(conn, schema)
    return token is not None and token.startswith(FORMAT)


def is_outdated(conn: db.Connection, schema: str) -> bool:
    """Tell whether a release has compiled parts, and other code made them. Ends the transaction."""
    token = _token(conn, schema)
    return token is not None and not token.startswith(FORMAT)


def _token(conn: db.Connection, schema: str) -> bytes | None:
    return read_parts(conn, [RELEASE], schema).get(RELEASE)


def database_reader(connect: Callable[[], db.Connection], schema: str = LIVE) -> ReadParts:
    """Return a reader of parts that asks `connect` for a connection at each read and ends its transaction.

    Without a release it finds nothing.
    """
    return lambda parts: read_parts(connect(), parts, schema)


class ReleaseGone(FatalError):
    """The release that a reader keeps to was dropped, or compiled again."""


def release_reader(read: Callable[[Sequence[str], str], Mapping[str, bytes]]) -> ReadParts:
    """Return a reader that keeps to the release that is live at its first read, where a swap has put it too.

    `read` reads parts of a schema, as `read_parts` does. A read raises ReleaseGone when neither the live release nor
    the one before is the one that it began with.
    """
    mine: bytes | None = None
    at = LIVE

    def read_mine(parts: Sequence[str]) -> Mapping[str, bytes]:
        nonlocal mine, at
        for schema in (at, LIVE, PREVIOUS, LIVE):  # a rollback may come between two looks
            found = read([*parts, RELEASE], schema)
            token = found.get(RELEASE)
            if mine is None or token == mine:
                mine, at = token, schema
                return found
        raise ReleaseGone(
            "the release that was live at the start is gone: two others came meanwhile, or it was compiled again. "
            "Decode once more"
        )

    return read_mine


def read_parts(conn: db.Connection, parts: Sequence[str], schema: str = LIVE) -> dict[str, bytes]:
    """Read the parts that a schema has of those asked for; none without a release. Ends the transaction."""
    spool = BytesIO()
    try:
        with db.mapped_errors(), conn.cursor() as cursor:
            cursor.copy_expert(
                cursor.mogrify(_copy_text(conn, schema), {"parts": list(parts)}).decode(), spool
            )
        return dict(_copied_rows(spool.getvalue()))
    except FatalError as exc:
        if getattr(exc.__cause__, "pgcode", None) not in _NO_RELEASE:
            raise
        return {}
    finally:
        if not conn.autocommit and not conn.closed:
            conn.rollback()


def _copy_text(conn: db.Connection, schema: str) -> str:
    """Return the statement that reads parts of a schema; quoted once, for a batch reads thousands."""
    if schema not in _copy_texts:
        # a query would give the bytes as hexadecimal digits, twice as many
        copy = sql.SQL(
            "COPY (SELECT part, data FROM {} WHERE part = ANY(%(parts)s)) TO STDOUT (FORMAT binary)"
        ).format(sql.Identifier(schema, TABLE))
        _copy_texts[schema] = copy.as_string(conn)
    return _copy_texts[schema]
