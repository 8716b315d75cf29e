"""The real subset of vPIC with its dropdowns, built once a session and only read."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.vehicle_etl.dropdowns import build_dropdowns
from shared import db
from shared.config import Settings
from shared.local.postgres import EmbeddedPostgres
from tests.conftest import settings_for
from tests.integration.vehicles_dropdowns import release

NOW = datetime(2026, 11, 20, tzinfo=UTC)  # when NHTSA's answers of tests/data/vpic were made


@pytest.fixture(scope="session")
def subset_settings(pg_server: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A database whose live release is the subset."""
    folder: Path = tmp_path_factory.mktemp("dropdowns")
    pg_server.create_database("dropdowns_subset")
    settings = settings_for(pg_server.url("dropdowns_subset"), folder, API_RATE_LIMIT="100000 per minute")
    conn = db.connect(settings)
    with db.transaction(conn):
        release.load_dump(conn, "vpic")
        build_dropdowns(conn, "vpic", NOW)
    conn.close()
    return settings


@pytest.fixture
def subset(subset_settings: Settings) -> Iterator[db.Connection]:
    """A connection to the subset, in autocommit."""
    conn = db.connect(subset_settings, autocommit=True)
    yield conn
    conn.close()
