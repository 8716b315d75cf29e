"""A source that is busy, broken or silent, and cycles that meet."""

import threading
import time
from datetime import UTC, datetime, timedelta

import pytest

from services.ingestion.parks.live import collect
from services.ingestion.sources.themeparks_api import USER_AGENT
from services.themeparks.world import RESORT
from shared import db
from shared.errors import ConfigError, TransientError
from shared.jobs.runner import run_job
from shared.jobs.workflows import find_job
from tests.integration.parks_live.conftest import NOON, make_run, rows

DEAD = "11111111-1111-4111-8111-111111111111"  # the API answers 404 for it
CYCLES = "SELECT status, asked, answered FROM parks.live_cycle ORDER BY cycle_id"
POLLS = "SELECT destination_id::text AS id, is_answered, problem FROM parks.live_poll ORDER BY cycle_id, destination_id"


def test_57_a_dead_destination_makes_the_cycle_partial_and_is_named(cycle, conn):
    """Case 57."""
    assert cycle(destinations=[RESORT, DEAD]).written == 7
    assert rows(conn, CYCLES) == [{"status": "PARTIAL", "asked": 2, "answered": 1}]
    missed, answered = rows(conn, POLLS)
    assert missed["id"] == DEAD and not missed["is_answered"] and "404" in missed["problem"]
    assert answered["is_answered"] and answered["problem"] is None


def test_57_nobody_answers_the_cycle_fails_and_the_next_is_not_blocked(cycle, conn):
    """Case 57."""
    with pytest.raises(TransientError, match="no destination answered: .*404"):
        cycle(destinations=[DEAD])
    assert cycle(NOON + timedelta(minutes=5)).written == 7
    assert [row["status"] for row in rows(conn, CYCLES)] == ["FAILED", "COMPLETE"]


@pytest.mark.parametrize("fault", ["server_error", "html", "half_json", "cut_body"])
def test_57_a_broken_answer_is_asked_for_again(cycle, conn, api, fault):
    """Case 57: 5xx, HTML instead of JSON, half of it, a connection cut."""
    api.fault(fault, path="/live")
    assert cycle().written == 7
    assert len(api.requests("/live")) == 2


def test_57_html_that_stays_is_named_in_the_poll(cycle, conn, api):
    """Case 57."""
    api.fault("html", path="/live", times=9)
    with pytest.raises(TransientError, match='an HTML page titled "Down for maintenance" instead of JSON'):
        cycle()
    assert "HTML page" in rows(conn, POLLS)[0]["problem"] and len(api.requests("/live")) == 4
    assert not rows(conn, "SELECT FROM ops.loaded_object")


@pytest.mark.parametrize("reset_only", [False, True], ids=["retry-after", "ratelimit-reset"])
def test_57_after_a_429_all_workers_wait_once_together(cycle, conn, api, monkeypatch, reset_only):
    """Case 57: four destinations, one 429 of a second: nobody asks during it, and nobody waits a second time."""
    from services.ingestion.parks import live

    gates = []

    class Remembered(live.Gate):
        def __init__(self, pause, patience):
            super().__init__(pause, patience)
            gates.append(self)

    monkeypatch.setattr(live, "Gate", Remembered)
    others = [f"{number}0000000-0000-4000-8000-000000000000" for number in (1, 2, 3)]
    for other in others:
        api.live(destination=other)
    api.fault("rate_limit", path=f"{RESORT}/live", retry_after=1, reset_only=reset_only)
    cycle(destinations=[RESORT, *others], workers=1)
    asked = api.requests("/live")
    assert len(asked) == 5 and asked[1]["at"] - asked[0]["at"] >= 1.0
    assert [gate.waits for gate in gates] == [1]
    assert rows(conn, CYCLES)[0]["status"] == "COMPLETE"


def test_57_what_is_under_way_at_a_429_ends_and_nobody_asks_anew_before_its_time(cycle, api):
    """Case 57: four workers at once; those that had asked already are answered, all others wait."""
    others = [f"{number}0000000-0000-4000-8000-000000000000" for number in range(1, 9)]
    for other in others:
        api.live(destination=other)
    api.fault("rate_limit", path=f"{RESORT}/live", retry_after=1)
    cycle(destinations=[RESORT, *others], workers=4)
    asked = api.requests("/live")
    refused = next(one["at"] for one in asked if RESORT in one["path"])
    assert len(asked) == 10
    assert max(one["at"] for one in asked if RESORT in one["path"]) >= refused + 1.0


def test_57_a_wait_past_the_patience_ends_the_cycle_not_the_job(cycle, conn, api):
    """Case 57: Retry-After beyond two minutes; what had come stays, the rest is missed and named."""
    api.live(destination=DEAD)
    api.fault("rate_limit", path=f"{DEAD}/live", retry_after=600)
    assert cycle(destinations=[RESORT, DEAD], workers=1).written == 7
    assert len(api.requests(f"{DEAD}/live")) == 1  # nobody waited: whoever waits asks again, and is answered
    missed = next(row for row in rows(conn, POLLS) if row["id"] == DEAD)
    assert "asks to wait" in missed["problem"] and rows(conn, CYCLES)[0]["status"] == "PARTIAL"


def test_57_a_server_that_is_slow_is_given_ten_seconds(cycle, conn, api, monkeypatch):
    """Case 57: a timeout is like any other failure that may pass."""
    from services.ingestion.sources import themeparks_api

    monkeypatch.setattr(themeparks_api, "TIMEOUTS", (1.0, 0.2))
    api.fault("latency", path="/live", seconds=1)
    assert cycle().written == 7 and len(api.requests("/live")) == 2


def test_every_question_names_the_app(cycle, api):
    cycle()
    assert {one["user_agent"] for one in api.requests()} == {USER_AGENT} and "cronhouse" in USER_AGENT


def test_58_a_second_cycle_leaves_itself_out_also_across_midnight(settings, conn, api, cycle):
    """Case 58: the runner's lock is for a job and date; a cycle that crosses midnight holds its own."""
    api.fault("latency", path="/live", seconds=2)
    run = make_run(settings, "parks_live")
    first = threading.Thread(target=lambda: collect(run, lambda: NOON))
    first.start()
    while not api.requests("/live"):
        time.sleep(0.02)
    assert cycle(NOON + timedelta(minutes=5)).read == 0  # another run and date, no lock of the runner
    first.join(20)
    run.close()
    assert rows(conn, CYCLES) == [{"status": "COMPLETE", "asked": 1, "answered": 1}]
    assert len(api.requests("/live")) == 1


def test_58_the_runner_skips_a_start_while_one_is_under_way(settings, conn, api):
    """Case 58: cron starts again while a cycle takes longer than five minutes."""
    api.fault("latency", path="/live", seconds=2)
    workflow, spec = find_job(settings, "parks_live")
    results = []
    first = threading.Thread(target=lambda: results.append(run_job(settings, workflow, spec, NOON.date())))
    first.start()
    while not api.requests("/live"):
        time.sleep(0.02)
    second = run_job(settings, workflow, spec, NOON.date())
    first.join(30)
    assert (second.status, second.exit_code) == ("skipped", 0) and "under way" in second.reason
    assert results[0].status == "succeeded" and len(rows(conn, CYCLES)) == 1


def test_a_cycle_that_was_killed_is_closed_by_the_next(cycle, conn):
    with db.transaction(conn):
        db.execute(conn, "INSERT INTO parks.live_cycle (asked) VALUES (3)")
    cycle()
    assert [row["status"] for row in rows(conn, CYCLES)] == ["FAILED", "COMPLETE"]
    assert not rows(conn, "SELECT FROM parks.live_cycle WHERE finished_at IS NULL")


def test_a_broken_transaction_leaves_nothing_of_a_destination(settings, conn, cycle):
    with db.transaction(conn):
        db.execute(conn, "ALTER TABLE parks.live_poll ADD CHECK (NOT is_answered)")  # the last write of all
    with pytest.raises(Exception, match="violates check constraint"):
        cycle()
    for table in ("ride_status_snapshots", "live_state", "dirty_day"):
        assert not rows(conn, f"SELECT FROM parks.{table}"), table
    assert [row["is_answered"] for row in rows(conn, POLLS)] == [False]


def test_an_answer_that_cannot_be_written_costs_no_other(conn, cycle, api):
    other = "22222222-2222-4222-8222-222222222222"
    api.live({"id": DEAD, "name": "x", "parkId": other, "status": "DOWN"}, destination=other)
    with db.transaction(conn):
        db.execute(conn, "ALTER TABLE parks.rides ADD CHECK (name <> 'x')")
    assert cycle(destinations=[other, RESORT]).written == 7
    assert rows(conn, CYCLES) == [{"status": "PARTIAL", "asked": 2, "answered": 1}]
    assert "violates check constraint" in rows(conn, POLLS)[0]["problem"]


def test_a_round_that_crosses_the_end_of_a_month_has_its_partitions(settings, conn):
    moments = iter([datetime(2026, 11, 30, 23, 59, 59, tzinfo=UTC)])
    run = make_run(settings, "parks_live")
    assert collect(run, lambda: next(moments, datetime(2026, 12, 1, 0, 0, 1, tzinfo=UTC))).written == 7
    run.close()
    assert {
        row["m"] for row in rows(conn, "SELECT recorded_at::date::text AS m FROM parks.ride_status_snapshots")
    } == {"2026-12-01"}


def test_nothing_stays_of_a_round_but_its_rows(cycle, conn, settings):
    """Twenty rounds in one process: no connection, thread or temporary row is left of any."""
    for number in range(20):
        cycle(NOON + timedelta(minutes=5 * number))
    others = "SELECT count(*) AS n FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    deadline = time.monotonic() + 20
    while rows(conn, others)[0]["n"] and time.monotonic() < deadline:
        time.sleep(0.05)  # a closed connection takes a moment to go
    assert rows(conn, others)[0]["n"] == 0
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("live")]
    assert len(rows(conn, "SELECT FROM parks.ride_status_snapshots")) == 14  # at first, and after an hour


def test_a_stop_is_heard_while_the_source_lets_us_wait(settings, conn, api):
    """SIGTERM in a wait of a minute: the cycle ends at once and says so."""
    from shared.errors import Interrupted

    api.fault("rate_limit", path="/live", retry_after=60)
    run = make_run(settings, "parks_live")
    threading.Timer(1.0, run.stop.set).start()
    with pytest.raises(Interrupted):
        collect(run, lambda: NOON)
    run.close()
    assert len(api.requests("/live")) == 1  # the wait did not end by itself: then it asks again
    assert rows(conn, CYCLES)[0]["status"] == "FAILED"


def test_all_known_destinations_are_asked_where_the_file_says_all(cycle, conn, api):
    cycle()
    api.live(destination=DEAD)
    with db.transaction(conn):
        db.execute(
            conn, "INSERT INTO parks.destinations (destination_id, name) VALUES (%s, 'Other')", (DEAD,)
        )
    cycle(NOON + timedelta(minutes=5), destinations="all")
    assert rows(conn, CYCLES)[1] == {"status": "COMPLETE", "asked": 2, "answered": 2}


def test_a_missing_stand_in_says_how_to_start_it(pg, tmp_path):
    from services.ingestion.sources.themeparks_api import PUBLIC_URL, api_url
    from shared.config import load_settings

    with pytest.raises(ConfigError, match="cronhouse local up"):
        api_url(load_settings({"CRONHOUSE_LOCAL_DIR": str(tmp_path)}))
    assert api_url(pg) == PUBLIC_URL  # a warehouse of one's own asks the real one
