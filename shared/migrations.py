"""Migrations: numbered `.sql` files with a `.rollback.sql` each, applied by yoyo."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from shared.config import ROOT, Settings
from shared.db import database_url
from shared.errors import FatalError

FOLDER = ROOT / "database" / "migrations"
GRANTS = ROOT / "database" / "grants.sql"


def migrate(settings: Settings, folder: Path = FOLDER) -> list[str]:
    """Apply what is not applied yet, each in its own transaction; return the names.

    Two migrations at once wait for each other.
    """
    with _backend(settings) as (backend, read):
        migrations = backend.to_apply(read(str(folder)))
        names = [migration.id for migration in migrations]
        _run(backend.apply_migrations, migrations)
    if folder == FOLDER:
        grant(settings)
    return names


def grant(settings: Settings) -> None:
    """Give the roles of `database/roles.sql` what they may do; without those roles, do nothing."""
    from shared.db import connect, execute, transaction

    conn = connect(settings, application_name="cronhouse:migrate")
    try:
        with transaction(conn):
            execute(conn, GRANTS.read_text(encoding="utf-8"))
    finally:
        conn.close()


def rollback(settings: Settings, folder: Path = FOLDER, count: int = 1) -> list[str]:
    """Take the last `count` migrations back; return their names."""
    with _backend(settings) as (backend, read):
        migrations = backend.to_rollback(read(str(folder)))[:count]
        names = [migration.id for migration in migrations]
        _run(backend.rollback_migrations, migrations)
        return names


def pending(settings: Settings, folder: Path = FOLDER) -> list[str]:
    """Name the migrations that are not applied."""
    with _backend(settings) as (backend, read):
        return [migration.id for migration in backend.to_apply(read(str(folder)))]


def _run(step: Any, migrations: Any) -> None:
    import psycopg2

    try:
        step(migrations)
    except psycopg2.Error as exc:
        raise FatalError(f"migration failed and was taken back: {' '.join(str(exc).split())}") from exc


@contextmanager
def _backend(settings: Settings) -> Iterator[Any]:
    from yoyo import get_backend, read_migrations

    from shared.db import connect

    connect(settings, application_name="cronhouse:migrate").close()  # our clear error, not yoyo's
    parts = urlsplit(database_url(settings))
    backend = get_backend(urlunsplit(parts._replace(scheme="postgresql")))
    try:
        with backend.lock():
            yield backend, read_migrations
    finally:
        backend.connection.close()
