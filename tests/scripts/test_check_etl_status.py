"""check_etl_status.sh: the verdict, the last run and the end of its log."""

import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from shared.config import ROOT, Settings, load_settings
from shared.jobs.runner import run_job
from shared.jobs.workflows import find_job

REAL = f"{sys.executable} -m shared.cli"


def run(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("CRONHOUSE", "DATABASE", "VPIC"))}
    return subprocess.run(
        [str(ROOT / "scripts" / "check_etl_status.sh"), *arguments], cwd=ROOT, capture_output=True, text=True,
        timeout=60, env={**kept, "CRONHOUSE_ENV_FILE": "/dev/null", **environ},
    )  # fmt: skip


def test_help_and_mistakes() -> None:
    assert run("--help").stdout.startswith("usage: ")
    for arguments, says in (
        (["--frce"], "--frce"),
        (["--lines", "x"], "needs a number"),
        (["a", "b"], "too many"),
    ):
        said = run(*arguments)
        assert said.returncode == 2 and says in said.stderr


def test_sourcing_runs_nothing() -> None:
    said = subprocess.run(
        ["bash", "-c", "source scripts/check_etl_status.sh"], cwd=ROOT, capture_output=True, text=True
    )
    assert (said.returncode, said.stdout, said.stderr) == (0, "", "")


@pytest.fixture
def environ(pg: Settings) -> dict[str, str]:
    return {**pg.environ, "CRONHOUSE": REAL}


def test_before_the_first_run(environ: dict[str, str]) -> None:
    said = run(**environ)
    assert said.returncode == 0 and "yet to succeed for the first time" in said.stdout


def test_after_a_run_that_failed(pg: Settings, environ: dict[str, str], tmp_path: Path) -> None:
    settings = load_settings({**pg.environ, "VPIC_SOURCE": str(tmp_path / "no.zip")})
    workflow, spec = find_job(settings, "vehicles_load")
    assert run_job(settings, workflow, spec, date(2026, 11, 20)).status == "failed"
    said = run("--lines", "1", **environ)
    lines = said.stdout.splitlines()
    assert said.returncode == 1 and lines[0].startswith("bad: ")
    assert "vehicles_load" in said.stdout and "failed" in said.stdout
    assert "there is no such file" in lines[-1]


def test_without_a_database_it_cannot_tell(tmp_path: Path) -> None:
    url = f"postgresql://nobody@/none?host={tmp_path}"
    said = run(CRONHOUSE=REAL, DATABASE_URL=url)
    assert said.returncode == 2 and said.stdout.startswith("cannot tell: ")
    assert len(said.stdout.splitlines()) == 1
