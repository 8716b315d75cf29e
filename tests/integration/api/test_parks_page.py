"""/parks of the console: the live board, a ride's day beside its typical day, its years, imports."""

from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient

from shared import db
from tests.integration.api.conftest import error_of
from tests.integration.api.few_rides import DWARFS, PARK, load_few_rides

PAGE = {"Accept": "text/html"}
NOT_KNOWN = (
    '<p class="notice warn" role="status">The park that was asked for is not known here: '
    "this is Magic Kingdom Park.</p>\n"
)


def show(client: FlaskClient, **asked: str) -> str:
    response = client.get("/parks", query_string=asked, headers=PAGE)
    assert response.status_code == 200, response.text
    assert "<script" not in response.text and response.headers["Cache-Control"] == "no-store"
    return response.text


@pytest.fixture
def rides(conn: db.Connection) -> None:
    load_few_rides(conn)


def test_without_parks_the_page_says_what_to_do(reader: FlaskClient) -> None:
    text = show(reader)
    assert "cronhouse parks import" in text and "cronhouse run parks_live" in text


def test_the_board_shows_who_waits_how_long(reader: FlaskClient, rides: None) -> None:
    text = show(reader, park=PARK)
    assert "35 min" in text and "Operating" in text and "Down" in text
    assert text.index("Pirates of the Caribbean</th>") < text.index("Seven Dwarfs Mine Train</th>")


def test_a_zone_that_nothing_has_named_is_not_shown_as_the_parks(
    reader: FlaskClient, conn: db.Connection, rides: None
) -> None:
    assert "its own zone is not known yet" not in show(reader, park=PARK)
    with db.transaction(conn):
        db.execute(conn, "UPDATE parks.parks SET is_discovered = true, timezone = 'UTC'")
    assert "UTC, its own zone is not known yet" in show(reader, park=PARK)


def test_a_board_of_half_an_hour_ago_says_so(reader: FlaskClient, conn: db.Connection, rides: None) -> None:
    with db.transaction(conn):
        db.execute(conn, "UPDATE parks.live_state SET last_polled_at = now() - interval '31 minutes'")
    assert "was last heard 31 minutes ago" in show(reader)


def test_what_is_absent_from_the_answer_is_not_called_closed(
    reader: FlaskClient, conn: db.Connection, rides: None
) -> None:
    with db.transaction(conn):
        db.execute(conn, "UPDATE parks.live_state SET is_present = false WHERE status = 'DOWN'")
    text = show(reader)
    assert "not in the newest answer" in text and "Closed" not in text


def test_a_day_stands_beside_its_typical_day(reader: FlaskClient, rides: None) -> None:
    text = show(reader, ride=DWARFS, day="2019-07-31")
    assert (
        '<td class="num">44</td><td class="num">29</td>' in text
    )  # 9:00 on the day, and on eight Wednesdays


def test_without_weeks_before_there_is_no_typical_day(reader: FlaskClient, rides: None) -> None:
    text = show(reader, ride=DWARFS, day="2019-05-10")
    assert "there are too few of them" in text and '<li class="series-1">Typical' not in text


def test_a_day_without_data_names_the_newest_one(reader: FlaskClient, rides: None) -> None:
    assert "The newest day with statistics is Wed 31 Jul 2019" in show(reader, ride=DWARFS, day="2020-01-01")


def test_years_are_weighted_by_postings(reader: FlaskClient, rides: None) -> None:
    text = show(reader, ride=DWARFS)
    assert '<th scope="row">Jul</th><td class="num">40</td><td class="num">50.5</td>' in text
    assert '<th scope="row">Dec</th><td class="num">40</td><td class="num">–</td>' in text


def test_an_import_shows_its_progress_and_the_page_comes_again(reader: FlaskClient, rides: None) -> None:
    text = show(reader)
    assert "25 %, 274 of 1,097 files" in text and 'http-equiv="refresh"' in text


@pytest.mark.parametrize("odd", ["x", "'; DROP TABLE parks.rides --", str(uuid4()), ""])
def test_odd_parameters_show_the_page_as_without_them(reader: FlaskClient, rides: None, odd: str) -> None:
    said = NOT_KNOWN if odd else ""
    assert show(reader, park=odd, ride=odd, day=odd).replace(said, "") == show(reader)


def test_another_park_than_the_one_asked_for_is_said_to_be_one(reader: FlaskClient, rides: None) -> None:
    assert NOT_KNOWN in show(reader, park=str(uuid4())) and "not known here" not in show(reader, park=PARK)


def test_without_a_day_the_newest_one_of_which_more_than_a_moment_is_known_is_shown(
    reader: FlaskClient, conn: db.Connection, rides: None
) -> None:
    assert "Seven Dwarfs Mine Train, Wed 31 Jul 2019" in show(reader)
    short = "UPDATE parks.ride_daily_stats SET operating_minutes = 29 WHERE local_date > '2019-07-29'"
    with db.transaction(conn):
        db.execute(conn, short)
    assert "Seven Dwarfs Mine Train, Mon 29 Jul 2019" in show(reader)
    with db.transaction(conn):
        db.execute(conn, "UPDATE parks.ride_daily_stats SET operating_minutes = 29")
    assert "Seven Dwarfs Mine Train, Wed 31 Jul 2019" in show(reader)


def test_an_import_that_was_cancelled_before_it_began_waits_for_no_list(
    reader: FlaskClient, conn: db.Connection, rides: None
) -> None:
    change = (
        "UPDATE parks.import_checkpoints SET files_total = 0, bytes_total = 0, bytes_done = 0, status = %s"
    )
    with db.transaction(conn):
        db.execute(conn, change, ("IN_PROGRESS",))
    assert "not listed yet" in show(reader)
    with db.transaction(conn):
        db.execute(conn, change, ("CANCELLED",))
    text = show(reader)
    assert "nothing was listed" in text and "not listed yet" not in text


HERE = {"Origin": "http://localhost"}


def signed_in(app: Flask, key: str) -> FlaskClient:
    client = app.test_client()
    assert client.post("/sign-in", data={"key": key}).status_code == 303
    return client


def status_of(conn: db.Connection) -> tuple[str, str | None]:
    with db.transaction(conn):
        row = db.fetch_one(conn, "SELECT status, wanted FROM parks.import_checkpoints")
    assert row is not None
    return row["status"], row["wanted"]


def test_an_operator_pauses_and_resumes_an_import_with_a_button(
    app: Flask, keys: dict[str, str], conn: db.Connection, rides: None
) -> None:
    client = signed_in(app, keys["operator"])
    assert "<button>Pause</button>" in show(client)
    response = client.post("/parks/imports/1/pause", headers=HERE)
    assert response.status_code == 303 and response.location == "/parks#imports"
    assert status_of(conn) == ("PAUSED", None)  # nobody was at work
    assert "<button>Resume</button>" in show(client)
    assert client.post("/parks/imports/1/resume", headers=HERE).status_code == 303
    assert status_of(conn) == ("PENDING", None)


def test_a_reader_sees_the_command_and_no_button(
    app: Flask, keys: dict[str, str], conn: db.Connection, rides: None
) -> None:
    client = signed_in(app, keys["reader"])
    text = show(client)
    assert "<button>Pause</button>" not in text and "cronhouse parks pause 1" in text
    error_of(client.post("/parks/imports/1/pause", headers=HERE), 403)
    assert status_of(conn) == ("IN_PROGRESS", None)


@pytest.mark.parametrize("origin", ["http://evil.example", "http://localhost.evil.example", "null", ""])
def test_a_form_of_another_site_is_refused(
    app: Flask, keys: dict[str, str], conn: db.Connection, rides: None, origin: str
) -> None:
    client = signed_in(app, keys["admin"])
    error_of(client.post("/parks/imports/1/pause", headers={"Origin": origin}), 403)
    error_of(client.post("/parks/imports/1/pause"), 403)
    assert status_of(conn) == ("IN_PROGRESS", None)


def test_an_import_that_does_not_exist_is_not_found(app: Flask, keys: dict[str, str]) -> None:
    client = signed_in(app, keys["operator"])
    assert client.post("/parks/imports/7/pause", headers=HERE).status_code == 404


GROWTH = """
INSERT INTO parks.storage_growth (measured_on, scope, total_bytes, bytes_per_day, days_used, capacity_bytes,
                                  days_until_full, note)
SELECT date '2026-11-01' + n, 'database', 500000000 + n * 2000000, %(rate)s, 20, 1000000000, %(full)s, %(note)s
FROM generate_series(0, 20) AS n
"""


def test_storage_is_drawn_thirty_days_ahead(reader: FlaskClient, conn: db.Connection) -> None:
    with db.transaction(conn):
        db.execute(conn, GROWTH, {"rate": 2_000_000, "full": 230, "note": ""})
        db.execute(
            conn,
            "INSERT INTO parks.storage_forecast (made_on, scope, target_on, bytes_per_day, days_used, total_bytes, "
            "forecast_bytes) VALUES ('2026-11-21', 'database', '2026-11-28', 2000000, 20, 540000000, 554000000)",
        )
    text = show(reader)
    allowed = "the 1 GB that <code>storage.capacity</code> in <code>workflows/parks.yml</code> allows"
    assert f"540 MB on Sat 21 Nov 2026, 54 % of {allowed}; full in 230 days" in text
    assert "Forecast, 21 Dec: 600 MB" in text and "Measured, 1 Nov: 500 MB" in text
    assert '<th scope="row">Sat 28 Nov 2026</th><td class="num">554.0</td>' in text


def test_growth_that_is_not_known_is_not_drawn(reader: FlaskClient, conn: db.Connection) -> None:
    with db.transaction(conn):
        db.execute(conn, GROWTH, {"rate": None, "full": None, "note": "the growth is not known: 3 days"})
    text = show(reader)
    assert "allows. The growth is not known: 3 days.</p>" in text and "Forecast" not in text
