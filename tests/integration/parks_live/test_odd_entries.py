"""Odd entries of an answer: none costs another one, and every oddity is on record."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from services.themeparks.world import KINGDOM, RESORT
from tests.integration.parks_live.conftest import NOON, captured, issues, rows

RIDE = "352feb94-e52e-45eb-9c92-e4b44c6b1a9d"
SNAPSHOT = "SELECT status::text AS status, wait_minutes, has_standby, source_updated_at FROM parks.ride_status_snapshots"  # noqa: E501


def entry(**more):
    return {"id": RIDE, "name": "Pirates of the Caribbean", "entityType": "ATTRACTION", "parkId": KINGDOM,
            "status": "OPERATING", "lastUpdated": "2026-11-20T16:59:00Z", **more}  # fmt: skip


def standby(wait):
    return entry(queue={"STANDBY": {"waitTime": wait}})


@pytest.mark.parametrize(
    ("wait", "kept", "kind"),
    [
        pytest.param(45, 45, None, id="plain"),
        pytest.param(-1, None, "INVALID_WAIT", id="27-negative"),
        pytest.param(-999, None, "INVALID_WAIT", id="27-minus-999"),
        pytest.param(601, None, "INVALID_WAIT", id="28-601"),
        pytest.param(999, None, "INVALID_WAIT", id="28-999"),
        pytest.param(9999, None, "INVALID_WAIT", id="28-9999"),
        pytest.param(10**30, None, "INVALID_WAIT", id="28-no-machine-number"),
        pytest.param(600, 600, "EXTREME_WAIT", id="28-600"),
        pytest.param(480, 480, "EXTREME_WAIT", id="28-480"),
        pytest.param(390, 390, None, id="28-390-is-real"),
        pytest.param("45", 45, "COERCED_WAIT", id="29-text"),
        pytest.param(45.0, 45, None, id="29-45.0"),
        pytest.param(12.5, 13, "COERCED_WAIT", id="29-half"),
        pytest.param(True, None, "INVALID_WAIT", id="29-true"),
        pytest.param({}, None, "INVALID_WAIT", id="29-object"),
        pytest.param("", None, "INVALID_WAIT", id="29-empty"),
        pytest.param(0, 0, None, id="30-zero-while-operating"),
        pytest.param(None, None, None, id="32-null"),
    ],
)
def test_a_wait(cycle, conn, api, wait, kept, kind):
    """Cases 27 to 30 and 32."""
    api.live(standby(wait))
    cycle()
    (row,) = rows(conn, SNAPSHOT)
    assert (row["status"], row["wait_minutes"], row["has_standby"]) == ("OPERATING", kept, True)
    logged = rows(conn, "SELECT kind, subject, ride_id FROM parks.data_quality_log")
    assert [found["kind"] for found in logged] == ([kind] if kind else [])
    assert all(found["subject"] == RIDE and found["ride_id"] for found in logged)


@pytest.mark.parametrize(
    ("status", "kept", "raw"),
    [
        pytest.param("operating", "OPERATING", None, id="26-lower-case"),
        pytest.param("DELAYED", "UNKNOWN", "DELAYED", id="26-unknown"),
        pytest.param(None, "UNKNOWN", "(none)", id="26-null"),
        pytest.param(7, "UNKNOWN", "7", id="26-number"),
    ],
)
def test_26_a_status(cycle, conn, api, status, kept, raw):
    """Case 26: unknown is UNKNOWN with its raw text, never CLOSED."""
    api.live(entry(status=status))
    cycle()
    assert rows(conn, SNAPSHOT)[0]["status"] == kept
    assert [issue["raw_value"] for issue in issues(conn, "UNKNOWN_STATUS")] == ([raw] if raw else [])


@pytest.mark.parametrize(
    ("queue", "has_standby", "kind"),
    [
        pytest.param(None, False, None, id="null"),
        pytest.param([], False, "INVALID_QUEUE", id="list"),
        pytest.param({"STANDBY": None}, True, None, id="standby-null"),
        pytest.param({"STANDBY": 5}, True, "INVALID_QUEUE", id="standby-number"),
        pytest.param({"SINGLE_RIDER": [1]}, False, "INVALID_QUEUE", id="inner-list"),
        pytest.param({}, False, None, id="empty"),
    ],
)
def test_32_a_queue_of_another_shape_keeps_the_entry(cycle, conn, api, queue, has_standby, kind):
    """Case 32."""
    api.live(entry(queue=queue))
    cycle()
    assert rows(conn, SNAPSHOT)[0]["has_standby"] is has_standby
    assert {row["kind"] for row in rows(conn, "SELECT kind FROM parks.data_quality_log")} == (
        {kind} if kind else set()
    )


def test_32_33_34_35_all_six_queues_with_their_nulls_windows_and_prices(cycle, conn, api):
    """Cases 32 to 35, the answer of the shared fixture: all types, all null inside, an unknown type."""
    api.live(*captured("live_all_queues_SYNTHETIC.json")["liveData"])
    cycle()
    found = rows(
        conn,
        "SELECT r.name, q.* FROM parks.queue_data AS q JOIN parks.rides AS r USING (ride_id) ORDER BY r.name, q.queue_type",  # noqa: E501
    )
    tron = {row["queue_type"]: row for row in found if row["name"].startswith("TRON")}
    assert set(tron) == {
        "STANDBY",
        "SINGLE_RIDER",
        "RETURN_TIME",
        "PAID_RETURN_TIME",
        "BOARDING_GROUP",
        "PAID_STANDBY",
    }
    assert tron["RETURN_TIME"]["return_start_at"] == datetime(
        2026, 4, 14, 23, 20, tzinfo=UTC
    )  # 34: 19:20 -04:00
    assert (tron["PAID_RETURN_TIME"]["price_minor"], tron["PAID_RETURN_TIME"]["currency"]) == (2100, "USD")
    assert (
        tron["PAID_RETURN_TIME"]["state"] == "TEMP_FULL" and tron["PAID_RETURN_TIME"]["return_end_at"] is None
    )
    boarding = tron["BOARDING_GROUP"]
    assert (boarding["state"], boarding["group_start"], boarding["group_end"], boarding["wait_minutes"]) == (
        "AVAILABLE",
        38,
        41,
        25,
    )
    assert boarding["next_allocation_at"] == datetime(2026, 4, 14, 17, 0, tzinfo=UTC)
    mine = {row["queue_type"]: row for row in found if row["name"].startswith("Seven")}
    assert mine["BOARDING_GROUP"]["state"] is None and mine["STANDBY"]["wait_minutes"] is None
    assert (mine["PAID_RETURN_TIME"]["price_minor"], mine["PAID_RETURN_TIME"]["currency"]) == (None, "USD")
    (extra,) = rows(conn, "SELECT unknown FROM parks.snapshot_extras")
    assert extra["unknown"] == {"VIRTUAL_LINE": {"state": "OPEN"}}
    assert len(issues(conn, "UNKNOWN_QUEUE")) == 1
    assert [issue["raw_value"] for issue in issues(conn, "UNKNOWN_STATUS")] == ["DELAYED"]


@pytest.mark.parametrize(
    ("price", "amount", "currency"),
    [
        pytest.param({"amount": 0, "currency": "USD"}, 0, "USD", id="free"),
        pytest.param({"amount": None, "currency": "EUR"}, None, "EUR", id="unknown"),
        pytest.param({"amount": 2100, "currency": "JPY"}, 2100, "JPY", id="yen-have-no-minor-unit"),
        pytest.param(None, None, None, id="none"),
    ],
)
def test_35_a_price(cycle, conn, api, price, amount, currency):
    """Case 35: minor units, null is not 0."""
    api.live(entry(queue={"PAID_RETURN_TIME": {"state": "AVAILABLE", "price": price}}))
    cycle()
    assert rows(conn, "SELECT price_minor, currency FROM parks.queue_postings") == [
        {"price_minor": amount, "currency": currency}
    ]


@pytest.mark.parametrize(
    "showtimes",
    [
        pytest.param(
            [
                {
                    "type": "Performance",
                    "startTime": "2026-11-20T18:00:00-05:00",
                    "endTime": "2026-11-20T18:00:00-05:00",
                }
            ],
            id="end-is-start",
        ),
        pytest.param(["2026-11-20T18:00:00-05:00"], id="texts"),
        pytest.param([None, {"startTime": None}], id="nulls"),
    ],
)
def test_36_showtimes_are_kept_as_they_came(cycle, conn, api, showtimes):
    """Case 36."""
    api.live(entry(showtimes=showtimes))
    cycle()
    assert rows(conn, "SELECT showtimes FROM parks.snapshot_extras") == [{"showtimes": showtimes}]


def test_37_a_name_is_kept_as_it_came_and_folded_for_matching(cycle, conn, api):
    """Case 37: trade mark sign, curly quote, a zero-width space at the end."""
    name = "Ratatouille™: L’Aventure de Rémy\u200b"
    api.live(entry(name=name))
    cycle()
    assert rows(conn, "SELECT name, folded_name FROM parks.rides") == [
        {"name": name, "folded_name": "ratatouille laventure de remy"}
    ]
    api.live(entry(name="   "))
    cycle(NOON + timedelta(minutes=5))
    assert rows(conn, "SELECT name FROM parks.rides")[0]["name"] == name  # an empty name is no new one


def test_37_a_name_in_several_languages(cycle, conn, api):
    """Case 37: the English one."""
    api.live(entry(name={"de": "Geisterbahn", "en": "Ghost Train\x00"}))
    cycle()
    assert rows(conn, "SELECT name FROM parks.rides")[0]["name"] == "Ghost Train"


def test_text_that_the_database_cannot_hold_costs_nothing(cycle, conn, api):
    api.live(
        entry(entityType="SH\x00OW", showtimes=[{"x": "a\x00b", "n": 10**30}]),
        timezone="America/New\x00_York",
    )
    cycle()
    (row,) = rows(
        conn, "SELECT entity_type, showtimes FROM parks.rides JOIN parks.snapshot_extras USING (ride_id)"
    )
    assert row == {"entity_type": "SHOW", "showtimes": [{"x": "ab", "n": 10**30}]}


@pytest.mark.parametrize(
    ("item", "kind"),
    [
        pytest.param({"name": "x", "status": "DOWN"}, "MISSING_FIELD", id="no-id"),
        pytest.param(entry(id="no-uuid"), "INVALID_ENTITY", id="no-uuid"),
        pytest.param(entry(id="00000000-0000-0000-0000-000000000000"), "INVALID_ENTITY", id="zeros"),
        pytest.param(entry(id=17), "INVALID_ENTITY", id="number"),
        pytest.param("text", "INVALID_EVENT", id="no-object"),
    ],
)
def test_an_entry_that_cannot_be_used_costs_itself_alone(cycle, conn, api, item, kind):
    """Case 14, of an answer."""
    api.live(item, {**entry(), "id": f"  {RIDE.upper()} "})
    counts = cycle()
    assert (counts.read, counts.written, counts.rejected) == (2, 1, 1)
    assert [(issue["kind"], issue["subject"]) for issue in issues(conn, kind)] == [(kind, RESORT)]


@pytest.mark.parametrize("updated", [1764000000, "2026-11-20 17:00:00", "2026-11-20T24:00:00Z", "soon"])
def test_a_last_updated_that_is_no_time_is_left_out(cycle, conn, api, updated):
    """Case 15, of an answer: it is not our time, so it costs nothing but itself."""
    api.live(entry(lastUpdated=updated))
    cycle()
    assert rows(conn, SNAPSHOT)[0]["source_updated_at"] is None
    (issue,) = issues(conn, "INVALID_TIME")  # by its shape, else the log would grow with every poll
    assert not re.search(r"[0-8]", issue["raw_value"]) and str(updated) in issue["message"]


def test_an_entity_that_stands_twice_counts_once(cycle, conn, api):
    """Cases 17 and 18, of an answer: the last one counts, and a difference is a conflict."""
    api.live(standby(10), standby(20))
    assert cycle().written == 1
    assert rows(conn, SNAPSHOT)[0]["wait_minutes"] == 20 and len(issues(conn, "CONFLICT")) == 1


def test_24_a_time_zone_that_is_none_is_utc_until_the_metadata_come(cycle, conn, api):
    """Case 24."""
    api.live(entry(), timezone="EST5NOPE")
    cycle()
    assert rows(conn, "SELECT timezone FROM parks.parks")[0]["timezone"] == "UTC"


@pytest.mark.parametrize(
    ("body", "wait", "kind"),
    [
        pytest.param('\ufeff{"liveData": [%s]}', 10, None, id="byte-order-mark"),
        pytest.param('{"liveData": [%s], "x": NaN}', 10, "NOT_JSON", id="nan"),
        pytest.param('{"liveData": [%s], "x": 1e400}', 10, None, id="no-machine-number"),
        pytest.param('{"liveData": [%s], "x": "\\ud83d"}', 10, None, id="half-an-emoji"),
    ],
)
def test_8_what_strict_json_refuses(cycle, conn, api, body, wait, kind):
    """Case 8, of an answer."""
    import json

    api.answer(f"/v1/entity/{RESORT}/live", body % json.dumps(standby(10)))
    cycle()
    assert rows(conn, SNAPSHOT)[0]["wait_minutes"] == wait
    assert [row["kind"] for row in rows(conn, "SELECT kind FROM parks.data_quality_log")] == (
        [kind] if kind else []
    )


def test_6_json_that_is_nested_without_end(cycle, conn, api):
    """Case 6, of an answer: too deep as a whole is a destination missed, too deep inside an entry is an entry lost."""
    import json

    api.answer(f"/v1/entity/{RESORT}/live", "[" * 5000 + "]" * 5000)
    with pytest.raises(Exception, match="nested too deeply"):
        cycle()
    deep = json.dumps(entry(id=KINGDOM)).replace("}", ', "showtimes": ' + "[" * 700 + "]" * 700 + "}")
    api.answer(f"/v1/entity/{RESORT}/live", f'{{"liveData": [{deep}, {json.dumps(standby(10))}]}}')
    counts = cycle(NOON + timedelta(minutes=5))
    assert counts.written + counts.rejected == 2 and counts.written >= 1


@pytest.mark.parametrize("body", [{}, [], {"liveData": None}, {"error": "x"}, 7])
def test_6_json_of_another_shape_is_a_destination_missed(cycle, conn, api, body):
    """Case 6, of an answer."""
    api.answer(f"/v1/entity/{RESORT}/live", body)
    with pytest.raises(Exception, match="another shape"):
        cycle()
    assert rows(conn, "SELECT status FROM parks.live_cycle") == [{"status": "FAILED"}]


def test_an_oddity_is_told_with_the_snapshot_that_has_it(cycle, conn, api):
    """The same answer again is not the same oddity again: the log would count polls."""
    api.live(standby(999))
    cycle()
    cycle(NOON + timedelta(minutes=5))
    assert [issue["times_seen"] for issue in issues(conn, "INVALID_WAIT")] == [1]


def test_a_park_answers_for_all_that_is_in_it(cycle, conn, api):
    """An answer about one park: its entries need no parkId."""
    item = entry()
    del item["parkId"]
    api.live(item, destination=KINGDOM, entityType="PARK")
    cycle(destinations=[KINGDOM])
    assert rows(conn, "SELECT park_id::text AS p FROM parks.rides") == [{"p": KINGDOM}]
