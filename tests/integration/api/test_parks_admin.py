"""/api/admin/storage and /api/admin/quality."""

from datetime import UTC, datetime, timedelta

import psycopg2
import pytest
from flask import Flask
from flask.testing import FlaskClient

from services.maintenance.parks.jobs import watch_storage
from shared import apikeys, db
from shared.config import ROOT, Settings
from shared.jobs import Run
from shared.jobs.requests import run_requested
from shared.jobs.workflows import find_job
from tests.conftest import settings_for
from tests.integration.api.conftest import client_with, error_of
from tests.integration.parks_watch.conftest import World, every, uid

STORAGE = ("summary", "growth", "partitions", "retention-comparison", "alerts")
QUALITY = ("summary", "gaps", "issues", "freshness", "coverage")
NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def world(pg: Settings, conn: db.Connection) -> World:
    made = World(pg, conn)
    park = made.park("Park", "park")
    ride = made.rides(park, [(uid("a"), "Ride a")])[uid("a")]
    made.post(ride, every(NOW - timedelta(days=40), NOW, 60))
    made.poll(every(NOW - timedelta(hours=3), NOW - timedelta(hours=1), 5))
    made.hours(park, NOW.date(), NOW - timedelta(hours=5), NOW + timedelta(hours=5))
    made.do(
        """INSERT INTO parks.quality_day VALUES
           (%(p)s, %(d)s, 0, 100, 1, 80, 60, 0, 0, 0, 0, 0, 30, true)""", p=park, d=NOW.date() - timedelta(days=1),
    )  # fmt: skip
    for n, cause in ((3, "no_object"), (2, "no_object"), (1, "not_polled")):
        made.do(
            "INSERT INTO parks.gap VALUES (%(p)s, %(d)s, %(a)s, %(b)s, %(c)s, true)",
            p=park, d=NOW.date() - timedelta(days=n), a=NOW - timedelta(days=n), c=cause,
            b=NOW - timedelta(days=n, hours=-8),
        )  # fmt: skip
    made.do(
        "SELECT parks.log_issue('INVALID_WAIT', 'warning', 'key-1', '-999', 'a wait of -999', %(p)s)", p=park
    )
    made.do("SELECT parks.log_issue('CONFLICT', 'info', 'key-2', '', 'two waits at once')")
    return made


@pytest.mark.parametrize("address", [*(f"storage/{n}" for n in STORAGE), *(f"quality/{n}" for n in QUALITY)])
def test_reading_needs_an_operator_and_an_empty_house_answers(
    reader: FlaskClient, operator: FlaskClient, address: str
) -> None:
    error_of(reader.get(f"/api/admin/{address}"), 403)
    assert operator.get(f"/api/admin/{address}").status_code == 200
    error_of(operator.get(f"/api/admin/{address}?colour=red"), 422)


def test_storage_is_told_as_it_was_measured(operator: FlaskClient, world: World, settings: Settings) -> None:
    workflow, spec = find_job(settings, "parks_storage")
    run = Run(7, spec.name, workflow, NOW.date(), settings)
    try:
        watch_storage(run)
    finally:
        run.close()
    answer = operator.get("/api/admin/storage/summary").json
    scopes = {row["scope"]: row for row in answer["scopes"]}
    assert answer["measured_on"] == str(NOW.date()) and scopes["database"]["used_percent"] is not None
    assert scopes["parks"]["bytes_per_day"] is None and scopes["parks"]["note"].startswith(
        "the growth is not known"
    )
    assert answer["relations"][0]["total_bytes"] > 0
    page = operator.get("/api/admin/storage/partitions?table=ride_status_snapshots&limit=1").json
    assert page["data"][0]["partition"] == f"ride_status_snapshots_{NOW:%Y_%m}" and page["page"]["next"]
    assert operator.get(page["page"]["next"]).json["data"][0]["first_day"] < page["data"][0]["first_day"]
    assert len(operator.get("/api/admin/storage/retention-comparison").json["strategies"]) == 5
    assert len(operator.get("/api/admin/storage/growth?scope=database").json["days"]) == 1
    error_of(operator.get("/api/admin/storage/growth?scope=retail"), 422)


def test_storage_incidents_are_listed_and_no_others(operator: FlaskClient, world: World) -> None:
    world.do(
        """INSERT INTO ops.alert (incident, severity, title, reason, look_closer)
           VALUES ('storage_used:database', 'warning', 't', 'r', 'l'), ('job_failed:x', 'warning', 't', 'r', 'l')"""
    )
    (row,) = operator.get("/api/admin/storage/alerts?state=open").json["data"]
    assert row["incident"] == "storage_used:database"
    assert operator.get("/api/admin/storage/alerts?state=resolved").json["data"] == []


def test_measuring_is_asked_for_and_done_by_the_service(
    reader: FlaskClient, operator: FlaskClient, world: World, settings: Settings
) -> None:
    error_of(reader.post("/api/admin/storage/measure"), 403)
    answer = operator.post("/api/admin/storage/measure")
    assert answer.status_code == 202 and answer.json["requests"][0]["job"] == "parks_storage"
    again = operator.post("/api/admin/storage/measure").json["requests"][0]
    assert again["queued"] == "before" and again["request_id"] == answer.json["requests"][0]["request_id"]
    assert run_requested(settings, "maintenance") == 0
    assert operator.get(answer.headers["Location"]).json["run_status"] == "succeeded"
    assert operator.get("/api/admin/storage/summary").json["measured_on"] == str(NOW.date())
    # the day is done, and a later request measures once more
    assert operator.post("/api/admin/storage/measure").json["requests"][0]["queued"] == "now"
    assert run_requested(settings, "maintenance") == 0
    assert (
        world.value("SELECT count(*) FROM ops.job_run WHERE job = 'parks_storage' AND status = 'succeeded'")
        == 2
    )
    assert world.value("SELECT count(*) FROM ops.audit_log WHERE action = 'storage.measure'") == 3


def test_summary_counts_what_is_open(operator: FlaskClient, world: World) -> None:
    answer = operator.get("/api/admin/quality/summary").json
    assert answer["score"] is None and answer["failed"] == []
    assert {(row["kind"], row["open"]) for row in answer["issues"]} == {("CONFLICT", 1), ("INVALID_WAIT", 1)}
    assert answer["freshness"] == [{"state": "stale", "parks": 1}]
    assert answer["gaps"] == operator.get("/api/admin/quality/gaps").json["totals"]
    assert answer["gaps"]["minutes_ours"] == 480


def test_gaps_are_spans_with_a_cause(operator: FlaskClient, world: World) -> None:
    rows = operator.get("/api/admin/quality/gaps").json["data"]
    assert [(row["cause"], row["days"], row["minutes"]) for row in rows] == [
        ("not_polled", 1, 480),
        ("no_object", 2, 960),
    ]
    assert rows[0]["park"] == "Park"
    assert len(operator.get("/api/admin/quality/gaps?cause=closed").json["data"]) == 0
    assert len(operator.get(f"/api/admin/quality/gaps?park_id={uid('Park')}&limit=1").json["data"]) == 1
    assert operator.get("/api/admin/quality/gaps?to=2001-01-01").json["data"] == []
    error_of(operator.get("/api/admin/quality/gaps?park_id=17"), 422)


def test_totals_of_gaps_say_whose_they_are(operator: FlaskClient, world: World) -> None:
    world.do(
        "INSERT INTO parks.gap SELECT %(p)s, day, day, day + interval '1 day', 'closed', true "
        "FROM generate_series(timestamp '2019-01-01', timestamp '2020-12-31', interval '1 day') AS day",
        p=uid("Park"),
    )
    page = operator.get("/api/admin/quality/gaps?limit=1").json
    assert len(page["data"]) == 1 and page["totals"]["minutes_ours"] == 480
    assert [tuple(row.values()) for row in page["totals"]["by_cause"]] == [
        ("not_polled", "ours", 1, 1, 480), ("no_answer", "ours", 0, 0, 0), ("source_silent", "source", 0, 0, 0),
        ("no_object", "archive", 1, 2, 960), ("closed", "schedule", 1, 731, 731 * 1440),
    ]  # fmt: skip
    totals = operator.get("/api/admin/quality/gaps?to=2020-12-31").json["totals"]
    assert totals["minutes_ours"] == 0 and totals["by_cause"][-1]["park_days"] == 731
    totals = operator.get("/api/admin/quality/gaps?cause=no_object").json["totals"]
    assert [row["minutes"] for row in totals["by_cause"]] == [0, 0, 0, 960, 0]


def test_freshness_and_coverage(operator: FlaskClient, world: World) -> None:
    (row,) = operator.get("/api/admin/quality/freshness").json["data"]
    passed = (datetime.now(UTC) - NOW).total_seconds() / 60  # other tests ran since this file was read
    assert (row["state"], row["is_open"]) == ("stale", True) and 59 < row[
        "minutes_since_answer"
    ] - passed < 66
    assert operator.get("/api/admin/quality/freshness?state=fresh").json["data"] == []
    answer = operator.get("/api/admin/quality/coverage").json
    (park,) = answer["history"]
    assert (park["status_known"], park["wait_known"], park["gap_minutes"]) == (0.99, 0.75, 30)
    fields = {row["field"]: row["share"] for row in answer["metadata"]}
    assert fields["coordinates"] == 0 and len(fields) == 6
    assert operator.get("/api/admin/quality/coverage?from=2001-01-01&to=2001-01-31").json["history"] == []


def test_issue_is_changed_with_a_trail(reader: FlaskClient, operator: FlaskClient, world: World) -> None:
    issue = operator.get("/api/admin/quality/issues?kind=INVALID_WAIT").json["data"][0]["issue_id"]
    address = f"/api/admin/quality/issues/{issue}"
    error_of(reader.patch(address, json={"owner": "me"}), 403)
    changed = operator.patch(
        address, json={"status": "acknowledged", "owner": "Ana", "notes": "asked the source"}
    ).json
    assert (changed["status"], changed["owner"], changed["resolved_at"]) == ("acknowledged", "Ana", None)
    assert operator.patch(address, json={"status": "resolved"}).json["resolved_at"]
    assert operator.patch(address, json={"status": "ignored", "owner": None}).json["resolved_at"] is None
    trail = world.rows(
        "SELECT actor, detail FROM ops.audit_log WHERE action = 'parks.issue' ORDER BY audit_id"
    )
    assert trail[0]["detail"] == {
        "status": ["open", "acknowledged"], "owner": [None, "Ana"], "notes": [None, "asked the source"],
    }  # fmt: skip
    assert len(trail) == 3
    assert operator.get("/api/admin/quality/issues?owner=Ana").json["data"] == []
    for body in ({}, {"status": "gone"}, {"status": None}, {"owner": "a\x00b"}, {"severity": "info"}):
        error_of(operator.patch(address, json=body), 422)
    error_of(operator.patch("/api/admin/quality/issues/4711", json={"owner": "me"}), 404)


def test_role_of_the_api_can_do_what_the_endpoints_do_and_no_more(
    pg: Settings, world: World, app: Flask
) -> None:
    """The grants of the real file, on a server that has the real roles."""
    conn = world.conn
    conn.rollback()
    conn.autocommit = True
    with conn.cursor() as cursor:
        for role in ("cronhouse_api", "cronhouse_reader"):
            cursor.execute(
                f"DO $$ BEGIN CREATE ROLE {role} LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$"
            )
        cursor.execute((ROOT / "database" / "grants.sql").read_text(encoding="utf-8"))
        conn.autocommit = False
    try:
        with db.transaction(conn):
            key = apikeys.create_key(conn, "an operator", "operator")
        url = (pg.database_url or "").replace("//postgres@", "//cronhouse_api@")
        assert "cronhouse_api" in url
        from services.api.app import create_app

        limited = settings_for(url, pg.local_dir)
        asked = client_with(create_app(limited), key)
        for address in (*(f"storage/{n}" for n in STORAGE), *(f"quality/{n}" for n in QUALITY)):
            assert asked.get(f"/api/admin/{address}").status_code == 200, address
        issue = asked.get("/api/admin/quality/issues").json["data"][0]["issue_id"]
        assert (
            asked.patch(f"/api/admin/quality/issues/{issue}", json={"status": "resolved"}).status_code == 200
        )
        assert asked.post("/api/admin/storage/measure").status_code == 202
        with (
            psycopg2.connect(url) as direct,
            direct.cursor() as cursor,
            pytest.raises(psycopg2.errors.InsufficientPrivilege),
        ):
            cursor.execute("UPDATE parks.data_quality_log SET message = 'gone'")
    finally:
        conn.rollback()
        conn.autocommit = True
        with conn.cursor() as cursor:
            for role in ("cronhouse_api", "cronhouse_reader"):
                cursor.execute(f"DROP OWNED BY {role}")
                cursor.execute(f"DROP ROLE {role}")
        conn.autocommit = False
