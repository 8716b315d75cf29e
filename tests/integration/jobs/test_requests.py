"""Runs that the API was asked for: taken in order, by their service, once."""

from shared import db
from shared.jobs import Counts
from shared.jobs.requests import run_requested
from tests.integration.conftest import DAY

INSERT = """
INSERT INTO ops.run_request (workflow, job, service, logical_date, position, forced, requested_by, state, taken_at)
VALUES ('probe', %s, 'maintenance', %s, %s, %s, 'test', %s, now() - interval '1 hour')
"""


def ask(conn, job, position, day=DAY, forced=False, state="queued"):
    with db.transaction(conn):
        db.execute(conn, INSERT, (job, day, position, forced, state))


def states(conn):
    rows = db.fetch_all(conn, "SELECT job, state, exit_code FROM ops.run_request ORDER BY request_id")
    conn.rollback()
    return [(row["job"], row["state"], row["exit_code"]) for row in rows]


def test_requests_are_run_in_the_order_of_the_workflow(house, conn):
    order = []
    house.declare("probe_first", lambda run: order.append(("first", run.force)) or Counts())
    house.declare("probe_second", lambda run: order.append(("second", run.force)) or Counts())
    ask(conn, "probe_second", 1, forced=True)
    ask(conn, "probe_first", 0, forced=True)
    assert run_requested(house.settings, "maintenance") == 0
    assert order == [("first", True), ("second", True)]
    assert {state for _, state, _ in states(conn)} == {"done"}


def test_another_service_leaves_them_alone(house, conn):
    ask(conn, "probe_first", 0)
    assert run_requested(house.settings, "ingestion") == 0
    assert states(conn) == [("probe_first", "queued", None)]


def test_a_request_for_a_job_that_is_no_more_ends_with_2_and_the_others_go_on(house, conn):
    ran = []
    house.declare("probe_first", lambda run: ran.append(1) or Counts())
    ask(conn, "probe_gone", 0)
    ask(conn, "probe_first", 0, day=DAY.replace(day=5))
    assert run_requested(house.settings, "maintenance") == 2
    assert states(conn) == [("probe_gone", "done", 2), ("probe_first", "done", 0)]
    assert ran == [1]


def test_a_request_whose_taker_died_is_taken_again(house, conn):
    ran = []
    house.declare("probe_first", lambda run: ran.append(1) or Counts())
    ask(conn, "probe_first", 0, state="taken")
    run_requested(house.settings, "maintenance")
    assert ran == [1]
    assert states(conn) == [("probe_first", "done", 0)]


def test_a_request_whose_taker_was_killed_in_its_run_is_taken_again(house, conn):
    ran = []
    house.declare("probe_first", lambda run: ran.append(1) or Counts())
    ask(conn, "probe_first", 0, state="taken")
    with db.transaction(conn):
        db.execute(
            conn,
            "INSERT INTO ops.job_run (workflow, job, service, logical_date, status, host, pid) "
            "VALUES ('probe', 'probe_first', 'maintenance', %s, 'running', 'gone', 1)",
            (DAY,),
        )
    run_requested(house.settings, "maintenance")
    assert ran == [1]


def test_a_request_that_is_being_run_is_not_taken_twice(house, conn, pg):
    ran = []
    house.declare("probe_first", lambda run: ran.append(1) or Counts())
    ask(conn, "probe_first", 0, state="taken")
    with db.connect(pg) as holder:
        db.fetch_value(
            holder, "SELECT pg_advisory_lock(hashtextextended(%s, 0))", (f"job:probe_first:{DAY}",)
        )
        run_requested(house.settings, "maintenance")
    holder.close()
    assert ran == []
