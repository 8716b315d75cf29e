"""Every error has one shape, names the field that is wrong and gives nothing away."""

import logging

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.integration.api.conftest import InsertRun, error_of


def test_unknown_address_is_not_found(reader: FlaskClient) -> None:
    assert error_of(reader.get("/api/nothing"), 404)["code"] == "not_found"


def test_wrong_method_names_the_right_ones(reader: FlaskClient) -> None:
    response = reader.delete("/api/workflows")
    assert error_of(response, 405)["code"] == "method_not_allowed"
    assert "GET" in response.headers["Allow"]


def test_person_sees_a_page_and_a_program_json(app: Flask, reader: FlaskClient) -> None:
    page = reader.get("/nothing", headers={"Accept": "text/html,*/*;q=0.8"})
    assert page.status_code == 404 and page.mimetype == "text/html" and "Request " in page.text
    error_of(reader.get("/nothing", headers={"Accept": "*/*"}), 404)
    error_of(reader.get("/api/nothing", headers={"Accept": "text/html"}), 404)


def test_request_id_comes_back(reader: FlaskClient) -> None:
    given = reader.get("/api/nothing", headers={"X-Request-ID": "from-gateway.7"})
    assert error_of(given, 404)["request_id"] == "from-gateway.7"
    for odd in ("<script>", "a b", "x" * 65, ""):
        assert reader.get("/health", headers={"X-Request-ID": odd}).headers["X-Request-ID"] not in (odd, "-")


@pytest.mark.parametrize(
    ("path", "field", "says"),
    [
        ("/api/workflows/retail/runs?limit=0", "limit", "greater than or equal to 1"),
        ("/api/workflows/retail/runs?limit=501", "limit", "less than or equal to 500"),
        ("/api/workflows/retail/runs?limit=1e9", "limit", "whole number"),
        ("/api/workflows/retail/runs?from=2026-02-30", "from", "a day such as"),
        ("/api/workflows/retail/runs?to=1704067200", "to", "a day such as"),
        ("/api/workflows/retail/runs?date=20260101", "date", "a day such as"),
        ("/api/workflows/retail/runs?from=0000-01-01", "from", "a day such as"),
        ("/api/workflows/retail/runs?from=2026-01-02&to=2026-01-01", None, "`from` is after `to`"),
        ("/api/workflows/retail/runs?status=fine", "status", "'succeeded'"),
        ("/api/workflows/retail/runs?job=nothing", "job", "it has: retail_ingest"),
        ("/api/workflows/retail/runs?before=99999999999999999999", "before", "less than or equal"),
        ("/api/workflows/retail/runs?colour=red", "colour", "no such parameter"),
        ("/api/workflows/retail/runs/1?after_line=-1", "after_line", "greater than or equal to 0"),
        ("/api/workflows/retail/runs?job=retail_ingest&job=retail_views", "job", "more than once"),
        (
            "/api/retail/daily-sales?limit=1&retailer=retailer_1&retailer=retailer_2",
            "retailer",
            "more than once",
        ),
        ("/api/retail/top-products?rank=1&rank=1", "rank", "more than once"),
        ("/api/quality/results?from=2026-01-01&from=2026-02-01", "from", "more than once"),
        ("/api/workflows/retail/runs/1?after_line=0&after_line=9", "after_line", "more than once"),
        ("/health?a=1&a=2", "a", "more than once"),
        ("/api/quality/scores?offset=1000001", "offset", "less than or equal"),
        ("/api/quality/results?passed=perhaps", "passed", "boolean"),
        ("/api/quality/results?check=a%00b", "check", "NUL"),
        ("/api/quality/issues?severity=';DROP TABLE ops.alert;--", "severity", "'critical'"),
    ],
)
def test_wrong_parameter_is_named(reader: FlaskClient, path: str, field: str | None, says: str) -> None:
    error = error_of(reader.get(path), 422)
    assert error["code"] == "invalid"
    assert [detail["field"] for detail in error["details"]] == [field]
    assert says in error["details"][0]["message"] and says in error["message"]


def test_every_wrong_parameter_is_named_at_once(reader: FlaskClient) -> None:
    error = error_of(reader.get("/api/quality/scores?limit=x&offset=-1&from=today&nothing=1"), 422)
    assert {detail["field"] for detail in error["details"]} == {"limit", "offset", "from", "nothing"}


@pytest.mark.parametrize("number", ["0", "-1", "99999999999999999999999999", "abc", "1;DROP TABLE x"])
def test_odd_numbers_in_paths_are_refused(reader: FlaskClient, number: str) -> None:
    assert reader.get(f"/api/workflows/retail/runs/{number}").status_code in (404, 422)
    assert reader.get(f"/runs/{number}").status_code == 404


@pytest.mark.parametrize("name", ["nothing", "../retail", "retail%2f..", "%00", "'", "x" * 3000])
def test_unknown_workflow_is_not_found(reader: FlaskClient, name: str) -> None:
    error_of(reader.get(f"/api/workflows/{name}/config"), 404)


def test_body_must_be_json(operator: FlaskClient) -> None:
    post = "/api/workflows/retail/run"
    error_of(operator.post(post, data="date=2026-01-01"), 415)
    assert (
        "not valid JSON"
        in error_of(operator.post(post, data="{", content_type="application/json"), 400)["message"]
    )
    error_of(operator.post(post, json=[1]), 422)
    error_of(operator.post(post, data="null", content_type="application/json"), 422)


def test_huge_body_is_refused(operator: FlaskClient) -> None:
    response = operator.post("/api/workflows/retail/run", json={"jobs": ["x" * 300_000]})
    assert response.status_code == 413
    error_of(response, 413)


def test_surprise_is_logged_and_not_told(
    app: Flask, reader: FlaskClient, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def explode(**_values: object) -> None:
        raise RuntimeError("password=hunter2")

    monkeypatch.setitem(app.view_functions, "workflows.list_workflows", explode)
    with caplog.at_level(logging.ERROR):
        error = error_of(reader.get("/api/workflows"), 500)
    assert "hunter2" not in str(error) and "hunter2" in caplog.text


def test_answers_carry_security_headers(reader: FlaskClient, insert_run: InsertRun) -> None:
    for path in ("/health", "/api/workflows", "/docs", "/nothing", f"/runs/{insert_run()}"):
        headers = reader.get(path, headers={"Accept": "text/html"}).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "http" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff" and headers["X-Frame-Options"] == "DENY"
    assert "script-src" not in reader.get("/").headers["Content-Security-Policy"]


def test_log_of_requests_holds_no_query_and_no_key(
    reader: FlaskClient, keys: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "cronhouse.api"):
        reader.get("/api/quality/scores?workflow=secret-name")
    assert "GET /api/quality/scores 200" in caplog.text
    assert "secret-name" not in caplog.text and keys["reader"] not in caplog.text


def test_a_body_nested_too_deep_is_the_callers_mistake(operator: FlaskClient) -> None:
    body = "[" * 100_000
    response = operator.post("/api/workflows/retail/run", data=body, content_type="application/json")
    assert error_of(response, 400)["message"] == "The body is nested too deep."


def test_only_who_has_to_wait_is_told_to(reader: FlaskClient) -> None:
    response = reader.get("/api/workflows")
    assert response.status_code == 200 and "Retry-After" not in response.headers
    assert response.headers["X-RateLimit-Remaining"]
