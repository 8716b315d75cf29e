"""Databases for tests: one embedded server a session, a template migrated once, a clone for each test."""

import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg2
import pytest
from psycopg2 import sql

from shared import db
from shared.config import Settings, load_settings
from shared.local.postgres import EmbeddedPostgres
from shared.migrations import migrate

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def pg_server() -> Iterator[EmbeddedPostgres]:
    """A PostgreSQL of this session alone; TEST_POSTGRES_DIR is not a setting: nothing is shared."""
    folder = Path(tempfile.mkdtemp(prefix="cronhouse-test-"))
    folder.chmod(0o755)
    server = EmbeddedPostgres(folder, durable=False)
    server.start()
    yield server
    server.remove()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def pg_template(pg_server: EmbeddedPostgres) -> str:
    """A database that the real migrations made; cloned for each test."""
    pg_server.create_database("template_cronhouse")
    migrate(settings_for(pg_server.url("template_cronhouse"), Path(tempfile.gettempdir()) / "unused"))
    return "template_cronhouse"


@pytest.fixture
def pg(pg_server: EmbeddedPostgres, pg_template: str, tmp_path: Path) -> Iterator[Settings]:
    """Settings that point at a fresh migrated database and an empty object store folder."""
    with cloned_database(pg_server, pg_template) as url:
        yield settings_for(url, tmp_path)


@contextmanager
def cloned_database(server: EmbeddedPostgres, template: str) -> Iterator[str]:
    """A database like the template, dropped at the end of the block; gives its URL."""
    name = f"test_{os.getpid()}_{next(_numbers)}"
    create = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
    _admin(server, create.format(*map(sql.Identifier, (name, template))))
    try:
        yield server.url(name)
    finally:
        _admin(server, sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def conn(pg: Settings) -> Iterator[db.Connection]:
    """A connection to the test's database."""
    connection = db.connect(pg, application_name="test")
    yield connection
    connection.close()


def settings_for(url: str, folder: Path, **more: str) -> Settings:
    """Settings of a test: a database, a folder for everything else."""
    return load_settings({"DATABASE_URL": url, "CRONHOUSE_LOCAL_DIR": str(folder / "local"), **more})


def _admin(server: EmbeddedPostgres, statement: sql.Composed) -> None:
    connection = psycopg2.connect(server.url("postgres"))
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)
    finally:
        connection.close()
