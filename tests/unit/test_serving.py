"""The cron of the embedded stack."""

import socket
from datetime import UTC, datetime

from shared.config import load_settings
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
