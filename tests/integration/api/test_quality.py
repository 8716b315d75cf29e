"""/api/quality: scores, results, issues and the ledger."""

import pytest
from flask.testing import FlaskClient

from shared import db
from tests.integration.api.conftest import error_of

FILL = """
INSERT INTO ops.quality_score (workflow, logical_date, run_id, score, checks, failed, critical)
VALUES ('retail', '2026-01-01', 1, 100, 20, 0, 0),
       ('retail', '2026-01-02', 2, 80.5, 20, 2, 1),
       ('retail', '2026-01-02', 3, 97.25, 20, 1, 0),
       ('other', '2026-01-02', 4, 50, 2, 1, 0);
INSERT INTO ops.quality_result (run_id, workflow, table_name, check_name, logical_date, severity, passed,
                                observed, expected, message, sample_keys)
VALUES (3, 'retail', 'fact_sales', 'volume', '2026-01-02', 'warning', false, 412, '>= 1000', 'few', '["a"]'),
       (3, 'retail', 'fact_sales', 'totals', '2026-01-02', 'critical', true, 0, '0', 'fine', '[]');
INSERT INTO ops.reconciliation
VALUES ('retail', 'retailer_1', '2026-01-02', 1, 10, 8, 1, 1),
       ('retail', 'retailer_1', '2026-01-02', 2, 5, -1, 6, 0),
       ('retail', 'retailer_2', '2026-01-02', 1, 7, 7, 0, 0);
"""
NEW_ISSUE = """
INSERT INTO ops.data_quality_log (workflow, check_name, severity, first_seen_date, last_seen_date, message)
VALUES ('retail', 'volume', 'warning', '2026-01-02', '2026-01-02', 'few');
"""


@pytest.fixture
def filled(conn: db.Connection) -> db.Connection:
    with db.transaction(conn):
        db.execute(conn, FILL + NEW_ISSUE)
    return conn


def test_scores_show_the_newest_of_each_day(reader: FlaskClient, filled: db.Connection) -> None:
    answer = reader.get("/api/quality/scores?workflow=retail").json
    assert [(row["logical_date"], row["score"]) for row in answer["data"]] == [
        ("2026-01-02", 97.25),
        ("2026-01-01", 100),
    ]
    assert len(reader.get("/api/quality/scores?every_run=true").json["data"]) == 4
    assert len(reader.get("/api/quality/scores?from=2026-01-02").json["data"]) == 2


def test_results_are_filtered(reader: FlaskClient, filled: db.Connection) -> None:
    (failed,) = reader.get("/api/quality/results?passed=false").json["data"]
    assert failed["check_name"] == "volume" and failed["observed"] == 412 and failed["sample_keys"] == ["a"]
    assert reader.get("/api/quality/results?severity=critical&passed=false").json["data"] == []
    page = reader.get("/api/quality/results?limit=1").json
    assert page["data"][0]["check_name"] == "totals"
    assert reader.get(page["page"]["next"]).json["data"][0]["check_name"] == "volume"


def test_scores_are_kept_until_a_new_quality_run(reader: FlaskClient, filled: db.Connection) -> None:
    first = reader.get("/api/quality/scores")
    assert (
        first.headers["X-Cache"] == "MISS" and reader.get("/api/quality/scores").headers["X-Cache"] == "HIT"
    )
    with db.transaction(filled):
        db.execute(filled, "INSERT INTO ops.quality_score VALUES ('retail', '2026-01-03', 9, 99, 20, 0, 0)")
    again = reader.get("/api/quality/scores", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 200 and again.json["data"][0]["score"] == 99


def test_issue_is_acknowledged_and_resolved_with_a_trail(
    operator: FlaskClient, filled: db.Connection
) -> None:
    issue = operator.get("/api/quality/issues?status=open").json["data"][0]["issue_id"]
    address = f"/api/quality/issues/{issue}"
    changed = operator.patch(address, json={"status": "acknowledged", "owner": "Ana"}).json
    assert (changed["status"], changed["owner"], changed["resolved_at"]) == ("acknowledged", "Ana", None)
    resolved = operator.patch(address, json={"status": "resolved", "owner": None, "notes": "a holiday"}).json
    assert resolved["resolved_at"] and resolved["owner"] is None and resolved["notes"] == "a holiday"
    filled.rollback()
    trail = db.fetch_all(filled, "SELECT actor, detail FROM ops.audit_log ORDER BY audit_id")
    assert trail[0] == {
        "actor": "key:a operator",
        "detail": {"status": ["open", "acknowledged"], "owner": [None, "Ana"]},
    }
    assert trail[1]["detail"]["status"] == ["acknowledged", "resolved"]


def test_resolved_issue_is_not_opened_beside_a_newer_one(
    operator: FlaskClient, filled: db.Connection
) -> None:
    issue = operator.get("/api/quality/issues").json["data"][0]["issue_id"]
    operator.patch(f"/api/quality/issues/{issue}", json={"status": "resolved"})
    with db.transaction(filled):
        db.execute(filled, NEW_ISSUE)
    error = error_of(operator.patch(f"/api/quality/issues/{issue}", json={"status": "open"}), 422)
    assert error["details"][0]["field"] == "status"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"status": "gone"},
        {"status": None},
        {"owner": "a\x00b"},
        {"notes": "x" * 5000},
        {"severity": "info"},
    ],
)
def test_wrong_change_is_refused(operator: FlaskClient, filled: db.Connection, body: dict) -> None:
    error_of(operator.patch("/api/quality/issues/1", json=body), 422)


def test_change_needs_an_operator_and_an_issue(
    reader: FlaskClient, operator: FlaskClient, filled: db.Connection
) -> None:
    error_of(reader.patch("/api/quality/issues/1", json={"owner": "me"}), 403)
    error_of(operator.patch("/api/quality/issues/4711", json={"owner": "me"}), 404)


def test_reconciliation_sums_over_runs(reader: FlaskClient, filled: db.Connection) -> None:
    rows = reader.get("/api/quality/reconciliation?pipeline=retail&source=retailer_1").json["data"]
    (row,) = rows
    assert (row["source_rows"], row["fact_rows"], row["duplicate_rows"], row["rejected_rows"]) == (
        15,
        7,
        7,
        1,
    )
    assert len(reader.get("/api/quality/reconciliation").json["data"]) == 2
