"""The stand-in of the public API: paths, errors and headers of the real one, and its process in the embedded stack."""

import json
import urllib.request
from datetime import UTC, datetime, timedelta

import pytest
import requests

from services.ingestion.sources.themeparks_api import api_url
from services.themeparks.app import create_app
from services.themeparks.clock import Clock
from services.themeparks.world import FIRST_POLL, KINGDOM, RESORT, STUDIOS
from shared.config import load_settings
from shared.local.stack import Stack
from tests.integration.parks_live.conftest import captured


@pytest.fixture
def client():
    return create_app(0).test_client()


def test_every_destination_is_listed_and_one_is_known_inside(client):
    listed = client.get("/v1/destinations").json["destinations"]
    assert len(listed) == 101 and sum(len(item["parks"]) for item in listed) == 127
    for name in (RESORT, "waltdisneyworldresort", KINGDOM, "magickingdompark"):
        assert client.get(f"/v1/entity/{name}").json["timezone"] == "America/New_York"
    children = client.get(f"/v1/entity/{RESORT}/children").json["children"]
    assert {child["entityType"] for child in children} >= {"PARK", "ATTRACTION", "SHOW", "RESTAURANT"}
    assert len(client.get(f"/v1/entity/{KINGDOM}/children").json["children"]) == 73


def test_errors_are_those_of_the_real_one(client):
    answer = client.get("/v1/entity/00000000-0000-0000-0000-000000000000")
    assert (answer.status_code, answer.json) == (404, captured("errors_SYNTHETIC.json")["404"]["body"])
    for month in ("7", "13", "00", "x"):
        assert client.get(f"/v1/entity/{KINGDOM}/schedule/2019/{month}").status_code == 400
    assert client.get(f"/v1/entity/{KINGDOM}/schedule/2019/07").status_code == 200


def test_every_answer_says_what_is_left_of_the_minute_and_too_many_are_refused():
    client = create_app(0, limit=3).test_client()
    answers = [client.get("/v1/destinations") for _ in range(5)]
    if len({answer.headers["RateLimit-Remaining"] for answer in answers}) == 3:  # no minute ended in between
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
        assert answers[0].headers["RateLimit-Policy"] == "3;w=60"
        assert 1 <= int(answers[4].headers["Retry-After"]) <= 60 and answers[4].json["retryAfter"]


def test_a_standing_clock_shows_the_recording_and_a_running_one_shifts_it(client):
    first = client.get(f"/v1/entity/{KINGDOM}/live").json["liveData"]
    assert {entry["lastUpdated"][:13] for entry in first} == {"2019-07-04T16"}
    client.post("/_clock", json={"poll": None})
    now = datetime.now(UTC)
    for park in (KINGDOM, STUDIOS, RESORT):
        for entry in client.get(f"/v1/entity/{park}/live").json["liveData"]:
            assert (
                timedelta()
                < now + timedelta(minutes=5) - datetime.fromisoformat(entry["lastUpdated"])
                < timedelta(hours=4)
            )
    assert client.post("/_clock", json={"poll": 24}).status_code == 400


def test_the_sequence_begins_anew_after_its_last_poll():
    clock = Clock(FIRST_POLL, 24)
    assert clock.poll() == int(datetime.now(UTC).timestamp() // 300) % 24
    assert abs(
        FIRST_POLL + clock.poll() * timedelta(minutes=5) + clock.shift() - datetime.now(UTC)
    ) <= timedelta(minutes=5)


def test_hours_of_a_month_that_was_captured_are_verbatim_and_others_keep_their_weekdays(client):
    from services.themeparks.world import read

    captured_month = read("schedules/schedule_75ea578a_2019-12.json")["schedule"]
    assert client.get(f"/v1/entity/{KINGDOM}/schedule/2019/12").json["schedule"] == captured_month
    later = client.get(f"/v1/entity/{KINGDOM}/schedule/2026/03").json["schedule"]
    assert {entry["date"] for entry in later} == {f"2026-03-{day:02}" for day in range(1, 32)}
    for entry in later:  # summer time begins on the 8th
        assert entry["openingTime"][-6:] == ("-05:00" if entry["date"] < "2026-03-08" else "-04:00")
    assert len(client.get(f"/v1/entity/{RESORT}/schedule").json["parks"]) == 2


def test_faults_are_not_there_unless_asked_for(client):
    assert client.post("/_faults", json={"fault": "html"}).status_code == 404


def test_the_embedded_stack_starts_it_and_the_jobs_find_it(tmp_path):
    settings = load_settings({"CRONHOUSE_LOCAL_DIR": str(tmp_path / "local")})
    stack = Stack(settings)
    stack.folder.mkdir(parents=True)
    stack._start_themeparks()
    try:
        assert stack.themeparks_running()
        url = api_url(settings)
        with urllib.request.urlopen(f"{url}/entity/{RESORT}/live", timeout=10) as answer:
            assert len(json.load(answer)["liveData"]) == 7
        assert {row["part"]: row["state"] for row in stack.status()}["themeparks"] == "running"
    finally:
        assert "themeparks" in stack.down()
    assert not stack.themeparks_running()
    with pytest.raises(requests.ConnectionError):
        requests.get(url, timeout=2)
