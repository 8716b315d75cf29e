"""The check scripts: one line, exit 0 good, 1 bad, 2 cannot tell; with fake commands and with real ones."""

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from shared import db
from shared.config import ROOT, Settings

SCRIPTS = ("check_pipeline_health", "check_job", "check_api", "check_database", "check_store")
REAL = f"{sys.executable} -m shared.cli"


def run(script: str, *arguments: str, folder: Path = ROOT / "scripts", **environ: str):
    command = [str(folder / f"{script}.sh"), *arguments]
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("CRONHOUSE", "DATABASE", "GATEWAY"))}
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=60,
        env={**kept, "CRONHOUSE_ENV_FILE": "/dev/null", **environ},
    )  # fmt: skip


@pytest.fixture
def fake(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a script in a folder without .venv, where a fake `cronhouse` is first on PATH."""
    folder, commands = tmp_path / "checkout" / "scripts", tmp_path / "bin"
    commands.mkdir()
    shutil.copytree(ROOT / "scripts", folder)

    def call(script: str, *arguments: str, says: str, code: int = 0, **environ: str):
        body = f"#!/bin/sh\necho \"$@\" >'{tmp_path}/asked'\ncat <<'TEXT'\n{says}\nTEXT\nexit {code}\n"
        (commands / "cronhouse").write_text(body)
        (commands / "cronhouse").chmod(0o755)
        path = f"{commands}:{os.environ['PATH']}"
        result = run(script, *arguments, folder=folder, PATH=path, **environ)
        result.asked = (tmp_path / "asked").read_text().strip()  # type: ignore[attr-defined]
        return result

    return call


# --- every script ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("script", SCRIPTS)
def test_help_and_unknown_options(script: str) -> None:
    said = run(script, "--help")
    assert said.returncode == 0 and said.stdout.startswith("usage: ")
    said = run(script, "--frce")
    assert said.returncode == 2 and "--frce" in said.stderr and "usage" in said.stderr


@pytest.mark.parametrize("script", SCRIPTS)
def test_sourcing_runs_nothing(script: str) -> None:
    said = subprocess.run(
        ["bash", "-c", f"source scripts/{script}.sh"], cwd=ROOT, capture_output=True, text=True
    )
    assert (said.returncode, said.stdout, said.stderr) == (0, "", "")


def test_without_the_command_it_cannot_tell(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts")
    said = run("check_pipeline_health", folder=tmp_path / "scripts", PATH="/usr/bin:/bin")
    assert said.returncode == 2
    assert said.stdout.startswith("cannot tell: no cronhouse command")


# --- with a fake command -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("says", "code", "expected", "line"),
    [
        ("good: 5 jobs, none is late", 0, 0, "good: 5 jobs, none is late"),
        ("bad: retail_ingest is late", 1, 1, "bad: retail_ingest is late"),
        ("cannot tell: no database", 2, 2, "cannot tell: no database"),
        ('service "maintenance" is not running', 1, 2, 'cannot tell: service "maintenance" is not running'),
        ("Traceback\n  File ...\nKeyError: 'x'", 1, 2, "cannot tell: KeyError: 'x'"),
    ],
)
def test_the_verdict_of_check_is_passed_on(fake, says: str, code: int, expected: int, line: str) -> None:
    result = fake("check_pipeline_health", says=says, code=code)
    assert (result.returncode, result.stdout) == (expected, line + "\n")
    assert result.asked == "check"


def test_check_job_passes_name_and_age(fake) -> None:
    assert fake("check_job", "retail_ingest", says="good: x").asked == "check retail_ingest"
    assert fake("check_job", "retail", "26h", says="good: x").asked == "check retail --max-age 26h"
    assert run("check_job").returncode == 2
    assert run("check_job", "a", "b", "c").returncode == 2


@pytest.mark.parametrize(
    ("says", "code", "expected", "line"),
    [
        (
            "good  database  PostgreSQL 18.1\ngood  database  clock agrees",
            0,
            0,
            "good: PostgreSQL 18.1; clock agrees",
        ),
        ("good  database  PostgreSQL 18.1\nBAD   database  not applied: 3", 1, 1, "bad: not applied: 3"),
        ("no such container", 1, 2, "cannot tell: no such container"),
    ],
)
def test_the_findings_of_doctor_become_one_line(fake, says: str, code: int, expected: int, line: str) -> None:
    result = fake("check_database", says=says, code=code)
    assert (result.returncode, result.stdout) == (expected, line + "\n")
    assert result.asked == "doctor --only database"
    assert fake("check_store", says="good  store  fine").asked == "doctor --only store"


def test_a_command_that_hangs_is_not_waited_for(tmp_path: Path) -> None:
    slow = tmp_path / "slow"
    slow.write_text("#!/bin/sh\nexec sleep 30\n")
    slow.chmod(0o755)
    said = run("check_job", "x", CRONHOUSE=f"{slow} --flag", TIMEOUT_SECONDS="0.2")
    assert (said.returncode, said.stdout) == (
        2,
        f"cannot tell: no answer of `{slow} --flag check x` within 0.2 s\n",
    )


# --- over HTTP ---------------------------------------------------------------------------------------------


@pytest.fixture
def api() -> Iterator[tuple[str, dict[str, tuple[int, str]]]]:
    """A web server that answers what the test says."""
    answers: dict[str, tuple[int, str]] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = answers.get(self.path, (404, ""))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *arguments: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", answers
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("status", "body", "expected", "line"),
    [
        (200, '{"status": "ready", "reasons": []}', 0, "good: ready, no job is late"),
        (200, '{"reasons": ["job a is late", "x [1]"], "status": "degraded"}', 1,
         "bad: degraded: job a is late; x [1]"),
        (503, '{"reasons": ["the database cannot be reached"], "status": "not ready"}', 1,
         "bad: not ready: the database cannot be reached"),
        (200, "<html>", 2, "cannot tell: {url}/ready does not answer like Cronhouse"),
    ],
)  # fmt: skip
def test_the_whole_house_over_http(api, status: int, body: str, expected: int, line: str) -> None:
    url, answers = api
    answers["/ready"] = (status, body)
    said = run("check_pipeline_health", CRONHOUSE_URL=url + "/", PYTHON=sys.executable)
    assert (said.returncode, said.stdout) == (expected, line.format(url=url) + "\n")


def test_an_api_that_is_away(api) -> None:
    said = run("check_pipeline_health", CRONHOUSE_URL="http://127.0.0.1:1")
    assert said.returncode == 2 and said.stdout.startswith("cannot tell: http://127.0.0.1:1/ready: ")
    said = run("check_api", "http://127.0.0.1:1")
    assert said.returncode == 1 and said.stdout.startswith("bad: http://127.0.0.1:1/health does not answer")
    assert run("check_api", "http://no-such-host.invalid").returncode == 2


def test_an_api_that_answers(api) -> None:
    url, answers = api
    answers["/health"] = (200, "{}")
    said = run("check_api", CRONHOUSE_URL=url)
    assert said.returncode == 0 and said.stdout.startswith(f"good: {url}/health answers in 0.")
    answers["/health"] = (502, "")
    said = run("check_api", url)
    assert (said.returncode, said.stdout) == (1, f"bad: {url}/health answers 502\n")


# --- with the real command and a real database --------------------------------------------------------------


@pytest.fixture
def house(pg: Settings) -> dict[str, str]:
    return {
        "CRONHOUSE": REAL,
        "DATABASE_URL": pg.database_url or "",
        "CRONHOUSE_LOCAL_DIR": str(pg.local_dir),
    }


def add_run(settings: Settings, job: str, age: timedelta) -> None:
    conn = db.connect(settings, autocommit=True)
    db.execute(
        conn,
        "INSERT INTO ops.job_run "
        "(workflow, job, service, logical_date, status, started_at, finished_at, host, pid) "
        "VALUES ('retail', %(job)s, 'ingestion', '2026-03-01', 'succeeded', %(at)s, %(at)s, 'h', 1)",
        {"job": job, "at": datetime.now(UTC) - age},
    )
    conn.close()


def test_a_fresh_house_is_well(house: dict[str, str]) -> None:
    said = run("check_pipeline_health", **house)
    assert said.returncode == 0, said.stdout + said.stderr
    assert said.stdout.startswith("good: ")
    assert len(said.stdout.splitlines()) == 1


def test_a_job_that_succeeded_lately_and_one_that_did_not(pg: Settings, house: dict[str, str]) -> None:
    add_run(pg, "retail_ingest", timedelta(hours=3))
    said = run("check_job", "retail_ingest", **house)
    assert (said.returncode, said.stdout) == (0, "good: retail_ingest succeeded 3 h ago for 2026-03-01\n")
    assert run("check_job", "retail_ingest", "1h", **house).returncode == 1
    said = run("check_job", "no_such_job", **house)
    assert said.returncode == 2 and said.stdout.startswith("cannot tell: no workflow file has a job")


def test_the_database_and_the_store(house: dict[str, str]) -> None:
    said = run("check_database", **house)
    assert said.returncode == 0 and said.stdout.startswith("good: PostgreSQL "), said.stdout
    said = run("check_store", **house)
    assert said.returncode == 0 and "written, read and deleted" in said.stdout
    said = run("check_database", **house | {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nowhere"})
    assert said.returncode == 1 and said.stdout.startswith("bad: cannot connect to PostgreSQL")
    said = run("check_store", **house, OBJECT_STORE_URL="file:///proc/nothing")
    assert said.returncode == 1 and said.stdout.startswith("bad: OBJECT_STORE_URL")
