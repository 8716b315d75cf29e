"""/api/workflows: what is planned, what ran, and asking for a run."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from services.api.app import create_app
from shared import db
from shared.config import ROOT, Settings
from tests.integration.api.conftest import InsertRun, client_with, error_of

JOBS = ["retail_ingest", "retail_transform", "retail_quality", "retail_views"]
RUN = "/api/workflows/retail/run"


def test_workflows_come_with_the_newest_run_of_each_job(reader: FlaskClient, insert_run: InsertRun) -> None:
    insert_run(date="2026-01-05")
    newest = insert_run(date="2026-01-04", status="failed", reason="the shop was closed")
    answer = reader.get("/api/workflows").json
    retail = next(item for item in answer["data"] if item["name"] == "retail")
    ingest = retail["jobs"][0]
    assert [job["name"] for job in retail["jobs"]] == JOBS and answer["problems"] == []
    assert ingest["last_run"]["run_id"] == newest and ingest["last_run"]["status"] == "failed"
    assert ingest["last_run"]["last_success_at"].endswith("Z")
    assert retail["jobs"][1]["last_run"] is None
    assert reader.get("/api/workflows/retail").json == retail


def test_broken_workflow_file_hides_no_other(
    settings: Settings, keys: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "retail.yml").write_text((ROOT / "workflows" / "retail.yml").read_text())
    (tmp_path / "broken.yml").write_text("workflow: broken\njobs: 7\n")
    client = client_with(create_app(replace(settings, workflows_dir=tmp_path)), keys["reader"])
    answer = client.get("/api/workflows").json
    assert [item["name"] for item in answer["data"]] == ["retail"]
    assert any("broken.yml" in problem for problem in answer["problems"])
    assert "broken.yml" in client.get("/").text
    (tmp_path / "broken.yml").unlink()
    assert client.get("/api/workflows").json["problems"] == []


def test_config_shows_the_file_and_what_it_means(reader: FlaskClient) -> None:
    config = reader.get("/api/workflows/retail/config").json
    assert config["source"].startswith("workflow: retail")
    assert config["jobs"]["retail_transform"]["after"] == ["retail_ingest"]
    assert config["jobs"]["retail_ingest"]["timeout_seconds"] == 7200
    assert "retailers" in config["sections"]


def test_runs_are_paged_newest_first(reader: FlaskClient, insert_run: InsertRun) -> None:
    ids = [insert_run(date=f"2026-01-{day:02d}") for day in range(1, 8)]
    seen, address = [], "/api/workflows/retail/runs?limit=3"
    while address:
        answer = reader.get(address).json
        seen += [run["run_id"] for run in answer["data"]]
        address = answer["page"]["next"]
    assert seen == ids[::-1]


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("", 4),
        ("status=failed", 1),
        ("job=retail_views", 1),
        ("date=2026-01-02", 2),
        ("from=2026-01-02", 3),
        ("to=2026-01-01", 1),
        ("from=2026-01-02&to=2026-01-02&job=retail_ingest", 1),
    ],
)
def test_runs_are_filtered(reader: FlaskClient, insert_run: InsertRun, query: str, count: int) -> None:
    insert_run(date="2026-01-01")
    insert_run(date="2026-01-02", status="failed", reason="no")
    insert_run(date="2026-01-02", job="retail_views")
    insert_run(date="2026-01-03")
    insert_run(date="2026-01-02", workflow="other", job="other_job")
    assert len(reader.get(f"/api/workflows/retail/runs?{query}").json["data"]) == count


def test_one_run_has_its_stages_and_log(
    reader: FlaskClient, insert_run: InsertRun, conn: db.Connection
) -> None:
    run_id = insert_run(stage_seconds=json.dumps({"fetch": 1.5, "copy": 0.25}))
    with db.transaction(conn):
        db.execute_many(
            conn,
            "INSERT INTO ops.job_log (run_id, line, logged_at, level, message, fields) VALUES %s",
            [
                (run_id, n, datetime(2026, 1, 6, 2, 0, n, tzinfo=UTC), "info", f"line {n}", "{}")
                for n in (1, 2, 3)
            ],
        )
    run = reader.get(f"/api/workflows/retail/runs/{run_id}").json
    assert run["stage_seconds"] == {"fetch": 1.5, "copy": 0.25} and run["rows_written"] == 9
    assert [line["message"] for line in run["log"]] == ["line 1", "line 2", "line 3"]
    assert run["log"][0]["logged_at"] == "2026-01-06T02:00:01Z" and run["log_next"] is None
    page = reader.get(f"/api/workflows/retail/runs/{run_id}?limit=2").json
    assert len(page["log"]) == 2
    assert [line["line"] for line in reader.get(page["log_next"]).json["log"]] == [3]


def test_run_of_another_workflow_is_not_found(reader: FlaskClient, insert_run: InsertRun) -> None:
    error_of(reader.get(f"/api/workflows/house/runs/{insert_run()}"), 404)


# --- asking for a run -----------------------------------------------------------------------------------


def requests_of(conn: db.Connection) -> list[tuple]:
    conn.rollback()
    rows = db.fetch_all(conn, "SELECT * FROM ops.run_request ORDER BY request_id")
    return [
        (row["job"], str(row["logical_date"]), row["position"], row["service"], row["forced"]) for row in rows
    ]


def test_range_is_queued_day_by_day_in_the_order_of_the_jobs(
    operator: FlaskClient, conn: db.Connection
) -> None:
    body = {
        "from": "2026-01-05",
        "to": "2026-01-06",
        "jobs": ["retail_views", "retail_ingest"],
        "force": True,
    }
    response = operator.post(RUN, json=body)
    assert response.status_code == 202 and len(response.json["requests"]) == 4
    assert requests_of(conn) == [
        ("retail_ingest", "2026-01-05", 0, "ingestion", True),
        ("retail_views", "2026-01-05", 3, "transformation", True),
        ("retail_ingest", "2026-01-06", 0, "ingestion", True),
        ("retail_views", "2026-01-06", 3, "transformation", True),
    ]


def test_without_dates_it_is_the_day_that_cron_would_work_on(
    operator: FlaskClient, conn: db.Connection
) -> None:
    assert operator.post(RUN, json={}).status_code == 202
    yesterday = str(datetime.now(UTC).date() - timedelta(days=1))
    assert [row[:2] for row in requests_of(conn)] == [(job, yesterday) for job in JOBS]


def test_same_wish_twice_waits_once(operator: FlaskClient, conn: db.Connection) -> None:
    first = operator.post(RUN, json={"date": "2026-01-05"}).json["requests"]
    second = operator.post(RUN, json={"date": "2026-01-05"}).json["requests"]
    assert [r["request_id"] for r in first] == [r["request_id"] for r in second]
    assert {r["queued"] for r in first} == {"now"} and {r["queued"] for r in second} == {"before"}
    assert len(requests_of(conn)) == 4


def test_request_tells_what_became_of_it(
    operator: FlaskClient, insert_run: InsertRun, conn: db.Connection
) -> None:
    response = operator.post(RUN, json={"date": "2026-01-05", "jobs": ["retail_ingest"]})
    address = response.headers["Location"]
    assert operator.get(address).json["state"] == "queued"
    run_id = insert_run(date="2026-01-05", status="failed", reason="the shop was closed")
    with db.transaction(conn):
        db.execute(conn, "UPDATE ops.run_request SET state = 'done', done_at = now(), exit_code = 1")
    told = operator.get(address).json
    assert (told["state"], told["exit_code"], told["run_id"]) == ("done", 1, run_id)
    assert told["run_reason"] == "the shop was closed"
    error_of(operator.get("/api/workflows/house/requests/1"), 404)


def test_wish_is_in_the_audit_log(operator: FlaskClient, conn: db.Connection) -> None:
    operator.post(RUN, json={"date": "2026-01-05"})
    (row,) = db.fetch_all(conn, "SELECT actor, action, target, detail, remote FROM ops.audit_log")
    assert (row["actor"], row["action"], row["target"]) == (
        "key:a operator",
        "run.request",
        "workflow:retail",
    )
    assert (
        row["detail"]["jobs"] == JOBS
        and row["detail"]["from"] == "2026-01-05"
        and row["remote"] == "127.0.0.1"
    )


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"date": "2026-01-01", "from": "2026-01-01", "to": "2026-01-01"}, None),
        ({"from": "2026-01-01"}, None),
        ({"from": "2026-01-02", "to": "2026-01-01"}, None),
        ({"from": "2020-01-01", "to": "2026-01-01"}, None),  # too many days
        ({"date": str(date.today() + timedelta(days=2))}, "date"),
        ({"from": "2026-01-01", "to": "soon"}, "to"),
        ({"jobs": []}, "jobs"),
        ({"jobs": ["retail_ingest", "house_watch"]}, "jobs.1"),
        ({"jobs": "retail_ingest"}, "jobs"),
        ({"force": "yes"}, "force"),
        ({"priority": 1}, "priority"),
    ],
)
def test_wrong_wish_is_refused_whole(
    operator: FlaskClient, conn: db.Connection, body: dict, field: str | None
) -> None:
    error = error_of(operator.post(RUN, json=body), 422)
    assert error["details"][0]["field"] == field
    assert requests_of(conn) == [] and db.fetch_value(conn, "SELECT count(*) FROM ops.audit_log") == 0


def test_openapi_document_describes_the_endpoints(app: Flask) -> None:
    document = app.test_client().get("/docs/openapi.json").json
    assert document["openapi"].startswith("3.")
    for path in ("/api/workflows/{name}/run", "/api/quality/issues/{issue_id}", "/health"):
        assert path in document["paths"]
    operation = document["paths"]["/api/workflows/{name}/run"]["post"]
    assert operation["security"] and "202" in operation["responses"]
    error = operation["responses"]["422"]["content"]["application/json"]["schema"]
    assert error["$ref"].endswith("/ErrorAnswer")
