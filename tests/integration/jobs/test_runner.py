"""The promises of the runner, each on a real database."""

import threading
import time
from datetime import UTC, datetime

import psycopg2
import pytest

from shared import db
from shared.errors import ConfigError, FatalError, TransientError
from shared.jobs import Counts
from tests.integration.conftest import DAY


def rows(settings, query="SELECT * FROM ops.job_run ORDER BY run_id", commit=False):
    conn = db.connect(settings, autocommit=commit)
    try:
        return db.fetch_all(conn, query)
    finally:
        conn.close()


def test_a_success_is_on_record_with_counts_stages_and_log(house):
    def work(run):
        with run.stage("copy"):
            run.log.info("copied", extra={"fields": {"rows": 3}})
        return Counts(read=5, written=3, rejected=2)

    house.declare("probe_first", work)
    result = house.run("probe_first")
    assert (result.status, result.exit_code) == ("succeeded", 0)
    (row,) = rows(house.settings)
    assert (row["status"], row["rows_read"], row["rows_written"], row["rows_rejected"]) == (
        "succeeded",
        5,
        3,
        2,
    )
    assert list(row["stage_seconds"]) == ["copy"]
    lines = rows(house.settings, "SELECT line, message, fields FROM ops.job_log ORDER BY line")
    assert [line["line"] for line in lines] == [1, 2, 3]
    assert lines[1]["message"] == "copied" and lines[1]["fields"] == {"rows": 3}


def test_a_second_start_says_so_and_exits_0(house):
    entered, leave = threading.Event(), threading.Event()

    def work(run):
        entered.set()
        leave.wait(20)
        return Counts()

    house.declare("probe_first", work)
    first = threading.Thread(target=lambda: house.run("probe_first"))
    first.start()
    assert entered.wait(20)
    second = house.run("probe_first")
    leave.set()
    first.join()
    assert (second.status, second.exit_code) == ("skipped", 0)
    assert "under way" in second.reason
    assert [row["status"] for row in rows(house.settings)] == ["succeeded", "skipped"]


def test_two_dates_run_side_by_side(house):
    entered, leave = threading.Event(), threading.Event()

    def work(run):
        if run.date == DAY:
            entered.set()
            leave.wait(20)
        return Counts()

    house.declare("probe_first", work)
    first = threading.Thread(target=lambda: house.run("probe_first"))
    first.start()
    assert entered.wait(20)
    other = house.run("probe_first", DAY.replace(day=3))
    leave.set()
    first.join()
    assert other.status == "succeeded"


def test_what_is_transient_is_tried_again(house):
    tries = []

    def work(run):
        tries.append(run.attempt)
        if len(tries) < 3:
            raise TransientError("the shop answered 503")
        return Counts(written=1)

    house.declare("probe_first", work)
    assert house.run("probe_first").status == "succeeded"
    assert tries == [1, 2, 3]
    assert rows(house.settings)[0]["attempt"] == 3


def test_when_the_tries_are_used_up_it_fails_with_the_reason_and_one_alert(house):
    def work(run):
        raise TransientError("the shop answered 503")

    house.declare("probe_first", work)
    for _ in range(2):
        result = house.run("probe_first")
        assert (result.status, result.exit_code) == ("failed", 1)
    assert rows(house.settings)[0]["reason"] == "the shop answered 503"
    (alert,) = rows(house.settings, "SELECT * FROM ops.alert")
    assert alert["incident"] == "job_failed:probe_first"
    assert alert["times_seen"] == 2
    assert alert["look_closer"].startswith("cronhouse logs ")


def test_a_success_closes_the_incident(house):
    answers = [FatalError("no"), None]

    def work(run):
        problem = answers.pop(0)
        if problem:
            raise problem
        return Counts()

    house.declare("probe_first", work)
    house.run("probe_first")
    house.run("probe_first")
    (alert,) = rows(house.settings, "SELECT * FROM ops.alert")
    assert alert["resolved_at"] is not None


def test_a_success_for_another_date_leaves_the_incident_open_until_the_one_that_failed_has_succeeded(house):
    bad = {DAY, DAY.replace(day=3)}

    def work(run):
        if run.date in bad:
            raise FatalError("no")
        return Counts()

    house.declare("probe_first", work)

    def is_open_after(day):
        house.run("probe_first", DAY.replace(day=day))
        return rows(house.settings, "SELECT * FROM ops.alert ORDER BY alert_id")[-1]["resolved_at"] is None

    assert [is_open_after(day) for day in (2, 3, 4)] == [True, True, True]
    bad.clear()
    assert [is_open_after(day) for day in (5, 3, 2)] == [True, True, False]


def test_the_incident_of_a_frequent_job_is_closed_by_its_next_success(house):
    answers = [FatalError("no"), None]

    def work(run):
        if problem := answers.pop(0):
            raise problem
        return Counts()

    house.declare("probe_often", work)
    house.run("probe_often")
    house.run("probe_often", DAY.replace(day=3))
    (alert,) = rows(house.settings, "SELECT * FROM ops.alert")
    assert alert["resolved_at"] is not None


@pytest.mark.parametrize(
    "later", [FatalError("the second shop is closed"), TransientError("again, please"), None]
)
def test_what_was_committed_is_counted_whatever_becomes_of_the_rest(house, later):
    def work(run):
        run.committed += Counts(read=3, written=2, rejected=1)
        if later and run.committed.read < 9:
            raise later
        return run.committed

    house.declare("probe_first", work)
    result = house.run("probe_first")
    (row,) = rows(house.settings)
    counted = (row["rows_read"], row["rows_written"], row["rows_rejected"])
    assert counted == (result.counts.read, result.counts.written, result.counts.rejected)
    assert counted == ((9, 6, 3) if isinstance(later, TransientError) else (3, 2, 1))
    assert row["status"] == ("failed" if isinstance(later, FatalError) else "succeeded")


@pytest.mark.parametrize("error", [FatalError("wrong key"), ValueError("a bug")])
def test_what_no_retry_helps_is_tried_once(house, error):
    tries = []

    def work(run):
        tries.append(1)
        raise error

    house.declare("probe_first", work)
    result = house.run("probe_first")
    assert (result.status, result.exit_code, len(tries)) == ("failed", 1, 1)
    assert str(error) in result.reason


def test_a_setting_that_is_missing_exits_2(house):
    def work(run):
        raise ConfigError("RETAILER_1_URL is not set")

    house.declare("probe_first", work)
    assert house.run("probe_first").exit_code == 2


def test_a_failed_upstream_makes_the_next_job_skipped(house):
    def broken(run):
        raise FatalError("no")

    house.declare("probe_first", broken)
    house.declare("probe_second", lambda run: Counts())
    house.run("probe_first")
    result = house.run("probe_second", wait=False)
    assert (result.status, result.exit_code) == ("skipped", 75)
    assert result.reason.startswith("upstream probe_first failed")


def test_the_reason_to_skip_is_the_first_cause_however_far_up_it_lies(house):
    third = '  probe_third: {service: maintenance, schedule: "0 2 * * *", after: [probe_second]}\n'
    house.write((house.folder / "probe.yml").read_text() + third)

    def broken(run):
        raise FatalError("the shop refused the key")

    house.declare("probe_first", broken)
    for name in ("probe_second", "probe_third"):
        house.declare(name, lambda run: Counts())
    first = house.run("probe_first")
    reasons = [house.run(name, wait=False).reason for name in ("probe_second", "probe_third")]
    assert reasons == [f"upstream probe_first failed (run {first.run_id}): the shop refused the key"] * 2


def test_an_upstream_that_never_comes_ends_in_75(house):
    house.write((house.folder / "probe.yml").read_text().replace("wait: 5s", "wait: 1s"))
    house.declare("probe_second", lambda run: Counts())
    result = house.run("probe_second")
    assert (result.status, result.exit_code) == ("skipped", 75)
    assert "never came" in result.reason


def test_a_job_waits_for_its_upstream_of_the_same_date(house):
    order = []
    house.declare("probe_first", lambda run: order.append("first") or Counts())
    house.declare("probe_second", lambda run: order.append("second") or Counts())
    second = threading.Thread(target=lambda: house.run("probe_second"))
    second.start()
    time.sleep(0.8)
    assert order == []
    house.run("probe_first", DAY.replace(day=1))  # another date does not count
    time.sleep(0.8)
    assert order == ["first"]
    house.run("probe_first")
    second.join(20)
    assert order == ["first", "first", "second"]


def test_a_daily_job_is_done_once_and_again_only_by_force(house):
    ran = []
    house.declare("probe_first", lambda run: ran.append(run.force) or Counts())
    house.run("probe_first")
    again = house.run("probe_first")
    assert (again.status, again.exit_code) == ("skipped", 0)
    assert "--force" in again.reason
    house.run("probe_first", force=True)
    assert ran == [False, True]


def test_a_run_in_the_course_of_its_day_does_not_stand_for_the_day(house):
    ran = []
    house.declare("probe_first", lambda run: ran.append("first") or Counts())
    house.declare("probe_second", lambda run: ran.append("second") or Counts())
    house.run("probe_first")
    house.run("probe_second")
    rows(house.settings, f"UPDATE ops.job_run SET started_at = '{DAY} 15:00Z' RETURNING 1", commit=True)
    assert house.run("probe_second", wait=False).exit_code == 75, "upstream has not seen the whole day"
    house.run("probe_first")
    house.run("probe_second")
    assert ran == ["first", "second"] * 2


def test_today_can_be_run_again_and_again_with_all_its_jobs(house):
    today, ran = datetime.now(UTC).date(), []
    house.declare("probe_first", lambda run: ran.append("first") or Counts())
    house.declare("probe_second", lambda run: ran.append("second") or Counts())
    for _ in range(2):
        house.run("probe_first", today)
        house.run("probe_second", today, wait=False)
    assert ran == ["first", "second"] * 2


def test_a_job_of_every_five_minutes_runs_each_time(house):
    ran = []
    house.declare("probe_often", lambda run: ran.append(1) or Counts())
    house.run("probe_often")
    house.run("probe_often")
    assert len(ran) == 2


def test_the_time_limit_cancels_a_statement_that_hangs(house):
    house.write((house.folder / "probe.yml").read_text().replace("timeout: 1m", "timeout: 1s"))

    def work(run):
        db.execute(run.conn, "SELECT pg_sleep(60)")
        return Counts()

    house.declare("probe_first", work)
    started = time.monotonic()
    result = house.run("probe_first")
    assert result.status == "failed"
    assert "timeout" in result.reason
    assert time.monotonic() - started < 30


def test_the_time_spent_waiting_for_upstream_is_not_the_job_s(house):
    text = (house.folder / "probe.yml").read_text()
    house.write(text.replace("timeout: 1m, wait: 5s", "timeout: 1s, wait: 30s"))
    house.declare("probe_first", lambda run: Counts())
    house.declare("probe_second", lambda run: run.check_stop() or Counts(written=1))
    found = []
    second = threading.Thread(target=lambda: found.append(house.run("probe_second")))
    second.start()
    time.sleep(3.5)
    house.run("probe_first")
    second.join(20)
    assert found[0].status == "succeeded", found[0].reason
    (waited,) = rows(
        house.settings,
        "SELECT s.ready_at - s.started_at > interval '3 seconds' AND s.ready_at >= f.finished_at AS it_tells "
        "FROM ops.job_run AS s JOIN ops.job_run AS f ON f.job = 'probe_first' WHERE s.job = 'probe_second'",
    )
    assert waited["it_tells"]


def test_a_run_that_waits_keeps_its_lock_when_the_database_restarts(house, pg_server):
    text = (house.folder / "probe.yml").read_text()
    house.write(text.replace("wait: 5s", "wait: 30s"))
    house.declare("probe_first", lambda run: Counts())
    house.declare("probe_second", lambda run: Counts())
    found = []
    second = threading.Thread(target=lambda: found.append(house.run("probe_second")))
    second.start()
    time.sleep(1)
    _cut_everybody_off(pg_server)
    time.sleep(2)
    again = house.run("probe_second", wait=False)
    assert again.reason == "another run of this job and date is under way"
    house.run("probe_first")
    second.join(30)
    assert found[0].status == "succeeded", found[0].reason


def test_the_database_may_restart_under_a_run(house, pg_server):
    tries = []

    def work(run):
        tries.append(1)
        with db.transaction(run.conn):
            db.execute(run.conn, "CREATE TABLE IF NOT EXISTS staging.probe (n int)")
            db.execute(run.conn, "INSERT INTO staging.probe VALUES (1)")
            if len(tries) == 1:
                _cut_everybody_off(pg_server)
            db.execute(run.conn, "INSERT INTO staging.probe VALUES (2)")
        return Counts(written=2)

    house.declare("probe_first", work)
    result = house.run("probe_first")
    assert result.status == "succeeded", result.reason
    assert len(tries) == 2
    assert [row["n"] for row in rows(house.settings, "SELECT n FROM staging.probe ORDER BY n")] == [1, 2]
    assert rows(house.settings)[0]["status"] == "succeeded"


def _cut_everybody_off(server):
    conn = psycopg2.connect(server.url("postgres"))
    try:
        conn.autocommit = True
        with conn.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
            )
    finally:
        conn.close()
