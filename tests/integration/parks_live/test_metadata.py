"""The daily description: versions, zones, hours, places, heights."""

from datetime import UTC, date, datetime, timedelta

import pytest

from services.ingestion.parks.metadata import describe
from services.themeparks.world import KINGDOM, RESORT, STUDIOS
from shared import db
from shared.errors import ConfigError, FatalError, TransientError
from tests.integration.parks_live.conftest import NOON, captured, issues, make_run, rows

HALF_PAST_THREE = datetime(2018, 3, 11, 7, 30, tzinfo=UTC)  # the first one in Orlando that day
MOUNTAIN, MINE_TRAIN = "b2260923-9315-40fd-9c6b-44dd811dbe64", "9d4d5229-7142-44b6-b4fb-528920969a2c"
VERSIONS = """
SELECT m.* FROM parks.entity_metadata AS m JOIN parks.rides AS r USING (ride_id)
WHERE r.entity_id::text = %(id)s ORDER BY m.valid_from
"""


@pytest.fixture
def describe_on(settings):
    """Run the job on a day, with answers of that day's own."""

    def run_job(at=NOON, force=False, **metadata):
        run = make_run(settings, "parks_metadata", at.date())
        object.__setattr__(
            run.workflow, "params", {**run.workflow.params, "metadata": {"pause": 0, **metadata}}
        )
        run.force = force
        try:
            return describe(run, lambda: at)
        finally:
            run.close()

    return run_job


@pytest.fixture
def one_ride(api):
    """A park with one attraction, whose page and place a test sets."""

    def serve(child=None, entity=None, park=None):
        child = {
            "id": MOUNTAIN,
            "name": "Space Mountain",
            "entityType": "ATTRACTION",
            "parentId": KINGDOM,
            **(child or {}),
        }
        park = {"id": KINGDOM, "name": "Magic Kingdom", "entityType": "PARK", "timezone": "America/New_York",
                "location": {"latitude": 28.416, "longitude": -81.5812}, **(park or {})}  # fmt: skip
        api.answer(f"/v1/entity/{RESORT}/children", {"children": [park, child]})
        api.answer(f"/v1/entity/{KINGDOM}", park)
        api.answer(f"/v1/entity/{MOUNTAIN}", {**child, **(entity or {})})

    return serve


def test_a_resort_is_described(describe_on, conn):
    counts = describe_on()
    assert counts.read == 2 + 73 + 12 and counts.rejected == 0
    parks = rows(
        conn,
        "SELECT name, slug, timezone, is_discovered FROM parks.parks WHERE NOT is_discovered ORDER BY name",
    )
    assert [(park["slug"], park["timezone"]) for park in parks] == [
        ("disneyshollywoodstudios", "America/New_York"), ("magickingdompark", "America/New_York"),
    ]  # fmt: skip
    assert rows(conn, "SELECT count(*) AS n FROM parks.destinations")[0]["n"] == 101
    assert rows(conn, "SELECT count(*) AS n FROM parks.entity_metadata WHERE latitude IS NULL")[0]["n"] == 0
    (mine,) = rows(conn, VERSIONS, id=MINE_TRAIN)
    assert (mine["min_height_cm"], mine["attraction_type"], mine["is_indoor"]) == (97, "RIDE", False)
    assert mine["completeness"] == 100
    assert not rows(conn, "SELECT FROM parks.data_quality_log")


def test_heights_of_both_shapes_are_those_that_are_known(describe_on, conn):
    """All heights of the file of facts, from attributes in cm (one park) and tags in inches (the other)."""
    import csv

    from services.themeparks.world import DATA

    describe_on()
    with open(DATA / "attractions.csv", encoding="utf-8", newline="") as file:
        facts = {
            row["themeparks_wiki_id"]: int(row["min_height_cm"])
            for row in csv.DictReader(file)
            if row["min_height_cm"]
        }
    found = rows(
        conn,
        "SELECT r.entity_id::text AS id, min_height_cm AS cm FROM parks.entity_metadata JOIN parks.rides AS r USING (ride_id) "  # noqa: E501
        "WHERE min_height_cm IS NOT NULL",
    )
    assert {row["id"]: row["cm"] for row in found} == facts and len(facts) > 12


def test_the_same_again_writes_no_version_and_asks_nothing_twice_a_day(describe_on, conn, api):
    describe_on()
    asked = len(api.requests())
    assert describe_on(NOON + timedelta(hours=1)).written == 0
    assert len(api.requests()) == asked
    assert describe_on(NOON + timedelta(hours=1), force=True).written == 0
    assert len(api.requests()) == 2 * asked
    assert (
        describe_on(NOON + timedelta(days=1)).written == 0
    )  # the same published hours, the same descriptions
    assert (
        rows(conn, "SELECT count(*) AS n FROM parks.entity_metadata WHERE valid_to IS NOT NULL")[0]["n"] == 0
    )


@pytest.mark.parametrize(
    ("shape", "height", "kind"),
    [
        pytest.param({"minimumHeight": 112}, 112, None, id="attribute-112-cm"),
        pytest.param({"minimumHeight": "112"}, 112, None, id="attribute-text"),
        pytest.param(
            {"tags": [{"tag": "MINIMUM_HEIGHT", "value": {"height": 44, "unit": "in"}}]},
            112,
            None,
            id="44-in",
        ),
        pytest.param(
            {"tags": [{"tag": "MINIMUM_HEIGHT", "value": {"height": 40, "unit": "in"}}]},
            102,
            None,
            id="40-in",
        ),
        pytest.param(
            {"tags": [{"tag": "MINIMUM_HEIGHT", "value": {"height": 1.12, "unit": "m"}}]},
            None,
            "INVALID_HEIGHT",
            id="unit",
        ),
        pytest.param(
            {"tags": [{"tag": "MINIMUM_HEIGHT", "value": None}]}, None, None, id="tag-without-value"
        ),
        pytest.param(
            {"tags": [{"tag": "MINIMUM_HEIGHT", "value": "44 in"}]}, None, "INVALID_HEIGHT", id="tag-text"
        ),
        pytest.param({"minimumHeight": 0}, None, None, id="0-is-no-limit"),
        pytest.param({"minimumHeight": 999}, None, "INVALID_HEIGHT", id="999"),
        pytest.param({"minimumHeight": -1}, None, "INVALID_HEIGHT", id="negative"),
        pytest.param({"minimumHeight": True}, None, "INVALID_HEIGHT", id="true"),
        pytest.param(
            {
                "minimumHeight": 112,
                "tags": [{"tag": "MINIMUM_HEIGHT", "value": {"height": 44, "unit": "in"}}],
            },
            112,
            None,
            id="both-agree",
        ),
        pytest.param(
            {
                "minimumHeight": 112,
                "tags": [{"tag": "MINIMUM_HEIGHT", "value": {"height": 50, "unit": "in"}}],
            },
            112,
            "CONFLICT",
            id="both-differ",
        ),
        pytest.param({"tags": "none"}, None, None, id="tags-no-list"),
    ],
)
def test_65_a_height(describe_on, conn, one_ride, shape, height, kind):
    """Case 65: both shapes, converted once, ranges checked."""
    one_ride(entity=shape)
    describe_on()
    (version,) = rows(conn, VERSIONS, id=MOUNTAIN)
    assert version["min_height_cm"] == height
    assert {row["kind"] for row in rows(conn, "SELECT kind FROM parks.data_quality_log")} == (
        {kind} if kind else set()
    )


@pytest.mark.parametrize(
    ("location", "place", "kind"),
    [
        pytest.param({"latitude": 28.4188, "longitude": -81.5782}, (28.4188, -81.5782), None, id="good"),
        pytest.param({"latitude": 0, "longitude": 0}, None, "INVALID_PLACE", id="0-0"),
        pytest.param(
            {"latitude": -81.5782, "longitude": 28.4188}, (28.4188, -81.5782), "SWAPPED_PLACE", id="swapped"
        ),
        pytest.param(
            {"latitude": "28.4188", "longitude": "-81.5782"}, (28.4188, -81.5782), "COERCED_PLACE", id="text"
        ),
        pytest.param({"latitude": None, "longitude": None}, None, None, id="null"),
        pytest.param({"latitude": 28.4188, "longitude": None}, None, "INVALID_PLACE", id="half-null"),
        pytest.param({"latitude": 48.87, "longitude": 2.78}, None, "INVALID_PLACE", id="another-park"),
        pytest.param({"latitude": 128.4, "longitude": -81.5}, None, "INVALID_PLACE", id="out-of-the-world"),
        pytest.param(None, None, None, id="none"),
        pytest.param([], None, None, id="list"),
    ],
)
def test_65_a_place(describe_on, conn, one_ride, location, place, kind):
    """Case 65: 0/0, swapped, null, text, outside the park's box."""
    one_ride(child={"location": location})
    describe_on()
    (version,) = rows(conn, VERSIONS, id=MOUNTAIN)
    assert (version["latitude"], version["longitude"]) == (place or (None, None))
    assert {row["kind"] for row in rows(conn, "SELECT kind FROM parks.data_quality_log")} == (
        {kind} if kind else set()
    )


def test_65_a_tag_that_is_removed_is_a_new_version(describe_on, conn, one_ride):
    """Case 65: the old version stays as it was."""
    one_ride(entity={**captured("entity_tags_SYNTHETIC.json"), "id": MOUNTAIN})
    describe_on()
    (first,) = rows(conn, VERSIONS, id=MOUNTAIN)
    assert (first["min_height_cm"], first["max_height_cm"], len(first["tags"])) == (112, 200, 5)
    one_ride(entity={"minimumHeight": 112})
    later = NOON + timedelta(days=1)
    describe_on(later)
    before, after = rows(conn, VERSIONS, id=MOUNTAIN)
    assert (before["valid_to"], len(before["tags"]), before["max_height_cm"]) == (later, 5, 200)
    assert (after["valid_from"], after["valid_to"], after["tags"], after["max_height_cm"]) == (
        later,
        None,
        [],
        None,
    )


def test_65_an_attribute_that_nobody_knows_is_kept(describe_on, conn, one_ride):
    one_ride(entity=captured("entity_minimumHeight_SYNTHETIC.json") | {"id": MOUNTAIN, "somethingNew": [1]})
    describe_on()
    (version,) = rows(conn, VERSIONS, id=MOUNTAIN)
    assert (
        version["attributes"] == {"mayGetWet": False, "somethingNew": [1]} and version["min_height_cm"] == 97
    )


def test_an_entity_that_is_gone_has_no_version_of_today(describe_on, conn, one_ride, api):
    one_ride()
    describe_on()
    api.answer(
        f"/v1/entity/{RESORT}/children", {"children": [{"id": KINGDOM, "entityType": "PARK", "name": "x"}]}
    )
    describe_on(NOON + timedelta(days=1))
    (version,) = rows(conn, VERSIONS, id=MOUNTAIN)
    assert version["valid_to"] == NOON + timedelta(days=1)


@pytest.mark.parametrize("children", [[], [{"id": MOUNTAIN, "entityType": "ATTRACTION", "name": "x"}]])
def test_an_answer_without_a_park_ends_no_version(describe_on, conn, one_ride, api, children):
    one_ride()
    describe_on()
    api.answer(f"/v1/entity/{RESORT}/children", {"children": children})
    with pytest.raises(FatalError, match=f"names no park among {len(children)} children; nothing is changed"):
        describe_on(NOON + timedelta(days=1))
    (version,) = rows(conn, VERSIONS, id=MOUNTAIN)
    assert version["valid_to"] is None


def test_a_page_that_cannot_be_had_leaves_what_is_known(describe_on, conn, one_ride, api):
    one_ride(entity={"minimumHeight": 112})
    describe_on()
    api.fault("server_error", path=f"/entity/{MOUNTAIN}", times=9, status=404)
    assert describe_on(NOON + timedelta(days=1)).rejected == 1
    (version,) = rows(conn, VERSIONS, id=MOUNTAIN)
    assert version["min_height_cm"] == 112 and version["valid_to"] is None
    assert len(issues(conn, "NO_DETAILS")) == 1


def test_25_a_zone_that_changes_counts_from_now_and_one_that_was_guessed_never_was(
    describe_on, conn, one_ride
):
    """Case 25."""
    zones = "SELECT valid_from::text AS since, timezone FROM parks.park_timezones WHERE park_id::text = %(id)s ORDER BY valid_from"  # noqa: E501
    with db.transaction(conn):
        db.execute(conn, "INSERT INTO parks.destinations VALUES (%s)", (RESORT,))
        db.execute(
            conn,
            "INSERT INTO parks.parks (park_id, destination_id, is_discovered) VALUES (%s, %s, true)",
            (KINGDOM, RESORT),
        )
        db.execute(
            conn, "INSERT INTO parks.park_timezones (park_id, timezone) VALUES (%s, 'UTC')", (KINGDOM,)
        )
        # a day on which no ride posted a wait has statistics of rides and none of the park
        db.execute(
            conn,
            "INSERT INTO parks.ride_daily_stats (ride_id, local_date, park_id, entity_id, samples, operating_minutes, "
            "down_minutes, open_minutes, wait_sum, data_source) "
            "VALUES (1, '2019-07-04', %s, gen_random_uuid(), 0, 0, 0, 0, 0, 'ARCHIVE')",
            (KINGDOM,),
        )
        db.execute(conn, "INSERT INTO parks.dirty_day VALUES (%s, '2019-08-10')", (KINGDOM,))
    one_ride()
    describe_on()
    assert rows(conn, zones, id=KINGDOM) == [{"since": "-infinity", "timezone": "America/New_York"}]
    marked = rows(
        conn,
        "SELECT to_char(local_date, 'MM-DD') AS day FROM parks.dirty_day WHERE local_date < '2020-01-01' ORDER BY 1",
    )
    assert [row["day"] for row in marked] == ["07-03", "07-04", "07-05", "08-09", "08-10", "08-11"]
    one_ride(park={"timezone": "America/Chicago"})
    describe_on(NOON + timedelta(days=1))
    assert [row["timezone"] for row in rows(conn, zones, id=KINGDOM)] == [
        "America/New_York",
        "America/Chicago",
    ]
    assert [issue["raw_value"] for issue in issues(conn, "TIMEZONE_CHANGED")] == [
        "America/New_York to America/Chicago"
    ]
    one_ride(park={"timezone": "Middle-earth/Shire"})
    describe_on(NOON + timedelta(days=2))
    assert len(issues(conn, "INVALID_TIMEZONE")) == 1 and len(rows(conn, zones, id=KINGDOM)) == 2


def test_25_two_parks_of_one_destination_may_be_in_two_zones(describe_on, conn, api, cycle):
    """Case 25: the live answer has one zone for all; each park's own page has its own."""
    cycle()  # both parks are discovered, with the zone of the answer
    east = {"id": KINGDOM, "name": "East", "entityType": "PARK", "timezone": "America/New_York"}
    west = {"id": STUDIOS, "name": "West", "entityType": "PARK", "timezone": "America/Los_Angeles"}
    api.answer(f"/v1/entity/{RESORT}/children", {"children": [east, west]})
    for park in (east, west):
        api.answer(f"/v1/entity/{park['id']}", park)
    describe_on()
    found = rows(conn, "SELECT p.name, z.timezone FROM parks.park_timezones AS z JOIN parks.parks AS p USING (park_id) "
                       "WHERE p.name IN ('East', 'West') ORDER BY p.name")  # fmt: skip
    assert [row["timezone"] for row in found] == ["America/New_York", "America/Los_Angeles"]


def test_hours_of_this_month_and_the_next_are_published(describe_on, conn, api):
    describe_on(datetime(2019, 11, 20, 17, tzinfo=UTC))
    asked = {one["path"] for one in api.requests("/schedule/")}
    assert asked == {
        f"/v1/entity/{park}/schedule/2019/{month}" for park in (KINGDOM, STUDIOS) for month in ("11", "12")
    }
    first = rows(
        conn, "SELECT * FROM parks.opening_hours WHERE park_id::text = %(id)s AND local_date = '2019-12-01' ORDER BY opens_at",  # noqa: E501
        id=KINGDOM,
    )  # fmt: skip
    assert [(row["kind"], row["opens_at"].hour, row["closes_at"].day) for row in first] == [
        ("OPERATING", 13, 1), ("EXTRA_HOURS", 23, 2),  # closes at midnight, on the date it opened on
    ]  # fmt: skip
    assert rows(conn, "SELECT count(*) AS n FROM parks.dirty_day")[0]["n"] == 2 * 61


def test_hours_that_change_replace_what_was_there_and_mark_their_day(describe_on, conn, api, one_ride):
    one_ride()
    path = f"/v1/entity/{KINGDOM}/schedule/2026/11"
    entry = {
        "date": "2026-11-20",
        "type": "OPERATING",
        "openingTime": "2026-11-20T09:00:00-05:00",
        "closingTime": "2026-11-20T22:00:00-05:00",
    }
    other = {
        **entry,
        "date": "2026-11-21",
        "openingTime": "2026-11-21T09:00:00-05:00",
        "closingTime": "2026-11-21T22:00:00-05:00",
    }
    api.answer(path, {"schedule": [entry, other]})
    describe_on()
    with db.transaction(conn):
        db.execute(conn, "DELETE FROM parks.dirty_day")
    api.answer(path, {"schedule": [{**entry, "openingTime": "2026-11-20T08:00:00-05:00"}, other]})
    describe_on(NOON + timedelta(days=1))
    found = rows(conn, "SELECT opens_at FROM parks.opening_hours WHERE local_date = '2026-11-20'")
    assert [row["opens_at"] for row in found] == [datetime(2026, 11, 20, 13, tzinfo=UTC)]
    assert [row["local_date"] for row in rows(conn, "SELECT local_date FROM parks.dirty_day")] == [
        date(2026, 11, 20)
    ]
    api.answer(path, {"schedule": []})  # an empty answer takes nothing out
    describe_on(NOON + timedelta(days=2))
    assert len(rows(conn, "SELECT FROM parks.opening_hours WHERE local_date = '2026-11-20'")) == 1


@pytest.mark.parametrize(
    ("opens", "closes", "expected", "kind"),
    [
        pytest.param("2018-03-11T02:30:00-05:00", "2018-03-11T22:00:00-04:00", HALF_PAST_THREE, "DST_GAP", id="23-gap"),
        pytest.param("2018-03-11T02:30:00-04:00", "2018-03-11T22:00:00-04:00", HALF_PAST_THREE, "DST_GAP", id="23-gap-other-offset"),  # noqa: E501
        pytest.param("2018-03-11T02:30:00", "2018-03-11T22:00:00", HALF_PAST_THREE, "DST_GAP", id="23-gap-no-offset"),
        pytest.param("2018-03-11T02:30:00Z", "2018-03-11T22:00:00-04:00", datetime(2018, 3, 11, 2, 30, tzinfo=UTC), None, id="23-no-gap-in-utc"),  # noqa: E501
        pytest.param("2018-03-11T09:00:00-04:00", "2018-03-11T22:00:00-04:00", datetime(2018, 3, 11, 13, tzinfo=UTC), None, id="22-plain"),  # noqa: E501
        pytest.param("2018-03-11T09:00:00-04:00", "2018-03-11T00:00:00-05:00", datetime(2018, 3, 11, 13, tzinfo=UTC), "INVALID_HOURS", id="closes-before"),  # noqa: E501
        pytest.param("soon", "2018-03-11T00:00:00-05:00", None, "INVALID_HOURS", id="no-time"),
        pytest.param(None, "2018-03-11T00:00:00-05:00", None, "INVALID_HOURS", id="half"),
        pytest.param(None, None, None, None, id="closed-that-day"),
        pytest.param("2018-03-11T09:00:00-04:00", "2018-03-13T00:00:00-04:00", None, "INVALID_HOURS", id="too-long"),
    ],
)  # fmt: skip
def test_23_a_time_of_a_schedule(describe_on, conn, api, one_ride, opens, closes, expected, kind):
    """Case 23: a local time inside the gap is shifted forward and logged."""
    one_ride()
    entry = {"date": "2018-03-11", "type": "OPERATING", "openingTime": opens, "closingTime": closes}
    api.answer(f"/v1/entity/{KINGDOM}/schedule/2018/03", {"schedule": [entry]})
    api.answer(f"/v1/entity/{KINGDOM}/schedule/2018/04", {"schedule": []})
    describe_on(datetime(2018, 3, 20, tzinfo=UTC))
    found = rows(conn, "SELECT opens_at, closes_at FROM parks.opening_hours")
    assert [row["opens_at"] for row in found] == ([expected] if expected else [])
    assert all(row["closes_at"] >= row["opens_at"] for row in found)
    assert {row["kind"] for row in rows(conn, "SELECT kind FROM parks.data_quality_log")} == (
        {kind} if kind else set()
    )


def test_what_was_odd_in_a_description_that_failed_is_on_record(describe_on, conn, api, one_ride):
    one_ride(park={"timezone": "Middle-earth/Shire"})
    api.fault("html", path=f"/entity/{MOUNTAIN}", times=9)
    with pytest.raises(TransientError, match="1 of 1 destinations failed"):
        describe_on()
    assert [issue["raw_value"] for issue in issues(conn, "INVALID_TIMEZONE")] == ["Middle-earth/Shire"]


def test_a_destination_that_fails_does_not_stop_the_others(describe_on, conn, api, settings):
    dead = "11111111-1111-4111-8111-111111111111"
    run = make_run(settings, "parks_metadata", destinations=[dead, RESORT])
    with pytest.raises(FatalError, match=f"1 of 2 destinations failed: {dead}: .*404"):
        describe(run, lambda: NOON)
    run.close()
    assert rows(conn, "SELECT count(*) AS n FROM parks.entity_metadata")[0]["n"] == 85


def test_a_list_of_what_is_indoors_that_cannot_be_read_says_where(describe_on, tmp_path):
    bad = tmp_path / "indoor.csv"
    bad.write_text(f"entity_id,is_indoor,note\n{MOUNTAIN},maybe,x\n")
    with pytest.raises(ConfigError, match="indoor.csv, line 2: expected entity_id"):
        describe_on(indoor=str(bad))
    with pytest.raises(ConfigError, match="cannot read"):
        describe_on(indoor="gone.csv")


def test_old_polls_are_trimmed(describe_on, conn, cycle):
    cycle(datetime.now(UTC) - timedelta(days=401))
    cycle(datetime.now(UTC))
    describe_on()
    assert rows(conn, "SELECT count(*) AS n FROM parks.live_poll")[0]["n"] == 1
