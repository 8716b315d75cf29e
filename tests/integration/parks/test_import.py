"""Imports: what a file leaves, and what repeats and later files do."""

import threading
from datetime import date, datetime
from typing import Any

import pytest

from services.ingestion.parks import archive_load, work
from shared import db
from tests.integration.parks.conftest import KINGDOM, OTHER, STUDIOS, Bench, all_rows, event


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
    number, items = bench.listed()
    wanted = [(items[day - 1], bench.address(items[day - 1].object_key)) for day in order]
    work.import_objects(wanted, number, bench.settings)
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
    number, (first, second) = bench.listed()
    waiting, outcomes, running = [first], [], archive_load.Loader._run

    def take(item: archive_load.Object) -> None:
        address = bench.address(item.object_key)
        outcomes.extend(work.import_objects([(item, address)], number, bench.settings))
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
