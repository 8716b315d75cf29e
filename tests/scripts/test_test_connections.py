"""test_connections.sh: a line a source and target, with the cause; with a fake command and the real one."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from shared.config import ROOT, Settings

REAL = f"{sys.executable} -m shared.cli"


def run(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    leave = ("CRONHOUSE", "DATABASE", "VPIC", "REDIS", "OBJECT", "RETAILER", "MSSQL")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(leave)}
    return subprocess.run(
        [str(ROOT / "scripts" / "test_connections.sh"), *arguments], cwd=ROOT, capture_output=True, text=True,
        timeout=60, env={**kept, "CRONHOUSE_ENV_FILE": "/dev/null", **environ},
    )  # fmt: skip


def fake(folder: Path, says: str, code: int) -> dict[str, str]:
    command = folder / "fake"
    command.write_text(f"#!/bin/sh\necho \"$@\" >'{folder}/asked'\ncat <<'TEXT'\n{says}\nTEXT\nexit {code}\n")
    command.chmod(0o755)
    return {"CRONHOUSE": str(command)}


def test_help_and_mistakes() -> None:
    assert run("--help").stdout.startswith("usage: ")
    said = run("--frce")
    assert said.returncode == 2 and "--frce" in said.stderr


def test_sourcing_runs_nothing() -> None:
    said = subprocess.run(
        ["bash", "-c", "source scripts/test_connections.sh"], cwd=ROOT, capture_output=True, text=True
    )
    assert (said.returncode, said.stdout, said.stderr) == (0, "", "")


def test_findings_become_a_line_a_target_and_a_line_a_source(tmp_path: Path) -> None:
    findings = (
        "good  database  PostgreSQL 18.1\nBAD   database  not applied: 3\nBAD   database  the clock\n"
        "good  store     written\ngood  sources   retailer_1 of retail answers\nBAD   sources   no route; sorry"
    )
    said = run(**fake(tmp_path, findings, 1))
    assert said.returncode == 1
    assert said.stdout.splitlines() == [
        "bad: database: not applied: 3; the clock",
        "good: store: written",
        "good: source: retailer_1 of retail answers",
        "bad: source: no route; sorry",
    ]
    asked = (tmp_path / "asked").read_text()
    assert asked == "doctor --only database --only store --only cache --only sources\n"


@pytest.mark.parametrize(
    ("says", "code"), [("no such container", 1), ("Traceback\nKeyError: 'x'", 2), ("", 3)]
)
def test_other_answers_are_no_verdict(tmp_path: Path, says: str, code: int) -> None:
    said = run(**fake(tmp_path, says, code))
    assert said.returncode == 2 and said.stdout.startswith("cannot tell: ")


# --- with the real command ---------------------------------------------------------------------------------


def last_line(pg: Settings, **environ: str) -> str:
    """Return what is said of the source of vehicles; the shops have no address here, which is bad too."""
    parks = {"THEMEPARKS_API_URL": "http://127.0.0.1:9/v1"}  # never the real one
    said = run(**pg.environ, CRONHOUSE=REAL, **parks, **environ)
    assert said.returncode == 1 and said.stderr == ""
    lines = said.stdout.splitlines()
    assert lines[0].startswith("good: database: PostgreSQL") and lines[1].startswith("good: store: ")
    assert all(line.startswith(("good: ", "bad: ")) for line in lines)
    return lines[-1]


def test_the_subset_answers(pg: Settings) -> None:
    assert last_line(pg) == "good: source: VPIC_SOURCE of vehicles answers"


def test_redis_and_database_away(pg: Settings, tmp_path: Path) -> None:
    url = f"postgresql://nobody@/none?host={tmp_path}"
    environ = {**pg.environ, "CRONHOUSE": REAL, "DATABASE_URL": url, "REDIS_URL": "redis://127.0.0.1:9/0"}
    environ["THEMEPARKS_API_URL"] = "http://127.0.0.1:9/v1"
    lines = run(**environ).stdout.splitlines()
    assert lines[0].startswith("bad: database: ")
    assert any(line.startswith("bad: cache: Redis does not answer") for line in lines)


@pytest.mark.parametrize(
    ("environ", "says"),
    [
        ({"VPIC_SOURCE": "/no/such.zip"}, "/no/such.zip: there is no such file"),
        ({"VPIC_SOURCE": "ftp://x/y.zip"}, "neither a path nor an http(s) address"),
        ({"VPIC_SOURCE": "http://127.0.0.1:9/x.zip"}, "cannot be reached (connection refused)"),
        ({"VPIC_SOURCE": "mssql"}, "MSSQL_SOURCE_CONNECTION is not set"),
    ],
)
def test_a_source_that_cannot_be_used_says_why(pg: Settings, environ: dict[str, str], says: str) -> None:
    line = last_line(pg, **environ)
    assert line.startswith("bad: source: ") and says in line


@pytest.fixture
def web() -> Iterator[tuple[str, list[str]]]:
    """A web server that has the release 2026_08 alone; its address and what it was asked."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            asked.append(f"{self.command} {self.path}")
            status = 403 if "secret" in self.path else 200 if "2026_08" in self.path else 404
            self.send_response(status)
            self.send_header("Content-Length", "300000000")
            self.end_headers()

        def log_message(self, *arguments: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()


def test_an_address_is_asked_and_nothing_fetched(pg: Settings, web: tuple[str, list[str]]) -> None:
    base, asked = web
    line = last_line(pg, VPIC_SOURCE=f"{base}/vpic_{{release}}.zip?token=abc")
    assert line == "good: source: VPIC_SOURCE of vehicles answers"
    assert asked[-1] == "HEAD /vpic_2026_08.zip?token=abc"
    line = last_line(pg, VPIC_SOURCE=f"{base}/vpic_1999.zip?token=abc")
    assert "nothing is there: check the address in VPIC_SOURCE" in line and "abc" not in line
    assert "refused the credentials (403)" in last_line(pg, VPIC_SOURCE=f"{base}/secret.zip")
