"""The commands that run jobs and tell how they went, as a user calls them."""

import json

import pytest

from shared.errors import FatalError
from shared.jobs import Counts


@pytest.fixture
def call(desk):
    for name in ("probe_first", "probe_second", "probe_often"):
        desk.declare(name, lambda run: Counts(written=3))

    def run(*words):
        answer = desk.call(*words)
        return answer.code, answer.out, answer.err

    return run


def test_a_workflow_over_a_range_then_status_history_and_logs(call):
    code, out, err = call("run", "probe", "--from", "2026-03-02", "--to", "2026-03-04")
    assert code == 0, err
    assert "9 runs: 9 good, 0 not" in out
    code, out, _ = call("status", "--json")
    assert {row["job"]: row["status"] for row in json.loads(out)}["probe_second"] == "succeeded"
    code, out, _ = call("history", "probe_first", "--json")
    assert [row["logical_date"] for row in json.loads(out)] == ["2026-03-04", "2026-03-03", "2026-03-02"]
    code, out, _ = call("logs", "1")
    assert code == 0
    assert "probe_first succeeded" in out


def test_what_failed_is_said_again_ready_to_paste(call, desk):
    def broken(run):
        raise FatalError("the shop is closed")

    desk.declare("probe_first", broken)
    code, _, err = call("run", "probe", "--date", "2026-03-02")
    assert code == 1
    assert "failed: cronhouse run probe_first --date 2026-03-02   # the shop is closed" in err
    assert "skipped: cronhouse run probe_second --date 2026-03-02   # upstream probe_first failed" in err


def test_a_dry_run_runs_nothing(call):
    code, out, _ = call("run", "probe", "--date", "2026-03-02", "--dry-run")
    assert code == 0
    assert "2026-03-02  probe_first" in out
    assert json.loads(call("history", "--json")[1]) == []


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("run", "nothing_such"), 2, "no workflow file has a job 'nothing_such'"),
        (("run",), 2, "name a job or a workflow"),
        (("run", "n" * 5000), 2, "no workflow file has a job"),
        (("run", "probe", "--date", "2999-01-01"), 2, "a logical date after today"),
        (("run", "probe", "--from", "2999-01-01", "--to", "2999-01-02"), 2, "a logical date after today"),
        (("missing", "probe", "--from", "1000-01-01"), 2, "is longer than 3660 days"),
        (("check", "--max-age", "99999999999999d"), 2, "longer than 100 years"),
        (("run", "probe", "--date", "31.12.2026"), 2, "not a date such as 2026-03-31"),
        (("run", "probe", "--from", "2026-03-04", "--to", "2026-03-02"), 2, "is not a range"),
        (("logs", "999"), 1, "there is no run 999"),
        (("crontab", "nowhere"), 2, "no workflow file has a job of a service 'nowhere'"),
        (("frobnicate",), 2, "No such command"),
    ],
)
def test_a_mistake_gets_a_message_and_its_exit_code(call, words, code, says):
    got, out, err = call(*words)
    assert got == code
    assert says in err


def test_bad_settings_are_all_named_and_exit_2(call, monkeypatch):
    monkeypatch.setenv("LOG_LEVEL", "LOUD")
    monkeypatch.setenv("API_PORT", "none")
    code, _, err = call("status")
    assert code == 2
    assert "LOG_LEVEL" in err and "API_PORT" in err


def test_the_crontab_of_a_service_has_its_jobs_and_the_tick(call):
    code, out, _ = call("crontab", "maintenance")
    assert code == 0
    assert "0 0 * * * cronhouse run probe_first" in out
    assert "*/5 * * * * cronhouse run probe_often" in out
    assert "* * * * * cronhouse run --requested maintenance" in out


def test_workflows_are_listed_with_their_next_start(call):
    rows = json.loads(call("workflows", "--json")[1])
    assert [row["job"] for row in rows] == ["probe_first", "probe_often", "probe_second"]
    assert all(row["next_start"] for row in rows)
