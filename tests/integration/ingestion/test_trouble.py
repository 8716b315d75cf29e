"""Sources that misbehave: a clear message, nothing lost, nothing doubled."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import timedelta

import psycopg2
import pytest

from services.ingestion.retail import intake
from shared import db, state
from shared.config import ROOT
from shared.errors import ConfigError, FatalError, TransientError
from tests.integration.ingestion.conftest import (
    CREDENTIALS,
    DAY,
    IDS,
    query,
    raw_rows,
    run_ingest,
    settings_with,
)

APIS = IDS[:2]
CSV = "retailer_3"


def rows_of(settings) -> Counter:
    """Return the lines that are landed, each with its version, to be compared as a whole."""
    return Counter(
        (
            r["retailer_id"],
            r["business_date"],
            r["transaction_id"],
            r["line_id"],
            r["quantity"],
            r["total"],
            r["updated_at"],
        )
        for r in raw_rows(settings)
    )


@pytest.fixture(scope="module")
def undisturbed(pg_server, pg_template, retailer_process, tmp_path_factory):
    """The rows of DAY of each retailer when nothing goes wrong."""
    from tests.conftest import settings_for

    name = "undisturbed_ingest"
    conn = psycopg2.connect(pg_server.url("postgres"))
    conn.autocommit = True
    with conn.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name} TEMPLATE {pg_template}")
    settings = settings_with(
        settings_for(pg_server.url(name), tmp_path_factory.mktemp("undisturbed")), retailer_process.urls
    )
    run_ingest(settings)
    yield {
        retailer: Counter({k: n for k, n in rows_of(settings).items() if k[0] == retailer})
        for retailer in IDS
    }
    with conn.cursor() as cursor:
        cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")
    conn.close()


def nothing_is_known(settings, name: str) -> None:
    for table in (
        "ops.arrival",
        "ops.pipeline_metadata",
        "ops.loaded_object",
        "ops.dead_letter",
        "ops.reconciliation",
    ):
        assert query(settings, f"SELECT * FROM {table} WHERE source = %(name)s", name=name) == []
    assert not list((settings.local_dir / "objects").glob(f"raw/{name}/**/*.parquet"))


# --- trouble that passes --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", IDS)
@pytest.mark.parametrize("fault", ["rate_limit", "server_error", "cut_body", "latency"])
def test_trouble_that_passes_changes_nothing(settings, retailers, undisturbed, name, fault):
    retailers.fault(name, fault, times=2, seconds=0.1, retry_after=0)
    run_ingest(settings, only=(name,))
    assert retailers.control(name, "GET", "/_faults") == [], "the fault was met"
    assert rows_of(settings) == undisturbed[name]


@pytest.mark.parametrize("name", APIS)
@pytest.mark.parametrize("fault", ["html", "half_json"])
def test_a_page_that_is_no_json_or_half_of_it_is_asked_for_again(
    settings, retailers, undisturbed, name, fault
):
    retailers.fault(name, fault, times=2)
    run_ingest(settings, only=(name,))
    assert rows_of(settings) == undisturbed[name]


def test_a_page_of_orders_that_came_twice_makes_the_shop_be_read_once_more(settings, retailers, undisturbed):
    retailers.fault("retailer_1", "duplicate_page", times=1, path="orders")
    run_ingest(settings, only=("retailer_1",), change={"page_size": 5})
    assert rows_of(settings) == undisturbed["retailer_1"]


def test_a_page_of_the_till_that_came_twice_makes_it_be_read_once_more(settings, retailers, undisturbed):
    retailers.fault("retailer_2", "duplicate_page", times=1, path="orders")
    run_ingest(settings, only=("retailer_2",), change={"page_size": 5})
    assert rows_of(settings) == undisturbed["retailer_2"]


# --- trouble that stays ---------------------------------------------------------------------------------

STAYING = [
    (
        "retailer_1",
        "server_error",
        {},
        r"retailer_1 \(Harbour Gifts\) at 127.0.0.1:\d+, /wp-json/wc/v3/orders: answered 500",
    ),
    ("retailer_1", "rate_limit", {"retry_after": 600}, "answered 429, asks to wait 600 s"),
    ("retailer_1", "html", {}, 'an HTML page titled "Down for maintenance" instead of JSON'),
    ("retailer_1", "half_json", {}, r"answered \d+ bytes that are not whole JSON"),
    ("retailer_1", "cut_body", {}, "the answer was cut off"),
    (
        "retailer_1",
        "endless_pages",
        {},
        "page 2 brings only what came before|orders became|no end after page",
    ),
    ("retailer_1", "duplicate_page", {}, "page 2 brings only what came before"),
    ("retailer_2", "endless_pages", {}, r"page \d+ goes back to orders that came before"),
    ("retailer_2", "repeat_cursor", {}, "gave the same cursor twice up to page 2, and no end"),
    ("retailer_2", "duplicate_page", {}, r"page \d+ goes back to orders that came before"),
    ("retailer_2", "half_json", {}, r"answered \d+ bytes that are not whole JSON"),
    (
        CSV,
        "server_error",
        {},
        r"retailer_3 \(Paper Lane\) at 127.0.0.1:\d+, /exports/sales_2026-06-\d\d.csv.gz: answered 500",
    ),
    (CSV, "cut_body", {}, "the answer was cut off"),
    (CSV, "missing_total", {}, "the totals line is missing: the file is not whole"),
    (CSV, "wrong_total", {}, r"the totals line promises \d+ lines, \d+ came"),
    (CSV, "html", {}, "the heading is not the documented one"),
]


@pytest.mark.parametrize(
    ("name", "fault", "more", "message"), STAYING, ids=[f"{case[0]}-{case[1]}" for case in STAYING]
)
def test_trouble_that_stays_is_told_clearly_and_leaves_nothing(
    settings, retailers, undisturbed, name, fault, more, message
):
    retailers.fault(name, fault, times=1000, **more)
    error = FatalError if (name, fault) == (CSV, "html") else TransientError
    with pytest.raises(error, match=message):
        run_ingest(settings, only=(name,), change={"page_size": 10})
    nothing_is_known(settings, name)
    retailers.control(name, "DELETE", "/_faults")
    run_ingest(settings, only=(name,))
    assert rows_of(settings) == undisturbed[name], "the next run brings what was missing, once"


@pytest.mark.parametrize("name", IDS)
def test_one_that_fails_is_named_and_the_others_arrive(settings, retailers, undisturbed, name):
    retailers.fault(name, "server_error", times=1000)
    with pytest.raises(TransientError, match=rf"^1 of 3 retailers failed: {name} \("):
        run_ingest(settings)
    others = [row["source"] for row in query(settings, "SELECT source FROM ops.arrival ORDER BY source")]
    assert others == [other for other in IDS if other != name]
    retailers.control(name, "DELETE", "/_faults")
    run_ingest(settings)
    assert rows_of(settings) == sum(undisturbed.values(), Counter()), "and is all that the next run fetches"


def test_a_retailer_that_is_down_is_named_with_its_host(pg, retailers):
    settings = settings_with(pg, {**retailers.urls, "retailer_2": "http://127.0.0.1:9"})
    with pytest.raises(
        TransientError, match=r"retailer_2 \(Oak & Thistle\) at 127.0.0.1:9, .* \(connection refused\)"
    ):
        run_ingest(settings)
    assert len(query(settings, "SELECT * FROM ops.arrival")) == 2


@pytest.mark.parametrize("name", IDS)
def test_wrong_credentials_are_not_tried_again_and_say_which_setting(settings, retailers, name, monkeypatch):
    monkeypatch.setitem(CREDENTIALS, name, "ck_wrong:cs_wrong")
    wrong = settings_with(settings, retailers.urls)
    started = time.monotonic()
    with pytest.raises(
        FatalError, match=rf"refused the credentials \(401\): check {name.upper()}_CREDENTIALS"
    ) as caught:
        run_ingest(wrong)
    assert "cs_wrong" not in str(caught.value)
    assert time.monotonic() - started < 10
    assert len(query(settings, "SELECT * FROM ops.arrival")) == 2


def test_all_failures_are_named_and_one_that_no_retry_helps_makes_the_run_fail_for_good(
    settings, retailers, monkeypatch
):
    monkeypatch.setitem(CREDENTIALS, "retailer_1", "ck_wrong:cs_wrong")
    retailers.fault(CSV, "server_error", times=1000)
    with pytest.raises(FatalError, match=r"2 of 3 retailers failed: retailer_1 .* \| retailer_3 .*"):
        run_ingest(settings_with(settings, retailers.urls))


def test_a_missing_bucket_is_a_mistake_in_the_settings(pg, retailers, tmp_path):
    (tmp_path / "blocked").write_text("a file where the folder should be")
    settings = settings_with(pg, retailers.urls, OBJECT_STORE_URL=f"file://{tmp_path}/blocked")
    with pytest.raises(ConfigError, match="OBJECT_STORE_URL"):
        run_ingest(settings)


# --- the database, and the process itself ---------------------------------------------------------------


def test_a_connection_that_is_lost_in_the_commit_leaves_nothing_and_the_next_run_brings_all(
    settings, retailers, undisturbed, monkeypatch
):
    def cut_first(conn, *args, **kwargs):
        with db.connect(settings, autocommit=True) as other:
            db.execute(other, "SELECT pg_terminate_backend(%(pid)s)", {"pid": conn.info.backend_pid})
        other.close()
        return real(conn, *args, **kwargs)

    real = state.write_arrival
    monkeypatch.setattr(intake.state, "write_arrival", cut_first)
    with pytest.raises(TransientError, match="retailer_2"):
        run_ingest(settings, only=("retailer_2",))
    assert (
        query(settings, "SELECT * FROM ops.loaded_object")
        == query(settings, "SELECT * FROM ops.arrival")
        == []
    )
    monkeypatch.undo()
    run_ingest(settings, only=("retailer_2",))
    assert rows_of(settings) == undisturbed["retailer_2"]


KILLED = """
import sys
from datetime import date
from shared.config import load_settings
from tests.integration.ingestion.conftest import make_run
from services.ingestion.retail import intake
from services.ingestion.retail.jobs import ingest
point = sys.argv[1]
def announce(*args, **kwargs):
    print("here", flush=True)
    sys.stdin.read()
if point == "landing":
    intake.RawWriter.write = announce
elif point == "written":
    intake.Intake._commit = announce
else:
    intake.state.write_arrival = announce
ingest(make_run(load_settings(), date.fromisoformat(sys.argv[2]), only=("retailer_2",)))
"""


@pytest.mark.parametrize("point", ["landing", "written", "committing"])
def test_killed_in_the_middle_and_run_again_leaves_the_rows_of_an_undisturbed_run(
    settings, undisturbed, point
):
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, point, str(DAY)],
        cwd=ROOT,
        env={**os.environ, **settings.environ},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout.readline() == b"here\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdin.close()
    process.stdout.close()
    assert (
        query(settings, "SELECT * FROM ops.loaded_object")
        == query(settings, "SELECT * FROM ops.arrival")
        == []
    )
    run_ingest(settings, only=("retailer_2",))
    assert rows_of(settings) == undisturbed["retailer_2"]


def test_the_day_after_a_failed_day_catches_up(settings, retailers):
    run_ingest(settings, DAY - timedelta(days=2), only=("retailer_1",))
    retailers.fault("retailer_1", "server_error", times=1000)
    with pytest.raises(TransientError):
        run_ingest(settings, DAY - timedelta(days=1), only=("retailer_1",))
    retailers.control("retailer_1", "DELETE", "/_faults")
    run_ingest(settings, DAY, only=("retailer_1",))
    days = {row["business_date"] for row in raw_rows(settings)}
    assert {DAY, DAY - timedelta(days=1), DAY - timedelta(days=2)} <= days
