"""Rows of a release for the compiler: as text, the way COPY writes them."""

import re
from collections.abc import Iterator, Sequence
from datetime import date
from functools import lru_cache
from typing import IO, Protocol

from psycopg2 import sql

from shared import db

_ESCAPE = re.compile(r"\\(.)")
_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_SPOOL = 8 << 20  # bytes in memory before a file is used
_EPOCH = date(1970, 1, 1).toordinal()

Row = tuple[str | None, ...]


class Source(Protocol):
    """What the compiler reads."""

    def rows(self, table: str, columns: Sequence[str]) -> Iterator[Row]:
        """Give the rows of a table, values as text in PostgreSQL's COPY spelling, None for null.

        Nothing for a table that the release lacks.
        """
        ...


class SchemaSource:
    """Reads a schema of the database, one COPY a table; flat memory."""

    def __init__(self, conn: db.Connection, schema: str) -> None:
        self.conn, self.schema = conn, schema

    def rows(self, table: str, columns: Sequence[str]) -> Iterator[Row]:
        """Give the rows of a table, nothing for one that the release lacks."""
        address = sql.Identifier(self.schema, table).as_string(self.conn)
        if db.fetch_value(self.conn, "SELECT to_regclass(%(table)s)", {"table": address}) is None:
            return
        names = sql.SQL(", ").join(map(sql.Identifier, columns))
        query = sql.SQL("SELECT {} FROM {}").format(names, sql.Identifier(self.schema, table))
        yield from copy_rows(_copy_lines(self.conn, query))


def _copy_lines(conn: db.Connection, query: sql.Composed) -> Iterator[bytes]:
    """Give the lines of a COPY through a spool file: the driver only pushes."""
    from tempfile import SpooledTemporaryFile

    with SpooledTemporaryFile(max_size=_SPOOL) as spool, conn.cursor() as cursor, db.mapped_errors():
        cursor.copy_expert(sql.SQL("COPY ({}) TO STDOUT").format(query), spool)
        spool.seek(0)
        yield from spool


def copy_rows(lines: Iterator[bytes] | IO[bytes], picked: Sequence[int] | None = None) -> Iterator[Row]:
    """Split lines of COPY text into values, all or the picked columns."""
    for line in lines:
        values: Sequence[str] = line.decode().rstrip("\n").split("\t")
        if picked is not None:
            values = [values[number] for number in picked]
        if b"\\" in line:
            yield tuple([unescape(value) if "\\" in value else value for value in values])
        else:
            yield tuple(values)


def unescape(value: str) -> str | None:
    """Undo COPY's escapes; `\\N` is null."""
    if value == "\\N":
        return None
    return _ESCAPE.sub(lambda found: _ESCAPES.get(found[1], found[1]), value)


def microseconds(text: str | None) -> int | None:
    """Return a timestamp as microseconds since 1970; fast, for millions of them."""
    if text is None:
        return None
    fraction = int(text[20:26].ljust(6, "0")) if len(text) > 20 else 0
    return _minute(text[:16]) + int(text[17:19]) * 1_000_000 + fraction


@lru_cache(maxsize=50_000)
def _minute(text: str) -> int:
    day = date.fromisoformat(text[:10]).toordinal() - _EPOCH
    return ((day * 24 + int(text[11:13])) * 60 + int(text[14:16])) * 60_000_000


def changed(created: str | None, updated: str | None) -> int | None:
    """Return when a row changed last: `updatedon`, else `createdon`."""
    return microseconds(updated or created)
