"""/health, /ready, /metrics and the documentation."""

from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

from shared import db
from tests.integration.api.conftest import InsertRun

FILL = """
INSERT INTO ops.quality_score VALUES ('retail', '2026-01-01', 1, 50, 20, 9, 1), ('retail', '2026-01-02', 2, 97.5, 20, 1, 0);
INSERT INTO ops.alert (incident, severity, title, reason, look_closer) VALUES ('a', 'critical', 't', 'r', 'c');
INSERT INTO ops.alert (incident, severity, title, reason, look_closer, resolved_at)
VALUES ('b', 'critical', 't', 'r', 'c', now());
INSERT INTO ops.dead_letter (pipeline, job, source, logical_date, position, payload, payload_bytes, reason, rows,
                             fingerprint, state, run_id)
VALUES ('retail', 'j', 'retailer_1', '2026-01-01', 'p', '{}', 2, 'bad', 3, 'f1', 'open', 1),
       ('retail', 'j', 'retailer_1', '2026-01-01', 'p', '{}', 2, 'bad', 1, 'f2', 'discarded', 1);
INSERT INTO ops.arrival (pipeline, source, logical_date, landed_rows, rejected_rows, run_id)
VALUES ('retail', 'retailer_1', (now() AT TIME ZONE 'UTC')::date - 1, 10, 0, 1),
       ('retail', 'retailer_2', (now() AT TIME ZONE 'UTC')::date - 4, 10, 0, 1);
INSERT INTO ops.run_request (workflow, job, service, logical_date, position, requested_by, requested_at)
VALUES ('retail', 'j', 'ingestion', '2026-01-01', 0, 'me', now() - interval '90 seconds');
"""  # noqa: E501


def samples(app: Flask) -> dict[tuple[str, ...], float]:
    """Return the values by name and labels, the labels in the order of their names."""
    text = app.test_client().get("/metrics").text
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_metrics_tell_how_the_house_is(app: Flask, conn: db.Connection, insert_run: InsertRun) -> None:
    insert_run(date="2026-01-01")
    insert_run(date="2026-01-02", status="failed", reason="no", rows_written=0)
    with db.transaction(conn):
        db.execute(conn, FILL)
    found = samples(app)
    job, of = "retail_ingest", "retail"
    since = datetime.now(UTC) - timedelta(minutes=1)
    assert found["cronhouse_job_last_success_timestamp_seconds", job, of] > since.timestamp()
    assert found["cronhouse_job_last_status", job, "failed", of] == 1
    assert found["cronhouse_job_last_status", job, "succeeded", of] == 0
    assert found["cronhouse_runs_total", job, "succeeded", of] == 1
    assert (
        found["cronhouse_run_rows_written", job, of] == 0 and found["cronhouse_run_rows_read", job, of] == 10
    )
    assert 0 <= found["cronhouse_run_duration_seconds", job, of] < 60
    assert found["cronhouse_quality_score_percent", "retail"] == 97.5
    assert (
        found["cronhouse_incidents_open", "critical"] == 1
        and found["cronhouse_incidents_open", "warning"] == 0
    )
    assert found["cronhouse_dead_letters_open", "retail", "retailer_1"] == 1
    assert found["cronhouse_dead_letter_rows_open", "retail", "retailer_1"] == 3
    assert found["cronhouse_arrival_lag_days", "retail", "retailer_1"] == 0
    assert found["cronhouse_arrival_lag_days", "retail", "retailer_2"] == 3
    assert found["cronhouse_run_requests_queued", "ingestion"] == 1
    assert 90 <= found["cronhouse_run_request_oldest_seconds", "ingestion"] < 150
    assert found[("cronhouse_database_up",)] == 1


def test_job_that_never_succeeded_has_no_time_of_success(app: Flask, insert_run: InsertRun) -> None:
    insert_run(status="failed", reason="no")
    found = samples(app)
    assert not [name for name in found if name[0] == "cronhouse_job_last_success_timestamp_seconds"]


def test_ready_names_every_job_with_its_age(app: Flask, insert_run: InsertRun) -> None:
    insert_run(job="retail_views", date="2026-01-05")
    response = app.test_client().get("/ready")
    told = response.json
    jobs = {job["job"]: job for job in told["jobs"]}
    assert (response.status_code, told["status"], set(told["checks"].values())) == (200, "ready", {"ok"})
    assert jobs["retail_views"]["last_success_date"] == "2026-01-05"
    assert 0 <= jobs["retail_views"]["last_success_age_seconds"] < 60
    assert jobs["retail_ingest"]["last_success_at"] is None and not jobs["retail_ingest"]["late"]
    assert jobs["retail_ingest"]["stale_after_seconds"] == 26 * 3600


@pytest.mark.parametrize("path", ["/health", "/ready", "/metrics"])
def test_probes_are_not_kept_by_anybody(app: Flask, path: str) -> None:
    assert "max-age" not in app.test_client().get(path).headers.get("Cache-Control", "")


@pytest.mark.parametrize("name", ["../plugins.py", "..%2f..%2f__init__.py", "js/nothing.js", "/etc/passwd"])
def test_documentation_serves_its_own_files_alone(app: Flask, name: str) -> None:
    assert app.test_client().get("/docs/assets/js/swagger-ui-bundle.js").status_code == 200
    assert app.test_client().get(f"/docs/assets/{name}").status_code in (404, 308)


# --- pages without a browser ----------------------------------------------------------------------------


def test_empty_house_has_a_page(reader: FlaskClient) -> None:
    page = reader.get("/")
    assert page.status_code == 200
    for text in ("All is well", "No sales yet", "No quality run yet", "Nothing has run yet", "never ran"):
        assert text in page.text
    assert 'http-equiv="refresh"' not in page.text


def test_page_of_a_running_job_refreshes_itself(reader: FlaskClient, insert_run: InsertRun) -> None:
    run_id = insert_run(status="running")
    assert 'http-equiv="refresh"' in reader.get("/").text
    assert 'http-equiv="refresh"' in reader.get(f"/runs/{run_id}").text


def test_text_from_outside_is_never_markup(
    reader: FlaskClient, insert_run: InsertRun, conn: db.Connection
) -> None:
    evil = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
    run_id = insert_run(status="failed", reason=evil)
    with db.transaction(conn):
        db.execute(conn, "INSERT INTO ops.job_log VALUES (%s, 1, now(), 'info', %s, '{}')", (run_id, evil))
        db.execute(conn, "INSERT INTO ops.alert (incident, severity, title, reason, look_closer) VALUES "
                         "('a', 'critical', %(evil)s, %(evil)s, %(evil)s)", {"evil": evil})  # fmt: skip
    for path in ("/", f"/runs/{run_id}", f"/sign-in?next={evil}"):
        text = reader.get(path).text
        assert "<script" not in text and "<img" not in text, path


def test_long_log_comes_in_pages(reader: FlaskClient, insert_run: InsertRun, conn: db.Connection) -> None:
    run_id = insert_run()
    rows = [(run_id, number, datetime.now(UTC), "info", f"line {number}", "{}") for number in range(1, 1202)]
    with db.transaction(conn):
        db.execute_many(conn, "INSERT INTO ops.job_log VALUES %s", rows)
    first, second = reader.get(f"/runs/{run_id}").text, reader.get(f"/runs/{run_id}?after_line=1000").text
    assert "line 1000<" in first and "line 1001<" not in first and "after_line=1000" in first
    assert "line 1001<" in second and "line 1201<" in second and "Later lines" not in second
    assert reader.get(f"/runs/{run_id}?after_line=x' OR 1=1").status_code == 200
