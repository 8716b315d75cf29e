"""The cron of the embedded stack, and a start that cannot be."""

import os
import socket
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from shared.config import ROOT, load_settings
from shared.errors import TransientError
from shared.jobs.workflows import JobSpec
from shared.local.serving import Ticker, due_between, free_port

JOBS = [
    JobSpec("daily", "w", "maintenance", "0 2 * * *"),
    JobSpec("often", "w", "maintenance", "*/5 * * * *"),
]


def at(hour, minute, second=0):
    return datetime(2026, 3, 2, hour, minute, second, tzinfo=UTC)


def test_a_job_is_due_in_its_minute_and_once():
    assert due_between(JOBS, at(1, 59, 30), at(2, 0, 0)) == ["daily", "often"]
    assert due_between(JOBS, at(2, 0, 0), at(2, 1, 0)) == []
    assert due_between(JOBS, at(2, 4, 0), at(2, 5, 0)) == ["often"]


def test_a_tick_that_comes_late_misses_nothing():
    assert due_between(JOBS, at(1, 58), at(2, 3)) == ["daily", "often"]


def test_a_taken_port_is_passed_over():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert free_port(port) > port


SERVE = ("-m", "shared.cli", "serve")
GUNICORN = ("-m", "gunicorn", "-c", "python:services.api.gunicorn_conf", "services.api.app:create_app()")


def start(command: tuple[str, ...], **environ: str) -> "subprocess.CompletedProcess[str]":
    """Start the API as somebody would, with a database that nobody asks."""
    base = {
        "PATH": os.environ["PATH"],
        "CRONHOUSE_ENV_FILE": "/dev/null",
        "DATABASE_URL": "postgresql://nobody@/x",
    }
    return subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=base | environ, text=True, capture_output=True, timeout=60
    )


def test_a_taken_port_and_a_limit_that_is_none_are_one_line_each_and_exit_2():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = start(SERVE, API_PORT=port, API_RATE_LIMIT="many")
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "configuration: API_RATE_LIMIT: 'many' is not a limit such as '600 per minute'",
        f"configuration: API_PORT: cannot listen on 127.0.0.1:{port}: another process has it; set another port",
    ]


@pytest.mark.parametrize("name", ["API_RATE_LIMIT", "API_TRUSTED_PROXIES", "API_WORKERS"])
def test_gunicorn_by_itself_ends_as_clearly(name):
    done = start(GUNICORN, **{name: "many"})
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"configuration: {name}: ")


def test_a_tick_that_cannot_be_ends_nothing_and_is_said_once(caplog):
    def broken():
        raise TransientError("cannot connect to PostgreSQL")

    ticker = Ticker(load_settings({}))
    for action in (broken, broken, lambda: None, broken):
        ticker.calmly(action)
    assert [record.getMessage() for record in caplog.records] == [
        "no job can be started: cannot connect to PostgreSQL",
        "no job can be started: cannot connect to PostgreSQL",
    ]
