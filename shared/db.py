"""PostgreSQL: connections, the one way to write, and what the driver's errors mean."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import quote
from weakref import WeakSet

import psycopg2
import psycopg2.extensions
import psycopg2.extras

from shared.config import Settings
from shared.errors import ConfigError, CronhouseError, FatalError, TransientError

Connection: TypeAlias = psycopg2.extensions.connection
Params = Mapping[str, Any] | Sequence[Any] | None

_in_transaction: "WeakSet[Connection]" = WeakSet()
_reached: set[Path] = set()  # folders whose embedded server this process has found running

# SQLSTATE classes and codes: https://www.postgresql.org/docs/18/errcodes-appendix.html
_TRANSIENT_CLASSES = ("08", "57")  # connection exception, operator intervention
_TRANSIENT_CODES = {"40001", "40P01", "55P03", "53300"}  # serialization, deadlock, lock, too many connections
_WITH_ADVICE = {
    "53100": "the database's disk is full: free space or move the tablespace, then run again",
    "53200": "the database ran out of memory",
    "57014": "the statement was cancelled or ran into its time limit",
    "42501": "the database role may not do this: run `cronhouse migrate` as the owner",
    "42P01": "a table is missing: run `cronhouse migrate`",
    "3F000": "a schema is missing: run `cronhouse migrate`",
}


def database_url(settings: Settings) -> str:
    """Return the URL of the warehouse, the embedded one when none is set.

    Raises:
        ConfigError: embedded, and the server is not running.
        TransientError: embedded, and the server that this process has reached before is gone.
    """
    if settings.database_url is not None:
        return settings.database_url
    from shared.local.postgres import EmbeddedPostgres

    server = EmbeddedPostgres(settings.local_dir)
    if not server.is_running():
        if settings.local_dir in _reached:
            raise TransientError(
                "the embedded PostgreSQL is gone: it was stopped or killed; `cronhouse local up` starts it again"
            )
        raise ConfigError(
            "DATABASE_URL is not set and the embedded PostgreSQL is not running: "
            "start it with `cronhouse local up`, or set DATABASE_URL"
        )
    _reached.add(settings.local_dir)
    return server.url("cronhouse")


def connect(
    settings: Settings,
    *,
    application_name: str = "cronhouse",
    autocommit: bool = False,
    url: str | None = None,
) -> Connection:
    """Open a connection in UTC.

    Raises:
        ConfigError: wrong password, database or role.
        TransientError: the server cannot be reached now.
    """
    options = "-c timezone=UTC -c client_min_messages=warning"
    if settings.embedded and not autocommit:
        # the embedded server may forget its last commits in a crash; a job goes on in the belief of its own
        options += " -c synchronous_commit=on"
    try:
        conn = psycopg2.connect(
            url or database_url(settings),
            application_name=application_name[:63],
            connect_timeout=10,
            options=options,
            keepalives_idle=30,
        )
    except psycopg2.OperationalError as exc:
        raise _map_connect_error(exc) from exc
    conn.autocommit = autocommit
    return conn


def _map_connect_error(exc: psycopg2.OperationalError) -> CronhouseError:
    text = _one_line(str(exc))
    for sign in ("authentication failed", "does not exist", "no password supplied", "no pg_hba.conf entry"):
        if sign in text:
            return ConfigError(f"DATABASE_URL: {text}")
    return TransientError(f"cannot connect to PostgreSQL: {text}")


def _one_line(text: str) -> str:
    """Join the lines of a message: libpq's second line is a sentence of its own, or goes on with the first's."""
    return " ".join(re.sub(r"\s*\n(?!\s*[a-z])|\s*\n(?=connection to)", "; ", text.strip()).split())


def map_error(exc: psycopg2.Error) -> CronhouseError:
    """Say what a driver error means for the run, by its SQLSTATE."""
    code = exc.pgcode or ""
    text = _one_line(exc.diag.message_primary or str(exc) or type(exc).__name__)
    advice = _WITH_ADVICE.get(code)
    message = f"PostgreSQL: {text}" + (f" ({advice})" if advice else "")
    lost = not code and isinstance(exc, psycopg2.OperationalError | psycopg2.InterfaceError)
    if lost or (code[:2] in _TRANSIENT_CLASSES and code != "57014") or code in _TRANSIENT_CODES:
        return TransientError(message)
    return FatalError(message)


@contextmanager
def mapped_errors() -> Iterator[None]:
    """Turn driver errors of the block into ours."""
    try:
        yield
    except psycopg2.Error as exc:
        raise map_error(exc) from exc


@contextmanager
def transaction(conn: Connection) -> Iterator[Connection]:
    """Commit at the end of the block, roll back on any exception; the first error survives.

    The only way to write. A block inside a block is refused: helpers never commit.
    """
    if conn.autocommit or conn in _in_transaction:
        raise ValueError("transaction() needs a connection without autocommit, and no block inside a block")
    if conn.info.transaction_status == psycopg2.extensions.TRANSACTION_STATUS_INERROR:
        conn.rollback()  # a read before the block failed
    _in_transaction.add(conn)
    try:
        with mapped_errors():
            yield conn
            conn.commit()
    except BaseException:
        if not conn.closed:
            try:
                conn.rollback()
            except psycopg2.Error:
                conn.close()
        raise
    finally:
        _in_transaction.discard(conn)


def fetch_all(conn: Connection, query: Any, params: Params = None) -> list[dict[str, Any]]:
    """Run a query and return its rows as dictionaries."""
    with mapped_errors(), conn.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as cursor:
        cursor.execute(query, params)
        return [dict(row) for row in cursor.fetchall()]


def fetch_one(conn: Connection, query: Any, params: Params = None) -> dict[str, Any] | None:
    """Run a query and return its first row, None when there is none."""
    with mapped_errors(), conn.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as cursor:
        cursor.execute(query, params)
        row = cursor.fetchone()
        return dict(row) if row is not None else None


def fetch_value(conn: Connection, query: Any, params: Params = None) -> Any:
    """Run a query and return the first column of its first row, None when there is none."""
    with mapped_errors(), conn.cursor() as cursor:
        cursor.execute(query, params)
        row = cursor.fetchone()
        return row[0] if row is not None else None


def execute(conn: Connection, query: Any, params: Params = None) -> int:
    """Run a statement and return how many rows it touched."""
    with mapped_errors(), conn.cursor() as cursor:
        cursor.execute(query, params)
        return int(cursor.rowcount)


def execute_many(conn: Connection, query: str, rows: Sequence[Sequence[Any]]) -> None:
    """Run `INSERT ... VALUES %s ...` for all rows in pages of 500."""
    if rows:
        with mapped_errors(), conn.cursor() as cursor:
            psycopg2.extras.execute_values(cursor, query, rows, page_size=500)


def socket_url(directory: str, database: str, user: str = "postgres") -> str:
    """Return the URL of a database behind a Unix socket."""
    return f"postgresql://{user}@/{database}?host={quote(directory, safe='')}"
