"""A warehouse with the subset of vPIC loaded by the real job; made once a session, and only read."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from services.api.app import create_app
from shared import db
from shared.config import Settings
from shared.jobs.runner import run_job
from shared.jobs.workflows import find_job
from shared.local.postgres import EmbeddedPostgres
from tests.conftest import cloned_database, settings_for


@pytest.fixture(scope="session")
def vpic_settings(
    pg_server: EmbeddedPostgres, pg_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Settings]:
    """Settings whose database has a live release of vPIC, decoder tables included."""
    folder: Path = tmp_path_factory.mktemp("vpic")
    with cloned_database(pg_server, pg_template) as url:
        settings = settings_for(url, folder, API_RATE_LIMIT="100000 per minute")
        workflow, spec = find_job(settings, "vehicles_load")
        result = run_job(settings, workflow, replace(spec, retries=0), date(2026, 11, 20))
        assert result.status == "succeeded", result.reason
        yield settings


@pytest.fixture(scope="session")
def vpic_app(vpic_settings: Settings) -> Iterator[Flask]:
    application = create_app(vpic_settings)
    yield application
    application.extensions["pool"].forget_idle()


@pytest.fixture
def vpic(vpic_app: Flask) -> FlaskClient:
    """A client without a key, for what is open."""
    return vpic_app.test_client()


@pytest.fixture
def vpic_conn(vpic_settings: Settings) -> Iterator[db.Connection]:
    conn = db.connect(vpic_settings, autocommit=True)
    yield conn
    conn.close()
