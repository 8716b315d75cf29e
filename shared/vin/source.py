"""Rows of a release for the compiler: as text, the way COPY writes them."""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from tempfile import TemporaryFile
from typing import IO, Protocol

from psycopg2 import sql

from shared import db

_ESCAPE = re.compile(r"\\(.)")
_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_BLOCK = 1 << 14  # bytes of COPY text at a time: what becomes of them stays in the processor's cache
MARK_END = "\x1f"  # between the marks of a cell of valid characters
_EPOCH = date(1970, 1, 1).toordinal()

Row = tuple[str | None, ...]
Column = Sequence[str | None]


class Source(Protocol):
    """What the compiler reads."""

    def batches(self, table: str, columns: Sequence[str]) -> Iterator[Sequence[Column]]:
        """Give the rows of a table, a batch at a time, by its columns: that is quick where rows are many.

        Values are text in PostgreSQL's COPY spelling, None for null. Nothing for a table that the release lacks.
        """
        ...

    def rows(self, table: str, columns: Sequence[str]) -> Iterator[Row]:
        """Give the rows of a table one by one."""
        for batch in self.batches(table, columns):
            yield from zip(*batch, strict=True)

    def valid_chars(self) -> Iterator[Row]:
        """Give (wmi, year, marks) of `wmiyearvalidchars`: the marks of many rows, MARK_END between.

        A mark is the position and then the character. A manufacturer code and year may come more than once.
        """
        rows = self.rows("wmiyearvalidchars", ("wmi", "year", "position", "char"))
        for (wmi, year), of_cell in groupby(rows, key=itemgetter(0, 1)):
            yield wmi, year, MARK_END.join(f"{position}{char}" for _, _, position, char in of_cell)


class SchemaSource(Source):
    """Reads a schema of the database, one COPY a table; flat memory."""

    def __init__(self, conn: db.Connection, schema: str) -> None:
        self.conn, self.schema = conn, schema

    def batches(self, table: str, columns: Sequence[str]) -> Iterator[Sequence[Column]]:
        """Give the rows of a table by columns, nothing for one that the release lacks."""
        names = sql.SQL(", ").join(map(sql.Identifier, columns))
        query = sql.SQL("SELECT {} FROM {}").format(names, self._address(table))
        return self._copy(table, query, len(columns))

    def valid_chars(self) -> Iterator[Row]:
        """Give the valid characters, gathered by the database: it has nine million rows of them."""
        table = "wmiyearvalidchars"
        gather = sql.SQL("SELECT wmi, year, string_agg(position || char, {}) FROM {} GROUP BY wmi, year")
        query = gather.format(sql.Literal(MARK_END), self._address(table))
        for batch in self._copy(table, query, 3):
            yield from zip(*batch, strict=True)

    def _address(self, table: str) -> sql.Identifier:
        return sql.Identifier(self.schema, table)

    def _copy(self, table: str, query: sql.Composed, width: int) -> Iterator[Sequence[Column]]:
        """Copy through a spool file, as the driver only pushes."""
        address = self._address(table).as_string(self.conn)
        if db.fetch_value(self.conn, "SELECT to_regclass(%(table)s)", {"table": address}) is None:
            return
        with TemporaryFile() as spool, self.conn.cursor() as cursor, db.mapped_errors():
            cursor.copy_expert(sql.SQL("COPY ({}) TO STDOUT").format(query), spool)
            spool.seek(0)
            yield from split_copy(whole_lines(spool), width)


def whole_lines(file: IO[bytes]) -> Iterator[bytes]:
    """Give the lines of a file, many at a time."""
    while block := file.read(_BLOCK):
        yield block + file.readline()


def split_copy(
    blocks: Iterable[bytes], width: int, picked: Sequence[int] | None = None
) -> Iterator[Sequence[Column]]:
    """Split COPY text of so many columns, blocks of whole lines, into batches by columns, all or the picked ones."""
    for block in blocks:
        lines = block.decode().removesuffix("\n")
        values = lines.replace("\n", "\t").split("\t")
        step = width or 1  # a row without columns is an empty line
        columns = [values[start::step] for start in (range(step) if picked is None else picked)]
        yield [_unescaped(column) for column in columns] if "\\" in lines else columns


def _unescaped(column: Sequence[str]) -> Column:
    return [value if "\\" not in value else unescape(value) for value in column]


def unescape(value: str) -> str | None:
    """Undo COPY's escapes; `\\N` is null."""
    if value == "\\N":
        return None
    return _ESCAPE.sub(lambda found: _ESCAPES.get(found[1], found[1]), value)


def microseconds(text: str | None) -> int | None:
    """Return a timestamp as microseconds since 1970; fast, for millions of them."""
    if text is None:
        return None
    return _minute(text[:16]) + round(float(text[17:26]) * 1e6)  # a double holds eight digits and more


@lru_cache(maxsize=50_000)
def _minute(text: str) -> int:
    day = date.fromisoformat(text[:10]).toordinal() - _EPOCH
    return ((day * 24 + int(text[11:13])) * 60 + int(text[14:16])) * 60_000_000


def changed(created: str | None, updated: str | None) -> int | None:
    """Return when a row changed last: `updatedon`, else `createdon`."""
    return microseconds(updated or created)
