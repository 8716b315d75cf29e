"""A cycle: what is written, when, and what is not."""

from datetime import UTC, datetime, timedelta

from services.themeparks.world import KINGDOM, RESORT, World
from tests.integration.parks_live.conftest import NOON, captured, issues, rows

SNAPSHOTS = """
SELECT r.name, s.recorded_at, s.status::text AS status, s.wait_minutes, s.source_updated_at
FROM parks.ride_status_snapshots AS s JOIN parks.rides AS r USING (ride_id) WHERE s.data_source = 'LIVE'
ORDER BY r.name, s.recorded_at
"""


def test_a_cycle_writes_what_every_ride_posts(cycle, conn, settings):
    counts = cycle()
    assert (counts.read, counts.written, counts.rejected) == (7, 7, 0)
    found = {row["name"]: (row["status"], row["wait_minutes"]) for row in rows(conn, SNAPSHOTS)}
    assert found["Seven Dwarfs Mine Train"] == ("OPERATING", 135) and found["Slinky Dog Dash"] == (
        "OPERATING",
        55,
    )
    (round_,) = rows(conn, "SELECT * FROM parks.live_cycle")
    assert (round_["status"], round_["asked"], round_["answered"], round_["changed"]) == ("COMPLETE", 1, 1, 7)
    (poll,) = rows(conn, "SELECT * FROM parks.live_poll")
    assert poll["is_answered"] and poll["newest_at"] == datetime(2019, 7, 4, 16, 59, 3, tzinfo=UTC)
    dirty = rows(conn, "SELECT park_id::text AS park_id, local_date FROM parks.dirty_day")
    assert {row["local_date"] for row in dirty} == {NOON.date()} and len(dirty) == 2


def test_the_answer_is_landed_as_it_came(cycle, conn, settings, api):
    import gzip

    import requests

    cycle()
    (landed,) = rows(conn, "SELECT object_key, dataset FROM ops.loaded_object")
    assert landed["object_key"] == f"landing/parks/live/2026/11/20/170000-{RESORT}.json.gz"
    assert landed["dataset"] == "parks/landing"  # what `retention` of the workflow file deletes by
    body = (settings.local_dir / "objects" / landed["object_key"]).read_bytes()
    assert gzip.decompress(body) == requests.get(f"{api.url}/v1/entity/{RESORT}/live", timeout=10).content


def test_the_recorded_polls_give_a_snapshot_for_each_change_and_each_hour(cycle, conn, api):
    """Replay of the sequence: 24 polls, five minutes apart."""
    expected, last, stood = [], {}, {}
    world = World()
    for number, moment in enumerate(world.polls):
        api.stand_at(number)
        at = datetime.strptime(moment, "%Y%m%dT%H%MZ").replace(tzinfo=UTC)
        cycle(at)
        world_clock = type(
            "Standing", (), {"poll": staticmethod(lambda n=number: n), "shift": staticmethod(timedelta)}
        )
        for entry in world.live(world.entities[RESORT], world_clock):
            said = (entry["status"], (entry["queue"].get("STANDBY") or {}).get("waitTime"))
            if last.get(entry["name"]) != said or at - stood[entry["name"]] >= timedelta(hours=1):
                expected.append((entry["name"], at, *said))
                last[entry["name"]], stood[entry["name"]] = said, at
    found = [
        (row["name"], row["recorded_at"], row["status"], row["wait_minutes"]) for row in rows(conn, SNAPSHOTS)
    ]
    assert found == sorted(expected) and 40 < len(found) < 24 * 7
    assert rows(conn, "SELECT count(*) AS n FROM parks.live_cycle WHERE status = 'COMPLETE'")[0]["n"] == 24


def test_59_the_same_posting_is_no_new_change_and_freshness_is_the_poll(cycle, conn):
    """Case 59: lastUpdated unchanged since the last poll."""
    cycle()
    later = NOON + timedelta(minutes=5)
    assert cycle(later).written == 0
    state = rows(conn, "SELECT recorded_at, last_polled_at FROM parks.live_state")
    assert {(row["recorded_at"], row["last_polled_at"]) for row in state} == {(NOON, later)}


def test_59_after_an_hour_without_a_row_the_posting_is_confirmed(cycle, conn):
    cycle()
    assert cycle(NOON + timedelta(minutes=59)).written == 0
    assert cycle(NOON + timedelta(minutes=60)).written == 7
    assert len(rows(conn, SNAPSHOTS)) == 14


def test_59_a_park_that_was_updated_two_years_ago_is_as_fresh_as_the_answer(cycle, conn, api):
    """Case 59, the real answer: the entry of the park itself has a lastUpdated of 2024."""
    answer = captured("live_75ea578a_2026-04-14.json")
    api.live(*answer["liveData"])
    assert cycle().read == 61
    park = "SELECT s.* FROM parks.live_state AS s JOIN parks.rides USING (ride_id) WHERE entity_id::text = %(id)s"
    (state,) = rows(conn, park, id=KINGDOM)
    assert state["source_updated_at"].year == 2024 and state["last_polled_at"] == NOON and state["is_present"]
    types = rows(conn, "SELECT entity_type, count(*) AS n FROM parks.rides GROUP BY 1 ORDER BY 1")
    assert {row["entity_type"]: row["n"] for row in types} == {
        "ATTRACTION": 35,
        "PARK": 1,
        "RESTAURANT": 8,
        "SHOW": 17,
    }
    assert not issues(conn, "NO_PARK")  # all are in a park, the park in itself


def test_60_an_entity_that_is_missing_is_absent_and_not_closed(cycle, conn, api):
    """Case 60, there and back."""
    first = {
        "id": "352feb94-e52e-45eb-9c92-e4b44c6b1a9d",
        "name": "Pirates",
        "parkId": KINGDOM,
        "status": "OPERATING",
    }
    second = {**first, "id": "9d4d5229-7142-44b6-b4fb-528920969a2c", "name": "Mine Train"}
    api.live(first, second)
    cycle()
    api.live(first)
    assert cycle(NOON + timedelta(minutes=5)).written == 0
    state = {
        row["name"]: row
        for row in rows(conn, "SELECT * FROM parks.live_state JOIN parks.rides USING (ride_id)")
    }
    gone = state["Mine Train"]
    assert (gone["status"], gone["is_present"]) == ("OPERATING", False) and state["Pirates"]["is_present"]
    assert gone["last_polled_at"] == NOON + timedelta(minutes=5)
    api.live(first, second)
    assert cycle(NOON + timedelta(minutes=10)).written == 1  # it is back: that it was away is in the history


def test_63_our_clock_is_the_time_and_the_source_time_stands_beside(cycle, conn, api):
    """Case 63, and a clock that is set back."""
    cycle()
    assert {row["recorded_at"] for row in rows(conn, SNAPSHOTS)} == {NOON}
    assert all(row["source_updated_at"].year == 2019 for row in rows(conn, SNAPSHOTS))
    api.stand_at(12)
    before = NOON - timedelta(hours=2)
    cycle(before)
    assert before in {row["recorded_at"] for row in rows(conn, SNAPSHOTS)}
    assert [issue["subject"] for issue in issues(conn, "CLOCK_SET_BACK")] == ["live"]


def test_two_answers_of_one_second_are_one_instant_and_the_later_one_counts(cycle, conn, api):
    cycle()
    api.stand_at(12)
    cycle()
    found = {row["name"]: row["wait_minutes"] for row in rows(conn, SNAPSHOTS)}
    assert len(rows(conn, SNAPSHOTS)) == 7 and found["Seven Dwarfs Mine Train"] != 135


def test_46_a_park_and_a_destination_that_nobody_knew_are_discovered(cycle, conn):
    """Case 46."""
    cycle()
    parks = rows(conn, "SELECT destination_id::text AS d, is_discovered, timezone FROM parks.parks")
    assert parks == [{"d": RESORT, "is_discovered": True, "timezone": "America/New_York"}] * 2


def test_47_a_ride_without_a_park_keeps_its_own_and_a_move_is_noted(cycle, conn, api):
    """Case 47."""
    ride = {"id": "352feb94-e52e-45eb-9c92-e4b44c6b1a9d", "name": "Pirates", "status": "OPERATING"}
    other = "288747d1-8b4f-4a64-867e-ea7c9b27bad8"
    api.live({**ride, "parkId": KINGDOM})
    cycle()
    api.live({**ride, "status": "DOWN"})
    cycle(NOON + timedelta(minutes=5))
    assert rows(conn, "SELECT park_id::text AS p FROM parks.rides")[0]["p"] == KINGDOM
    assert [issue["severity"] for issue in issues(conn, "NO_PARK")] == ["info"]
    api.live({**ride, "parkId": other})
    cycle(NOON + timedelta(minutes=10))
    assert rows(conn, "SELECT park_id::text AS p FROM parks.rides")[0]["p"] == other
    assert [issue["raw_value"] for issue in issues(conn, "PARK_CHANGED")] == [f"{KINGDOM} to {other}"]
    assert len(rows(conn, "SELECT value FROM parks.ride_history WHERE attribute = 'park_id'")) == 2
