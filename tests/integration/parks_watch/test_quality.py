"""The quality job over parks built by hand: what it finds, what it lets pass, and that it finds it once."""

import random
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine

from services.data_quality.parks.jobs import check_quality
from services.data_quality.parks.params import validate
from services.data_quality.parks.watch import Watch
from shared import db
from shared.config import ROOT
from shared.errors import CheckFailed, Interrupted
from shared.jobs import Counts, Run
from shared.jobs.workflows import Workflow
from shared.jobs.yamlfile import read_yaml
from tests.integration.parks_watch.conftest import World, every, uid

NOW = datetime(2026, 7, 15, 20, 20, tzinfo=UTC)
TODAY, YESTERDAY = NOW.date(), NOW.date() - timedelta(days=1)


def at(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)


class Watchman:
    """A park of three rides, and the job over it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.park = world.park("Park", "park")
        self.rides = [world.rides(self.park, [(uid(n), f"Ride {n}")])[uid(n)] for n in ("a", "b", "c")]
        self.params: dict[str, Any] = dict(read_yaml(ROOT / "workflows" / "parks.yml")[0])
        self.run_id = 100

    def run(self, now: datetime = NOW) -> Counts:
        self.run_id += 1
        workflow = Workflow("parks", "", {}, self.params, ROOT / "workflows" / "parks.yml")
        run = Run(self.run_id, "parks_quality", workflow, now.date(), self.world.settings)
        with time_machine.travel(now, tick=True):
            try:
                return check_quality(run)
            finally:
                run.close()

    def failed(self) -> set[str]:
        query = "SELECT check_name FROM ops.quality_result WHERE run_id = %(id)s AND NOT passed"
        return {row["check_name"] for row in self.world.rows(query, id=self.run_id)}

    def issues(self, kind: str) -> list[dict[str, Any]]:
        return self.world.rows(
            "SELECT * FROM parks.data_quality_log WHERE kind = %(kind)s ORDER BY gap_from, issue_id",
            kind=kind,
        )

    def open_days(self, *days: date) -> None:
        for day in days:
            self.world.hours(self.park, day, at(day, 9), at(day, 21))

    def live(self, first: datetime, last: datetime, minutes: int = 10) -> None:
        """Poll every five minutes, and have the rides change."""
        self.world.poll(every(first, last, 5))
        for number, ride in enumerate(self.rides):
            times = every(first + timedelta(minutes=number), last, minutes)
            if by_day := [moment for moment in times if 8 <= moment.hour < 22]:
                self.world.post(ride, by_day, wait=10 + number)
            if by_night := [moment for moment in times if not 8 <= moment.hour < 22]:
                self.world.post(ride, by_night, None, "CLOSED")
            self.state(ride, last)

    def state(self, ride: int, moment: datetime) -> None:
        self.world.do(
            """INSERT INTO parks.live_state (ride_id, status, fingerprint, source_updated_at, recorded_at,
                                             last_polled_at)
               VALUES (%(ride)s, 'OPERATING', 'x', %(at)s, %(at)s, %(at)s)
               ON CONFLICT (ride_id) DO UPDATE SET source_updated_at = excluded.source_updated_at""",
            ride=ride, at=moment,
        )  # fmt: skip


@pytest.fixture
def watchman(world: World) -> Iterator[Watchman]:
    yield Watchman(world)


def test_day_in_order_has_nothing_to_say(watchman: Watchman) -> None:
    watchman.open_days(YESTERDAY, TODAY)
    watchman.live(at(YESTERDAY, 8), NOW)
    counts = watchman.run()
    assert counts.read == 2 and counts.written == 13
    assert watchman.failed() <= {"coordinates", "attraction_types", "indoor"}  # nobody described the rides
    assert watchman.world.value("SELECT count(*) FROM parks.data_quality_log") == 0
    day = watchman.world.rows("SELECT * FROM parks.quality_day WHERE local_date = %(day)s", day=YESTERDAY)[0]
    assert day["live_rows"] > day["wait_rows"] > 200 and day["is_complete"] and day["gap_minutes"] == 0
    assert watchman.world.value("SELECT count(*) FROM ops.quality_score WHERE workflow = 'parks'") == 1


def test_empty_house_passes(world: World) -> None:
    assert Watchman(world).run().read == 0


def test_stop_of_our_polls_is_a_gap_of_ours_and_closes_when_it_is_explained(watchman: Watchman) -> None:
    watchman.open_days(YESTERDAY, TODAY)
    watchman.live(at(YESTERDAY, 8), at(YESTERDAY, 12))
    watchman.live(at(YESTERDAY, 14), NOW)
    watchman.run()
    (gap,) = watchman.issues("GAP")
    assert (gap["raw_value"], gap["severity"], gap["status"]) == ("not_polled", "warning", "open")
    assert (gap["gap_from"], gap["gap_to"]) == (at(YESTERDAY, 12), at(YESTERDAY, 14))
    assert "gaps" in watchman.failed()
    watchman.run()
    assert watchman.issues("GAP")[0]["times_seen"] == 1
    # the archive brings the two hours
    for ride in watchman.rides:
        watchman.world.post(ride, every(at(YESTERDAY, 12), at(YESTERDAY, 14), 10), source="ARCHIVE")
    watchman.run()
    assert watchman.issues("GAP")[0]["status"] == "resolved" and "gaps" not in watchman.failed()


def test_polls_in_vain_and_a_silent_source_are_other_causes(watchman: Watchman) -> None:
    watchman.open_days(YESTERDAY, TODAY)
    watchman.live(at(YESTERDAY, 8), at(YESTERDAY, 10))
    watchman.world.poll(every(at(YESTERDAY, 10, 5), at(YESTERDAY, 11, 55), 5), answered=False)
    watchman.live(at(YESTERDAY, 12), at(YESTERDAY, 14))
    watchman.world.poll(every(at(YESTERDAY, 14, 5), at(YESTERDAY, 17, 55), 5))
    watchman.live(at(YESTERDAY, 18), NOW)
    watchman.run()
    assert [(g["raw_value"], g["gap_from"].hour) for g in watchman.issues("GAP")] == [
        ("no_answer", 10),
        ("source_silent", 14),
    ]
    assert "failed_polls" not in watchman.failed()  # that was more than a day ago
    watchman.run(at(TODAY, 9))
    assert "failed_polls" in watchman.failed()


def test_quiet_ride_and_closed_night_are_no_gap(watchman: Watchman) -> None:
    watchman.open_days(YESTERDAY, TODAY)
    watchman.world.poll(every(at(YESTERDAY, 8), NOW, 5))
    watchman.world.post(watchman.rides[0], every(at(YESTERDAY, 8), NOW, 55))
    watchman.world.post(watchman.rides[1], [at(YESTERDAY, 9)])
    watchman.state(watchman.rides[0], NOW)
    watchman.run()
    assert watchman.issues("GAP") == []


def test_archive_days_without_object_events_or_hours(watchman: Watchman) -> None:
    """Objects of 1, 2 (no event), 6 and 8 June: 3 to 5 never came, on the 7th the park was closed."""
    june = [date(2019, 6, n) for n in range(1, 10)]
    watchman.open_days(*(day for day in june if day.day != 7))
    for n in (1, 6, 8, 9):
        for ride in watchman.rides:
            watchman.world.post(ride, every(at(june[n - 1], 9), at(june[n - 1], 21), 20), source="ARCHIVE")
        watchman.world.object(june[n - 1], 300, at(june[n - 1], 9), at(june[n - 1], 21))
    watchman.world.object(june[1], 0, None, None)
    watchman.world.object(june[6], 0, None, None)
    watchman.run(datetime.now(UTC) + timedelta(minutes=30))
    found = [(g["raw_value"], g["gap_from"], g["gap_to"]) for g in watchman.issues("GAP")]
    assert found == [
        ("source_silent", at(june[1], 9), at(june[1], 21)),
        ("no_object", at(june[2], 9), at(june[4], 21)),
        ("closed", at(june[6], 0), at(june[7], 0)),
    ]
    assert watchman.issues("GAP")[1]["message"] == "Park: nothing for 2,160 minutes of 3 days (no object)"
    assert watchman.issues("GAP")[2]["severity"] == "info"
    said = watchman.world.value("SELECT message FROM ops.quality_result WHERE check_name = 'gaps'")
    assert "days: 2,160 of them no object, 720 of them source silent)" in said


def test_hole_in_the_archive_warns_once_and_its_issue_stays_until_it_is_filled(watchman: Watchman) -> None:
    """Objects of 3, 4 and 7 June: 5 and 6 are a hole. What lies before the first or after the last is none."""
    june = [date(2019, 6, n) for n in range(1, 10)]
    watchman.open_days(*june)

    def bring(number: int) -> None:
        day = june[number - 1]
        watchman.world.post(watchman.rides[0], every(at(day, 9), at(day, 21), 20), source="ARCHIVE")
        watchman.world.object(day, 300, at(day, 9), at(day, 21))

    for number in (3, 4, 7):
        bring(number)
    soon = datetime.now(UTC) + timedelta(minutes=30)
    watchman.run(soon)
    (hole,) = watchman.issues("GAP")
    assert (hole["raw_value"], hole["severity"], hole["gap_from"], hole["gap_to"]) == (
        "no_object", "warning", at(june[4], 9), at(june[5], 21),
    )  # fmt: skip
    assert "gaps" in watchman.failed()
    watchman.run(soon)
    assert "gaps" not in watchman.failed() and watchman.issues("GAP")[0]["status"] == "open"
    for number in (5, 6):
        bring(number)
    watchman.run(soon)
    assert "gaps" not in watchman.failed() and watchman.issues("GAP")[0]["status"] == "resolved"


def test_days_of_imports_are_taken_in_turns_and_once(watchman: Watchman) -> None:
    watchman.params["quality_window"] = {"recent_days": 2, "objects_a_run": 2}
    days = [date(2019, 6, n) for n in range(1, 6)]
    for day in days:
        watchman.world.post(watchman.rides[0], every(at(day, 9), at(day, 21), 20), source="ARCHIVE")
        watchman.world.object(day, 300, at(day, 9), at(day, 21))
    soon = datetime.now(UTC) + timedelta(minutes=30)
    seen = [watchman.run(soon).read for _ in range(4)]
    assert seen[-1] == 0 and all(seen[:3])
    looked = watchman.world.rows("SELECT local_date FROM parks.quality_day ORDER BY 1")
    assert [row["local_date"] for row in looked][-5:] == days
    # an object that changed is imported again, and its day is looked at again
    watchman.world.do(
        "UPDATE parks.archive_object SET imported_at = clock_timestamp() WHERE file_date = '2019-06-03'"
    )
    assert 1 <= watchman.run(soon).read <= 3


def test_file_that_may_still_be_committing_waits_and_is_spoken_of(
    watchman: Watchman, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    day = date(2019, 6, 1)
    watchman.world.post(watchman.rides[0], [at(day, 9)], source="ARCHIVE")
    watchman.world.object(day, 1, at(day, 9), at(day, 9))
    assert watchman.run(datetime.now(UTC)).read == 0
    assert "1 object of the last 10 minutes waits for the next run" in caplog.text
    caplog.clear()
    assert watchman.run(datetime.now(UTC) + timedelta(minutes=30)).read == 1
    assert "of the last 10 minutes" not in caplog.text


def test_local_day_and_daylight_saving(world: World) -> None:
    """A park west of UTC, on the day with 25 hours: the day's bounds are the park's own."""
    man = Watchman(world)
    park = world.park("West", "west", zone="America/New_York")
    ride = world.rides(park, [(uid("w"), "Wheel")])[uid("w")]
    first = datetime(2019, 11, 3, 4, tzinfo=UTC)  # midnight of summer time
    world.post(ride, every(first - timedelta(hours=1), first + timedelta(hours=26), 30), source="ARCHIVE")
    world.object(date(2019, 11, 2), 1, first - timedelta(hours=1), first - timedelta(minutes=30))
    world.object(date(2019, 11, 3), 1, first, first + timedelta(hours=19))
    world.object(date(2019, 11, 4), 1, first + timedelta(hours=20), first + timedelta(hours=26))
    man.run(datetime.now(UTC) + timedelta(minutes=30))
    rows = world.rows(
        "SELECT archive_rows FROM parks.quality_day WHERE park_id = %(park)s AND local_date = '2019-11-03'",
        park=park,
    )
    assert rows == [{"archive_rows": 50}]


def test_agreement_compares_what_stood_and_not_what_was_posted(watchman: Watchman) -> None:
    watchman.open_days(YESTERDAY, TODAY)
    watchman.live(at(YESTERDAY, 8), NOW, minutes=60)
    ride = watchman.rides[0]
    # the archive has one posting of the same wait for the whole day, then half of it differs
    watchman.world.post(ride, [at(YESTERDAY, 8)], wait=12, source="ARCHIVE")
    watchman.world.post(ride, [at(YESTERDAY, 22)], None, "CLOSED", source="ARCHIVE")
    watchman.run()
    day = watchman.world.rows("SELECT * FROM parks.quality_day WHERE local_date = %(day)s", day=YESTERDAY)[0]
    assert day["compared_minutes"] == day["agreed_minutes"] == 16 * 60
    assert "agreement" not in watchman.failed()
    watchman.world.post(ride, [at(YESTERDAY, 16)], wait=40, source="ARCHIVE")
    watchman.run()
    day = watchman.world.rows("SELECT * FROM parks.quality_day WHERE local_date = %(day)s", day=YESTERDAY)[0]
    assert (day["compared_minutes"], day["agreed_minutes"]) == (16 * 60, 10 * 60)
    assert "agreement" in watchman.failed()


def test_live_that_stopped_is_not_compared_for_ever(watchman: Watchman) -> None:
    watchman.world.poll([at(YESTERDAY, 8)])
    watchman.world.post(watchman.rides[0], [at(YESTERDAY, 8)], wait=12)
    watchman.world.post(
        watchman.rides[0], every(at(YESTERDAY, 8), at(YESTERDAY, 20), 30), wait=12, source="ARCHIVE"
    )
    watchman.run()
    day = watchman.world.rows("SELECT * FROM parks.quality_day WHERE local_date = %(day)s", day=YESTERDAY)[0]
    assert day["compared_minutes"] == 65


def test_suspects_are_noted_once_and_closed_when_the_data_comes_again(watchman: Watchman) -> None:
    watchman.open_days(YESTERDAY, TODAY)
    watchman.world.poll(every(at(YESTERDAY, 8), NOW, 5))
    for ride in watchman.rides[:2]:
        watchman.world.post(ride, every(at(YESTERDAY, 9), at(YESTERDAY, 20), 30), wait=0)
    watchman.world.post(watchman.rides[2], every(at(TODAY, 2), at(TODAY, 4), 30), wait=35)
    watchman.world.post(watchman.rides[2], [at(TODAY, 12)], wait=500)
    watchman.run()
    assert {"zero_days", "extreme_waits", "night_waits"} <= watchman.failed()
    (zero,) = watchman.issues("SUSPECT_ZERO")
    assert zero["subject"] == f"{watchman.park} {YESTERDAY}" and "46 waits" in zero["message"]
    assert watchman.issues("NIGHT_WAITS") == []  # today is not over
    watchman.run()
    assert watchman.issues("SUSPECT_ZERO")[0]["times_seen"] == 1
    watchman.world.post(watchman.rides[2], [at(YESTERDAY, 15)], wait=20)
    watchman.run()
    kinds = {(i["raw_value"], i["status"]) for i in watchman.issues("SUSPECT_ZERO")}
    assert kinds == {("park", "resolved"), ("ride", "open")}
    watchman.run(NOW + timedelta(hours=4))  # the next day
    (night,) = watchman.issues("NIGHT_WAITS")
    assert night["subject"] == f"{watchman.park} {TODAY:%Y-%m}" and night["times_seen"] == 1
    assert f"5 waits outside its hours on one day of {TODAY:%Y-%m}, the last on {TODAY}" in night["message"]


def test_waits_at_night_are_one_issue_a_month(watchman: Watchman) -> None:
    world, before = watchman.world, YESTERDAY - timedelta(days=1)
    watchman.open_days(before, YESTERDAY, TODAY)
    world.poll(every(at(before, 8), NOW, 30))

    def night(day: date, waits: int) -> None:
        world.post(
            watchman.rides[2], every(at(day, 2), at(day, 2) + timedelta(minutes=30 * waits), 30), wait=35
        )

    def look(now: datetime) -> dict[str, Any]:
        watchman.run(now)
        (row,) = (
            row for row in watchman.issues("NIGHT_WAITS") if row["subject"] == f"{watchman.park} 2026-07"
        )
        return row

    a_day = f"{watchman.park} {before}"  # what an earlier release wrote
    world.do(
        "SELECT parks.log_issue('NIGHT_WAITS', 'warning', %(day)s, '', 'old', %(p)s)",
        day=a_day,
        p=watchman.park,
    )
    night(before, 3)
    row = look(NOW - timedelta(days=1))
    assert row["times_seen"] == 1 and f"on one day of 2026-07, the last on {before}" in row["message"]
    world.do(
        "UPDATE parks.data_quality_log SET owner = 'ada', status = 'acknowledged' WHERE subject <> %(day)s",
        day=a_day,
    )
    night(YESTERDAY, 4)
    for _ in range(2):
        row = look(NOW)
        assert (row["times_seen"], row["owner"], row["status"]) == (2, "ada", "acknowledged")
    assert f"posted 9 waits outside its hours on 2 days of 2026-07, the last on {YESTERDAY}" in row["message"]
    assert [row["status"] for row in watchman.issues("NIGHT_WAITS") if row["subject"] == a_day] == [
        "resolved"
    ]
    # it was open all night, and that is published later
    world.hours(watchman.park, YESTERDAY, at(YESTERDAY, 0), at(YESTERDAY, 9))
    row = look(NOW)
    assert (row["times_seen"], row["status"]) == (2, "acknowledged") and "on one day" in row["message"]
    world.hours(watchman.park, before, at(before, 0), at(before, 9))
    watchman.params["quality_window"]["recent_days"] = 3
    assert look(NOW)["status"] == "resolved"


def test_ride_of_nothing_but_zero_is_closed_when_its_newest_day_has_a_wait(watchman: Watchman) -> None:
    watchman.open_days(YESTERDAY, TODAY)
    watchman.world.poll(every(at(YESTERDAY, 8), NOW, 5))
    watchman.world.post(watchman.rides[0], every(at(YESTERDAY, 9), at(YESTERDAY, 20), 30), wait=0)
    watchman.world.post(watchman.rides[1], every(at(YESTERDAY, 9), at(YESTERDAY, 20), 30), wait=20)
    watchman.run()
    watchman.run()
    (zero,) = watchman.issues("SUSPECT_ZERO")
    assert (zero["raw_value"], zero["status"], zero["times_seen"]) == ("ride", "open", 1)
    watchman.world.post(watchman.rides[0], [at(TODAY, 9)], wait=0)
    watchman.run()
    assert watchman.issues("SUSPECT_ZERO")[0]["status"] == "open"
    watchman.world.post(watchman.rides[0], [at(TODAY, 10)], wait=15)
    for _ in range(2):  # and it stays so, though yesterday is looked at again
        watchman.run()
        assert watchman.issues("SUSPECT_ZERO")[0]["status"] == "resolved"


def test_stale_only_inside_hours_or_when_all_are(
    watchman: Watchman, caplog: pytest.LogCaptureFixture
) -> None:
    world = watchman.world
    watchman.open_days(TODAY)
    world.poll(every(at(TODAY, 8), at(TODAY, 19, 45), 5))
    states = "SELECT name, state FROM parks.freshness(%(now)s, 30, 180) ORDER BY name"
    watchman.run()
    assert world.rows(states, now=NOW) == [{"name": "Park", "state": "stale"}]
    (issue,) = watchman.issues("STALE")
    assert issue["status"] == "open" and "stale_parks" in watchman.failed()
    assert (
        world.value("SELECT count(*) FROM ops.alert WHERE incident = 'parks_stale' AND resolved_at IS NULL")
        == 1
    )
    # an hour later it is polled again
    world.poll([NOW + timedelta(minutes=55)])
    watchman.run(NOW + timedelta(hours=1))
    assert watchman.issues("STALE")[0]["status"] == "resolved" and "stale_parks" not in watchman.failed()
    assert (
        world.value("SELECT count(*) FROM ops.alert WHERE incident = 'parks_stale' AND resolved_at IS NULL")
        == 0
    )


def test_states_of_freshness(watchman: Watchman) -> None:
    world = watchman.world
    watchman.open_days(TODAY)
    other = uid("other resort")
    world.do("INSERT INTO parks.destinations (destination_id) VALUES (%(id)s)", id=other)
    night = world.park("Night")
    world.do("UPDATE parks.parks SET destination_id = %(d)s WHERE park_id = %(p)s", d=other, p=night)
    never = world.park("Never")
    world.do("UPDATE parks.parks SET destination_id = NULL WHERE park_id = %(p)s", p=never)
    world.poll(every(at(TODAY, 8), NOW, 5))
    watchman.state(watchman.rides[0], NOW - timedelta(hours=4))
    world.do(
        """INSERT INTO parks.live_poll (cycle_id, destination_id, polled_at, is_answered)
           SELECT max(cycle_id), %(d)s, %(at)s, true FROM parks.live_cycle""",
        d=other, at=NOW - timedelta(hours=2),
    )  # fmt: skip
    rows = world.rows("SELECT name, state FROM parks.freshness(%(now)s, 30, 180) ORDER BY name", now=NOW)
    assert [(r["name"], r["state"]) for r in rows] == [
        ("Never", "not_collected"),
        ("Night", "closed"),
        ("Park", "frozen"),
    ]
    later = world.rows(
        "SELECT name, state FROM parks.freshness(%(now)s, 30, 180) ORDER BY name", now=NOW + timedelta(days=3)
    )
    assert [r["state"] for r in later] == ["not_collected", "stale", "stale"]  # at night too: all are
    watchman.run()
    assert "frozen_parks" in watchman.failed() and len(watchman.issues("FROZEN")) == 1


def test_ignored_issue_stays_ignored(watchman: Watchman) -> None:
    watchman.open_days(YESTERDAY, TODAY)
    watchman.live(at(YESTERDAY, 8), at(YESTERDAY, 12))
    watchman.live(at(YESTERDAY, 14), NOW)
    watchman.run()
    watchman.world.do("UPDATE parks.data_quality_log SET status = 'ignored' WHERE kind = 'GAP'")
    watchman.run()
    assert [i["status"] for i in watchman.issues("GAP")] == ["ignored"]


def test_snapshots_of_other_months_are_not_read(watchman: Watchman) -> None:
    """The window does not grow with the archive: the plan reads the partitions of the days alone."""
    from services.data_quality.parks.checks import STATEMENTS

    for n in range(1, 13):
        watchman.world.post(watchman.rides[0], [at(date(2019, n, 2), 12)], source="ARCHIVE")
    conn = watchman.world.conn
    with db.transaction(conn):
        db.execute(conn, STATEMENTS["make_tables"])
        values = {
            "month": date(2019, 6, 1),
            "first": at(date(2019, 6, 1), 0),
            "last": at(date(2019, 6, 30), 0),
        }
        plan = db.fetch_all(conn, "EXPLAIN " + STATEMENTS["copy_postings"], values)
    text = "\n".join(row["QUERY PLAN"] for row in plan)
    assert "snapshots_2019_06" in text and "snapshots_2019_05" not in text and "snapshots_2019_07" not in text


def test_park_that_the_archive_does_not_have_is_no_gap(watchman: Watchman) -> None:
    """The metadata know six parks of a resort; the archive has two of them. Before its first posting none is missed."""
    june = [date(2019, 6, n) for n in range(1, 4)]
    never = watchman.world.park("Never in the archive")
    for day in june:
        watchman.world.object(day, 0, None, None)
    watchman.world.post(watchman.rides[0], [at(june[1], 12)], source="ARCHIVE")
    watchman.run(datetime.now(UTC) + timedelta(minutes=30))
    days = watchman.world.rows("SELECT park_id::text AS park, local_date FROM parks.quality_day")
    assert june[1] in {row["local_date"] for row in days} and june[0] not in {
        row["local_date"] for row in days
    }
    assert never not in {row["park"] for row in days}


def test_gap_that_grows_keeps_what_people_wrote_on_it(watchman: Watchman) -> None:
    watchman.open_days(TODAY)
    watchman.live(at(TODAY, 8), at(TODAY, 12))
    watchman.run(at(TODAY, 15, 20))
    watchman.world.do(
        "UPDATE parks.data_quality_log SET status = 'acknowledged', owner = 'Ana' WHERE kind = 'GAP'"
    )
    watchman.run(at(TODAY, 16, 20))
    (gap,) = watchman.issues("GAP")
    assert (gap["status"], gap["owner"], gap["times_seen"]) == ("acknowledged", "Ana", 2)
    assert gap["gap_from"] == at(TODAY, 12)
    assert at(TODAY, 16, 20) <= gap["gap_to"] < at(TODAY, 16, 22)


def test_closure_of_a_season_is_one_gap_by_schedule(watchman: Watchman) -> None:
    first, last = date(2020, 3, 13), date(2020, 7, 11)
    watchman.open_days(first, last)
    for day in (first, last):
        watchman.world.post(watchman.rides[0], every(at(day, 9), at(day, 21), 20), source="ARCHIVE")
        watchman.world.object(day, 300, at(day, 9), at(day, 21))
    watchman.run(datetime.now(UTC) + timedelta(minutes=30))
    (gap,) = watchman.issues("GAP")
    assert (gap["raw_value"], gap["severity"]) == ("closed", "info")
    assert (gap["gap_from"], gap["gap_to"]) == (at(date(2020, 3, 14), 0), at(last, 0))
    assert "gaps" not in watchman.failed()


def test_critical_check_fails_the_job_after_all_is_on_record(watchman: Watchman) -> None:
    rules = {
        **watchman.params["quality"],
        "gaps": {**watchman.params["quality"]["gaps"], "severity": "critical"},
    }
    watchman.params["quality"] = rules
    day = date(2019, 6, 1)
    watchman.open_days(day)
    watchman.world.post(watchman.rides[0], [at(day - timedelta(days=9), 12)], source="ARCHIVE")
    for number in range(2):
        watchman.world.object(day + timedelta(days=number), 0, None, None)
    with pytest.raises(CheckFailed, match="gaps .*Park 2,160"):
        watchman.run(datetime.now(UTC) + timedelta(minutes=30))
    assert len(watchman.issues("GAP")) == 1 and "gaps" in watchman.failed()
    assert watchman.run(datetime.now(UTC) + timedelta(minutes=30)).read == 0  # it is not looked at again


def test_run_that_is_stopped_between_months_is_done_again_to_the_same_end(watchman: Watchman) -> None:
    days = [date(2019, 5, 30), date(2019, 5, 31), date(2019, 6, 1), date(2019, 6, 2)]
    for day in days:
        watchman.world.post(watchman.rides[0], every(at(day, 9), at(day, 21), 20), source="ARCHIVE")
        watchman.world.object(day, 300, at(day, 9), at(day, 21))
    look_at, seen = Watch.look_at, []

    def stop_after_one(watch: Watch, month: Mapping[str, Any]) -> None:
        if seen:
            raise Interrupted("asked to stop")
        seen.append(month)
        look_at(watch, month)

    soon = datetime.now(UTC) + timedelta(minutes=30)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Watch, "look_at", stop_after_one)
        with pytest.raises(Interrupted):
            watchman.run(soon)
    assert watchman.world.value("SELECT count(*) FROM parks.quality_day") == 2
    assert watchman.world.value("SELECT count(*) FROM ops.pipeline_metadata WHERE source = 'quality'") == 0
    assert watchman.run(soon).read == 4
    assert watchman.world.value("SELECT count(*) FROM parks.quality_day") == 4


def test_mistakes_of_the_sections_are_named() -> None:
    params = dict(read_yaml(ROOT / "workflows" / "parks.yml")[0])
    assert validate(params) == []
    assert validate({**params, "quality_window": {"recent_days": 0, "size": 3}}) == [
        "quality_window.recent_days: 0 is not a whole number from 1 up",
        "quality_window.objects_a_run: None is not a whole number from 1 up",
        "quality_window.size: no such key; known are recent_days, objects_a_run",
    ]
    assert validate({"quality": params["quality"]}) == [
        "quality_window: expected a mapping with recent_days and objects_a_run"
    ]
    (problem,) = validate(
        {**params, "quality": {**params["quality"], "gaps": {"severity": "warning", "max": 0}}}
    )[:1]
    assert problem.startswith("quality.gaps.minutes: None is not")


def test_every_check_can_be_switched_off(watchman: Watchman) -> None:
    watchman.open_days(YESTERDAY, TODAY)
    watchman.live(at(YESTERDAY, 8), NOW)
    watchman.params["quality"] = dict.fromkeys(watchman.params["quality"], False)
    assert watchman.run().written == 0


def test_changes_alone_agree_with_every_reading(watchman: Watchman) -> None:
    """One source repeats what stands, the other posts changes and a word an hour: both say the same all day."""
    dice, ride, wait, last_post = random.Random(7), watchman.rides[0], 20, None
    watchman.world.poll([at(YESTERDAY, 8)])
    for moment in every(at(YESTERDAY, 8), at(YESTERDAY, 20), 5):
        changed = dice.random() < 0.1
        wait = max(0, wait + dice.choice((-15, 15))) if changed else wait
        watchman.world.post(ride, [moment], wait=wait, source="ARCHIVE")
        if changed or last_post is None or moment - last_post >= timedelta(minutes=60):
            watchman.world.post(ride, [moment], wait=wait)
            last_post = moment
    watchman.run()
    day = watchman.world.rows("SELECT * FROM parks.quality_day WHERE local_date = %(day)s", day=YESTERDAY)[0]
    assert day["live_rows"] < day["archive_rows"] / 3
    assert day["compared_minutes"] == day["agreed_minutes"] > 720
