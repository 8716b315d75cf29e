"""cronhouse missing and cronhouse backfill."""

from datetime import date, timedelta

import pytest

from shared.jobs import Counts
from tests.integration.cli.conftest import YESTERDAY, Desk

DAYS = [YESTERDAY - timedelta(days=back) for back in range(4, -1, -1)]


@pytest.fixture
def holes(desk: Desk) -> Desk:
    """Five dates: good, first job failed, second job failed, never ran, good."""
    done: list[tuple[str, date, bool]] = []
    desk.done = done  # type: ignore[attr-defined]
    for name in ("probe_first", "probe_second", "probe_often"):
        desk.declare(name, lambda run: done.append((run.job, run.date, run.force)) or Counts(written=1))
    for day, first, second in (
        (DAYS[0], "succeeded", "succeeded"),
        (DAYS[1], "failed", "skipped"),
        (DAYS[2], "succeeded", "failed"),
        (DAYS[4], "succeeded", "succeeded"),
    ):
        desk.add_run("probe_first", day, first, reason="the shop was shut" if first == "failed" else "")
        desk.add_run("probe_second", day, second, reason="upstream" if second != "succeeded" else "")
    return desk


def test_lists_what_never_succeeded_since_the_first_run(holes: Desk) -> None:
    answer = holes.call("missing", "probe", "--json")
    assert answer.code == 0
    assert [(row["logical_date"], row["jobs"], row["status"]) for row in answer.json] == [
        (str(DAYS[1]), "probe_first, probe_second", "failed"),
        (str(DAYS[2]), "probe_second", "failed"),
        (str(DAYS[3]), "probe_first, probe_second", "never ran"),
    ]
    assert answer.json[0]["reason"] == "the shop was shut"


def test_prints_a_command_that_can_be_pasted(holes: Desk) -> None:
    answer = holes.call("missing")
    assert f"cronhouse backfill probe --from {DAYS[1]} --to {DAYS[3]}" in answer.out.splitlines()


def test_a_house_that_never_ran_misses_nothing_but_a_range_can_be_named(desk: Desk) -> None:
    assert desk.call("missing", "probe").out.strip() == "nothing is missing"
    answer = desk.call("missing", "probe", "--from", str(DAYS[3]), "--json")
    assert [row["logical_date"] for row in answer.json] == [str(DAYS[3]), str(DAYS[4])]


def test_a_date_that_is_not_due_yet_is_not_missing(desk: Desk) -> None:
    today = YESTERDAY + timedelta(days=1)
    answer = desk.call("missing", "probe", "--from", str(YESTERDAY), "--to", str(today), "--json")
    assert [row["logical_date"] for row in answer.json] == [str(YESTERDAY)]


def arrive(desk: Desk, source: str, day: date) -> None:
    desk.execute(
        "INSERT INTO ops.arrival (pipeline, source, logical_date, landed_rows, rejected_rows, run_id) "
        "VALUES ('probe', %(source)s, %(day)s, 1, 0, 1)", source=source, day=day,
    )  # fmt: skip


def test_a_source_that_never_arrived_is_named(holes: Desk) -> None:
    for day in DAYS:
        arrive(holes, "north", day)
        arrive(holes, "gone", day)  # the workflow file does not name it any more
    arrive(holes, "south", DAYS[0])
    rows = {row["logical_date"]: row for row in holes.call("missing", "probe", "--json").json}
    assert rows[str(DAYS[4])]["sources"] == "south"
    assert str(DAYS[0]) not in rows


def test_backfill_runs_what_is_missing_and_only_that(holes: Desk) -> None:
    answer = holes.call("backfill", "probe")
    assert answer.code == 0, answer.err
    assert holes.done == [  # type: ignore[attr-defined]
        ("probe_first", DAYS[1], False),
        ("probe_second", DAYS[1], False),
        ("probe_second", DAYS[2], False),
        ("probe_first", DAYS[3], False),
        ("probe_second", DAYS[3], False),
    ]
    assert "5 runs: 5 good, 0 not" in answer.out
    assert holes.call("missing", "probe").out.strip() == "nothing is missing"
    assert {
        row["requested_by"] for row in holes.rows("SELECT requested_by FROM ops.job_run WHERE pid <> 1")
    } == {"backfill"}


def test_backfill_does_a_date_again_when_only_its_source_is_missing(holes: Desk) -> None:
    holes.call("backfill", "probe")
    holes.done.clear()  # type: ignore[attr-defined]
    for day in DAYS:
        arrive(holes, "north", day)
    for day in DAYS[:4]:
        arrive(holes, "south", day)
    assert holes.call("backfill", "probe", "--dry-run").out == (
        f"{DAYS[4]}  probe_first -> probe_second  (again)\n"
    )
    holes.call("backfill", "probe")
    assert holes.done == [("probe_first", DAYS[4], True), ("probe_second", DAYS[4], True)]  # type: ignore[attr-defined]


def test_a_dry_run_runs_nothing(holes: Desk) -> None:
    answer = holes.call("backfill", "probe", "--from", str(DAYS[2]), "--to", str(DAYS[3]), "--dry-run")
    assert answer.out.splitlines() == [
        f"{DAYS[2]}  probe_second",
        f"{DAYS[3]}  probe_first -> probe_second",
    ]
    assert holes.done == []  # type: ignore[attr-defined]


def test_a_date_that_fails_does_not_stop_the_next_and_is_told_again(holes: Desk) -> None:
    def work(run):
        if run.date == DAYS[1]:
            raise ValueError("broken")
        return Counts()

    holes.declare("probe_first", work)
    answer = holes.call("backfill", "probe")
    assert answer.code == 1
    assert f"failed: cronhouse run probe_first --date {DAYS[1]}" in answer.err
    assert [row["logical_date"] for row in holes.call("missing", "probe", "--json").json] == [str(DAYS[1])]


def test_ctrl_c_ends_the_whole_backfill(holes: Desk) -> None:
    def work(run):
        holes.done.append(run.date)  # type: ignore[attr-defined]
        raise KeyboardInterrupt

    holes.declare("probe_first", work)
    answer = holes.call("backfill", "probe")
    assert answer.code == 1
    assert holes.done == [DAYS[1]]  # type: ignore[attr-defined]
    assert "abandoned" in answer.err


def test_an_unknown_workflow_is_a_clear_mistake(desk: Desk) -> None:
    answer = desk.call("backfill", "nothing")
    assert answer.code == 2
    assert "there is no workflow 'nothing'" in answer.err
