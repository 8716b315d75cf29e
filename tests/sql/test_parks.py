"""Folders of rows in and rows out: `postings.csv` is the history, `hours.csv` what the park published (none without
it), `zone.csv` the park's zone (New York without it); every other file is what a table of statistics holds then. A
file names the columns that matter; an empty field is null. Rides are numbers from 1.
"""

import csv
from pathlib import Path

import pytest

from shared import db
from shared.config import Settings
from tests.integration.parks_stats.history import History as Parks
from tests.integration.parks_stats.history import Posting, copy

CASES = sorted(path for path in (Path(__file__).parent / "parks").iterdir() if path.is_dir())
INPUTS = ("postings", "hours", "zone", "same_instants")
TABLES = {
    "daily": "SELECT *, ride_id AS ride FROM parks.ride_daily_stats",
    "hourly": "SELECT *, ride_id AS ride FROM parks.ride_hourly_stats",
    "park_hourly": "SELECT * FROM parks.park_hourly_stats",
    "park": "SELECT * FROM parks.park_daily_stats",
    "operating_days": "SELECT *, ride_id AS ride FROM parks.ride_operating_days",
}


def read_csv(path: Path) -> list[dict[str, str]]:
    """Read the lines of a file, none when there is no such file."""
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def read_postings(path: Path) -> list[Posting]:
    """Read postings."""
    return [
        (int(row["ride"]), row["recorded_at"], row["source"], row["status"],
         int(row["wait"]) if row["wait"] else None)
        for row in read_csv(path)
    ]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.name)
def test_rows_in_rows_out(pg: Settings, conn: db.Connection, case: Path):
    parks = Parks(pg, conn)
    zones = read_csv(case / "zone.csv")
    parks.add_park(timezone=zones[0]["timezone"] if zones else "America/New_York")
    postings = read_postings(case / "postings.csv")
    for number in range(1, max(posting[0] for posting in postings) + 1):
        assert parks.add_ride(number) == number
    for row in read_csv(case / "hours.csv"):
        parks.add_hours(row["local_date"], row["opens_at"], row["closes_at"], row["kind"])
    parks.post(postings)
    with db.transaction(conn):
        rows = read_postings(case / "same_instants.csv")
        copy(conn, "same_instant_postings", ([*row, 1] for row in rows))
    parks.make_statistics()
    assert not parks.rows("SELECT * FROM parks.dirty_day")
    expectations = [path for path in case.glob("*.csv") if path.stem not in INPUTS]
    assert expectations
    for path in expectations:
        expected = read_csv(path)
        texts = ", ".join(f"coalesce({name}::text, '') AS {name}" for name in expected[0])
        found = parks.rows(f"SELECT {texts} FROM ({TABLES[path.stem]}) AS t")
        assert sorted(tuple(row.values()) for row in found) == sorted(tuple(row.values()) for row in expected)
