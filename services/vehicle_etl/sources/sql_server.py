"""vPIC on a SQL Server, restored from NHTSA's VPICList_lite backup, read through ODBC.

Works with FreeTDS and with Microsoft's driver. One cursor is open at a time (no MARS), rows come in batches in the
order of their key, and nothing but plain SELECTs is asked, so that any ODBC source with these tables will do.
"""

import csv
import io
import re
from collections.abc import Collection, Iterator, Sequence
from itertools import chain
from typing import Any

from services.vehicle_etl.sources import NotNewer, Wanted
from shared.config import Settings, read_secret
from shared.errors import ConfigError, CronhouseError, FatalError, TransientError

BATCH_ROWS = 5000  # the fastest of 1,000 / 5,000 / 50,000 with FreeTDS, and memory stays flat
CONNECT_SECONDS = 15
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
        self.label = _label(connection)
        self._conn = _connect(connection, password, self.label)
        try:
            self._quote = self._conn.getinfo(_odbc().SQL_IDENTIFIER_QUOTE_CHAR).strip() or '"'
            self.tables = self._read_tables()
            self.release = self._find_release(connection)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the connection, also a broken one."""
        try:
            self._conn.close()
        except _odbc().Error:
            return

    def blocks(self, done: Collection[str]) -> Iterator["Rows"]:
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
        except _odbc().Error as exc:
            raise map_error(exc, self.label) from exc

    def fetch(self, statement: str, *values: Any) -> list[Any]:
        """Run a statement and return all of its rows: for small answers."""
        cursor = self.execute(statement, *values)
        try:
            return list(cursor.fetchall())
        except _odbc().Error as exc:
            raise map_error(exc, self.label) from exc
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
        named = _RELEASE.search(_parts(connection).get("database", "")) or _RELEASE.search(
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


class Rows:
    """The rows of one table as CSV, a batch in memory at a time."""

    copy_format = "csv"

    def __init__(self, source: SqlServer, name: str, schema: str, table: str, columns: list[str]) -> None:
        self.table, self.rows = name, 0
        self.columns = tuple(column.lower() for column in columns)
        self.error: Exception | None = None
        self._source = source
        self._select = select_of(source, schema, table, columns)
        self._expected = int(
            source.fetch(f"SELECT COUNT(*) FROM {source.quoted(schema, table)}")[0][0]  # noqa: S608
        )
        self._cursor: Any = None
        self._is_over = False

    def read(self, size: int = -1) -> bytes:
        """Return the next batch; `size` is not looked at, a batch is never large."""
        try:
            rows = self._fetch()
        except Exception as exc:
            self.error = exc
            raise
        self.rows += len(rows)
        return render_csv(rows)

    def drain(self) -> None:
        """Leave the rest: nobody needs it."""
        self.close()

    def close(self) -> None:
        """Close the cursor: the driver takes one at a time."""
        self._is_over = True
        if self._cursor is not None:
            try:
                self._cursor.close()
            except _odbc().Error:
                return

    def _fetch(self) -> Sequence[Any]:
        if self._is_over:
            return []
        try:
            if self._cursor is None:
                self._cursor = self._source.execute(self._select)
            rows: Sequence[Any] = self._cursor.fetchmany(BATCH_ROWS)
        except _odbc().Error as exc:
            where = f"{self._source.label}: table {self.table}, after row {self.rows:,}"
            raise map_error(exc, where) from exc
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


def render_csv(rows: Sequence[Any]) -> bytes:
    """Render rows as PostgreSQL reads CSV: nothing for null, quotes for an empty text."""
    out = io.StringIO()
    if "" in chain.from_iterable(rows):  # the csv module writes null and empty text alike
        for row in rows:
            out.write(",".join(map(_cell, row)) + "\n")
    else:
        csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue().encode("utf-8")


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return '"' + str(value).replace('"', '""') + '"'


def select_of(source: SqlServer, schema: str, table: str, columns: list[str]) -> str:
    """Return the SELECT of a table in the order of its key: its column id, or all of them."""
    names = ", ".join(map(source.quoted, columns))
    key = [column for column in columns if column.lower() == "id"] or columns
    order = ", ".join(map(source.quoted, key))
    return f"SELECT {names} FROM {source.quoted(schema, table)} ORDER BY {order}"  # noqa: S608


def _odbc() -> Any:
    """Import pyodbc, which needs libraries of the system.

    Raises:
        ConfigError: it or they are not installed; names the packages.
    """
    try:
        import pyodbc
    except ModuleNotFoundError as exc:
        raise ConfigError("the source mssql needs the Python package pyodbc: pip install pyodbc") from exc
    except ImportError as exc:
        raise ConfigError(
            f"the source mssql needs unixODBC ({exc}): apt-get install libodbc2 tdsodbc (Debian), or "
            "Microsoft's msodbcsql18 in place of tdsodbc"
        ) from exc
    return pyodbc


def _connect(connection: str, password: str | None, label: str) -> Any:
    odbc = _odbc()
    if password is not None:
        if "pwd" in _parts(connection):
            raise ConfigError("MSSQL_SOURCE_CONNECTION holds a password and MSSQL_SOURCE_PASSWORD is set too")
        connection = f"{connection.rstrip(';')};PWD={{{password.replace('}', '}}')}}}"
    try:
        return odbc.connect(connection, timeout=CONNECT_SECONDS, readonly=True)
    except odbc.Error as exc:
        raise map_error(exc, label, is_connecting=True) from exc


def _parts(connection: str) -> dict[str, str]:
    """Split an ODBC connection string; names in lower case."""
    found = re.findall(r"\s*([^=;]+?)\s*=\s*(\{(?:[^}]|\}\})*\}|[^;]*)", connection)
    return {name.lower(): value.strip().strip("{}") for name, value in found}


def _label(connection: str) -> str:
    parts = _parts(connection)
    server = parts.get("server") or parts.get("servername") or parts.get("dsn") or "?"
    port = f":{parts['port']}" if parts.get("port") else ""
    return f"SQL Server {server}{port}/{parts.get('database', '')}"


def map_error(exc: Exception, where: str, is_connecting: bool = False) -> CronhouseError:
    """Say what an error of the driver means, by its SQLSTATE.

    States: https://learn.microsoft.com/en-us/sql/odbc/reference/appendixes/appendix-a-odbc-error-codes
    """
    state = str(exc.args[0]) if exc.args else ""
    text = " ".join(str(exc.args[1] if len(exc.args) > 1 else exc).split())
    text = re.sub(r"(?i)(pwd|password)=[^;]*", r"\1=...", text)[:300]
    if state in ("IM002", "IM003", "IM004") or "Can't open lib" in text:
        return ConfigError(
            f"{where}: the ODBC driver that MSSQL_SOURCE_CONNECTION names is not installed ({text}): "
            "apt-get install tdsodbc for FreeTDS, msodbcsql18 for Microsoft's; `odbcinst -q -d` lists what there is"
        )
    if state == "28000" or "Login failed" in text or "authentication failed" in text:
        return ConfigError(
            f"{where}: refused the login: check UID in MSSQL_SOURCE_CONNECTION and MSSQL_SOURCE_PASSWORD ({text})"
        )
    if is_connecting:
        return TransientError(f"{where}: cannot be reached ({text})")
    lost = ("08", "HYT", "40001", "57P")
    if state.startswith(lost) or re.search(
        r"(?i)connection|server closed|socket|not connected|reset|broken", text
    ):
        return TransientError(f"{where}: the connection was cut ({text})")
    return FatalError(f"{where}: {text}")
