"""The workflow parks in the running stack: from the stand-in of its API and the archive that comes with us to answers.

Its jobs fired with the night of check_stack.py, which also made the keys. The archive is the sample in the image: no
bucket can be reached from a test, and none is asked for unless ARCHIVE_S3_BUCKET says so.
"""

import urllib.error
import urllib.parse
import urllib.request

import pytest
import stack
from stack import KEYS, compose, execute, get, sql, wait_for

RESORT = "e957da41-3552-4cf6-b636-5babc5cbc4e5"  # Walt Disney World, which workflows/parks.yml names
PARK = "75ea578a-adc8-4116-a54d-dccb60765ef9"  # the Magic Kingdom there
LAST = "SELECT status FROM ops.job_run WHERE job = '{}' ORDER BY run_id DESC LIMIT 1"


@pytest.mark.parametrize("job", ["parks_live", "parks_metadata", "parks_archive"])
def test_cron_runs_what_brings_the_outside_in(job: str) -> None:
    wait_for(job, lambda: sql(LAST.format(job)) not in ("", "running"), 180)
    assert sql(LAST.format(job)) == "succeeded", stack.runs()


def test_the_archive_of_the_image_is_imported_whole() -> None:
    """In a container that has one processor, no home, and writes to /tmp alone."""
    statement = (
        "SELECT concat_ws(' ', status, files_done, files_failed, source) FROM parks.import_checkpoints"
    )
    status, done, failed, source = sql(statement).split()
    assert (status, failed) == ("COMPLETED", "0")
    assert source.startswith("file:///app/")
    there = execute("ingestion", "find", source.removeprefix("file://"), "-name", "*.json.gz")
    assert int(done) == len(there.split()) > 50
    assert sql("SELECT count(*) > 1000 FROM parks.ride_status_snapshots WHERE data_source = 'ARCHIVE'") == "t"


@pytest.mark.parametrize(
    ("service", "job"),
    [
        ("transformation", "parks_stats"),
        ("data-quality", "parks_quality"),
        ("maintenance", "parks_storage"),
        ("ingestion", "parks_imports"),
    ],
)
def test_every_other_job_runs_in_its_container(service: str, job: str) -> None:
    execute(service, "cronhouse", "run", job)
    assert sql(LAST.format(job)) == "succeeded", stack.runs()


def test_the_image_has_what_a_cluster_and_names_need() -> None:
    program = "import distributed, rapidfuzz; print(distributed.Client.__name__, rapidfuzz.__name__)"
    assert execute("ingestion", "python", "-c", program).split() == ["Client", "rapidfuzz"]


def test_only_ingestion_reaches_the_stand_in() -> None:
    program = "import socket; socket.create_connection(('themeparks', 8104), timeout=2); print('reached')"
    assert execute("ingestion", "python", "-c", program).strip() == "reached"
    said = compose("exec", "-T", "transformation", "python", "-c", program, check=False)
    assert "reached" not in said


def test_the_live_board_answers_through_the_gateway() -> None:
    path = f"/api/parks/{PARK}/live"
    assert get(path).status == 401
    answer = get(path, KEYS["reader"])
    assert answer.status == 200, answer.text
    assert answer.json["name"] == "Magic Kingdom Park"
    posted = [row for row in answer.json["data"] if row["wait_minutes"] is not None]
    assert posted and all(row["last_polled_at"] for row in posted)
    assert get("/api/parks/00000000-0000-4000-8000-000000000000/live", KEYS["reader"]).status == 404


def test_a_form_of_the_console_pauses_an_import() -> None:
    """Past the gateway the browser's Origin and our Host must still be the same, port included."""
    wish = {"destination_id": RESORT, "from": "2019-07-06", "to": "2019-07-06"}
    assert get("/api/admin/import/start", KEYS["reader"], wish).status == 403
    asked = get("/api/admin/import/start", KEYS["operator"], wish)
    assert asked.status == 202, asked.text
    number = asked.json["import_id"]
    address = stack.gateway()
    form = f"/parks/imports/{number}/pause"
    cookie = sign_in(address)
    elsewhere = {"Cookie": cookie, "Origin": "http://elsewhere.example"}
    assert stack.ask(form, b"", elsewhere).status == 403
    page = stack.ask(form, b"", {"Cookie": cookie, "Origin": address})
    assert page.status == 200 and f"/parks/imports/{number}/resume" in page.text, page.text
    status = get(f"/api/admin/import/status/{number}", KEYS["operator"])
    assert status.json["status"] == "PAUSED", status.text


def sign_in(address: str) -> str:
    """Trade the operator's key for the console's cookie."""

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_: object) -> None:
            return None

    data = urllib.parse.urlencode({"key": KEYS["operator"], "next": "/parks"}).encode()
    try:
        urllib.request.build_opener(Stay).open(f"{address}/sign-in", data, timeout=30)
    except urllib.error.HTTPError as exc:
        assert exc.code == 303
        return str(exc.headers["Set-Cookie"]).split(";")[0]
    raise AssertionError("signing in did not lead on to a page")
