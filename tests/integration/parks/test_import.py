"""Imports: what a file leaves, what repeats do, what may follow what."""

import itertools
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from datetime import date, datetime
from typing import Any

import pytest

from services.ingestion.parks import archive_load, imports, runs, work
from services.ingestion.parks.importer import Report
from services.ingestion.sources import parks_archive
from services.ingestion.sources.parks_archive import FolderArchive
from shared import db
from shared.config import ROOT
from shared.errors import FatalError, Interrupted
from shared.jobs.runner import run_job
from shared.jobs.workflows import find_job
from tests.integration.parks.conftest import (
    FAULTY,
    KINGDOM,
    RESORT,
    SAMPLE,
    STUDIOS,
    Bench,
    all_rows,
    event,
)

OTHER = "89db5d43-c434-4097-b71f-f6869f495a22"


def test_file_leaves_rows_ledger_checkpoint_rides_and_dirty_days(bench: Bench) -> None:
    bench.write("2019/08/01", [event(), event("2019-08-01T03:59:00Z", None, status="CLOSED")])
    report = bench.run()
    assert report.counts.read == report.imported == 2 and report.status == "COMPLETED"
    rows = bench.rows("SELECT * FROM parks.ride_status_snapshots ORDER BY recorded_at")
    assert [(r["status"], r["wait_minutes"], r["has_standby"]) for r in rows] == [
        ("CLOSED", None, True), ("OPERATING", 20, True),
    ]  # fmt: skip
    ledger = bench.rows("SELECT * FROM parks.archive_object")[0]
    assert (ledger["status"], ledger["events"], ledger["imported"], ledger["format"]) == (
        "IMPORTED",
        2,
        2,
        "zlib",
    )
    assert ledger["etag"] == ledger["imported_etag"] and ledger["first_event_at"].minute == 59
    checkpoint = bench.rows("SELECT * FROM parks.import_checkpoints")[0]
    assert (checkpoint["files_done"], checkpoint["files_total"], checkpoint["events"]) == (1, 1, 2)
    assert checkpoint["bytes_done"] == checkpoint["bytes_total"] > 0
    ride = bench.rows("SELECT * FROM parks.rides")[0]
    assert (ride["park_id"], ride["is_discovered"], ride["folded_name"]) == (
        KINGDOM,
        True,
        "pirates of the caribbean",
    )
    # 03:59 UTC is still July 31 in New York
    dirty = bench.rows("SELECT park_id, local_date FROM parks.dirty_day ORDER BY 2")
    assert [row["local_date"] for row in dirty] == [date(2019, 7, 31), date(2019, 8, 1)]


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 1, 2), (2, 3, 1)])
def test_later_file_has_the_say_in_whatever_order_files_are_imported(
    bench: Bench, order: tuple[int, ...]
) -> None:
    for day, wait in (("2019/08/01", 10), ("2019/08/02", 20), ("2019/08/03", 30)):
        more = {"RETURN_TIME": {"state": "AVAILABLE"}} if wait == 10 else {"SINGLE_RIDER": {"waitTime": wait}}
        bench.write(day, [event(queue={"STANDBY": {"waitTime": wait}, **more})])
    importer = bench.importer()
    found = bench.begin()
    with db.transaction(bench.conn):
        started = imports.move(bench.conn, found, "IN_PROGRESS")
    importer._list(bench.conn, started)
    for day in order:
        row = bench.rows("SELECT * FROM parks.archive_object WHERE object_key LIKE %s", f"%/0{day}.json.gz")[
            0
        ]
        item = archive_load.Object(**{name: row[name] for name in archive_load.Object.__annotations__})
        work.import_object(item, bench.address(item.object_key), found, bench.settings)
    work.close()
    history = bench.rows("SELECT * FROM parks.ride_status_snapshots")
    assert [row["wait_minutes"] for row in history] == [30]
    queues = bench.rows("SELECT queue_type, wait_minutes FROM parks.queue_postings")
    assert queues == [{"queue_type": "SINGLE_RIDER", "wait_minutes": 30}]
    totals = bench.rows(
        "SELECT sum(events) AS e, sum(imported) AS i, sum(duplicates) AS d FROM parks.archive_object"
    )[0]
    assert (totals["e"], totals["i"], totals["d"]) == (3, 1, 2)
    assert bench.issues()["CONFLICT"] == 2


def test_last_of_two_in_a_file_counts(bench: Bench) -> None:
    bench.write("2019/08/01", [event(wait=10), event(wait=10), event(wait=25)])
    report = bench.run()
    assert (report.imported, report.duplicates) == (1, 2)
    assert bench.value("SELECT wait_minutes FROM parks.ride_status_snapshots") == 25
    assert bench.value("SELECT conflicts FROM parks.archive_object") == 1
    assert bench.issues() == {"CONFLICT": 1, "DUPLICATE": 2}


def test_what_gave_way_in_its_own_file_was_posted_all_the_same(bench: Bench) -> None:
    query = "SELECT status, wait_minutes FROM parks.same_instant_postings ORDER BY wait_minutes"
    down = event(status="DOWN", queue=None)
    bench.write(
        "2019/08/01", [event(wait=10), event(wait=10), down, event(wait=25), event("2019-08-01T13:00:00Z", 5)]
    )
    bench.write("2019/08/02", [event(wait=70)])  # another file's is no second posting
    bench.run()
    lost = [{"status": "OPERATING", "wait_minutes": 10}, {"status": "DOWN", "wait_minutes": None}]
    assert bench.rows(query) == lost
    bench.run(forced=True)
    assert bench.rows(query) == lost
    bench.rows("DELETE FROM parks.dirty_day RETURNING 1")
    bench.write("2019/08/01", [event(wait=10), event(wait=25), event("2019-08-01T13:00:00Z", 5)])
    bench.run()
    assert bench.rows(query) == lost[:1]
    assert bench.value("SELECT count(*) FROM parks.dirty_day") == 1


def test_changed_object_is_taken_again(bench: Bench) -> None:
    bench.write("2019/08/01", [event(wait=10), event("2019-08-01T13:00:00Z", 15)])
    bench.write("2019/08/02", [event("2019-08-02T13:00:00Z", 15)])
    bench.run()
    bench.rows("DELETE FROM parks.dirty_day RETURNING 1")
    bench.write("2019/08/01", [event(wait=70), event("2019-08-01T14:00:00Z", 5)])
    report = bench.run()
    assert (report.files, report.imported, report.duplicates) == (1, 1, 1)
    waits = [row["wait_minutes"] for row in bench.rows(
        "SELECT wait_minutes FROM parks.ride_status_snapshots ORDER BY recorded_at")]  # fmt: skip
    assert waits == [70, 15, 5, 15]  # what the new content does not have any more stays
    assert bench.value("SELECT count(*) FROM parks.dirty_day") == 1
    assert bench.run().files == 0


def test_imported_twice_changes_nothing(bench: Bench) -> None:
    queue = {"STANDBY": {"waitTime": 5}, "SINGLE_RIDER": {"waitTime": 1}}
    bench.write("2019/08/01", [event(), event("2019-08-01T13:00:00Z", queue=queue, showtimes=["x", None])])
    bench.run()
    bench.rows("DELETE FROM parks.dirty_day RETURNING 1")
    before = all_rows(bench.conn)
    report = bench.run(forced=True)
    assert (report.imported, report.duplicates) == (0, 2)
    after = all_rows(bench.conn)
    before.pop("ledger"), after.pop("ledger")
    assert after == before


def test_event_without_a_park_keeps_its_rides_park(bench: Bench) -> None:
    bench.write("2019/08/01", [event()])
    bench.write("2019/08/02", [event("2019-08-02T12:00:00Z", parkId=None)])
    bench.run()
    assert bench.value("SELECT park_id FROM parks.rides") == KINGDOM
    assert bench.value("SELECT count(*) FROM parks.dirty_day") == 2 and bench.issues() == {"NO_PARK": 1}


def test_ride_that_moved_has_both_parks_in_its_history(bench: Bench) -> None:
    bench.write("2019/08/02", [event("2019-08-02T12:00:00Z", parkId=STUDIOS)])
    bench.write("2019/08/01", [event()])
    bench.run()
    assert bench.value("SELECT park_id FROM parks.rides") == STUDIOS
    assert bench.value("SELECT count(*) FROM parks.ride_history WHERE attribute = 'park_id'") == 2


def test_events_of_other_days_and_years_are_marked_and_stored_where_they_belong(bench: Bench) -> None:
    bench.write("2019/08/01", [event(), event("2017-02-03T12:00:00Z"), event("2018-05-06T12:00:00Z")])
    bench.run()
    days = [row["local_date"] for row in bench.rows("SELECT local_date FROM parks.dirty_day ORDER BY 1")]
    assert days == [date(2017, 2, 3), date(2018, 5, 6), date(2019, 8, 1)]
    parts = bench.rows("SELECT tableoid::regclass::text AS part FROM parks.ride_status_snapshots ORDER BY 1")
    assert [row["part"] for row in parts] == [
        f"parks.ride_status_snapshots_{month}" for month in ("2017_02", "2018_05", "2019_08")
    ]


def test_both_hours_at_the_end_of_summer_time_are_kept(bench: Bench) -> None:
    bench.write("2016/11/06", [event("2016-11-06T05:30:00Z", 10), event("2016-11-06T06:30:00Z", 20)])
    bench.run()
    local = bench.rows(
        "SELECT recorded_at AT TIME ZONE 'America/New_York' AS at FROM parks.ride_status_snapshots"
    )
    assert len(local) == 2 and local[0] == local[1] == {"at": datetime(2016, 11, 6, 1, 30)}
    assert bench.value("SELECT count(*) FROM parks.dirty_day") == 1


def test_scattered_events_that_the_history_has_are_known_before_they_are_written(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    run: list[str] = []
    running = archive_load.Loader._run

    def noting(loader: archive_load.Loader, name: str, values: Any) -> int:
        run.append(name)
        return running(loader, name, values)

    scattered = [
        event("2019-07-01T12:07:31.500Z"),
        event("2019-07-11T12:14:59.999Z"),
        event("2019-08-01T12:00:00Z"),
    ]
    bench.write("2019/08/01", scattered)
    bench.run()
    # one instant only is known, and it does not begin a quarter of an hour
    bench.write("2019/08/02", [event("2019-05-01T12:01:00Z"), *scattered[1:2]])
    monkeypatch.setattr(archive_load.Loader, "_run", noting)
    report = bench.run()
    assert (report.imported, report.duplicates) == (1, 1)
    assert "insert_unknown" in run and "insert_new" not in run
    days = [row["local_date"] for row in bench.rows("SELECT local_date FROM parks.dirty_day ORDER BY 1")]
    assert days == [date(2019, 5, 1), date(2019, 7, 1), date(2019, 7, 11), date(2019, 8, 1)]


def test_instant_that_shows_only_on_writing_is_settled_too(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another worker writes the same instants between a worker's look at the history and its own rows."""
    for day, wait in (("2019/08/01", 10), ("2019/08/02", 20)):
        bench.write(day, [event("2017-02-03T12:01:00Z", wait), event("2019-08-01T12:01:00Z", wait)])
    number = bench.begin()
    with db.transaction(bench.conn):
        started = imports.move(bench.conn, number, "IN_PROGRESS")
    bench.importer()._list(bench.conn, started)
    fields = ", ".join(archive_load.Object.__annotations__)
    rows = bench.rows(f"SELECT {fields} FROM parks.archive_object ORDER BY object_key")
    first, second = (archive_load.Object(**row) for row in rows)
    waiting, outcomes, running = [first], [], archive_load.Loader._run

    def take(item: archive_load.Object) -> None:
        outcomes.append(work.import_object(item, bench.address(item.object_key), number, bench.settings))
        work.close()

    def losing_the_race(loader: archive_load.Loader, name: str, values: Any) -> int:
        if name == "insert_new" and waiting:
            other = threading.Thread(target=take, args=(waiting.pop(),))
            other.start()
            other.join()
        return running(loader, name, values)

    monkeypatch.setattr(archive_load.Loader, "_run", losing_the_race)
    take(second)
    assert [(done.imported, done.duplicates) for done in outcomes] == [(2, 0), (0, 2)]
    waits = bench.rows("SELECT wait_minutes FROM parks.ride_status_snapshots")
    assert waits == [{"wait_minutes": 20}] * 2 and bench.issues()["CONFLICT"] == 2


@pytest.mark.parametrize("zone", ["EST5NOPE", "", None])
def test_local_time_and_zone_of_an_event_are_not_believed(bench: Bench, zone: str | None) -> None:
    """eventTime counts; a zone that is none is UTC until the park is described."""
    bench.write("2019/08/01", [event("2019-08-01T03:30:00Z", localTime="2024-02-30T99:00:00", timezone=zone)])
    assert bench.run().imported == 1
    assert (
        bench.value("SELECT recorded_at FROM parks.ride_status_snapshots")
        .isoformat()
        .startswith("2019-08-01T03:30")
    )
    assert bench.rows("SELECT timezone, slug FROM parks.parks") == [
        {"timezone": "UTC", "slug": "magickingdompark"}
    ]
    assert bench.rows("SELECT local_date FROM parks.dirty_day") == [{"local_date": date(2019, 8, 1)}]


@pytest.mark.parametrize("has_hours", [False, True])
def test_zone_of_a_park_that_a_list_has_named_is_learned_from_its_first_event(
    bench: Bench, has_hours: bool
) -> None:
    """Unless days rest on it already: those are for the metadata job, which has them made anew."""
    with db.transaction(bench.conn):
        db.execute(
            bench.conn,
            "INSERT INTO parks.parks (park_id, name, is_discovered) VALUES (%s, 'A', true)",
            [KINGDOM],
        )
        db.execute(
            bench.conn, "INSERT INTO parks.park_timezones (park_id, timezone) VALUES (%s, 'UTC')", [KINGDOM]
        )
        if has_hours:
            db.execute(
                bench.conn,
                "INSERT INTO parks.opening_hours (park_id, local_date, kind, opens_at, closes_at, source) "
                "VALUES (%s, '2019-08-01', 'OPERATING', '2019-08-01 09:00Z', '2019-08-01 21:00Z', 'a test')",
                [KINGDOM],
            )
    bench.write("2019/08/01", [event("2019-08-01T03:30:00Z")])
    bench.write("2019/08/02", [event("2019-08-02T03:30:00Z", timezone="Europe/Paris")])
    assert bench.run().imported == 2
    zone = "UTC" if has_hours else "America/New_York"
    for table in ("parks", "park_timezones"):
        assert bench.rows(f"SELECT timezone FROM parks.{table}") == [{"timezone": zone}]
    days = [1, 2] if has_hours else [31, 1]  # 03:30 UTC is the evening before in New York
    dirty = bench.rows("SELECT local_date FROM parks.dirty_day ORDER BY 1")
    assert [row["local_date"].day for row in dirty] == days


def test_operator_that_renumbers_its_rides_changes_no_ride(bench: Bench) -> None:
    bench.write("2019/08/01", [event(internalId="P1AA01"), event("2019-08-01T13:00:00Z", internalId="77")])
    bench.run()
    assert bench.rows("SELECT internal_id FROM parks.rides") == [{"internal_id": "77"}]
    past = bench.rows(
        "SELECT value FROM parks.ride_history WHERE attribute = 'internal_id' ORDER BY first_seen_at"
    )
    assert [row["value"] for row in past] == ["P1AA01", "77"]


def test_range_of_file_dates(bench: Bench) -> None:
    for day in ("2018/12/31", "2019/08/01", "2019/08/02", "2019/08/03"):
        bench.write(day, [event(f"{day.replace('/', '-')}T12:00:00Z")])
    assert bench.run(first=date(2019, 8, 1), last=date(2019, 8, 2)).files == 2
    assert bench.run(first=date(2019, 8, 2)).files == 1
    assert bench.run().files == 1


def test_other_destination_is_left_alone(bench: Bench) -> None:
    bench.write("2019/08/01", [event()])
    bench.write("2019/08/01", [event(entityId=OTHER)], OTHER)
    assert bench.run(OTHER).files == 1
    assert bench.value("SELECT destination_id FROM parks.parks JOIN parks.rides USING (park_id)") == OTHER


# States -------------------------------------------------------------------------------------------------------


def state(bench: Bench, number: int) -> str:
    return bench.value("SELECT status FROM parks.import_checkpoints WHERE import_id = %s", number)


ALL = ("PENDING", "IN_PROGRESS", "PAUSED", "COMPLETED", "FAILED", "CANCELLED")


def test_only_legal_transitions(bench: Bench) -> None:
    number = bench.begin()
    for before, after in itertools.product(ALL, ALL):
        with db.transaction(bench.conn):
            db.execute(bench.conn, "ALTER TABLE parks.import_checkpoints DISABLE TRIGGER import_status")
            db.execute(bench.conn, "UPDATE parks.import_checkpoints SET status = %s", [before])
            db.execute(bench.conn, "ALTER TABLE parks.import_checkpoints ENABLE TRIGGER import_status")
        is_legal = before in imports.BEFORE[after]
        try:
            with db.transaction(bench.conn):
                imports.move(bench.conn, number, after)
        except FatalError as exc:
            assert not is_legal and before in str(exc), (before, after)
        else:
            assert is_legal, (before, after)
        assert state(bench, number) == (after if is_legal else before)
        if before != after and not is_legal:  # the table refuses it too, whoever asks
            with pytest.raises(FatalError, match="cannot become"), db.transaction(bench.conn):
                db.execute(bench.conn, "UPDATE parks.import_checkpoints SET status = %s", [after])


def test_same_import_is_not_begun_twice(bench: Bench) -> None:
    number = bench.begin()
    with pytest.raises(FatalError, match=f"import {number} .* is PENDING"):
        bench.begin()
    assert bench.begin(first=date(2019, 1, 1)) != number  # another range is another import
    bench.importer().run(number)
    assert bench.begin() > number


class Pausing:
    """Asks for something after some files."""

    def __init__(self, bench: Bench, number: int, wish: str, after: int = 1) -> None:
        self.bench, self.number, self.wish, self.left = bench, number, wish, after

    def totals(self, done: int, total: int) -> None:
        pass

    def done(self, outcome) -> None:
        self.left -= 1
        if self.left == 0:
            with db.transaction(self.bench.conn):
                imports.ask(self.bench.conn, self.number, self.wish)


@pytest.fixture
def slow(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """Ten files, and an importer that asks for wishes after each."""
    for day in range(1, 11):
        bench.write(f"2019/08/{day:02}", [event(f"2019-08-{day:02}T12:00:00Z", day)])
    monkeypatch.setattr("services.ingestion.parks.importer.POLL_SECONDS", 0)
    return bench


def test_paused_import_goes_on_later(slow: Bench) -> None:
    number = slow.begin()
    report = slow.importer(tell=Pausing(slow, number, "pause"), workers=1).run(number)
    assert report.status == "PAUSED" == state(slow, number) and 1 <= report.files < 10
    row = slow.rows("SELECT * FROM parks.import_checkpoints")[0]
    assert row["wanted"] is None and row["finished_at"] is None and row["files_done"] == report.files
    rest = slow.importer().run(number)
    assert rest.status == "COMPLETED" and rest.files == 10 - report.files
    row = slow.rows("SELECT * FROM parks.import_checkpoints")[0]
    assert (row["files_done"], row["files_total"], row["imported"]) == (10, 10, 10)
    assert row["bytes_done"] == row["bytes_total"]


def test_cancelled_import_is_over_and_another_does_the_rest(slow: Bench) -> None:
    number = slow.begin()
    report = slow.importer(tell=Pausing(slow, number, "cancel"), workers=1).run(number)
    assert report.status == "CANCELLED" == state(slow, number)
    with pytest.raises(FatalError, match="CANCELLED"):
        slow.importer().run(number)
    assert slow.run().files == 10 - report.files
    assert slow.value("SELECT count(*) FROM parks.ride_status_snapshots") == 10


@pytest.mark.parametrize(
    "seconds", [0, 30]
)  # between two looks at it: with its next file, or when it is through
@pytest.mark.parametrize(("wish", "status"), [("pause", "PAUSED"), ("cancel", "CANCELLED")])
def test_import_that_goes_on_in_the_instant_it_is_paused_is_paused(
    slow: Bench, monkeypatch: pytest.MonkeyPatch, wish: str, status: str, seconds: int
) -> None:
    """It was cut off: whoever pauses it finds nobody at work on it, and then somebody is."""
    monkeypatch.setattr("services.ingestion.parks.importer.POLL_SECONDS", seconds)
    monkeypatch.setattr(imports, "is_held", lambda conn, destination_id: False)
    number = slow.begin()
    report = slow.importer(tell=Pausing(slow, number, wish), workers=1).run(number)
    assert report.status == status == state(slow, number)
    assert report.files == slow.value("SELECT files_done FROM parks.import_checkpoints")
    assert report.files == 10 if seconds else 1 <= report.files < 10
    assert slow.value("SELECT problem FROM parks.import_checkpoints") is None
    if wish == "pause":
        assert slow.importer().run(number).files == 10 - report.files
        assert state(slow, number) == "COMPLETED"


def test_waiting_import_is_paused_and_cancelled_at_once(bench: Bench) -> None:
    number = bench.begin()
    with db.transaction(bench.conn):
        assert imports.ask(bench.conn, number, "pause")["status"] == "PAUSED"
        assert imports.ask(bench.conn, number, "cancel")["status"] == "CANCELLED"


@pytest.mark.parametrize("wish", ["pause", "cancel"])
@pytest.mark.parametrize(("job", "choose"), [("parks_imports", "asked_for"), ("parks_archive", "next_of")])
def test_import_that_is_withdrawn_when_a_job_has_chosen_it_is_left_alone(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, job: str, choose: str, wish: str
) -> None:
    number, choosing = bench.begin(), getattr(runs, choose)
    bench.write("2019/08/01", [event()])

    def choose_and_lose(*arguments, **more):
        chosen = choosing(*arguments, **more)
        if state(bench, number) == "PENDING":
            with db.transaction(bench.conn):
                imports.ask(bench.conn, number, wish)
        return chosen

    monkeypatch.setattr(runs, choose, choose_and_lose)
    monkeypatch.setattr(parks_archive, "open_archive", lambda settings: FolderArchive(bench.folder))
    workflow, spec = find_job(bench.settings, job)
    result = run_job(bench.settings, workflow, spec, date(2026, 3, 2))
    assert result.status == "succeeded", result
    assert state(bench, number) == {"pause": "PAUSED", "cancel": "CANCELLED"}[wish]
    assert bench.value("SELECT count(*) FROM parks.archive_object") == 0
    if wish == "pause":
        assert bench.importer().run(number).files == 1  # by hand it goes on


def test_stop_leaves_what_can_be_resumed(slow: Bench) -> None:
    number, calls = slow.begin(), itertools.count()

    def stop_soon() -> None:
        if next(calls) == 4:
            raise Interrupted("asked to stop")

    with pytest.raises(Interrupted):
        slow.importer(check_stop=stop_soon).run(number)
    assert state(slow, number) == "IN_PROGRESS"
    done = slow.value("SELECT files_done FROM parks.import_checkpoints")
    assert slow.importer().run(number).files == 10 - done


def test_second_importer_is_told_who_is_at_it(slow: Bench) -> None:
    number = slow.begin()
    second = slow.begin(first=date(2019, 8, 1))
    seen: list[Exception] = []

    class Intruding:
        def totals(self, done: int, total: int) -> None:
            with pytest.raises(imports.Held) as caught:
                slow.importer().run(second)
            seen.append(caught.value)

        def done(self, outcome) -> None:
            pass

    slow.importer(tell=Intruding()).run(number)
    assert f"by import {number} of a test since" in str(seen[0])
    assert state(slow, second) == "PENDING"
    assert slow.importer().run(second).status == "COMPLETED"


def test_two_destinations_are_imported_side_by_side(bench: Bench) -> None:
    for day in range(1, 6):
        at = f"2019-08-{day:02}T12:00:00Z"
        bench.write(f"2019/08/{day:02}", [event(at)])
        bench.write(f"2019/08/{day:02}", [event(at, entityId=OTHER, parkId=STUDIOS)], OTHER)
    numbers = [bench.begin(), bench.begin(OTHER)]
    reports: list[Report] = []
    threads = [threading.Thread(target=lambda n=n: reports.append(bench.importer().run(n))) for n in numbers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [report.status for report in reports] == ["COMPLETED"] * 2
    assert bench.value("SELECT count(*) FROM parks.ride_status_snapshots") == 10


# What goes wrong ----------------------------------------------------------------------------------------------


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
    number = bench.begin()
    with db.transaction(bench.conn):
        started = imports.move(bench.conn, number, "IN_PROGRESS")
    bench.importer()._list(bench.conn, started)
    row = bench.rows("SELECT * FROM parks.archive_object")[0]
    item = archive_load.Object(**{name: row[name] for name in archive_load.Object.__annotations__})
    outcomes = [
        work.import_object(item, bench.address(item.object_key), number, bench.settings) for _ in range(2)
    ]
    work.close()
    assert [outcome.status for outcome in outcomes] == ["IMPORTED", "SKIPPED"]
    assert bench.value("SELECT files_done FROM parks.import_checkpoints") == 1


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
    with cloned_database(pg_server, pg_template) as url:
        settings = settings_for(url, tmp_path)
        other = Bench(settings, db.connect(settings), bench.folder)
        number, kills = other.begin(), 0
        files = len(undisturbed["ledger"])
        while state(other, number) != "COMPLETED":
            command = [sys.executable, str(script), url, str(tmp_path), str(bench.folder), str(number)]
            before = other.value("SELECT files_done FROM parks.import_checkpoints")
            process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, start_new_session=True,
                                       env={**os.environ, "PYTHONPATH": str(ROOT)})  # fmt: skip
            if kills < KILLS:
                # somewhere in the next files, at a moment that nothing chose
                aim = before + max(1, files // (KILLS + 1))
                while process.poll() is None and _done(other) < aim:
                    time.sleep(0.001)
                time.sleep(random.random() * 0.03)
                os.killpg(process.pid, signal.SIGKILL)
                kills += 1
            process.wait()
            _wait_for_its_sessions(other)
        rows = all_rows(other.conn)
        other.conn.close()
    assert kills == KILLS
    for name in undisturbed:
        assert rows[name] == undisturbed[name], name


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
