"""What is old goes, what is not loaded or not old stays, and it is counted."""

import os
import time
from datetime import timedelta
from pathlib import Path

import pytest

from services.maintenance.house.jobs import apply_retention
from shared import db
from shared.errors import TransientError
from tests.integration.maintenance.conftest import TODAY, House


def add(house: House, key: str, dataset: str, *, age: int, run: int = 1, loaded: bool = True) -> None:
    """Put an object of an age in days in the store and in the ledger."""
    put(house, key, age)
    house.do(
        """INSERT INTO ops.loaded_object (object_key, dataset, source, logical_date, etag, size_bytes,
                                          row_count, created_run_id, created_at, loaded_at)
           VALUES (%(key)s, %(dataset)s, 'retailer_1', current_date, 'x', 4, 1, %(run)s,
                   now() - make_interval(days => %(age)s), CASE WHEN %(loaded)s THEN now() END)""",
        key=key, dataset=dataset, run=run, age=age, loaded=loaded,
    )  # fmt: skip


def put(house: House, key: str, age: int) -> None:
    house.store.put(key, b"body")
    then = time.time() - age * 86400
    os.utime(house.store.folder / key, (then, then))


def kept(house: House) -> list[str]:
    return [info.key for info in house.store.list("")]


def ledger(house: House) -> list[str]:
    return [row["object_key"] for row in house.rows("SELECT object_key FROM ops.loaded_object ORDER BY 1")]


def test_objects_past_their_age_go_from_store_and_ledger(house: House) -> None:
    house.write_retail("{landing: 10d, raw: 20d, processed: 30d}")
    for kind, old in (("landing", 11), ("raw", 21), ("processed", 31)):
        add(house, f"{kind}/retailer_1/old", f"retail/{kind}", age=old)
        add(house, f"{kind}/retailer_1/young", f"retail/{kind}", age=old - 2)
    counts = house.run(apply_retention)
    young = [f"{kind}/retailer_1/young" for kind in ("landing", "processed", "raw")]
    assert kept(house) == young
    assert ledger(house) == young
    assert counts.read == 3


def test_what_is_not_loaded_stays_however_old(house: House) -> None:
    """Nor does the landing object it came from, nor a sibling of the same run."""
    house.write_retail("{landing: 10d, raw: 10d}")
    add(house, "landing/retailer_1/a", "retail/landing", age=400, run=7, loaded=False)
    add(house, "raw/retailer_1/a", "retail/raw", age=400, run=7, loaded=False)
    add(house, "raw/retailer_1/b", "retail/raw", age=400, run=7)
    add(house, "landing/retailer_1/c", "retail/landing", age=400, run=8, loaded=False)
    add(house, "raw/retailer_1/c", "retail/raw", age=400, run=8)
    house.run(apply_retention)
    assert kept(house) == ["landing/retailer_1/a", "raw/retailer_1/a", "raw/retailer_1/b"]
    house.do("UPDATE ops.loaded_object SET loaded_at = now() WHERE object_key = 'raw/retailer_1/a'")
    house.run(apply_retention)
    assert kept(house) == []


def test_landing_goes_after_its_raw_files_went(house: House) -> None:
    house.write_retail("{landing: 20d, raw: 10d}")
    add(house, "landing/retailer_1/a", "retail/landing", age=15, loaded=False)
    add(house, "raw/retailer_1/a", "retail/raw", age=15)
    house.run(apply_retention)
    assert kept(house) == ["landing/retailer_1/a"]
    house.do("UPDATE ops.loaded_object SET created_at = now() - interval '21 days'")
    house.run(apply_retention)
    assert kept(house) == []


def test_a_kind_that_is_not_named_stays(house: House) -> None:
    house.write_retail("{raw: 10d}")
    add(house, "processed/sales/a", "retail/processed", age=4000)
    house.run(apply_retention)
    assert kept(house) == ["processed/sales/a"]


def test_strays_of_a_killed_run_go_by_their_own_age(house: House) -> None:
    """They are in the store and in no ledger row."""
    house.write_retail("{raw: 10d}")
    add(house, "raw/retailer_1/known", "retail/raw", age=1)
    put(house, "raw/retailer_1/year=2025/stray", 11)
    put(house, "raw/retailer_1/young-stray", 9)
    put(house, "raw/other/of-nobody-we-know", 400)
    counts = house.run(apply_retention)
    assert kept(house) == [
        "raw/other/of-nobody-we-know",
        "raw/retailer_1/known",
        "raw/retailer_1/young-stray",
    ]
    assert counts.read == 1


def test_a_killed_retention_goes_on_where_it_was(house: House) -> None:
    """The object is gone, its row is not: the next run finishes it."""
    house.write_retail("{raw: 10d}")
    add(house, "raw/retailer_1/a", "retail/raw", age=11)
    house.store.delete("raw/retailer_1/a")
    house.run(apply_retention)
    assert ledger(house) == []


def _facts(house: House, *days_ago: int) -> None:
    for days in days_ago:
        day = TODAY - timedelta(days=days)
        house.do("SELECT retail.ensure_fact_partitions(%(day)s, %(day)s)", day=day)
        house.do(
            """INSERT INTO retail.fact_sales
               VALUES (%(day)s, 1, 1, 1, 1, 'T', '1', now(), 1, 1, 0, 1, now(), 1)""",
            day=day,
        )
        house.do(
            """INSERT INTO ops.reconciliation
                   (pipeline, source, business_date, run_id, source_rows, fact_rows)
               VALUES ('retail', 'retailer_1', %(day)s, 1, 1, 1)""",
            day=day,
        )
        house.do(
            "INSERT INTO ops.void_transaction VALUES ('retail', 'retailer_1', %(id)s, now(), %(day)s, 1, 1)",
            id=f"V{days}", day=day,
        )  # fmt: skip


def _days(house: House) -> list[int]:
    rows = house.rows("SELECT business_date FROM retail.fact_sales ORDER BY 1 DESC")
    return [(TODAY - row["business_date"]).days for row in rows]


def test_fact_partitions_go_when_asked_with_their_ledger(house: House) -> None:
    _facts(house, 5, 360, 500, 800)
    house.write_retail("{facts: 430d}")
    counts = house.run(apply_retention)
    assert _days(house) == [5, 360]
    assert len(house.rows("SELECT FROM ops.reconciliation")) == 2
    assert len(house.rows("SELECT FROM ops.void_transaction")) == 2
    assert counts.read == 2


def test_fact_partitions_stay_when_nobody_asked(house: House) -> None:
    _facts(house, 5, 8000)
    house.write_retail("{raw: 1d}")
    house.run(apply_retention)
    assert _days(house) == [5, 8000]


def test_a_partition_stays_as_long_as_one_of_its_days_is_young(house: House) -> None:
    _facts(house, 100)
    house.write_retail("{facts: 90d}")  # the month of that day may end within the 90 days
    month_end = house.rows(
        "SELECT (date_trunc('month', %(day)s::date) + interval '1 month')::date AS next",
        day=TODAY - timedelta(100),
    )
    house.run(apply_retention)
    gone = month_end[0]["next"] <= TODAY - timedelta(days=90)
    assert _days(house) == ([] if gone else [100])


def test_readers_of_the_facts_are_not_queued_up(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long query holds the table: the drop gives up soon, and the runner tries again later."""
    from services.maintenance.house import retention

    monkeypatch.setattr(retention, "LOCK_TIMEOUT", "100ms")
    _facts(house, 800)
    house.write_retail("{facts: 430d}")
    reader = db.connect(house.settings)
    try:
        db.fetch_all(reader, "SELECT count(*) FROM retail.fact_sales")
        with pytest.raises(TransientError):
            house.run(apply_retention)
    finally:
        reader.close()
    assert _days(house) == [800]
    house.run(apply_retention)
    assert _days(house) == []


def test_memory_of_the_house_is_trimmed_and_what_is_open_stays(house: House) -> None:
    house.params["trim"] = dict.fromkeys(house.params["trim"], "30d")
    house.do((Path(__file__).parent / "old_memory.sql").read_text(encoding="utf-8"))
    counts = house.run(apply_retention)
    left = {
        name: house.rows(f"SELECT count(*) AS n FROM ops.{name}")[0]["n"]
        for name in ("job_run", "job_log", "dead_letter", "alert", "data_quality_log", "quality_result",
                     "column_profile", "audit_log", "run_request")
    }  # fmt: skip
    assert left == {
        "job_run": 3, "job_log": 2, "dead_letter": 1, "alert": 1, "data_quality_log": 1, "quality_result": 1,
        "column_profile": 1, "audit_log": 1, "run_request": 1,
    }  # fmt: skip
    assert counts.written == 13
