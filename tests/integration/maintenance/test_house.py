"""Partitions ahead of need, storage metrics."""

from contextlib import closing
from datetime import date, timedelta

import pytest

from services.maintenance.house.jobs import make_partitions, measure_storage
from shared import db
from shared.errors import TransientError
from tests.integration.maintenance.conftest import TODAY, House


def months(house: House) -> list[str]:
    rows = house.rows("SELECT inhrelid::regclass::text AS name FROM pg_inherits "
                      "WHERE inhparent = 'retail.fact_sales'::regclass ORDER BY 1")  # fmt: skip
    return [row["name"] for row in rows]


def test_partitions_reach_months_ahead_and_again_make_none(house: House) -> None:
    first = house.run(make_partitions)
    ahead = [(TODAY.year * 12 + TODAY.month - 1 + n) for n in range(4)]
    wanted = {f"retail.fact_sales_{n // 12}_{n % 12 + 1:02d}" for n in ahead}
    assert wanted <= set(months(house))
    assert first.written == 4 * len(months(house))  # the fact table, and the three of the parks' history
    assert house.run(make_partitions).written == 0


def test_partitions_for_a_past_date_reach_back(house: House) -> None:
    house.run(make_partitions, TODAY - timedelta(days=70))
    earliest = TODAY - timedelta(days=70)
    assert months(house)[0] == f"retail.fact_sales_{earliest:%Y_%m}"


@pytest.mark.parametrize(
    ("make", "month"),
    [
        ("retail.ensure_fact_partitions", "retail.fact_sales_2024_05"),
        ("parks.ensure_snapshot_partitions", "parks.ride_status_snapshots_2024_05"),
    ],
)
def test_month_is_there_for_others_only_once_its_maker_has_told_them(
    house: House, make: str, month: str
) -> None:
    """A commit shows a table before others hear of it, while its maker still holds its lock."""
    wanted = f"SELECT {make}('2024-05-01', '2024-05-31')"
    house.do(wanted)
    with closing(db.connect(house.settings)) as maker, db.transaction(maker):
        db.execute(maker, f"LOCK TABLE {month} IN ACCESS EXCLUSIVE MODE")
        with db.transaction(house.conn), pytest.raises(TransientError, match="lock"):
            db.execute(house.conn, "SET LOCAL lock_timeout = '100ms'")
            db.execute(house.conn, wanted)
    with db.transaction(house.conn):
        assert db.fetch_value(house.conn, wanted) == 0


def test_month_is_locked_after_its_parent(house: House) -> None:
    """As by who drops it: the other way round the two would wait for each other."""
    wanted = "SELECT retail.ensure_fact_partitions('2024-05-01', '2024-05-31')"
    house.do(wanted)
    with closing(db.connect(house.settings)) as other, db.transaction(other):
        db.execute(other, "LOCK TABLE ONLY retail.fact_sales IN ACCESS EXCLUSIVE MODE")
        with db.transaction(house.conn), pytest.raises(TransientError, match="lock"):
            db.execute(house.conn, "SET LOCAL lock_timeout = '100ms'")
            db.execute(house.conn, wanted)
        db.execute(other, "LOCK TABLE retail.fact_sales_2024_05 IN ACCESS EXCLUSIVE MODE NOWAIT")


def test_storage_sums_partitions_and_is_one_row_a_day(house: House) -> None:
    day = date(2026, 3, 1)
    house.do("SELECT retail.ensure_fact_partitions(%(day)s, %(last)s)", day=day, last=date(2026, 4, 30))
    house.do(
        """INSERT INTO retail.fact_sales
           SELECT %(day)s::date + n %% 60, 1, 1, 1, 1, 'T' || n, '1', now(), 1, 1, 0, 1, now(), 1
           FROM generate_series(1, 3000) AS n""",
        day=day,
    )
    house.do("ANALYZE retail.fact_sales")
    assert house.run(measure_storage).written > 15
    house.run(measure_storage)
    (row,) = house.rows("SELECT * FROM ops.storage_metrics WHERE relation = 'retail.fact_sales'")
    assert (row["partitions"], row["row_estimate"], row["measured_on"]) == (2, 3000, TODAY)
    assert row["table_bytes"] > 3000 * 80
    assert row["index_bytes"] > 3000 * 20
    assert row["total_bytes"] == row["table_bytes"] + row["index_bytes"]
    names = {row["relation"] for row in house.rows("SELECT relation FROM ops.storage_metrics")}
    assert "ops.job_run" in names
    assert not any("fact_sales_20" in name or name.startswith("pg_") for name in names)
