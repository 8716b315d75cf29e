"""tests/compose/run.sh where there is nothing to run: it says so in one line and is no failure."""

import os
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[1] / "compose" / "run.sh"


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    known = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "PYTHON": sys.executable, **environment}
    return subprocess.run([str(SCRIPT), *arguments], capture_output=True, text=True, env=known, timeout=60)


def commands(folder: Path, **bodies: str) -> str:
    """Make stand-ins for commands and return a PATH that finds them first."""
    for name, body in bodies.items():
        path = folder / name
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


def test_switched_off() -> None:
    result = run(CRONHOUSE_COMPOSE_TEST="0")
    assert result.returncode == 0
    assert result.stdout.splitlines() == [
        "compose test: switched off by CRONHOUSE_COMPOSE_TEST=0; nothing was tested"
    ]


def test_no_engine_and_not_root(tmp_path: Path) -> None:
    result = run(PATH=commands(tmp_path, docker="exit 1", id="echo 1000"))
    assert result.returncode == 0
    assert len(result.stdout.splitlines()) == 1
    assert "no Docker engine answers" in result.stdout


def test_an_engine_that_will_not_start_is_named(tmp_path: Path) -> None:
    broken = 'echo "level=fatal msg=\\"no cgroups here\\"" >&2; exit 1'
    path = commands(tmp_path, docker="exit 1", id="echo 0", dockerd=broken)
    result = run(PATH=path)
    assert result.returncode == 0
    assert ("no cgroups here" in result.stdout) == Path("/etc/debian_version").exists()
    assert "nothing was tested" in result.stdout.splitlines()[-1]


def test_a_python_without_pytest_is_a_mistake(tmp_path: Path) -> None:
    path = commands(tmp_path, python="exit 1")
    result = run(PATH=path, PYTHON=str(tmp_path / "python"))
    assert result.returncode == 2
    assert "has no pytest" in result.stderr


def test_help_and_unknown_option() -> None:
    assert "CRONHOUSE_COMPOSE_TEST" in run("--help").stdout
    result = run("--kep")
    assert result.returncode == 2
    assert "unknown option: --kep" in result.stderr
