"""cronhouse init: what it makes runs at once, in a copy of this checkout."""

import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from shared import db
from shared.config import ROOT, Settings
from tests.conftest import settings_for

PARTS = ("shared", "services", "workflows", "database", "tests", "pyproject.toml", "bench", "demo")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "a checkout"
    folder.mkdir()
    ignored = shutil.ignore_patterns("__pycache__", "*.parquet", ".*")
    for name in PARTS:
        path = ROOT / name
        if path.is_dir():
            shutil.copytree(path, folder / name, ignore=ignored)
        elif path.exists():
            shutil.copy(path, folder / name)
    return folder


def call(checkout: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("CRONHOUSE", "DATABASE", "PYTHON"))}
    return subprocess.run(
        [sys.executable, *arguments], cwd=checkout, capture_output=True, text=True,
        env={**kept, "CRONHOUSE_ENV_FILE": "/dev/null", **environ},
    )  # fmt: skip


def cronhouse(checkout: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return call(checkout, "-m", "shared.cli", *arguments, **environ)


@pytest.fixture
def environ(pg_server, tmp_path: Path) -> dict[str, str]:
    """A database without any table."""
    name = f"init_{os.getpid()}_{tmp_path.name}".lower()[:60]
    pg_server.create_database(name)
    return {"DATABASE_URL": pg_server.url(name), "CRONHOUSE_LOCAL_DIR": str(tmp_path / "local")}


def query(environ: dict[str, str], text: str) -> list[dict]:
    settings: Settings = settings_for(environ["DATABASE_URL"], Path(environ["CRONHOUSE_LOCAL_DIR"]))
    conn = db.connect(settings)
    try:
        return db.fetch_all(conn, text)
    finally:
        conn.close()


def test_a_new_workflow_runs_at_once(checkout: Path, environ: dict[str, str]) -> None:
    before = {path for path in checkout.rglob("*") if path.is_file()}
    made = cronhouse(checkout, "init", "weather")
    assert made.returncode == 0, made.stderr
    listed = {line.strip() for line in made.stdout.splitlines() if line.startswith("  ") and "/" in line}
    files = {path for path in checkout.rglob("*") if path.is_file()} - before
    fresh = {str(path.relative_to(checkout)) for path in files if "__pycache__" not in path.parts}
    assert fresh == listed and "workflows/weather.yml" in fresh

    # the three commands that it prints
    commands = [line.split()[1:] for line in made.stdout.splitlines() if line.startswith("  cronhouse ")]
    assert [words[0] for words in commands] == ["migrate", "run", "status"]
    for words in (["migrate"], ["run", "weather"], ["status"], ["validate"]):
        said = cronhouse(checkout, *words, **environ)
        assert said.returncode == 0, (words, said.stdout, said.stderr)
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    assert query(environ, "SELECT DISTINCT business_date FROM weather.fact_reading") == [
        {"business_date": yesterday}
    ]
    assert len(query(environ, "SELECT 1 FROM weather.fact_reading")) == 5

    # it is there wherever workflows are
    assert "weather_transform" in cronhouse(checkout, "workflows", **environ).stdout
    assert "cronhouse run weather_ingest" in cronhouse(checkout, "crontab", "ingestion", **environ).stdout
    assert "not measured" in cronhouse(checkout, "deadletter", "show", "1", **environ).stdout
    said = cronhouse(checkout, "reconcile", "weather", **environ)
    assert said.returncode == 0 and "all balance: 7 lines" in said.stdout, said.stdout
    assert query(environ, "SELECT score FROM ops.quality_score WHERE workflow = 'weather'")[0]["score"] == 100


def test_the_test_that_it_makes_passes_and_so_does_the_linter(checkout: Path) -> None:
    assert cronhouse(checkout, "init", "river_level").returncode == 0
    said = call(
        checkout, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/integration/test_river_level.py"
    )
    assert said.returncode == 0, said.stdout
    assert "3 passed" in said.stdout
    made = [str(path) for path in checkout.rglob("*.py") if "river_level" in str(path)]
    said = call(checkout, "-m", "ruff", "check", *made)
    assert said.returncode == 0, said.stdout


def test_the_migration_can_be_taken_back(checkout: Path, environ: dict[str, str]) -> None:
    cronhouse(checkout, "init", "weather")
    cronhouse(checkout, "migrate", **environ)
    said = cronhouse(checkout, "migrate", "--rollback", "1", **environ)
    assert "weather" in said.stdout, said.stderr
    assert query(environ, "SELECT to_regnamespace('weather') AS name") == [{"name": None}]
    assert "weather" in cronhouse(checkout, "migrate", **environ).stdout


def test_nothing_is_overwritten(checkout: Path) -> None:
    theirs = checkout / "services" / "ingestion" / "weather" / "jobs.py"
    theirs.parent.mkdir()
    theirs.write_text("# mine\n")
    said = cronhouse(checkout, "init", "weather")
    assert said.returncode == 1
    assert "services/ingestion/weather/jobs.py" in said.stderr
    assert theirs.read_text() == "# mine\n"
    assert not (checkout / "workflows" / "weather.yml").exists()
    assert cronhouse(checkout, "init", "retail").returncode == 1


def test_a_name_that_cannot_be_used_is_refused(checkout: Path) -> None:
    said = cronhouse(checkout, "init", "../up")
    assert said.returncode == 2
    assert "'../up': a name has" in said.stderr and "Traceback" not in said.stderr


def test_it_reads_a_real_address_too(checkout: Path, environ: dict[str, str], tmp_path: Path) -> None:
    import threading
    from functools import partial
    from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *arguments: object) -> None: ...

    (tmp_path / "web").mkdir()
    lines = "place,observed_at,value\nmill,2026-03-02T08:00:00+01:00,1.5\n"
    (tmp_path / "web" / "readings_2026-03-02.csv").write_text(lines)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path / "web")))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    environ["WEATHER_URL"] = f"http://127.0.0.1:{server.server_port}/readings_{{date}}.csv"
    try:
        cronhouse(checkout, "init", "weather")
        cronhouse(checkout, "migrate", **environ)
        said = cronhouse(checkout, "run", "weather", "--date", "2026-03-02", **environ)
        assert said.returncode == 0, said.stdout + said.stderr
        (fact,) = query(environ, "SELECT place, observed_at::text AS at FROM weather.fact_reading")
        assert fact == {"place": "mill", "at": "2026-03-02 07:00:00+00"}
        said = cronhouse(checkout, "run", "weather", "--date", "2026-03-03", **environ)
        assert said.returncode == 1 and "readings_2026-03-03.csv" in said.stderr
    finally:
        server.shutdown()
        server.server_close()
