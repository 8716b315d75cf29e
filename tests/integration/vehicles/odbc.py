"""ODBC to a PostgreSQL that plays the SQL Server: the real one where Debian's odbc-postgresql is installed, and a
stand-in for pyodbc on psycopg2 everywhere, which can be told to fail."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg2

from services.vehicle_etl.sources import odbc

SQL_IDENTIFIER_QUOTE_CHAR = 29


def connection_string(url: str) -> str:
    """Return how ODBC reaches the database of a URL with a socket."""
    parts = urlsplit(url)
    host = parse_qs(parts.query)["host"][0]
    return (
        f"Driver={{PostgreSQL Unicode}};Servername={host};Port=5432;Database={parts.path[1:]};UID=postgres;"
        "UseDeclareFetch=1;Fetch=1000;BoolsAsChar=0"
    )


def has_real_driver() -> bool:
    """Tell whether pyodbc and PostgreSQL's driver are there."""
    return "PostgreSQL Unicode" in _drivers()


def has_free_tds() -> bool:
    """Tell whether pyodbc and FreeTDS are there."""
    return "FreeTDS" in _drivers()


def _drivers() -> list[str]:
    try:
        import pyodbc
    except ImportError:
        return []
    return list(pyodbc.drivers())


class Error(Exception):
    """As pyodbc's: (SQLSTATE, text)."""


class FakeOdbc:
    """What of pyodbc is used. `fail_after` rows the connection breaks; `refuse` is raised by connect."""

    SQL_IDENTIFIER_QUOTE_CHAR = SQL_IDENTIFIER_QUOTE_CHAR
    Error = Error

    def __init__(self, fail_after: int | None = None, refuse: tuple[str, str] | None = None) -> None:
        self.fail_after, self.refuse = fail_after, refuse
        self.rows = 0
        self.statements: list[str] = []

    def connect(self, text: str, timeout: int, readonly: bool) -> "_Connection":
        if self.refuse:
            raise Error(*self.refuse)
        parts = odbc.read_parts(text)
        return _Connection(
            self, psycopg2.connect(host=parts["servername"], dbname=parts["database"], user=parts["uid"])
        )


class _Connection:
    def __init__(self, odbc: FakeOdbc, conn: Any) -> None:
        self.odbc, self.conn = odbc, conn

    def getinfo(self, what: int) -> str:
        assert what == SQL_IDENTIFIER_QUOTE_CHAR
        return '"'

    def cursor(self) -> "_Cursor":
        return _Cursor(self.odbc, self.conn.cursor())

    def rollback(self) -> None:
        self.conn.rollback()

    def close(self) -> None:
        self.conn.close()


class _Cursor:
    def __init__(self, odbc: FakeOdbc, cursor: Any) -> None:
        self.odbc, self.cursor = odbc, cursor

    @property
    def description(self) -> Any:
        return self.cursor.description

    def execute(self, statement: str) -> "_Cursor":
        self.odbc.statements.append(statement)
        try:
            self.cursor.execute(statement)
        except psycopg2.Error as exc:
            raise Error(exc.pgcode, str(exc)) from exc
        return self

    def fetchall(self) -> list[Any]:
        return self.cursor.fetchall()

    def fetchmany(self, count: int) -> list[Any]:
        if self.odbc.fail_after is not None and self.odbc.rows >= self.odbc.fail_after:
            raise Error(
                "08S01", "[08S01] [FreeTDS][SQL Server]Read from the server failed (20004) (SQLFetch)"
            )
        rows = self.cursor.fetchmany(min(count, 2))
        self.odbc.rows += len(rows)
        return rows

    def close(self) -> None:
        self.cursor.close()
