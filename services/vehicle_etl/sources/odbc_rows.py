"""The rows of one table on their way from an ODBC driver into COPY."""

import json
import re
from collections.abc import Sequence
from typing import Any, Protocol

import msgspec

from services.vehicle_etl.sources import odbc
from shared.errors import TransientError

# Some 30 KB of text: a socket takes them whole, so PostgreSQL reads them while the next ones are fetched. Larger ones
# make the driver and COPY wait for each other, and a thread that fetches ahead would wait for Python's lock instead.
BATCH_ROWS = 500
_to_json = msgspec.json.Encoder(enc_hook=tuple)  # the hook is for the driver's rows
_JSON_ESCAPE = re.compile(rb"\\(?:u[0-9a-fA-F]{4}|.)")


class OdbcSource(Protocol):
    """What rows are asked of. `label` says in messages what it is."""

    label: str

    def execute(self, statement: str, *values: Any) -> Any:
        """Run a statement and return its cursor."""

    def fetch(self, statement: str, *values: Any) -> list[Any]:
        """Run a statement and return all of its rows."""

    def quoted(self, *names: str) -> str:
        """Quote a name as the source does."""


class Rows:
    """The rows of one table as COPY takes them, a batch in memory at a time."""

    copy_options = r"FORMAT csv, NULL 'null', ESCAPE '\'"  # as render writes them

    def __init__(self, source: OdbcSource, name: str, schema: str, table: str, columns: list[str]) -> None:
        self.table, self.rows = name, 0
        self.columns = tuple(column.lower() for column in columns)
        self.error: Exception | None = None
        self._source = source
        self._select = select_of(source, schema, table, columns)
        self._expected = int(
            source.fetch(f"SELECT COUNT(*) FROM {source.quoted(schema, table)}")[0][0]  # noqa: S608
        )
        self._cursor: Any = None
        self._has_floats = self._is_over = False

    def read(self, size: int = -1) -> bytes:
        """Return the next batch; `size` is not looked at, a batch is never large."""
        try:
            rows = self._fetch()
        except Exception as exc:
            self.error = exc
            raise
        self.rows += len(rows)
        return render(_floats_as_text(rows) if self._has_floats else rows)

    def drain(self) -> None:
        """Leave the rest: nobody needs it."""
        self.close()

    def close(self) -> None:
        """Close the cursor: the driver takes one at a time."""
        self._is_over = True
        if self._cursor is not None:
            try:
                self._cursor.close()
            except odbc.pyodbc().Error:
                return

    def _fetch(self) -> Sequence[Any]:
        if self._is_over:
            return []
        try:
            if self._cursor is None:
                self._cursor = self._source.execute(self._select)
                self._has_floats = any(column[1] is float for column in self._cursor.description)
            rows: Sequence[Any] = self._cursor.fetchmany(BATCH_ROWS)
        except odbc.pyodbc().Error as exc:
            where = f"{self._source.label}: table {self.table}, after row {self.rows:,}"
            raise odbc.map_error(exc, where) from exc
        if not rows:
            self._is_over = True
            self._check_count()
        return rows

    def _check_count(self) -> None:
        if self.rows != self._expected:
            raise TransientError(
                f"{self._source.label}: table {self.table} has {self._expected:,} rows, {self.rows:,} came: "
                "it changed while it was read"
            )


def render(rows: Sequence[Any]) -> bytes:
    """Render rows as `copy_options` says: null and the empty text stay apart.

    They are JSON, an array a line, without the brackets: an encoder in C writes dates five times as fast as Python
    makes text of them. JSON has no line end inside of a line, so nothing but the brackets can be meant. What JSON
    escapes and COPY does not is put back.
    """
    if not rows:
        return b""
    text = _to_json.encode_lines(rows)[1:-2].replace(b"]\n[", b"\n") + b"\n"
    return _JSON_ESCAPE.sub(_put_back, text) if b"\\" in text else text


def _put_back(escape: re.Match[bytes]) -> bytes:
    text = escape[0]
    return text if text in (rb"\"", rb"\\") else str(json.loads(b'"%s"' % text)).encode()


def _floats_as_text(rows: Sequence[Any]) -> list[list[Any]]:
    """Write floats ourselves: what is no number would become null in JSON."""
    return [[str(value) if isinstance(value, float) else value for value in row] for row in rows]


def select_of(source: OdbcSource, schema: str, table: str, columns: list[str]) -> str:
    """Return the SELECT of a table in the order of its key: its column id, or all of them."""
    names = ", ".join(map(source.quoted, columns))
    key = [column for column in columns if column.lower() == "id"] or columns
    order = ", ".join(map(source.quoted, key))
    return f"SELECT {names} FROM {source.quoted(schema, table)} ORDER BY {order}"  # noqa: S608
