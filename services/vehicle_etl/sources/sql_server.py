"""vPIC on a SQL Server, restored from NHTSA's VPICList_lite backup, read through ODBC.

Works with FreeTDS and with Microsoft's driver. One cursor is open at a time (no MARS), rows come in batches in the
order of their key, and nothing but plain SELECTs is asked, so that any ODBC source with these tables will do.
"""

import re
from collections.abc import Collection, Iterator
from typing import Any

from services.vehicle_etl.sources import NotNewer, Wanted, odbc
from services.vehicle_etl.sources.odbc_rows import Rows
from shared.config import Settings, read_secret
from shared.errors import ConfigError, FatalError

_RELEASE = re.compile(r"20\d\d_(?:0[1-9]|1[0-2])(?!\d)")
# Tables that tell when the data last changed, for a database whose name and backup do not say which release it is.
_CHANGING = ("wmi", "pattern", "model", "make")
_BACKUP = """
    SELECT TOP 1 m.physical_device_name
    FROM msdb.dbo.restorehistory AS r
    JOIN msdb.dbo.backupset AS s ON s.backup_set_id = r.backup_set_id
    JOIN msdb.dbo.backupmediafamily AS m ON m.media_set_id = s.media_set_id
    WHERE r.destination_database_name = DB_NAME()
    ORDER BY r.restore_date DESC
"""


def open_sql_server(settings: Settings, wanted: Wanted) -> "SqlServer | NotNewer":
    """Connect to the database of MSSQL_SOURCE_CONNECTION."""
    text = settings.environ.get("MSSQL_SOURCE_CONNECTION")
    if not text:
        raise ConfigError(
            "MSSQL_SOURCE_CONNECTION is not set: the source `mssql` needs it, such as "
            "Driver={FreeTDS};Server=localhost;Port=1433;Database=vPICList_Lite1;UID=reader;TDS_Version=7.4"
        )
    source = SqlServer(text, read_secret(settings, "MSSQL_SOURCE_PASSWORD"))
    if not wanted(source.release):
        source.close()
        return NotNewer(source.release)
    return source


class SqlServer:
    """A restored release. `label` is server and database, without user and password."""

    is_resumable = True

    def __init__(self, connection: str, password: str | None) -> None:
        self.label = odbc.label_of(connection)
        self._conn = odbc.connect(connection, password, self.label)
        try:
            self._quote = self._conn.getinfo(odbc.pyodbc().SQL_IDENTIFIER_QUOTE_CHAR).strip() or '"'
            self.tables = self._read_tables()
            self.release = self._find_release(connection)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the connection, also a broken one."""
        try:
            self._conn.close()
        except odbc.pyodbc().Error:
            return

    def blocks(self, done: Collection[str]) -> Iterator[Rows]:
        """Yield the tables that are not done, in the order of their names."""
        for name, (schema, table, columns) in sorted(self.tables.items()):
            if name not in done:
                rows = Rows(self, name, schema, table, columns)
                yield rows
                rows.close()

    def execute(self, statement: str, *values: Any) -> Any:
        """Run a statement and return its cursor, which the caller closes.

        Raises:
            TransientError: the connection was cut.
            FatalError: the statement was refused.
        """
        cursor = self._conn.cursor()
        try:
            return cursor.execute(statement, *values)
        except odbc.pyodbc().Error as exc:
            raise odbc.map_error(exc, self.label) from exc

    def fetch(self, statement: str, *values: Any) -> list[Any]:
        """Run a statement and return all of its rows: for small answers."""
        cursor = self.execute(statement, *values)
        try:
            return list(cursor.fetchall())
        except odbc.pyodbc().Error as exc:
            raise odbc.map_error(exc, self.label) from exc
        finally:
            cursor.close()

    def quoted(self, *names: str) -> str:
        """Quote a name as this source does, parts with a point between them."""
        quote = self._quote
        return ".".join(f"{quote}{name.replace(quote, quote * 2)}{quote}" for name in names)

    def _read_tables(self) -> dict[str, tuple[str, str, list[str]]]:
        """Return schema, name and columns of vPIC's tables, by lower-case name."""
        rows = self.fetch(
            "SELECT c.TABLE_SCHEMA, c.TABLE_NAME, c.COLUMN_NAME FROM INFORMATION_SCHEMA.COLUMNS AS c "
            "JOIN INFORMATION_SCHEMA.TABLES AS t ON t.TABLE_SCHEMA = c.TABLE_SCHEMA AND t.TABLE_NAME = c.TABLE_NAME "
            "WHERE t.TABLE_TYPE = 'BASE TABLE' ORDER BY c.TABLE_SCHEMA, c.TABLE_NAME, c.ORDINAL_POSITION"
        )
        by_schema: dict[str, dict[str, tuple[str, str, list[str]]]] = {}
        for schema, table, column in rows:
            tables = by_schema.setdefault(schema, {})
            tables.setdefault(table.lower(), (schema, table, []))[2].append(column)
        for schema in sorted(by_schema, key=lambda name: (name.lower() not in ("dbo", "vpic"), name)):
            if {"wmi", "pattern", "vinschema"} <= set(by_schema[schema]):
                return by_schema[schema]
        raise FatalError(
            f"{self.label}: has no tables of vPIC that this user may read: is it the restored database?"
        )

    def _find_release(self, connection: str) -> str:
        """Return the release that the database or its backup is named after, else the day of its newest row."""
        named = _RELEASE.search(odbc.read_parts(connection).get("database", "")) or _RELEASE.search(
            self._backup_name()
        )
        if named:
            return named[0]
        newest = []
        for name in _CHANGING:
            schema, table, columns = self.tables.get(name, ("", "", []))
            for column in columns:
                if column.lower() in ("createdon", "updatedon"):
                    query = f"SELECT MAX({self.quoted(column)}) FROM {self.quoted(schema, table)}"  # noqa: S608
                    newest += [row[0] for row in self.fetch(query) if row[0] is not None]
        if not newest:
            raise FatalError(f"{self.label}: nothing tells which release it is: is it empty?")
        return f"{max(newest):%Y_%m_%d}"

    def _backup_name(self) -> str:
        """Return the file that the database was restored from; nothing when we may not know."""
        try:
            return str(next(iter(self.fetch(_BACKUP)))[0])
        except (StopIteration, FatalError):
            self._conn.rollback()
            return ""
