"""docker/entrypoint.sh with stand-ins for its commands first on the PATH."""

import os
import runpy
import signal
import subprocess
import time
from pathlib import Path

import pytest

ENTRYPOINT = Path(__file__).resolve().parents[2] / "docker" / "entrypoint.sh"

# Like the real one: each job is a process group of its own, and SIGTERM ends it only after its jobs.
SUPERCRONIC = """\
case "$*" in *-test*) grep -q . "${!#}"; exit ;; esac
echo "cron $*"
setsid bash -c 'trap "echo job heard TERM; exit 0" TERM; echo job runs; while :; do sleep 0.05; done' &
job=$!
trap 'stopping=1' TERM
while kill -0 $job 2>/dev/null; do wait $job; done
echo "cron ends, stopping=${stopping:-0}"
"""


@pytest.fixture
def commands(tmp_path: Path) -> Path:
    """A folder of stand-ins; each says how it was called."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("gunicorn", "python"):
        write(folder / name, f'echo "{name} $*"')
    write(
        folder / "cronhouse",
        'if [ "$1" = crontab ]; then echo "* * * * * job of $2"; else echo "cronhouse $*"; fi',
    )
    write(folder / "supercronic", SUPERCRONIC)
    return folder


def write(path: Path, body: str) -> None:
    path.write_text(f"#!/usr/bin/env bash\n{body}\n")
    path.chmod(0o755)


def environment(commands: Path) -> dict[str, str]:
    return {"PATH": f"{commands}:{os.environ['PATH']}", "CRONTAB": str(commands.parent / "crontab")}


def run(commands: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(ENTRYPOINT), *arguments], capture_output=True, text=True, env=environment(commands), timeout=20
    )


@pytest.mark.parametrize(
    ("role", "command"),
    [
        ("migrate", "cronhouse migrate"),
        ("api", "gunicorn -c python:services.api.gunicorn_conf services.api.app:create_app()"),
        ("themeparks", "python -m services.themeparks --host 0.0.0.0 --port 8104"),
        ("retailers", "python -m services.retailers --all --host 0.0.0.0 --ports 8101,8102,8103"),
    ],
)
def test_a_role_becomes_its_command(commands: Path, role: str, command: str) -> None:
    result = run(commands, role)
    assert (result.returncode, result.stdout.strip()) == (0, command)


def test_any_command_of_the_cli_can_be_run(commands: Path) -> None:
    assert run(commands, "cronhouse", "status", "--json").stdout.strip() == "cronhouse status --json"


@pytest.mark.parametrize("arguments", [[], ["ingest"]])
def test_an_unknown_role_prints_the_list(commands: Path, arguments: list[str]) -> None:
    result = run(commands, *arguments)
    assert result.returncode == 2
    assert f"unknown role: '{''.join(arguments)}'" in result.stderr
    assert "data-quality" in result.stderr


def test_a_container_of_jobs_runs_the_crontab_of_its_service(commands: Path) -> None:
    process = start(commands, "data-quality")
    assert (commands.parent / "crontab").read_text() == "SHELL=/bin/bash\n* * * * * job of data_quality\n"
    stop(process)


def test_sigterm_reaches_the_running_job_and_the_end_is_waited_for(commands: Path) -> None:
    said = stop(start(commands, "ingestion"))
    assert "job heard TERM" in said
    assert "cron ends, stopping=1" in said


def test_a_crontab_that_cannot_be_made_ends_the_container(commands: Path) -> None:
    write(commands / "cronhouse", 'echo "retail.yml:3: jobs: is missing" >&2; exit 2')
    result = run(commands, "ingestion")
    assert result.returncode == 2
    assert "retail.yml:3" in result.stderr


def start(commands: Path, role: str) -> subprocess.Popen[str]:
    """Start a role and wait until its job runs."""
    process = subprocess.Popen(
        [str(ENTRYPOINT), role], stdout=subprocess.PIPE, text=True, env=environment(commands)
    )
    assert process.stdout
    while "job runs" not in (line := process.stdout.readline()):
        assert line, "the role ended before its job ran"
    return process


def stop(process: subprocess.Popen[str]) -> str:
    """Send SIGTERM and return what is said until the end."""
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=20)
    assert time.monotonic() - began < 10
    assert process.returncode == 0
    return said


def test_a_spawned_worker_does_not_run_the_command_again() -> None:
    """multiprocessing runs the program's file in each worker process, under the name __mp_main__."""
    runpy.run_path(str(ENTRYPOINT.parent / "cronhouse"), run_name="__mp_main__")
