"""The retailer's own PostgreSQL database: made when missing, one connection a request."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import psycopg2
import psycopg2.extras
from psycopg2 import sql
from psycopg2.extensions import connection as Connection  # noqa: N812
from psycopg2.extensions import cursor as PlainCursor  # noqa: N812
from psycopg2.extensions import make_dsn, parse_dsn

from services.retailers.settings import DIALECTS, RetailerSettings
from shared.errors import ConfigError

_SQL = Path(__file__).parent / "sql"


@lru_cache
def statement(name: str) -> str:
    """Return the text of sql/<name>.sql."""
    return (_SQL / f"{name}.sql").read_text(encoding="utf-8")


def connect(settings: RetailerSettings) -> Connection:
    """Open the retailer's database; the session thinks in the retailer's time zone."""
    conn = psycopg2.connect(_dsn(settings, dbname=settings.database), options="-c timezone=Europe/London")
    conn.cursor_factory = psycopg2.extras.RealDictCursor
    return conn


@contextmanager
def transaction(conn: Connection) -> Iterator[psycopg2.extras.RealDictCursor]:
    """Commit at the end, roll back on any exception."""
    with conn, conn.cursor() as cursor:
        yield cursor


def fetch_all(conn: Connection, name: str, params: Mapping[str, Any], **parts: sql.Composable) -> list[dict]:
    """Run sql/<name>.sql and return its rows; `parts` fill the {places} that no parameter can."""
    query = sql.SQL(statement(name)).format(**parts) if parts else statement(name)
    # RealDictCursor builds its rows in Python, three times slower than this
    with conn, conn.cursor(cursor_factory=PlainCursor) as cursor:
        cursor.execute(query, params)
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor]


def create_database(settings: RetailerSettings) -> None:
    """Create the retailer's database when it is missing.

    Raises:
        ConfigError: it is missing and the role may not create it, or the server refuses us.
    """
    try:
        connect(settings).close()
        return
    except psycopg2.OperationalError as exc:
        if not re.search(rf'database "{settings.database}" does not exist', str(exc)):
            raise ConfigError(f"RETAILER_DATABASE_URL: {str(exc).strip()}") from exc
    named = parse_dsn(settings.database_url).get("dbname", "postgres")
    conn = psycopg2.connect(_dsn(settings, dbname="postgres" if named in DIALECTS else named))
    conn.autocommit = True
    try:
        with conn.cursor() as cursor:
            cursor.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(settings.database)))
    except psycopg2.errors.DuplicateDatabase:
        pass  # another process was quicker
    except psycopg2.errors.InsufficientPrivilege as exc:
        raise ConfigError(
            f"database {settings.database} is missing and the role may not create it: create it first"
        ) from exc
    finally:
        conn.close()


def _dsn(settings: RetailerSettings, **changes: str) -> str:
    if settings.database_password:
        changes["password"] = settings.database_password
    return make_dsn(settings.database_url, **changes)
