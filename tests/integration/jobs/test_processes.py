"""Runs as processes: asked to stop, and killed."""

import os
import signal
import subprocess
import sys
import time

import pytest

from shared import db
from shared.config import ROOT, load_settings
from shared.jobs import Counts
from tests.integration.conftest import DAY

SLEEPER = """
import sys
from types import ModuleType
name = "services.maintenance.probe.jobs"
package, module = ModuleType("services.maintenance.probe"), ModuleType(name)
package.__path__ = []
sys.modules.update({"services.maintenance.probe": package, name: module})
from shared import db
from shared.jobs import Counts, job
def work(run):
    with db.transaction(run.conn):
        db.execute(run.conn, "CREATE TABLE staging.half_done (n int)")
        db.execute(run.conn, "SELECT pg_sleep(120)")
    return Counts()
work.__module__ = name
job("probe_first")(work)
from shared.cli import call
sys.exit(call(["run", "probe_first", "--date", "2026-03-02"]))
"""


@pytest.fixture
def sleeper(house):
    environ = {
        **os.environ, "DATABASE_URL": house.settings.database_url, "CRONHOUSE_WORKFLOWS_DIR": str(house.folder),
        "CRONHOUSE_LOCAL_DIR": str(house.settings.local_dir),
    }  # fmt: skip
    process = subprocess.Popen([sys.executable, "-c", SLEEPER], cwd=ROOT, env=environ, stdout=subprocess.PIPE)
    _wait_until(house, "SELECT 1 FROM pg_stat_activity WHERE query LIKE '%pg_sleep(120)%' AND state = 'active' "
                       "AND pid <> pg_backend_pid() AND datname = current_database()")  # fmt: skip
    yield process
    if process.poll() is None:
        process.kill()
    process.wait()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_run_that_waits_in_the_database_can_be_stopped(house, sleeper, number):
    started = time.monotonic()
    sleeper.send_signal(number)
    assert sleeper.wait(30) == 1
    assert time.monotonic() - started < 25
    row = _one(house, "SELECT status, reason FROM ops.job_run")
    assert row["status"] == "abandoned"
    assert "SIGTERM" in row["reason"]
    assert _one(house, "SELECT to_regclass('staging.half_done') AS name")["name"] is None


def test_a_killed_run_is_marked_abandoned_at_the_next_start_and_left_nothing(house, sleeper):
    sleeper.kill()
    sleeper.wait()
    # the server notices the lost client when it next speaks to it; until then the lock is held
    _terminate_sleeping_backend(house)
    house.declare("probe_first", lambda run: Counts(written=1))
    result = house.run("probe_first", DAY)
    assert result.status == "succeeded"
    statuses = [row["status"] for row in _all(house, "SELECT status FROM ops.job_run ORDER BY run_id")]
    assert statuses == ["abandoned", "succeeded"]
    assert _one(house, "SELECT to_regclass('staging.half_done') AS name")["name"] is None


def test_the_start_of_another_date_closes_dead_runs_too(house, sleeper):
    sleeper.kill()
    sleeper.wait()
    _terminate_sleeping_backend(house)
    house.declare("probe_first", lambda run: Counts())
    house.run("probe_first", DAY.replace(day=9))
    assert [row["status"] for row in _all(house, "SELECT status FROM ops.job_run ORDER BY run_id")] == [
        "abandoned",
        "succeeded",
    ]


def test_a_start_that_does_nothing_imports_nothing_heavy(house):
    code = (
        "import sys, shared.cli.run, shared.jobs.watchdog, shared.cli.status\n"
        "heavy = {'requests', 'boto3', 'redis', 'pyarrow', 'rich', 'apprise', 'flask', 'msgspec', 'yoyo'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    said = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"


def _terminate_sleeping_backend(house):
    _all(house, "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE pid <> pg_backend_pid() "
                "AND datname = current_database()")  # fmt: skip


def _wait_until(house, query, seconds=30):
    deadline = time.monotonic() + seconds
    while not _all(house, query):
        assert time.monotonic() < deadline, f"never came true: {query}"
        time.sleep(0.1)


def _all(house, query):
    conn = db.connect(load_settings({"DATABASE_URL": house.settings.database_url}), autocommit=True)
    try:
        return db.fetch_all(conn, query)
    finally:
        conn.close()


def _one(house, query):
    return _all(house, query)[0]
