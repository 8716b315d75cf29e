"""The job parks_stats: which days it makes anew, and what it leaves when things happen around it."""

import json
from uuid import UUID

import pytest

from services.transformation.parks import params, statistics
from shared import db
from shared.errors import FatalError
from tests.integration.parks_stats.history import PARK, History

TABLES = ("ride_hourly_stats", "ride_daily_stats", "park_hourly_stats", "park_daily_stats")


def posted(day: str, *waits: int, ride: int = 1, hour: int = 9) -> list:
    """Return postings of a day, ten minutes apart."""
    return [
        (ride, f"{day}T{hour:02d}:{10 * number:02d}:00-04:00", "ARCHIVE", "OPERATING", wait)
        for number, wait in enumerate(waits)
    ]


def everything(history: History) -> list[str]:
    """Return all rows of statistics as text."""
    return [
        row["row"]
        for table in TABLES
        for row in history.rows(f"SELECT '{table} ' || t::text AS row FROM parks.{table} AS t ORDER BY 1")
    ]


def versions(history: History) -> dict[str, str]:
    """Return by local date which transaction wrote the ride's day."""
    rows = history.rows("SELECT local_date::text AS day, xmin::text AS version FROM parks.ride_daily_stats")
    return {row["day"]: row["version"] for row in rows}


@pytest.fixture
def park(history: History) -> History:
    """A park with two rides and three days."""
    history.add_park()
    history.add_ride(1)
    history.add_ride(2)
    for day in ("2019-07-01", "2019-07-02", "2019-07-04"):
        history.add_hours(day, f"{day}T09:00:00-04:00", f"{day}T22:00:00-04:00")
        history.post(posted(day, 10, 20, 30))
    return history


def test_only_marked_days_are_made_anew(park: History):
    counts = park.make_statistics()
    assert counts.read == 9 and counts.written > 0
    before = versions(park)
    park.post(posted("2019-07-01", 50, hour=12))
    assert park.make_statistics().read == 4 + 3  # the next day too: a posting stands past midnight
    after = versions(park)
    assert after["2019-07-04"] == before["2019-07-04"]
    assert after["2019-07-01"] != before["2019-07-01"]
    assert park.rows("SELECT samples FROM parks.ride_daily_stats WHERE local_date = '2019-07-01'") == [
        {"samples": 4}
    ]
    assert park.make_statistics().read == 0


def test_a_second_making_leaves_the_same_rows(park: History):
    park.make_statistics()
    first = everything(park)
    assert first
    park.make_statistics(force=True, days_per_batch=1)
    assert everything(park) == first
    assert not park.rows("SELECT * FROM parks.dirty_day")


def test_the_order_in_which_days_come_does_not_matter(history: History):
    history.add_park()
    history.add_ride(1)
    late, early = posted("2019-07-01", 40, hour=23), posted("2019-07-02", 5, hour=1)
    history.add_hours("2019-07-01", "2019-07-01T09:00:00-04:00", "2019-07-02T02:00:00-04:00")
    history.post(late + early)
    history.make_statistics()
    expected = everything(history)
    minutes = history.rows("SELECT operating_minutes FROM parks.ride_daily_stats ORDER BY local_date")
    assert [int(row["operating_minutes"]) for row in minutes] == [60, 120]
    for table in (*TABLES, "ride_status_snapshots"):
        history.do(f"DELETE FROM parks.{table}")
    for postings in (early, late):
        history.post(postings)
        history.make_statistics()
    assert everything(history) == expected


def test_a_day_marked_again_meanwhile_stays_marked(park: History, pg):
    other = db.connect(pg)
    park.make_statistics()
    park.mark("2019-07-01")
    with db.transaction(park.conn):
        db.execute(park.conn, statistics.SQL["make_tables"])
        db.execute(park.conn, statistics.SQL["take_days"], {"days": 200})
        with db.transaction(other):
            db.execute(other, "UPDATE parks.dirty_day SET marked_at = clock_timestamp()")
        assert db.execute(park.conn, statistics.QUERIES["take_marks"]) == 0
    other.close()
    assert [str(row["local_date"]) for row in park.rows("SELECT local_date FROM parks.dirty_day")] == [
        "2019-07-01"
    ]


def test_what_a_dead_run_committed_stays_and_the_rest_stays_marked(
    park: History, monkeypatch: pytest.MonkeyPatch
):
    calls = iter(range(100))
    real = statistics.rebuild

    def dies(*args, **kwargs):
        if next(calls) == 1:
            raise FatalError("killed")
        return real(*args, **kwargs)

    monkeypatch.setattr(statistics, "rebuild", dies)
    with pytest.raises(FatalError):
        park.make_statistics(days_per_batch=1)
    assert [row["local_date"].day for row in park.rows("SELECT local_date FROM parks.dirty_day")] == [2, 4]
    monkeypatch.undo()
    park.make_statistics(days_per_batch=1)
    assert len(versions(park)) == 3


def test_a_day_that_lost_its_snapshots_loses_its_statistics(park: History):
    park.make_statistics()
    park.do("DELETE FROM parks.ride_status_snapshots WHERE recorded_at >= '2019-07-04'")
    park.mark("2019-07-04")
    park.make_statistics()
    for table in TABLES:
        assert not park.rows(f"SELECT * FROM parks.{table} WHERE local_date = '2019-07-04'")


def test_the_preferred_source_is_a_setting_and_force_applies_it(park: History):
    park.post([(1, "2019-07-01T12:00:00-04:00", "LIVE", "OPERATING", 95)])
    park.make_statistics()
    query = "SELECT max_wait, data_source FROM parks.ride_daily_stats WHERE local_date = '2019-07-01'"
    assert park.rows(query) == [{"max_wait": 30, "data_source": "ARCHIVE"}]
    park.make_statistics(prefer="LIVE", force=True)
    assert park.rows(query) == [{"max_wait": 95, "data_source": "LIVE"}]


def test_a_ride_that_moved_is_counted_in_its_new_park_alone(park: History):
    park.make_statistics()
    other = park.add_park(UUID(int=2))
    park.do("UPDATE parks.rides SET park_id = %(park)s WHERE ride_id = 1", park=str(other))
    for day in ("2019-07-01", "2019-07-02", "2019-07-04"):
        park.mark(day, other)
        park.mark(day, PARK)
    park.make_statistics(days_per_batch=2)
    found = park.rows("SELECT DISTINCT park_id::text AS park FROM parks.ride_daily_stats")
    assert found == [{"park": str(other)}]
    assert park.rows("SELECT DISTINCT park_id::text AS park FROM parks.park_daily_stats") == found


def test_a_ride_that_gets_its_park_later_or_another_one_marks_its_days(history: History):
    tokyo = history.add_park(UUID(int=2), "Asia/Tokyo")
    history.add_park()
    ride = history.add_ride(1, None)
    history.do("UPDATE parks.rides SET last_seen_at = '2019-07-02T00:00:00Z', first_seen_at = last_seen_at")
    instants = (
        "2019-07-01T03:30:00Z",
        "2019-07-01T12:00:00Z",
        "2019-07-01T15:30:00Z",
        "2019-07-05T12:00:00Z",
    )
    history.post((ride, at, "ARCHIVE", "OPERATING", 10) for at in instants)

    def register(park: UUID | None, at: str = "2019-08-01T00:00:00Z") -> list[tuple[int, str]]:
        entity = {
            "entity_id": str(UUID(int=101)),
            "park_id": park and str(park),
            "first_seen_at": at,
            "last_seen_at": at,
        }
        with db.transaction(history.conn):
            db.execute(history.conn, "DELETE FROM parks.dirty_day")
            db.fetch_all(history.conn, "SELECT * FROM parks.register_rides(%s)", (json.dumps([entity]),))
        marked = history.rows(
            "SELECT park_id::text AS park, local_date::text AS day FROM parks.dirty_day ORDER BY 1, 2"
        )
        return [(UUID(row["park"]).int, row["day"]) for row in marked]

    home = [(1, "2019-06-30"), (1, "2019-07-01"), (1, "2019-07-05")]
    assert register(None) == []
    assert register(PARK) == home
    assert register(PARK) == [] and register(None) == []
    assert register(tokyo, "2019-07-01T00:00:00Z") == []  # an older file does not move it
    assert register(tokyo) == [*home, (2, "2019-07-01"), (2, "2019-07-02"), (2, "2019-07-05")]
    history.make_statistics()
    found = history.rows("SELECT DISTINCT park_id::text AS park FROM parks.ride_daily_stats")
    assert found == [{"park": str(tokyo)}]


def test_a_park_that_changes_its_zone_keeps_every_snapshot_on_one_day(park: History):
    park.make_statistics()
    park.do(
        "INSERT INTO parks.park_timezones VALUES (%(park)s, '2019-07-02T16:00Z', 'Asia/Tokyo')",
        park=str(PARK),
    )
    park.post([(1, "2019-07-02T14:30:00Z", "ARCHIVE", "OPERATING", 5)])  # 2 July 10:30 in New York
    park.post([(1, "2019-07-02T16:30:00Z", "ARCHIVE", "OPERATING", 5)])  # 3 July 01:30 in Tokyo
    park.make_statistics(force=True)
    rows = park.rows("SELECT local_date::text AS day, samples FROM parks.ride_daily_stats ORDER BY 1")
    assert [(row["day"], row["samples"]) for row in rows] == [
        ("2019-07-01", 3), ("2019-07-02", 4), ("2019-07-03", 1), ("2019-07-04", 3),
    ]  # fmt: skip
    lengths = park.rows(
        "SELECT day::date::text AS day, sum(extract(epoch FROM ends_at - starts_at) / 3600)::float AS hours "
        "FROM generate_series(date '2019-07-01', '2019-07-04', '1 day') AS day, "
        "LATERAL parks.day_pieces(%(park)s, day::date) GROUP BY 1 ORDER BY 1",
        park=str(PARK),
    )
    assert [row["hours"] for row in lengths] == [24, 12, 23, 24]


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("America/New_York", "2018-11-04", 25), ("America/New_York", "2018-03-11", 23),
        ("Europe/Paris", "2019-10-27", 25), ("Asia/Tokyo", "2019-10-27", 24),
        ("America/Sao_Paulo", "2018-11-04", 23),  # midnight does not exist
        ("America/Havana", "2019-11-03", 25),  # midnight comes twice
        ("Australia/Lord_Howe", "2019-04-07", 24.5),
    ],
)  # fmt: skip
def test_a_local_day_is_as_long_as_its_clock_says(history: History, zone: str, day: str, hours: float):
    history.add_park(timezone=zone)
    rows = history.rows(
        "SELECT extract(epoch FROM ends_at - starts_at)::float / 3600 AS hours, "
        "(starts_at AT TIME ZONE timezone)::date::text AS first, "
        "((ends_at - interval '1 second') AT TIME ZONE timezone)::date::text AS last "
        "FROM parks.day_pieces(%(park)s, %(day)s)",
        park=str(PARK), day=day,
    )  # fmt: skip
    assert rows == [{"hours": hours, "first": day, "last": day}]


def test_the_section_of_the_workflow_file_is_checked():
    good = {"prefer": "LIVE", "days_per_batch": 1}
    assert params.validate({"statistics": good}) == []
    assert "statistics: expected a mapping" in params.validate({})[0]
    for wrong, says in [
        ({"prefer": "live"}, "statistics.prefer: 'live' is not one of"),
        ({"days_per_batch": 0}, "statistics.days_per_batch: 0 is not"),
        ({"days_per_batch": True}, "True is not"),
        ({"batch": 1}, "statistics.batch: unknown key"),
    ]:
        assert says in " ".join(params.validate({"statistics": {**good, **wrong}}))
