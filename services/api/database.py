"""The API's connections: a small pool that forgets the ones a database restart has killed.

psycopg2's own pool hands out dead connections and knows neither our settings nor our errors, hence this one.
Reading happens in sessions that cannot write; a request has one connection, taken on first use.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from flask import Flask, current_app, g
from psycopg2 import sql

from shared import db
from shared.config import Settings
from shared.errors import TransientError
from shared.sql import read_queries

QUERIES = Path(__file__).parent / "queries"
STATEMENT_TIMEOUT = "20s"
BATCH_ROWS = 2000
REST_SECONDS = 1.0  # after a failed connect, later requests fail at once for this long
T = TypeVar("T")


class Pool:
    """Up to `size` connections, idle ones kept."""

    def __init__(self, settings: Settings, size: int = 12) -> None:
        self.settings = settings
        self._idle: list[db.Connection] = []
        self._free = threading.BoundedSemaphore(size)
        self._lock = threading.Lock()
        self._rest_until = 0.0

    def take(self) -> db.Connection:
        """Hand out a connection, read only and in autocommit.

        Raises:
            TransientError: all are in use, or the database is away.
        """
        if not self._free.acquire(timeout=5):
            raise TransientError("all connections of the API are in use")
        with self._lock:
            while self._idle:
                conn = self._idle.pop()
                if not conn.closed:
                    return conn
        try:
            return self._connect()
        except BaseException:
            self._free.release()
            raise

    def give(self, conn: db.Connection) -> None:
        """Take a connection back; one in the middle of something is closed."""
        try:
            if not conn.closed and (conn.info.transaction_status != 0 or not conn.autocommit):
                conn.close()
            if not conn.closed:
                with self._lock:
                    self._idle.append(conn)
        finally:
            self._free.release()

    def forget_idle(self) -> None:
        """Close the idle connections: one was found dead, the others died with it."""
        with self._lock:
            idle, self._idle = self._idle, []
        for conn in idle:
            conn.close()

    def _connect(self) -> db.Connection:
        if time.monotonic() < self._rest_until:
            raise TransientError("the database could not be reached a moment ago")
        try:
            conn = db.connect(self.settings, application_name="cronhouse:api", autocommit=True)
        except Exception:
            self._rest_until = time.monotonic() + REST_SECONDS
            raise
        self._rest_until = 0.0
        db.execute(conn, "SELECT set_config('statement_timeout', %s, false)", (STATEMENT_TIMEOUT,))
        conn.set_session(readonly=True, autocommit=True)
        return conn


def init_app(app: Flask, settings: Settings) -> None:
    """Give the app its pool; the request's connection goes back when the request ends."""
    app.extensions["pool"] = Pool(settings)
    app.teardown_appcontext(_give_back)


def query(subject: str, name: str) -> str:
    """Return the statement `name` of queries/<subject>.sql."""
    return read_queries(QUERIES / f"{subject}.sql")[name]


def fetch_all(statement: Any, params: db.Params = None) -> list[dict[str, Any]]:
    """Read rows."""
    return _once_more(lambda conn: db.fetch_all(conn, statement, params))


def fetch_one(statement: Any, params: db.Params = None) -> dict[str, Any] | None:
    """Read the first row."""
    return _once_more(lambda conn: db.fetch_one(conn, statement, params))


def fetch_value(statement: Any, params: db.Params = None) -> Any:
    """Read the first column of the first row."""
    return _once_more(lambda conn: db.fetch_value(conn, statement, params))


def read(function: Callable[[db.Connection], T]) -> T:
    """Call a function that reads through the request's connection."""
    return _once_more(function)


@contextmanager
def writing() -> Iterator[db.Connection]:
    """Open the one transaction in which a request changes something."""
    fetch_value("SELECT 1")  # a connection that died while idle is replaced here
    conn = _connection()
    conn.set_session(readonly=False, autocommit=False)
    try:
        with db.transaction(conn):
            yield conn
    finally:
        if not conn.closed:
            conn.set_session(readonly=True, autocommit=True)


def stream(statement: Any, params: db.Params) -> Iterator[list[tuple[Any, ...]]]:
    """Read rows of any number through a server-side cursor, in batches; the first holds the column names.

    It has a connection of its own, because it outlives the request's.
    """
    pool: Pool = current_app.extensions["pool"]
    if isinstance(statement, sql.Composable):
        statement = statement.as_string(_connection())
    return _stream(pool, statement, params)


def _stream(pool: Pool, statement: str, params: db.Params) -> Iterator[list[tuple[Any, ...]]]:
    conn = pool.take()
    try:
        conn.set_session(readonly=True, autocommit=False)
        with db.mapped_errors(), conn.cursor(name="export") as cursor:
            cursor.execute(statement, params)
            rows = cursor.fetchmany(BATCH_ROWS)
            yield [tuple(column.name for column in cursor.description or ())]
            while rows:
                yield rows
                rows = cursor.fetchmany(BATCH_ROWS)
    finally:
        if not conn.closed:
            conn.rollback()
            conn.set_session(readonly=True, autocommit=True)
        pool.give(conn)


def _once_more(read: Callable[[db.Connection], T]) -> T:
    """Read; once more over a new connection when the old one turns out dead."""
    conn = _connection()
    try:
        return read(conn)
    except TransientError:
        if not conn.closed:
            raise
        _give_back()
        current_app.extensions["pool"].forget_idle()
        return read(_connection())


def _connection() -> db.Connection:
    if "conn" not in g:
        g.conn = current_app.extensions["pool"].take()
    return g.conn


def _give_back(_exc: BaseException | None = None) -> None:
    conn = g.pop("conn", None)
    if conn is not None:
        current_app.extensions["pool"].give(conn)
