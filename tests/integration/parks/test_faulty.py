"""Every faulty object of the sample, with the counts that its manifest gives."""

import json
import shutil

import pytest

from tests.integration.parks.conftest import FAULTY, KINGDOM, PIRATES, RESORT, Bench

CASES = [
    case for case in json.loads((FAULTY / "manifest.json").read_text())["cases"] if "*" not in case["key"]
]
UNREADABLE = ("02", "03", "04")


def copy(bench: Bench, day: str) -> None:
    place = bench.folder / RESORT / "2019" / "08"
    place.mkdir(parents=True, exist_ok=True)
    shutil.copy(FAULTY / RESORT / "2019" / "08" / f"{day}.json.gz", place)


@pytest.mark.parametrize("case", CASES, ids=[case["case"][:40] for case in CASES])
def test_counts_of_the_manifest(bench: Bench, case: dict) -> None:
    day = case["key"][-10:-8]
    copy(bench, day)
    report = bench.run()
    assert report.imported == case["events_to_import"]
    assert report.events == report.imported + report.duplicates + report.rejected
    assert bench.value("SELECT count(*) FROM parks.ride_status_snapshots") == case["events_to_import"]
    assert sum(bench.issues().values()) >= case["quality_issues_at_least"]
    assert (len(report.failed) == 1) == (day in UNREADABLE)
    if case["quality_issues_at_least"] == 0:
        assert bench.issues() == {}


def test_all_at_once_and_once_more(bench: Bench) -> None:
    shutil.copytree(FAULTY, bench.folder, dirs_exist_ok=True)
    first = bench.run()
    assert (first.status, first.files, len(first.failed)) == ("COMPLETED", 17, 3)
    before = bench.rows(
        "SELECT ride_id, recorded_at, status, wait_minutes, origin_id FROM parks.ride_status_snapshots"
    )
    assert bench.issues()["ODD_KEY"] == 5
    again = bench.run(forced=True)
    assert (again.imported, again.duplicates + again.rejected) == (0, first.events)
    after = bench.rows(
        "SELECT ride_id, recorded_at, status, wait_minutes, origin_id FROM parks.ride_status_snapshots"
    )
    assert after == before
    unforced = bench.run()
    assert unforced.files == 3  # what could not be read is tried again without being forced


def test_waits(bench: Bench) -> None:
    copy(bench, "13")
    bench.run()
    waits = [row["wait_minutes"] for row in bench.rows(
        "SELECT wait_minutes FROM parks.ride_status_snapshots ORDER BY recorded_at")]  # fmt: skip
    assert waits == [None, None, None, None, None, 480, 45, 45, 13, None, None, None, None, 0]
    assert bench.issues() == {"INVALID_WAIT": 8, "COERCED_WAIT": 2, "EXTREME_WAIT": 1}
    raw = bench.rows("SELECT raw_value FROM parks.data_quality_log WHERE kind = 'INVALID_WAIT' ORDER BY 1")
    assert {row["raw_value"] for row in raw} == {"-5", "-999", "601", "9999", "995", "true", '{"m":5}', ""}
    assert {row["subject"] for row in bench.rows("SELECT subject FROM parks.data_quality_log")} == {PIRATES}


def test_statuses(bench: Bench) -> None:
    copy(bench, "15")
    bench.run()
    statuses = [row["status"] for row in bench.rows(
        "SELECT status FROM parks.ride_status_snapshots ORDER BY recorded_at")]  # fmt: skip
    assert statuses == [
        "OPERATING",
        "DOWN",
        "CLOSED",
        "REFURBISHMENT",
        "OPERATING",
        "CLOSED",
        *["UNKNOWN"] * 4,
    ]
    raw = bench.rows("SELECT raw_value FROM parks.data_quality_log ORDER BY 1")
    assert sorted(row["raw_value"] for row in raw) == ["", "3", "DELAYED", "null"]


def test_queues_of_all_six_types(bench: Bench) -> None:
    copy(bench, "16")
    bench.run()
    rows = bench.rows("SELECT * FROM parks.queue_data ORDER BY recorded_at, queue_type")
    assert [row["queue_type"] for row in rows] == [
        "STANDBY", "SINGLE_RIDER", "RETURN_TIME", "PAID_RETURN_TIME", "BOARDING_GROUP", "PAID_STANDBY",
    ]  # fmt: skip
    by_type = {row["queue_type"]: row for row in rows}
    assert (
        by_type["PAID_RETURN_TIME"]["price_minor"] == 1500
        and by_type["PAID_RETURN_TIME"]["currency"] == "USD"
    )
    assert by_type["RETURN_TIME"]["return_start_at"].isoformat() == "2019-08-16T18:00:00+00:00"
    assert by_type["RETURN_TIME"]["return_end_at"] is None
    boarding = by_type["BOARDING_GROUP"]
    assert (boarding["state"], boarding["group_start"], boarding["group_end"]) == ("PAUSED", 38, 41)
    assert (boarding["wait_minutes"], boarding["next_allocation_at"].hour) == (25, 17)
    unknown = bench.value("SELECT unknown FROM parks.snapshot_extras")
    assert unknown == {"VIRTUAL_LINE": {"x": 1}, "STANDBY_2": None}


def test_renamed_ride_is_one_ride_with_both_names(bench: Bench) -> None:
    copy(bench, "23")
    bench.run()
    names = bench.rows("SELECT ride_id, name FROM parks.ride_names ORDER BY first_seen_at")
    assert len(names) == 2 and names[0]["ride_id"] == names[1]["ride_id"]
    assert bench.value("SELECT name FROM parks.rides") == names[1]["name"]
    assert "Muppets" in names[1]["name"] and "®" in names[0]["name"]


def test_same_name_in_two_parks_is_two_rides(bench: Bench) -> None:
    copy(bench, "24")
    bench.run()
    rows = bench.rows("SELECT folded_name, park_id FROM parks.rides")
    assert len(rows) == 2 and rows[0]["folded_name"] == rows[1]["folded_name"]
    assert rows[0]["park_id"] != rows[1]["park_id"] and KINGDOM not in {row["park_id"] for row in rows}
