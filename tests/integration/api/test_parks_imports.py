"""/api/admin/import: asking for imports; the ingestion service does them."""

import shutil
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from services.ingestion.parks import imports
from shared import db
from shared.config import ROOT, Settings
from shared.errors import FatalError
from shared.jobs.requests import run_requested
from shared.migrations import grant
from shared.sql import read_queries
from tests.integration.api.conftest import client_with, error_of
from tests.integration.parks.conftest import SAMPLE

URL = "/api/admin/import"
RESORT = "e957da41-3552-4cf6-b636-5babc5cbc4e5"
RANGE = {"destination_id": RESORT, "from": "2019-05-01", "to": "2019-05-03"}


def start(operator: FlaskClient, **body: object) -> int:
    response = operator.post(f"{URL}/start", json=body or RANGE)
    assert response.status_code == 202, response.text
    assert response.headers["Location"] == f"{URL}/status/{response.json['import_id']}"
    return response.json["import_id"]


def test_import_that_was_asked_for_is_done_by_the_ingestion_service(
    operator: FlaskClient, settings: Settings, conn: db.Connection
) -> None:
    number = start(operator)
    waiting = operator.get(f"{URL}/status/{number}").json
    assert (waiting["status"], waiting["percent"], waiting["held_by"]) == ("PENDING", None, None)
    assert run_requested(settings, "ingestion") == 0
    done = operator.get(f"{URL}/status/{number}").json
    assert (done["status"], done["files_done"], done["percent"]) == ("COMPLETED", 3, 100.0)
    assert done["events"] == done["imported"] + done["duplicates"] > 1000
    assert done["requested_by"] == "key:a operator" and done["source"].startswith("file:")
    assert db.fetch_value(conn, "SELECT count(*) FROM parks.ride_status_snapshots") == done["imported"]
    actions = "SELECT array_agg(action ORDER BY action) FROM ops.audit_log WHERE action LIKE 'parks.%%'"
    assert db.fetch_value(conn, actions, {}) == ["parks.import.start"]


def test_same_import_twice_is_a_conflict(operator: FlaskClient) -> None:
    number = start(operator)
    error = error_of(operator.post(f"{URL}/start", json=RANGE), 409)
    assert f"Import {number} of the same destination and dates is PENDING" in error["message"]
    assert start(operator, destination_id=RESORT) != number


def test_pause_resume_and_cancel(operator: FlaskClient) -> None:
    number = start(operator)
    assert operator.post(f"{URL}/pause/{number}").json["status"] == "PAUSED"
    assert operator.post(f"{URL}/pause/{number}").status_code == 200  # it is already
    resumed = operator.post(f"{URL}/resume/{number}")
    assert (resumed.status_code, resumed.json["status"]) == (202, "PENDING")
    assert operator.delete(f"{URL}/cancel/{number}").json["status"] == "CANCELLED"
    assert "CANCELLED" in error_of(operator.post(f"{URL}/resume/{number}"), 409)["message"]
    assert "CANCELLED" in error_of(operator.post(f"{URL}/pause/{number}"), 409)["message"]


def test_paused_import_waits_for_its_resume(operator: FlaskClient, settings: Settings) -> None:
    number = start(operator)
    operator.post(f"{URL}/pause/{number}")
    run_requested(settings, "ingestion")
    assert operator.get(f"{URL}/status/{number}").json["status"] == "PAUSED"
    operator.post(f"{URL}/resume/{number}")
    run_requested(settings, "ingestion")
    assert operator.get(f"{URL}/status/{number}").json["status"] == "COMPLETED"


def paused_import_of(conn: db.Connection, source: str) -> int:
    """An import that somebody began at the command line a while ago, and paused."""
    with db.transaction(conn):
        number = imports.begin(conn, source, RESORT, None, None, by="somebody")["import_id"]
        imports.move(conn, number, "IN_PROGRESS")
        imports.move(conn, number, "PAUSED")
    return number


def test_import_of_a_folder_that_is_there_goes_on_from_that_folder(
    operator: FlaskClient, settings: Settings, conn: db.Connection, tmp_path: Path
) -> None:
    folder = tmp_path / "an archive"
    days = Path(RESORT) / "2019" / "05"
    (folder / days).mkdir(parents=True)
    for day in ("01", "02"):
        shutil.copy(SAMPLE / days / f"{day}.json.gz", folder / days)
    number = paused_import_of(conn, folder.as_uri())
    assert operator.post(f"{URL}/resume/{number}").json["status"] == "PENDING"
    assert run_requested(settings, "ingestion") == 0
    done = operator.get(f"{URL}/status/{number}").json
    assert (done["status"], done["files_done"], done["source"]) == ("COMPLETED", 2, folder.as_uri())


@pytest.mark.parametrize("source", ["file:///nowhere/at%20all", "s3://a-bucket-of-others", "empty"])
def test_import_whose_archive_is_not_there_fails_and_says_where_to_resume_it(
    operator: FlaskClient, settings: Settings, conn: db.Connection, tmp_path: Path, source: str
) -> None:
    """An empty folder is as none: another machine may have one of the same name."""
    source = tmp_path.as_uri() if source == "empty" else source
    number = paused_import_of(conn, source)
    operator.post(f"{URL}/resume/{number}")
    own = start(operator)
    assert run_requested(settings, "ingestion") == 1
    failed = operator.get(f"{URL}/status/{number}").json
    assert failed["status"] == "FAILED" and failed["source"] == source
    assert source in failed["problem"] and f"`cronhouse parks resume {number}`" in failed["problem"]
    assert operator.get(f"{URL}/status/{own}").json["status"] == "COMPLETED"  # others are none the worse
    operator.post(f"{URL}/resume/{number}")
    operator.post(f"{URL}/pause/{number}")
    assert run_requested(settings, "ingestion") == 0
    assert operator.get(f"{URL}/status/{number}").json["status"] == "PAUSED"


def test_import_that_somebody_begins_this_moment_at_the_command_line_is_left_to_them(
    operator: FlaskClient, settings: Settings, conn: db.Connection
) -> None:
    with db.transaction(conn):
        number = imports.begin(conn, "file:///nowhere", RESORT, None, None, by="somebody")["import_id"]
    start(operator)
    assert run_requested(settings, "ingestion") == 0
    assert operator.get(f"{URL}/status/{number}").json["status"] == "PENDING"
    with db.transaction(conn):
        db.execute(
            conn,
            "UPDATE parks.import_checkpoints SET created_at = created_at - interval '2 minutes' WHERE import_id = %s",
            [number],
        )
    start(operator, **{**RANGE, "to": "2019-05-02"})
    assert run_requested(settings, "ingestion") == 1
    assert operator.get(f"{URL}/status/{number}").json["status"] == "FAILED"


def test_destination_that_the_archive_does_not_have_fails(operator: FlaskClient, settings: Settings) -> None:
    number = start(operator, destination_id=RESORT.replace("e957", "e958"))
    assert run_requested(settings, "ingestion") == 1
    failed = operator.get(f"{URL}/status/{number}").json
    assert failed["status"] == "FAILED" and "is the id right?" in failed["problem"]


def test_import_at_work_pauses_after_the_files_in_hand(
    operator: FlaskClient, settings: Settings, conn: db.Connection
) -> None:
    number = start(operator)
    with db.transaction(conn):
        found = imports.move(conn, number, "IN_PROGRESS")
    importer = db.connect(settings, application_name=imports.holder_name(number, "somebody"))
    with imports.held(importer, found):
        response = operator.post(f"{URL}/pause/{number}")
        assert (response.status_code, response.json["status"]) == (202, "IN_PROGRESS")
        assert response.json["wanted"] == "pause" and "somebody" in response.json["held_by"]
        assert "after the files in hand" in response.json["note"]
        assert operator.post(f"{URL}/resume/{number}").json["wanted"] is None
        cancelling = operator.delete(f"{URL}/cancel/{number}").json
        assert cancelling["wanted"] == "cancel" and "after the files in hand" in cancelling["note"]
    importer.close()


def test_list_is_paged_newest_first(operator: FlaskClient) -> None:
    numbers = [start(operator, destination_id=RESORT, **{"from": f"2019-05-0{day}"}) for day in range(1, 6)]
    operator.delete(f"{URL}/cancel/{numbers[0]}")
    seen, address = [], f"{URL}/list?limit=2"
    while address:
        answer = operator.get(address).json
        seen += [row["import_id"] for row in answer["data"]]
        address = answer["page"]["next"]
    assert seen == numbers[::-1]
    cancelled = operator.get(f"{URL}/list?status=CANCELLED").json["data"]
    assert [row["import_id"] for row in cancelled] == [numbers[0]]


def test_quality_tells_what_an_import_met(
    operator: FlaskClient, settings: Settings, conn: db.Connection
) -> None:
    number = start(operator)
    run_requested(settings, "ingestion")
    with db.transaction(conn):
        db.execute(
            conn,
            "SELECT parks.log_issue('INVALID_WAIT', 'warning', 'x', '999', 'm', NULL, NULL, %s, 7)",
            [number],
        )
    quality = operator.get(f"{URL}/quality/{number}").json
    assert (
        quality["counts"]["events"] == quality["files"]["events"] and quality["files"]["imported_files"] == 3
    )
    assert quality["files"]["days_without_file"] == 0 and quality["failed_files"] == []
    assert {"kind": "INVALID_WAIT", "severity": "warning", "issues": 1, "times_seen": 7} in quality["kinds"]
    assert quality["issues"]["data"][0]["raw_value"] == "999"


@pytest.mark.parametrize(
    ("method", "path"),
    [("post", "start"), ("get", "status/1"), ("get", "list"), ("post", "resume/1"), ("post", "pause/1"),
     ("delete", "cancel/1"), ("get", "quality/1")],
)  # fmt: skip
def test_operators_alone(
    app: Flask, reader: FlaskClient, operator: FlaskClient, method: str, path: str
) -> None:
    error_of(getattr(client_with(app, None), method)(f"{URL}/{path}", json=RANGE), 401)
    error_of(getattr(reader, method)(f"{URL}/{path}", json=RANGE), 403)
    if path.endswith("/1"):
        error_of(getattr(operator, method)(f"{URL}/{path}"), 404)


@pytest.mark.parametrize(
    ("body", "field"),
    [({}, "destination_id"), ({"destination_id": "x"}, "destination_id"), ({**RANGE, "to": "2019-04-01"}, None),
     ({**RANGE, "from": "2019-5-1"}, "from"), ({**RANGE, "limit": 1}, "limit"), ({**RANGE, "force": "yes"}, "force")],
)  # fmt: skip
def test_bad_body_says_where(operator: FlaskClient, body: dict, field: str | None) -> None:
    error = error_of(operator.post(f"{URL}/start", json=body), 422)
    assert error["details"][0]["field"] == field


def test_role_of_the_api_may_ask_and_not_import(settings: Settings, conn: db.Connection) -> None:
    roles = ("cronhouse_api", "cronhouse_reader")
    queries = read_queries(ROOT / "services" / "api" / "queries" / "parks_imports.sql")
    values = {"destination_id": RESORT, "first": None, "last": None, "force": False, "by": "a test"}
    conn.autocommit = True
    for role in roles:
        db.execute(conn, f"CREATE ROLE {role}")
    try:
        grant(settings)
        db.execute(conn, "SET ROLE cronhouse_api")
        number = {"import_id": db.fetch_value(conn, queries["start"], values)}
        assert db.fetch_value(conn, queries["lock"], number) == "PENDING"
        db.execute(conn, queries["move"], {**number, "status": "PAUSED"})
        db.execute(conn, queries["want"], {**number, "wanted": "cancel"})
        for refused in (
            "UPDATE parks.import_checkpoints SET imported = 7",
            "DELETE FROM parks.import_checkpoints",
            "DELETE FROM parks.ride_status_snapshots",
            "UPDATE parks.archive_object SET status = 'LISTED'",
        ):
            with pytest.raises(FatalError, match="permission denied"):
                db.execute(conn, refused)
    finally:
        db.execute(conn, "RESET ROLE")
        for role in roles:
            db.execute(conn, f"DROP OWNED BY {role}; DROP ROLE {role}")
