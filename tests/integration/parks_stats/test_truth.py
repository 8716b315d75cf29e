"""Daily statistics against what the source itself says of every ride-day."""

import csv
import io
from decimal import Decimal
from pathlib import Path

import pytest

from shared import db, export
from shared.relations import find_relation
from tests.integration.parks_stats.history import (
    DATA,
    SHARED,
    SHIPPED,
    History,
    load_archive,
    load_published_hours,
)

Key = tuple[str, str]
Values = tuple[int, int, Decimal, int]


def read_truth(path: Path) -> dict[Key, Values]:
    """Read samples, minimum, mean and maximum by entity and local date."""
    with path.open(newline="") as file:
        return {
            (row["entity_id"], row["local_date"]): (
                int(row["n_posted"]), int(row["min_wait"]), Decimal(row["mean_wait"]), int(row["max_wait"]),
            )
            for row in csv.DictReader(file)
        }  # fmt: skip


def read_export(conn: db.Connection) -> dict[Key, Values]:
    """Read the same from what `cronhouse export parks.ride_daily_stats --format csv` writes."""
    out = io.BytesIO()
    relation = find_relation(conn, "parks.ride_daily_stats")
    export.write_csv(conn, relation, export.choose_columns(relation, []), out)
    return {
        (row["entity_id"], row["local_date"]): (
            int(row["samples"]), int(row["min_wait"]), Decimal(row["mean_wait"]), int(row["max_wait"]),
        )
        for row in csv.DictReader(io.StringIO(out.getvalue().decode()))
        if row["samples"] != "0"
    }  # fmt: skip


def test_three_months_meet_their_truth(history: History, tmp_path: Path):
    folder = tmp_path / "archive"
    for month in ("05", "06", "07"):
        for source in SHIPPED.glob(f"*/2019/{month}"):
            target = folder / source.relative_to(SHIPPED)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to(source)
    load_archive(history, folder)
    history.make_statistics()
    # the evening of the last local day is in the object of 1 August UTC
    truth = {
        key: values
        for key, values in read_truth(DATA / "truth_daily_2019_05_07.csv").items()
        if key[1] < "2019-07-31"
    }
    found = read_export(history.conn)
    assert len(truth) == 637
    assert {key: found.get(key) for key in truth} == truth


@pytest.mark.skipif(not (SHARED / "archive").exists(), reason="the whole archive is not here")
def test_every_ride_day_of_the_whole_archive_meets_its_truth(history: History):
    assert load_archive(history, SHARED / "archive") == 822_119
    load_published_hours(history, SHARED / "park_hours.csv")
    history.make_statistics()
    truth, found = read_truth(SHARED / "truth_daily.csv"), read_export(history.conn)
    assert len(truth) == 6433
    assert {key: found.get(key) for key in truth} == truth
    hours = history.rows(
        "SELECT max(day.open_minutes) AS longest, bool_or(day.covered_share > 1) AS is_over, "
        "bool_or(day.operating_minutes + day.down_minutes > day.open_minutes) AS is_more "
        "FROM parks.ride_daily_stats AS day"
    )
    assert not hours[0]["is_over"] and not hours[0]["is_more"] and hours[0]["longest"] > 600
