"""cronhouse check: one line, and an exit code that a monitor can trust."""

import os
import time
from pathlib import Path

import pytest

from shared.jobs import Counts
from tests.integration.cli.conftest import YESTERDAY, Desk

JOBS = ("probe_first", "probe_second", "probe_often")


@pytest.fixture
def declared(desk: Desk) -> Desk:
    for name in JOBS:
        desk.declare(name, lambda run: Counts(), stale_after="26h" if name != "probe_often" else None)
    return desk


def install(desk: Desk, hours_ago: float) -> None:
    desk.execute(
        "UPDATE _yoyo_migration SET applied_at_utc = timezone('UTC', now()) - make_interval(secs => %(s)s)",
        s=hours_ago * 3600,
    )


def succeed_all(desk: Desk) -> None:
    for name in JOBS:
        desk.add_run(name, YESTERDAY, hours_ago=0.05)


def test_a_fresh_install_is_well(declared: Desk) -> None:
    install(declared, hours_ago=0)  # the database that tests copy may be old by now
    answer = declared.call("check")
    assert (answer.code, answer.out) == (
        0,
        "good: 3 jobs, none is late, 3 yet to succeed for the first time\n",
    )


def test_a_job_that_never_ran_is_late_once_its_first_start_is_long_past(declared: Desk) -> None:
    install(declared, hours_ago=80)
    answer = declared.call("check", "probe_first")
    assert answer.code == 1
    assert answer.out == "bad: probe_first never succeeded and is overdue (cronhouse history probe_first)\n"


def test_says_when_a_job_last_succeeded(declared: Desk) -> None:
    declared.add_run("probe_first", YESTERDAY, hours_ago=3)
    answer = declared.call("check", "probe_first")
    assert (answer.code, answer.out) == (0, f"good: probe_first succeeded 3 h ago for {YESTERDAY}\n")


def test_an_old_success_is_late_by_what_the_code_says(declared: Desk) -> None:
    declared.add_run("probe_first", YESTERDAY, hours_ago=30)
    answer = declared.call("check", "probe_first")
    assert answer.code == 1
    assert "probe_first is late: it succeeded 30 h ago" in answer.out and "allowed are 26 h" in answer.out


def test_without_a_word_in_the_code_the_schedule_decides(declared: Desk) -> None:
    declared.add_run("probe_often", YESTERDAY, hours_ago=0.15)
    assert declared.call("check", "probe_often").code == 0
    declared.execute("UPDATE ops.job_run SET finished_at = finished_at - interval '5 minutes'")
    assert "allowed are 10 min" in declared.call("check", "probe_often").out


def test_max_age_stands_in_for_it(declared: Desk) -> None:
    declared.add_run("probe_first", YESTERDAY, hours_ago=3)
    assert declared.call("check", "probe_first", "--max-age", "2h").code == 1
    assert declared.call("check", "probe_first", "--max-age", "4h").code == 0
    assert "not a duration" in declared.call("check", "probe_first", "--max-age", "soon").err


def test_a_failure_does_not_hide_an_earlier_success(declared: Desk) -> None:
    declared.add_run("probe_first", YESTERDAY, hours_ago=3)
    declared.add_run("probe_first", YESTERDAY, "failed", hours_ago=1, reason="x")
    assert declared.call("check", "probe_first").code == 0


def open_incident(desk: Desk, incident: str, severity: str = "critical") -> None:
    desk.execute(
        "INSERT INTO ops.alert (incident, severity, title, reason, look_closer) "
        "VALUES (%(incident)s, %(severity)s, 'probe_first failed for a day', 'x', 'cronhouse logs 7')",
        incident=incident, severity=severity,
    )  # fmt: skip


def test_an_open_incident_is_bad_for_its_job_and_the_house_not_for_others(declared: Desk) -> None:
    succeed_all(declared)
    open_incident(declared, "job_failed:probe_first")
    assert declared.call("check").out == "bad: probe_first failed for a day (cronhouse logs 7)\n"
    assert declared.call("check", "probe_first").code == 1
    assert declared.call("check", "probe").code == 1
    assert declared.call("check", "probe_second").code == 0


def test_warnings_and_dead_letters_are_told_but_not_bad(declared: Desk) -> None:
    succeed_all(declared)
    open_incident(declared, "quality:probe", "warning")
    declared.execute(
        "INSERT INTO ops.dead_letter (pipeline, job, source, logical_date, position, payload, payload_bytes,"
        " reason, fingerprint, run_id) VALUES ('probe', 'j', 's', '2026-03-01', 'p', '{}', 2, 'r', 'f', 1)"
    )
    answer = declared.call("check")
    assert answer.code == 0
    assert "warning: probe_first failed for a day" in answer.out and "1 open dead letter" in answer.out
    assert len(answer.out.splitlines()) == 1


def test_a_service_is_ill_when_its_job_is_late_not_when_an_incident_is_open(declared: Desk) -> None:
    succeed_all(declared)
    open_incident(declared, "job_failed:probe_first")
    assert declared.call("check", "--service", "maintenance").code == 0
    declared.execute("UPDATE ops.job_run SET finished_at = finished_at - interval '3 days'")
    assert declared.call("check", "--service", "maintenance").code == 1


def test_a_container_that_just_started_is_not_ill_for_the_time_it_was_down(
    declared: Desk, tmp_path: Path
) -> None:
    succeed_all(declared)
    declared.execute("UPDATE ops.job_run SET finished_at = finished_at - interval '3 days'")
    mark = tmp_path / "crontab"
    mark.touch()
    answer = declared.call("check", "--service", "maintenance", "--up-since", str(mark))
    assert (answer.code, answer.out) == (0, "good: 3 jobs, none is late\n")
    days = 4 * 86_400  # up all the time: then it is
    os.utime(mark, (time.time() - days, time.time() - days))
    assert declared.call("check", "--service", "maintenance", "--up-since", str(mark)).code == 1
    never = declared.call("check", "--service", "maintenance", "--up-since", str(tmp_path / "absent"))
    assert never.code == 2 and "absent" in never.err


def test_what_cannot_be_told_has_its_own_code(declared: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    for arguments in (("no_such_job",), ("--service", "no_such_service")):
        answer = declared.call("check", *arguments)
        assert answer.code == 2
        assert answer.out.startswith("cannot tell: ") and len(answer.out.splitlines()) == 1
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nowhere")
    answer = declared.call("check")
    assert answer.code == 2
    assert answer.out.startswith("cannot tell: cannot connect to PostgreSQL")


def test_a_database_without_tables_cannot_be_told(declared: Desk) -> None:
    declared.execute("DROP TABLE _yoyo_migration CASCADE")
    answer = declared.call("check")
    assert (answer.code, "cronhouse migrate" in answer.out) == (2, True)


def test_a_job_whose_packages_are_in_another_image_is_judged_by_its_schedule(desk: Desk) -> None:
    """Nothing is declared here, as when the import fails."""
    desk.add_run("probe_first", YESTERDAY, hours_ago=27)
    assert "allowed are 26 h" in desk.call("check", "probe_first").out
