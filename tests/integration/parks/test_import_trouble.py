"""Imports in trouble: files that vanish, a full disk, connections that break, processes that are killed."""

import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from services.ingestion.parks import imports, work
from services.ingestion.sources import parks_objects
from shared import db
from shared.config import ROOT
from shared.errors import FatalError, TransientError
from tests.integration.parks.conftest import FAULTY, RESORT, SAMPLE, Bench, all_rows, event, state


def test_object_that_vanished_does_not_drop_the_import(slow: Bench) -> None:
    class Vanishing:
        def totals(self, done: int, total: int) -> None:
            (slow.folder / RESORT / "2019" / "08" / "05.json.gz").unlink()

        def done(self, outcome) -> None:
            pass

    report = slow.importer(tell=Vanishing()).run(slow.begin())
    assert report.status == "COMPLETED" and report.files == 10 and "not in" in report.failed[0]
    assert slow.value("SELECT files_failed FROM parks.import_checkpoints") == 1


def test_failed_object_is_taken_when_it_is_whole(bench: Bench) -> None:
    bench.write("2019/08/01", b"")
    assert bench.run().failed and bench.issues() == {"FILE_UNREADABLE": 1}
    bench.write("2019/08/01", [event()])
    report = bench.run()
    assert report.imported == 1 and bench.value("SELECT problem FROM parks.archive_object") is None


def test_full_database_fails_the_import_and_it_can_be_resumed(slow: Bench) -> None:
    """A full disk, as the server tells of it; the second half of the files finds room again."""
    with db.transaction(slow.conn):
        db.execute(slow.conn, """
            CREATE FUNCTION parks.full() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                IF NEW.wait_minutes = 5 THEN
                    RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100';
                END IF;
                RETURN NEW; END $$""")  # fmt: skip
        db.execute(slow.conn, """CREATE TRIGGER full_disk BEFORE INSERT ON parks.ride_status_snapshots
                                 FOR EACH ROW EXECUTE FUNCTION parks.full()""")  # fmt: skip
    number = slow.begin()
    with pytest.raises(FatalError, match="disk is full"):
        slow.importer().run(number)
    row = slow.rows("SELECT * FROM parks.import_checkpoints")[0]
    assert row["status"] == "FAILED" and "disk is full" in row["problem"]
    done = slow.value("SELECT count(*) FROM parks.archive_object WHERE status = 'IMPORTED'")
    assert row["files_done"] == done == slow.value("SELECT count(*) FROM parks.ride_status_snapshots")
    slow.rows("DROP TRIGGER full_disk ON parks.ride_status_snapshots; SELECT 1")
    assert slow.importer().run(number).files == 10 - done
    assert slow.value("SELECT count(*) FROM parks.ride_status_snapshots") == 10


def test_partition_that_somebody_dropped_is_told_and_made_again(bench: Bench) -> None:
    bench.write("2019/08/01", [event()])
    bench.run()
    bench.rows("DROP TABLE parks.ride_status_snapshots_2019_08; SELECT 1")
    assert bench.run(forced=True).imported == 1


def test_restored_backup_is_harmless(slow: Bench) -> None:
    """The checkpoint is older than the data: everything is taken again, and nothing changes."""
    slow.run()
    before = slow.rows("SELECT * FROM parks.ride_status_snapshots ORDER BY recorded_at")
    with db.transaction(slow.conn):
        db.execute(slow.conn, "UPDATE parks.archive_object SET status = 'LISTED', imported_etag = NULL")
    report = slow.run()
    assert (report.files, report.imported, report.duplicates) == (10, 0, 10)
    assert slow.rows("SELECT * FROM parks.ride_status_snapshots ORDER BY recorded_at") == before


def test_object_in_other_hands_is_not_counted_twice(bench: Bench) -> None:
    """A worker that outlived its killed importer and the resumed one's meet at one object."""
    bench.write("2019/08/01", [event()])
    number, (item,) = bench.listed()
    wanted = [(item, bench.address(item.object_key))] * 2
    outcomes = work.import_objects(wanted, number, bench.settings)
    work.close()
    assert [outcome.status for outcome in outcomes] == ["IMPORTED", "SKIPPED"]
    assert bench.value("SELECT files_done FROM parks.import_checkpoints") == 1


def test_object_that_nobody_wants_any_more_is_not_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def away(fetcher: parks_objects.Fetcher, address: str, key: str) -> tuple[bytes, str | None]:
        asked.append(key)
        raise TransientError("the archive is away")

    monkeypatch.setattr(parks_objects.Fetcher, "_fetch_once", away)
    unwanted = threading.Event()
    unwanted.set()
    with pytest.raises(TransientError, match="away"):
        parks_objects.Fetcher().fetch("http://127.0.0.1:9/key", "key", unwanted)
    assert asked == ["key"]


def test_what_was_done_before_the_archive_went_away_stays_done(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parks_objects, "FIRST_WAIT", 0.0)
    for day in ("01", "02", "03"):
        bench.write(f"2019/08/{day}", [event(f"2019-08-{day}T12:00:00Z")])
    number, items = bench.listed()
    gone = [f"http://127.0.0.1:9/{item.object_key}" for item in items[1:]]
    addresses = [bench.address(items[0].object_key), *gone]
    with pytest.raises(TransientError, match="2019/08/02"):
        work.import_objects(list(zip(items, addresses, strict=True)), number, bench.settings)
    work.close()
    kept = bench.rows("SELECT status FROM parks.archive_object ORDER BY object_key")
    assert [row["status"] for row in kept] == ["IMPORTED", "LISTED", "LISTED"]
    assert bench.importer().run(number).imported == 2


# Killed -------------------------------------------------------------------------------------------------------

KILLS = int(os.environ.get("CRONHOUSE_TEST_KILLS", "6"))
_IMPORT = """
import sys
from services.ingestion.parks.importer import Importer
from services.ingestion.sources.parks_archive import FolderArchive
from shared.config import load_settings
if __name__ == "__main__":
    settings = load_settings({"DATABASE_URL": sys.argv[1], "CRONHOUSE_LOCAL_DIR": sys.argv[2]})
    report = Importer(settings, FolderArchive(__import__("pathlib").Path(sys.argv[3])), "killed",
                      workers=2).run(int(sys.argv[4]))
    print(report.status)
"""


def test_killed_at_any_moment_and_resumed_leaves_the_same_rows(
    bench: Bench, pg_server, pg_template, tmp_path
) -> None:
    from tests.conftest import cloned_database, settings_for

    shutil.copytree(SAMPLE, bench.folder, dirs_exist_ok=True)
    august = bench.folder / RESORT / "2019" / "08"
    august.mkdir()
    for day in ("02", "03", "04", "13", "15", "16", "17"):  # those that share no instant with another file
        shutil.copy(FAULTY / RESORT / "2019" / "08" / f"{day}.json.gz", august)
    shutil.copytree(FAULTY / RESORT / "2019" / "09", bench.folder / RESORT / "2019" / "09")
    script = tmp_path / "importing.py"
    script.write_text(_IMPORT)
    bench.run()
    undisturbed = all_rows(bench.conn)
    kills = 0
    # an import that is through before it was killed that often is followed by another one
    while kills < KILLS:
        with cloned_database(pg_server, pg_template) as url:
            settings = settings_for(url, tmp_path)
            other = Bench(settings, db.connect(settings), bench.folder)
            kills += _kill_and_resume(other, script, KILLS - kills, len(undisturbed["ledger"]))
            rows = all_rows(other.conn)
            other.conn.close()
        for name in undisturbed:
            assert rows[name] == undisturbed[name], name


def _kill_and_resume(bench: Bench, script: Path, kills: int, files: int) -> int:
    """Import to the end, killed so many times at most; return how often it was."""
    number, killed = bench.begin(), 0
    folders = [bench.settings.database_url, str(script.parent), str(bench.folder)]
    while state(bench, number) != "COMPLETED":
        # somewhere in the next files, at a moment that nothing chose
        aim = _done(bench) + max(1, files // (KILLS + 1))
        process = subprocess.Popen([sys.executable, str(script), *folders, str(number)], cwd=ROOT,
                                   stdout=subprocess.DEVNULL, start_new_session=True,
                                   env={**os.environ, "PYTHONPATH": str(ROOT)})  # fmt: skip
        if killed < kills:
            while process.poll() is None and _done(bench) < aim:
                time.sleep(0.001)
            time.sleep(random.random() * 0.03)
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert process.returncode in (0, -signal.SIGKILL)
        killed += process.returncode == -signal.SIGKILL
        _wait_for_its_sessions(bench)
    return killed


def _done(bench: Bench) -> int:
    return bench.value("SELECT files_done FROM parks.import_checkpoints")


def _wait_for_its_sessions(bench: Bench) -> None:
    """The server notices that a killed client is gone when it next writes to it."""
    end = time.monotonic() + 20
    query = """SELECT count(*) FROM pg_stat_activity
               WHERE datname = current_database() AND application_name LIKE 'cronhouse:parks_import%%'"""
    while bench.value(query.replace("%%", "%%")):
        assert time.monotonic() < end
        time.sleep(0.02)


def test_worker_ends_with_its_importer(bench: Bench, tmp_path) -> None:
    """Only the importer is killed: its workers, which are processes of their own, must not stay."""
    shutil.copytree(SAMPLE, bench.folder, dirs_exist_ok=True)
    script = tmp_path / "importing.py"
    script.write_text(_IMPORT)
    number = bench.begin()
    url = bench.settings.database_url
    command = [sys.executable, str(script), url, str(tmp_path), str(bench.folder), str(number)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL,
                               env={**os.environ, "PYTHONPATH": str(ROOT)})  # fmt: skip
    while process.poll() is None and _done(bench) < 3:
        time.sleep(0.005)
    process.kill()
    process.wait()
    _wait_for_its_sessions(bench)
    assert bench.importer().run(number).status == "COMPLETED"
    assert bench.value(
        "SELECT count(*) = count(DISTINCT object_key) FROM parks.archive_object WHERE status = 'IMPORTED'"
    )


def test_lost_database_connection_is_transient(slow: Bench) -> None:
    from shared.errors import TransientError

    class Cutting:
        def totals(self, done: int, total: int) -> None:
            pass

        def done(self, outcome) -> None:
            with db.transaction(slow.conn):
                db.execute(slow.conn, """
                    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                    WHERE datname = current_database() AND application_name LIKE '%:worker'""")  # fmt: skip

    number = slow.begin()
    with pytest.raises(TransientError):
        slow.importer(tell=Cutting()).run(number)
    assert state(slow, number) == "FAILED"
    assert slow.importer().run(number).status == "COMPLETED"
    assert slow.value("SELECT count(*) FROM parks.ride_status_snapshots") == 10


def test_first_error_survives_the_loss_of_the_importers_connection(bench: Bench) -> None:
    number = bench.begin()
    found = bench.rows("SELECT * FROM parks.import_checkpoints")[0]
    conn = db.connect(bench.settings)
    with pytest.raises(FatalError, match="the first"), imports.held(conn, found):
        bench.value("SELECT pg_terminate_backend(%s, 5000)", conn.info.backend_pid)
        raise FatalError("the first")
    assert conn.closed and not imports.is_held(bench.conn, RESORT)
    bench.importer().run(number)
