"""/api/rides and the year-over-year endpoints over two years of three rides in two parks."""

import csv
import io
import re
import tempfile
from datetime import date
from pathlib import Path
from uuid import UUID

import psycopg2
import pytest
from flask import Flask
from flask.testing import FlaskClient
from psycopg2 import sql

from services.api import ride_rows, rides
from shared import db
from shared.config import ROOT
from shared.local.postgres import EmbeddedPostgres
from shared.sql import read_queries
from tests.conftest import settings_for
from tests.integration.api.conftest import client_with, error_of
from tests.integration.parks_stats.history import PARK, History

RIDES = {number: UUID(int=100 + number) for number in (1, 2, 3)}
OTHER = UUID(int=2)
RIDE, YOY = f"/api/rides/{RIDES[1]}", "/api/parks/yoy"
RAW = read_queries(ROOT / "bench" / "sql" / "parks_yoy.sql")
KEYS = {
    "month": ("month_start", "date_trunc('month', held_on)::date"),
    "day": ("local_date", "held_on::date"),
    "hour": ("local_hour", "extract(hour FROM local_time)::integer"),
}


@pytest.fixture(scope="module")
def pg_template(pg_server: EmbeddedPostgres, pg_template: str) -> str:
    """The migrated database with the history and its statistics, made by the real job."""
    name = "template_with_rides"
    admin = psycopg2.connect(pg_server.url("postgres"))
    admin.autocommit = True
    with admin.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name} TEMPLATE {pg_template}")
    admin.close()
    with tempfile.TemporaryDirectory() as folder:
        settings = settings_for(pg_server.url(name), Path(folder))
        conn = db.connect(settings)
        history = History(settings, conn)
        history.add_park(PARK, "America/New_York")
        history.add_park(OTHER, "Europe/Paris")
        for number, park in ((1, PARK), (2, PARK), (3, OTHER)):
            history.add_ride(number, park)
        history.do("SELECT parks.ensure_snapshot_partitions('2018-12-01', '2021-01-31')")
        history.do((Path(__file__).parent / "parks_of_two_years.sql").read_text())
        history.make_statistics()
        conn.close()
    return name


@pytest.fixture
def app_context(app: Flask):
    with app.test_request_context("/"):
        yield app


def all_rows(client: FlaskClient, address: str | None) -> list[dict]:
    rows: list[dict] = []
    while address:
        answer = client.get(address)
        assert answer.status_code == 200, answer.get_data(as_text=True)
        rows += answer.json["data"]
        address = answer.json["page"]["next"]
    return rows


def test_a_key_is_needed(app: Flask):
    stranger = client_with(app, None)
    for address in (f"{RIDE}/history", f"{RIDE}/stats", f"{RIDE}/yoy", f"/api/parks/{PARK}/yoy", YOY):
        error_of(stranger.get(address), 401)


def test_history_pages_by_cursor_in_both_directions(reader: FlaskClient):
    days = "from=2019-06-29&to=2019-07-02"
    up = all_rows(reader, f"{RIDE}/history?{days}&sort=recorded_at&limit=7")
    down = all_rows(reader, f"{RIDE}/history?{days}&limit=5")
    assert len(up) == 4 * 9
    assert up == down[::-1] == sorted(up, key=lambda row: row["recorded_at"])
    assert up[0] == {
        "recorded_at": "2019-06-29T13:00:00.000000Z", "local_time": "2019-06-29T09:00:00",
        "status": "OPERATING", "wait_minutes": 25, "data_source": "ARCHIVE", "source_updated_at": None,
        "queues": [],
    }  # fmt: skip


def test_history_of_one_source_and_as_csv(reader: FlaskClient, conn: db.Connection):
    with db.transaction(conn):
        db.execute(
            conn,
            "INSERT INTO parks.ride_status_snapshots VALUES "
            "(1, '2019-07-01T13:00Z', 'LIVE', 'DOWN', NULL, true, 1, '2019-07-01T12:58Z')",
        )
    address = f"{RIDE}/history?from=2019-07-01&to=2019-07-01"
    assert len(all_rows(reader, f"{address}&limit=1")) == 10  # the same instant from both sources
    live = all_rows(reader, f"{address}&data_source=LIVE")
    assert [(row["status"], row["source_updated_at"]) for row in live] == [("DOWN", "2019-07-01T12:58:00Z")]
    text = reader.get(f"{address}&format=csv").get_data(as_text=True)
    lines = list(csv.DictReader(io.StringIO(text)))
    assert len(lines) == 10 and lines[0]["local_time"] == "2019-07-01T17:00:00"


def test_history_has_the_other_queues_of_a_snapshot(reader: FlaskClient, conn: db.Connection):
    with db.transaction(conn):
        db.execute(
            conn,
            "INSERT INTO parks.queue_postings (ride_id, recorded_at, data_source, queue_type, wait_minutes, state, "
            "return_start_at, price_minor, currency) VALUES "
            "(1, '2019-07-01T14:00Z', 'ARCHIVE', 'SINGLE_RIDER', 5, NULL, NULL, NULL, NULL), "
            "(1, '2019-07-01T14:00Z', 'ARCHIVE', 'PAID_RETURN_TIME', NULL, 'AVAILABLE', '2019-07-01T18:00Z', 2100, "
            "'USD')",
        )
    rows = all_rows(reader, f"{RIDE}/history?from=2019-07-01&to=2019-07-01&sort=recorded_at&limit=2")
    assert [len(row["queues"]) for row in rows] == [0, 2] + 7 * [0]
    single, paid = rows[1]["queues"]
    assert single["queue_type"] == "SINGLE_RIDER" and single["wait_minutes"] == 5
    assert (paid["price_minor"], paid["return_start_at"]) == (2100, "2019-07-01T18:00:00Z")
    assert set(paid) == set(ride_rows.QueuePosting.model_fields)


def test_history_with_bounds_touches_its_months_only(app_context: Flask, conn: db.Connection):
    ride = rides.find_ride(RIDES[1])
    for query, months in [
        (rides.HistoryQuery(**{"from": "2019-07-02", "to": "2019-07-03"}), {"2019_07"}),
        (rides.HistoryQuery(**{"from": "2019-06-30", "to": "2019-06-30"}), {"2019_06", "2019_07"}),
        (rides.HistoryQuery(**{"from": "2020-11-30", "after": "2020-12-03T00:00:00.000000Z,LIVE"}),
         {"2020_11", "2020_12"}),
        (rides.HistoryQuery(**{"to": "2019-01-20", "after": "2019-01-02T00:00:00.000000Z,LIVE"}),
         {"2018_12", "2019_01"}),
    ]:  # fmt: skip
        statement, values = rides.history_of(ride, query)
        plan = explain(conn, statement, {**values, "limit": 100})
        assert months_of(plan) == months, plan


def test_year_over_year_from_the_history_touches_its_months_only(conn: db.Connection):
    statement, values = raw_comparison("month", PARK, "2020-03-02", "2020-03-30")
    assert months_of(explain(conn, statement, values)) == {"2019_03", "2020_03"}


def explain(conn: db.Connection, statement: sql.Composed, values: dict) -> str:
    rows = db.fetch_all(conn, sql.SQL("EXPLAIN ") + statement, values)
    conn.rollback()
    return "\n".join(row["QUERY PLAN"] for row in rows)


def months_of(plan: str) -> set[str]:
    """Return the months whose partitions a plan reads."""
    return set(re.findall(r"ride_status_snapshots_(\d{4}_\d\d)", plan))


def test_statistics_by_day_and_hour(reader: FlaskClient):
    days = all_rows(reader, f"{RIDE}/stats?from=2019-07-01&to=2019-07-31&limit=10")
    assert [row["local_date"] for row in days] == [f"2019-07-{day:02d}" for day in range(31, 0, -1)]
    assert days[0]["samples"] == 9 and days[0]["mean_wait"] == 30 and days[0]["max_wait"] == 34
    hours = all_rows(reader, f"{RIDE}/stats?by=hour&from=2019-07-01&to=2019-07-01&sort=time")
    assert [row["local_hour"] for row in hours] == list(range(9, 18))
    assert hours[0]["hour_start"] == "2019-07-01T13:00:00Z"
    everything = len(all_rows(reader, f"{RIDE}/stats?by=hour&limit=1000"))
    assert everything == 731 * 9
    text = reader.get(f"{RIDE}/stats?by=hour", headers={"Accept": "text/csv"}).get_data(as_text=True)
    assert len(list(csv.DictReader(io.StringIO(text)))) == everything


def test_answers_are_kept_until_statistics_are_written(reader: FlaskClient, pg, conn: db.Connection):
    for address in (f"{RIDE}/stats", YOY):
        assert reader.get(address).headers["X-Cache"] == "MISS"
        assert reader.get(address).headers["X-Cache"] == "HIT"
    history = History(pg, conn)
    history.mark("2020-12-31")
    history.make_statistics()
    assert reader.get(YOY).headers["X-Cache"] == "MISS"


def test_the_newest_year_by_month_is_what_one_gets_unasked(reader: FlaskClient):
    answer = reader.get(f"{RIDE}/yoy").json
    assert answer["period"] == {
        "first_day": "2020-01-01", "last_day": "2020-12-31", "previous_first": "2019-01-01",
        "previous_last": "2019-12-31",
    }  # fmt: skip
    assert [row["month_start"] for row in answer["data"]] == [
        f"2020-{month:02d}-01" for month in range(1, 13)
    ]
    assert answer["data"][1] == {
        "month_start": "2020-02-01", "samples": 29 * 9, "previous_samples": 28 * 9, "mean_wait": 30,
        "previous_mean_wait": 25, "change_minutes": 5, "change_percent": 20, "max_wait": 34,
        "previous_max_wait": 29, "days": 29, "previous_days": 28, "rides": 1, "previous_rides": 1,
    }  # fmt: skip


def test_a_month_that_has_just_begun_is_held_against_as_many_days(reader: FlaskClient):
    rows = reader.get(f"{YOY}?from=2020-06-01&to=2020-07-10").json["data"]
    assert [(row["days"], row["previous_days"]) for row in rows] == [(30, 30), (10, 10)]
    assert [(row["rides"], row["previous_rides"]) for row in rows] == [(3, 3), (3, 3)]


def test_weekdays_meet_when_asked_to(reader: FlaskClient):
    by_date = reader.get(f"{RIDE}/yoy?by=day&from=2020-02-28&to=2020-03-01").json
    assert [(row["local_date"], row["previous_samples"]) for row in by_date["data"]] == [
        ("2020-02-28", 9), ("2020-02-29", 0), ("2020-03-01", 9),
    ]  # fmt: skip
    by_weekday = reader.get(f"{RIDE}/yoy?by=day&align=weekday&from=2020-02-28&to=2020-03-01").json
    assert [row["previous_samples"] for row in by_weekday["data"]] == [9, 9, 9]
    period = by_weekday["period"]
    first, before = date.fromisoformat(period["first_day"]), date.fromisoformat(period["previous_first"])
    assert first.weekday() == before.weekday() and (first - before).days == 364


def test_a_stretch_that_begins_on_29_february_is_held_against_1_march_on(reader: FlaskClient):
    answer = reader.get(f"{RIDE}/yoy?by=day&from=2020-02-29&to=2020-03-01").json
    assert answer["period"]["previous_first"] == "2019-03-01"
    assert [(row["local_date"], row["previous_samples"]) for row in answer["data"]] == [
        ("2020-02-29", 0), ("2020-03-01", 9),
    ]  # fmt: skip


def test_a_day_that_only_the_year_before_has_is_shown(reader: FlaskClient):
    rows = reader.get(f"/api/rides/{RIDES[3]}/yoy?by=day&from=2020-03-01&to=2020-03-31").json["data"]
    gone = [row for row in rows if row["samples"] == 0]
    assert gone and all(row["mean_wait"] is None and row["previous_samples"] == 9 for row in gone)
    assert all(row["change_percent"] is None for row in gone)


@pytest.mark.parametrize("by", ["month", "day", "hour"])
@pytest.mark.parametrize("scope", [f"rides/{RIDES[3]}", f"parks/{PARK}", "parks"])
@pytest.mark.parametrize("days", [("2020-02-10", "2020-04-20"), ("2019-12-01", "2020-12-31")])
def test_statistics_and_history_give_the_same_comparison(
    reader: FlaskClient, conn: db.Connection, by: str, scope: str, days: tuple[str, str]
):
    address = f"/api/{scope}/yoy?by={by}&from={days[0]}&to={days[1]}&limit=1000"
    given = reader.get(address).json["data"]
    names = {"rides": 3} if scope.startswith("rides") else {}
    statement, values = raw_comparison(
        by, PARK if "parks/" in scope else None, *days, ride_id=names.get("rides")
    )
    text = [
        {name: plain(value) for name, value in row.items()} for row in db.fetch_all(conn, statement, values)
    ]
    assert given and [{name: row[name] for name in text[0]} for row in given] == text
    naive, values = raw_comparison(
        by, PARK if "parks/" in scope else None, *days, names.get("rides"), "naive"
    )
    assert [
        {name: plain(value) for name, value in row.items()} for row in db.fetch_all(conn, naive, values)
    ] == text


@pytest.mark.parametrize("zone", ["Asia/Kathmandu", "Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_history_is_compared_by_days_of_the_parks_clock(
    reader: FlaskClient, pg, conn: db.Connection, zone: str
):
    """At a quarter past the hour, and 14 hours before and 11 hours after UTC: a minute to midnight is still the day."""
    history, park = History(pg, conn), UUID(int=7)
    history.add_park(park, zone)
    ride = history.add_ride(7, park)
    offset = {"Asia/Kathmandu": "+05:45", "Pacific/Kiritimati": "+14:00", "Pacific/Pago_Pago": "-11:00"}[zone]
    history.post(
        (ride, f"{year}-03-{local}{offset}", "ARCHIVE", "OPERATING", wait)
        for year in (2019, 2020)
        for local, wait in (
            ("09 23:59", 90), ("10 00:00", 10), ("10 11:16", 20), ("12 23:59", 30), ("13 00:00", 80)
        )
    )  # fmt: skip
    history.make_statistics()
    for by in KEYS:
        given = reader.get(f"/api/parks/{park}/yoy?by={by}&from=2020-03-10&to=2020-03-12").json["data"]
        assert sum(row["samples"] for row in given) == sum(row["previous_samples"] for row in given) == 3
        statement, values = raw_comparison(by, park, "2020-03-10", "2020-03-12")
        rows = db.fetch_all(conn, statement, values)
        assert [{name: plain(value) for name, value in row.items()} for row in rows] == [
            {name: row[name] for name in rows[0]} for row in given
        ]


def test_history_sums_hours_of_utc_only_of_zones_that_keep_to_them(pg, conn: db.Connection):
    """Lord Howe is 11 hours before UTC until 5 April 2020 and 10:30 after it; the other parks by whole hours."""
    history, park = History(pg, conn), UUID(int=8)
    history.add_park(park, "Australia/Lord_Howe")
    ride = history.add_ride(8, park)
    history.post(
        (ride, f"{day} {time}+00:00", "ARCHIVE", "OPERATING", wait)
        for day in ("2019-03-28", "2019-04-10", "2020-03-28", "2020-04-08", "2020-04-10")
        for time, wait in (("00:05", 10), ("00:40", 20), ("13:20", 40), ("13:50", 80))
    )
    for park_id in (park, None):
        for first, last in (("2020-03-20", "2020-04-09"), ("2020-04-08", "2020-04-12")):
            found = {}
            for way in ("raw", "naive"):
                statement, values = raw_comparison("hour", park_id, first, last, way=way)
                found[way] = db.fetch_all(conn, statement, values)
            assert found["raw"] == found["naive"] and len(found["raw"]) > 1


def plain(value):
    """Return a value as JSON has it."""
    if isinstance(value, date):
        return value.isoformat()
    return float(value) if value is not None else None


def raw_comparison(
    by: str, park_id: UUID | None, first: str, last: str, ride_id: int | None = None, way: str = "raw"
) -> tuple[sql.Composed, dict]:
    """Return the statement of bench/sql that compares straight from the history, with its values."""
    before = [f"{int(day[:4]) - 1}{day[4:]}" for day in (first, last)]
    name, key = KEYS[by]
    now = key.replace("held_on", "local_time")
    values = {
        "ride_id": ride_id, "park_id": str(park_id) if park_id else None, "first_day": first, "last_day": last,
        "previous_first": before[0], "previous_last": before[1],
    }  # fmt: skip
    places = {"key": key, "now": now, "before": now.replace("local_time", "(local_time + interval '1 year')")}
    if by == "hour":
        places["before"] = now
    return sql.SQL(RAW[way]).format(
        name=sql.Identifier(name), **{place: sql.SQL(text) for place, text in places.items()}
    ), values


def test_before_there_is_anything_the_answer_is_empty(reader: FlaskClient, conn: db.Connection):
    with db.transaction(conn):
        for table in ("ride_daily_stats", "ride_hourly_stats", "park_hourly_stats", "park_daily_stats"):
            db.execute(conn, f"DELETE FROM parks.{table}")
    for by in ("month", "day", "hour"):
        answer = reader.get(f"{YOY}?by={by}").json
        assert answer["period"] is None and answer["data"] == []


def test_csv_of_a_comparison_has_the_same_rows(reader: FlaskClient):
    for by in ("month", "day", "hour"):
        given = reader.get(f"{YOY}?by={by}&limit=1000").json["data"]
        text = reader.get(f"{YOY}?by={by}&format=csv").get_data(as_text=True)
        lines = list(csv.DictReader(io.StringIO(text)))
        assert [int(line["samples"]) for line in lines] == [row["samples"] for row in given]
        assert list(lines[0]) == list(given[0])


@pytest.mark.parametrize(
    ("address", "status", "says"),
    [
        (f"/api/rides/{UUID(int=999)}/history", 404, "There is no ride"),
        (f"/api/rides/{UUID(int=999)}/stats", 404, "There is no ride"),
        (f"/api/rides/{UUID(int=999)}/yoy", 404, "There is no ride"),
        (f"/api/parks/{UUID(int=999)}/yoy", 404, "There is no park"),
        ("/api/rides/1/history", 422, "id"),
        (f"{RIDE}/history?after=yesterday", 422, "page.next"),
        (f"{RIDE}/history?after=2019-13-45T00:00:00.000000Z,LIVE", 422, "page.next"),
        (f"{RIDE}/history?from=2020-01-02&to=2020-01-01", 422, "`from` is after `to`"),
        (f"{RIDE}/history?offset=5", 422, "no such parameter"),
        (f"{RIDE}/stats?by=month", 422, "by"),
        (f"{YOY}?by=week", 422, "by"),
        (f"{YOY}?align=moon", 422, "align"),
    ],
)
def test_what_cannot_be_is_refused(reader: FlaskClient, address: str, status: int, says: str):
    error = error_of(reader.get(address), status)
    assert says in str(error)


def test_the_document_names_the_fields_that_answers_have(reader: FlaskClient):
    snapshot = reader.get(f"{RIDE}/history?limit=1").json["data"][0]
    assert set(snapshot) == set(ride_rows.Snapshot.model_fields)
    for by, model in (("day", ride_rows.DailyStatistics), ("hour", ride_rows.HourlyStatistics)):
        answer = reader.get(f"{RIDE}/stats?by={by}&limit=1").json
        assert set(answer["data"][0]) == set(model.model_fields)
        assert set(answer["ride"]) == set(ride_rows.RideInfo.model_fields)
    keys = {"month_start", "local_date", "local_hour"}
    for by in ("month", "day", "hour"):
        row = reader.get(f"{YOY}?by={by}").json["data"][0]
        assert set(row) - keys == set(ride_rows.Comparison.model_fields) - keys
