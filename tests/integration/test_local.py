"""The embedded PostgreSQL where people put it: long paths, spaces, other servers, root or not."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import psycopg2
import pytest

from shared.config import ROOT
from shared.local.postgres import EmbeddedPostgres


def version(server):
    conn = psycopg2.connect(server.url("postgres"))
    try:
        return conn.server_version // 10000
    finally:
        conn.close()


@pytest.mark.parametrize("name", ["plain", "with a space and 'quote", "long-" + "x" * 150])
def test_it_runs_from_any_path_beside_another_server(pg_server, tmp_path, name):
    server = EmbeddedPostgres(tmp_path / name)
    try:
        assert server.start() is True
        assert server.start() is False
        assert version(server) == 18
        assert server.create_database("one") is True
        assert server.create_database("one") is False
        assert pg_server.is_running()
    finally:
        server.remove()
    assert not server.data.exists()
    assert not server.sockets.exists()


def test_it_comes_back_with_its_data_after_it_was_killed(tmp_path):
    server = EmbeddedPostgres(tmp_path / "local")
    try:
        server.start()
        server.create_database("kept")
        pid = int((server.data / "postmaster.pid").read_text().split()[0])
        os.kill(pid, 9)
        deadline = time.monotonic() + 10
        while server.is_running() and time.monotonic() < deadline:
            time.sleep(0.05)  # a killed process takes a moment to go
        assert server.start() is True
        assert server.create_database("kept") is False
    finally:
        server.remove()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else; others are that somebody")
def test_an_ordinary_user_can_run_it(tmp_path):
    folder = Path("/tmp") / f"cronhouse-user-{os.getpid()}"
    folder.mkdir(mode=0o700)
    shutil.chown(folder, "nobody")
    code = (
        "import sys; from pathlib import Path; from shared.local.postgres import EmbeddedPostgres\n"
        f"server = EmbeddedPostgres(Path({str(folder)!r}) / 'local')\n"
        "server.start(); print(server.create_database('mine')); server.remove()"
    )
    try:
        said = subprocess.run(
            ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", sys.executable, "-c", code],
            cwd=ROOT, capture_output=True, text=True,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        )  # fmt: skip
        if "Permission denied" in said.stderr and "python" in said.stderr:
            pytest.fail(f"the interpreter is not readable for others here: {said.stderr}")
        assert said.stdout.strip() == "True", said.stderr
    finally:
        shutil.rmtree(folder, ignore_errors=True)
