"""backup.sh and restore.sh on a real server: whole or not at all, and the next steps are told."""

import os
import re
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from shared import db
from shared.config import ROOT, Settings

REFUSED = "the database holds"


def run(script: str, *arguments: str | Path, settings: Settings | None = None, **environ: str):
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("CRONHOUSE", "DATABASE", "PG"))}
    url = {"DATABASE_URL": settings.database_url or ""} if settings else {}
    return subprocess.run(
        [str(ROOT / "scripts" / script), *map(str, arguments)], cwd=ROOT, capture_output=True, text=True,
        timeout=120, env={**kept, "CRONHOUSE_ENV_FILE": "/dev/null", **url, **environ},
    )  # fmt: skip


def fill(conn: db.Connection) -> None:
    with db.transaction(conn):
        db.execute(conn, "SELECT retail.ensure_fact_partitions(%(day)s, %(day)s)", {"day": date(2026, 3, 1)})
        db.execute(
            conn,
            """INSERT INTO retail.fact_sales
               SELECT '2026-03-01', 1, 1, 1, 1, 'T' || n, '1', now(), 1, 1, 0, 1, now(), 1
               FROM generate_series(1, 50) AS n""",
        )


def count(settings: Settings, table: str) -> int:
    conn = db.connect(settings)
    try:
        return int(db.fetch_value(conn, f"SELECT count(*) FROM {table}"))
    finally:
        conn.close()


def only_file(folder: Path) -> Path:
    (file,) = folder.glob("*.dump")
    assert sorted(path.name for path in folder.iterdir()) == [file.name, f"{file.name}.sha256"]
    return file


def back_up(settings: Settings, folder: Path) -> Path:
    result = run("backup.sh", folder, settings=settings)
    assert result.returncode == 0, result.stderr
    return only_file(folder)


def test_backup_writes_one_whole_dump_that_only_its_owner_may_read(
    pg: Settings, conn: db.Connection, tmp_path: Path
) -> None:
    fill(conn)
    result = run("backup.sh", tmp_path / "b a c k", settings=pg)
    assert result.returncode == 0, result.stderr
    file = only_file(tmp_path / "b a c k")
    assert re.fullmatch(r"cronhouse-\d{8}T\d{6}Z\.dump", file.name)
    assert re.fullmatch(rf"{re.escape(str(file))}: \d+ entries, {file.stat().st_size} bytes\n", result.stdout)
    assert file.stat().st_mode & 0o077 == 0


def test_restore_brings_back_what_was_lost_and_takes_out_what_is_newer(
    pg: Settings, conn: db.Connection, tmp_path: Path
) -> None:
    fill(conn)
    file = back_up(pg, tmp_path / "dumps")
    with db.transaction(conn):
        db.execute(conn, "DELETE FROM retail.fact_sales")
        db.execute(conn, "CREATE SCHEMA later")
        # a view of later that hangs on a table of the dump
        db.execute(conn, "CREATE VIEW later.sales AS SELECT * FROM retail.fact_sales")
        db.execute(conn, "CREATE TABLE public.leftover (n integer)")
    conn.close()
    result = run("restore.sh", "--replace", file, settings=pg)
    assert result.returncode == 0, result.stderr
    assert "next: cronhouse migrate" in result.stdout
    assert count(pg, "retail.fact_sales") == 50
    assert count(pg, "pg_namespace WHERE nspname = 'later'") == 0
    assert count(pg, "pg_class WHERE relname = 'leftover'") == 0
    migrated = run_cli(pg, "migrate")
    assert migrated.returncode == 0, migrated.stderr


def run_cli(settings: Settings, *arguments: str):
    return subprocess.run(
        [sys.executable, "-m", "shared.cli", *arguments], cwd=ROOT, capture_output=True, text=True,
        env={**os.environ, "CRONHOUSE_ENV_FILE": "/dev/null", "DATABASE_URL": settings.database_url or ""},
    )  # fmt: skip


def test_restore_refuses_a_database_that_holds_something(
    pg: Settings, conn: db.Connection, tmp_path: Path
) -> None:
    fill(conn)
    file = back_up(pg, tmp_path)
    result = run("restore.sh", file, settings=pg)
    assert result.returncode == 1
    assert REFUSED in result.stderr and "--replace" in result.stderr
    assert count(pg, "retail.fact_sales") == 50


def test_a_dump_that_was_cut_off_is_refused(pg: Settings, conn: db.Connection, tmp_path: Path) -> None:
    """pg_restore would take it for whole: its list of contents stands at its beginning."""
    fill(conn)
    file = back_up(pg, tmp_path)
    file.write_bytes(file.read_bytes()[:-100])
    result = run("restore.sh", "--replace", file, settings=pg)
    assert result.returncode == 1
    assert "its checksum is another" in result.stderr


def test_a_restore_that_breaks_off_changes_nothing(pg: Settings, conn: db.Connection, tmp_path: Path) -> None:
    """The data is unreadable from the middle on, which shows when half of it is back."""
    with db.transaction(conn):
        db.execute(
            conn, "CREATE TABLE public.noise AS SELECT md5(n::text) FROM generate_series(1, 100000) AS n"
        )  # nearly all of the file
    file = back_up(pg, tmp_path)
    body = bytearray(file.read_bytes())
    middle = len(body) // 2
    body[middle : middle + 100_000] = bytes(100_000)
    file.write_bytes(body)
    file.with_name(f"{file.name}.sha256").unlink()
    conn.close()
    result = run("restore.sh", "--replace", file, settings=pg)
    assert result.returncode == 1
    assert "whether the dump is whole cannot be told" in result.stderr
    assert "not restored; the database is as it was" in result.stderr
    assert count(pg, "public.noise") == 100_000


def test_a_file_that_is_no_dump_is_refused(pg: Settings, tmp_path: Path) -> None:
    (tmp_path / "x.dump").write_text("hello")
    result = run("restore.sh", "--replace", tmp_path / "x.dump", settings=pg)
    assert result.returncode == 1
    assert "is no dump" in result.stderr
    assert run("restore.sh", tmp_path / "none.dump", settings=pg).returncode == 1


def test_a_table_in_use_ends_the_restore_soon(pg: Settings, conn: db.Connection, tmp_path: Path) -> None:
    fill(conn)
    file = back_up(pg, tmp_path)
    db.fetch_all(conn, "SELECT count(*) FROM retail.fact_sales")  # and stays in its transaction
    result = run("restore.sh", "--replace", file, settings=pg, LOCK_TIMEOUT="200ms")
    assert result.returncode == 1
    assert "lock timeout" in result.stderr
    conn.rollback()
    assert count(pg, "retail.fact_sales") == 50


def test_keep_deletes_the_oldest_dumps_and_nothing_else(pg: Settings, tmp_path: Path) -> None:
    old = ("cronhouse-20200101T000000Z.dump", "cronhouse-20200101T000000Z.dump.sha256")
    for name in (*old, "cronhouse-20210101T000000Z.dump", "mine.dump"):
        (tmp_path / name).write_text("old")
    result = run("backup.sh", "--keep", "2", tmp_path, settings=pg)
    assert result.returncode == 0, result.stderr
    left = sorted(path.name for path in tmp_path.glob("*.dump"))
    assert not (tmp_path / old[1]).exists()
    assert left[0] == "cronhouse-20210101T000000Z.dump"
    assert left[2] == "mine.dump"
    assert len(left) == 3


def test_a_backup_that_fails_leaves_no_file(pg: Settings, tmp_path: Path) -> None:
    away = (pg.database_url or "").replace("/test_", "/gone_")
    result = run("backup.sh", tmp_path / "dumps", DATABASE_URL=away)
    assert result.returncode == 1
    assert "pg_dump failed" in result.stderr
    assert list((tmp_path / "dumps").iterdir()) == []


def test_the_embedded_server_that_is_down_is_told(tmp_path: Path) -> None:
    result = run("backup.sh", tmp_path / "dumps", CRONHOUSE_LOCAL_DIR=str(tmp_path / "local"))
    assert result.returncode == 2
    assert "cronhouse local up" in result.stderr


def test_the_password_is_not_in_the_command_line(tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, "scripts/database_target.py"], cwd=ROOT, capture_output=True, text=True,
        env={"DATABASE_URL": "postgresql://u@h:5433/d?sslmode=require", "DATABASE_PASSWORD": "p@ss/w:rd",
             "CRONHOUSE_ENV_FILE": "/dev/null", "CRONHOUSE_LOCAL_DIR": str(tmp_path)},
    )  # fmt: skip
    _, url, password = result.stdout.splitlines()
    assert url == "postgresql://u@h:5433/d?sslmode=require"
    assert password == "p@ss/w:rd"


def test_compose_runs_the_programs_of_the_database_container(tmp_path: Path) -> None:
    fake = tmp_path / "docker"
    fake.write_text(
        f"#!/bin/sh\necho \"$@\" >>'{tmp_path}/asked'\n"
        'case "$*" in *--list*) echo "1; 2 3 TABLE" ;; *pg_dump*) echo dump ;; esac\ncat >/dev/null\n'
    )
    fake.chmod(0o755)
    result = run("backup.sh", "--compose", tmp_path / "dumps", COMPOSE=f"{fake} compose")
    assert result.returncode == 0, result.stderr
    asked = (tmp_path / "asked").read_text().splitlines()
    assert asked[0].startswith("compose exec -T postgres pg_dump -U postgres -d cronhouse --format=custom")
    file = only_file(tmp_path / "dumps")
    assert file.read_text() == "dump\n"
    result = run("restore.sh", "--compose", "--replace", file, COMPOSE=f"{fake} compose")
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(
    ("script", "arguments", "text"),
    [
        ("backup.sh", [], "name a folder"),
        ("backup.sh", ["--frce", "x"], "unknown option: --frce"),
        ("backup.sh", ["--keep", "0", "x"], "is not a number from 1"),
        ("backup.sh", ["x", "y"], "one folder"),
        ("backup.sh", ["x", "--keep"], ""),
        ("restore.sh", [], "name a dump"),
        ("restore.sh", ["--frce", "x"], "unknown option: --frce"),
        ("restore.sh", ["x", "y"], "one file"),
    ],
)
def test_wrong_usage_is_exit_2(script: str, arguments: list[str], text: str) -> None:
    result = run(script, *arguments)
    assert result.returncode == 2
    assert text in result.stderr


@pytest.mark.parametrize("script", ["backup.sh", "restore.sh"])
def test_help_is_exit_0(script: str) -> None:
    result = run(script, "--help")
    assert result.returncode == 0
    assert result.stdout.startswith(f"usage: scripts/{script}")
