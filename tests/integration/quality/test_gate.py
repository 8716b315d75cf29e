"""Clean data passes, every planted error fails exactly its check, critical stops, warning goes on."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from services.data_quality.retail.checks import CATALOGUE, FACTS
from services.data_quality.retail.gate import Gate, read_window
from shared.errors import CheckFailed, ConfigError
from shared.quality_rules import read_rules
from tests.integration.quality.conftest import DAY, LINES, RETAILERS, Shop

ONE = "business_date = %(day)s AND retailer_key = 2 AND transaction_id = 'T260310-5' AND line_id = '3'"
SET_ONE = "UPDATE retail.fact_sales SET {} WHERE " + ONE
COPY_ONE = f"""
INSERT INTO retail.fact_sales
SELECT business_date + %(days)s, retailer_key, store_key, customer_key, product_key, transaction_id, %(line)s,
       sold_at, quantity, unit_price, discount, total, source_updated_at, run_id
FROM retail.fact_sales WHERE {ONE}"""
BOOK_ONE = """
INSERT INTO ops.reconciliation (pipeline, source, business_date, run_id, source_rows, fact_rows)
VALUES ('retail', 'retailer_2', %(day)s::date + %(days)s, 9, 1, 1)"""
SET_ARRIVAL = "UPDATE ops.arrival SET {} WHERE source = %(source)s AND logical_date = %(day)s"
FOREIGN_CUSTOMER = "SELECT min(customer_key) FROM retail.dim_customer WHERE retailer_key = 1"
UNKNOWN_CUSTOMER = "SELECT customer_key FROM retail.dim_customer WHERE retailer_key = 2 AND customer_id = ''"
LETTER = """
INSERT INTO ops.dead_letter (pipeline, job, source, logical_date, position, payload, payload_bytes, reason,
                             fingerprint, run_id)
VALUES ('retail', 'retail_ingest', 'retailer_2', %(day)s, 'landing/retailer_2/1.jsonl.gz:7', '{}', 2,
        'no date', 'f', 1)"""


@dataclass(frozen=True)
class Planted:
    """An error: the statements that plant it, a part of the first sample key, the value that is observed."""

    statements: tuple[str, ...]
    key: str
    observed: float = 1
    params: dict[str, Any] = field(default_factory=dict)


KEY = "retailer_2/T260310-5/3 2026-03-10"
PLANTED = {
    "arrival_age": Planted(
        ("DELETE FROM ops.arrival WHERE source = 'retailer_2' AND logical_date = %(day)s",), "retailer_2"
    ),
    "sales_age": Planted(
        (
            "DELETE FROM retail.fact_sales WHERE retailer_key = 3 AND business_date > %(day)s::date - 35",
            """UPDATE ops.reconciliation SET fact_rows = 0, duplicate_rows = source_rows
               WHERE source = 'retailer_3' AND business_date > %(day)s::date - 35""",
        ),
        "retailer_3",
        35,
    ),
    "source_landed": Planted(
        (SET_ARRIVAL.format("source_rows = 50"),), "retailer_1", 9, {"source": "retailer_1"}
    ),
    "landed_raw": Planted(
        (SET_ARRIVAL.format("source_rows = 44, landed_rows = 44"),), "retailer_1", 3, {"source": "retailer_1"}
    ),
    "raw_pending": Planted(
        (
            """UPDATE ops.loaded_object SET loaded_at = NULL
            WHERE source = 'retailer_1' AND logical_date = %(day)s""",
        ),
        "raw/retailer_1/2026-03-10/1.parquet",
    ),
    "raw_booked": Planted(
        (
            """UPDATE ops.loaded_object SET row_count = row_count + 7
            WHERE source = 'retailer_3' AND logical_date = '2026-03-01'""",
        ),
        "retailer_3",
        7,
    ),
    "rejected_share": Planted(
        (SET_ARRIVAL.format("rejected_rows = 2, landed_rows = 43, source_rows = 43"), LETTER),
        "landing/retailer_2/1.jsonl.gz:7: no date",
        2 / 43,
        {"source": "retailer_2"},
    ),
    "conservation": Planted(
        (f"DELETE FROM retail.fact_sales WHERE {ONE}",), "retailer_2 2026-03-10: ledger 40, facts 39"
    ),
    "duplicate_keys": Planted(
        (COPY_ONE, BOOK_ONE),
        "retailer_2/T260310-5/3 on 2026-02-08, 2026-03-10",
        1,
        {"days": -30, "line": "3"},
    ),
    "volume": Planted(
        (
            """DELETE FROM retail.fact_sales
               WHERE business_date = %(day)s AND retailer_key = 1
                 AND (transaction_id, line_id) <> ('T260310-5', '1')""",
            """UPDATE ops.reconciliation SET fact_rows = 1, duplicate_rows = 40
               WHERE business_date = %(day)s AND source = 'retailer_1'""",
        ),
        "retailer_1",
        0.025,
    ),
    "blank_keys": Planted((SET_ONE.format("line_id = ''"),), "retailer_2/T260310-5/ 2026-03-10"),
    "unknown_customers": Planted(
        (f"UPDATE retail.fact_sales SET customer_key = ({UNKNOWN_CUSTOMER}) WHERE retailer_key = 2",),
        "retailer_2/T2602",
    ),
    "unknown_stores": Planted(
        (
            "UPDATE retail.dim_store SET store_id = '?' WHERE store_id = '' AND retailer_key = 3",
            "UPDATE retail.dim_store SET store_id = '' WHERE store_id = 'S1' AND retailer_key = 3",
        ),
        "retailer_3/T2602",
        0.5,
    ),
    "unnamed_products": Planted(
        ("UPDATE retail.dim_product SET product_name = NULL WHERE product_id = 'P2' AND retailer_key = 1",),
        "retailer_1 product P2: 360 lines",
        0.25,
    ),
    "uncategorised_products": Planted(
        (
            """UPDATE retail.dim_product SET category = 'Uncategorised'
            WHERE product_id <> 'P2' AND retailer_key = 1""",
        ),
        "retailer_1 product P1: 360 lines",
        0.75,
    ),
    "total_mismatch": Planted((SET_ONE.format("total = total + 0.02"),), f"{KEY}: 3 * 2.5 - 0.25 <> 7.27"),
    "negative_prices": Planted((SET_ONE.format("unit_price = -1, total = -3.25"),), f"{KEY}: -1"),
    "zero_quantities": Planted((SET_ONE.format("quantity = 0, total = -0.25"),), KEY),
    "future_sales": Planted((SET_ONE.format("sold_at = '2999-01-01'"),), f"{KEY}: sold at 2999-01-01"),
    "orphan_stores": Planted(
        (SET_ONE.format("store_key = 999"),), "store_key 999: 1 lines, e.g. T260310-5/3"
    ),
    "orphan_customers": Planted(  # a customer of another retailer is as wrong as none
        (SET_ONE.format(f"customer_key = ({FOREIGN_CUSTOMER})"),), "1 lines, e.g. T260310-5/3"
    ),
    "orphan_products": Planted(
        (SET_ONE.format("product_key = 999"),), "product_key 999: 1 lines, e.g. T260310-5/3"
    ),
    "orphan_dates": Planted(
        ("DELETE FROM retail.dim_date WHERE date_key = %(day)s",), "2026-03-10: 120 lines", LINES
    ),
}


def check_and_swallow(shop: Shop) -> CheckFailed | None:
    try:
        shop.check()
    except CheckFailed as exc:
        return exc
    return None


def test_clean_data_passes_every_check(shop: Shop) -> None:
    counts = shop.check()
    assert shop.failed() == {}
    assert counts.written == len(CATALOGUE)
    assert counts.read == 36 * LINES * 3
    results = shop.rows("SELECT * FROM ops.quality_result WHERE run_id = %(run_id)s")
    assert {row["check_name"] for row in results} == set(CATALOGUE)
    assert {row["logical_date"] for row in results} == {DAY}
    assert all(row["sample_keys"] == [] for row in results)
    (score,) = shop.rows("SELECT * FROM ops.quality_score")
    assert (score["score"], score["checks"], score["failed"], score["critical"]) == (
        100,
        len(CATALOGUE),
        0,
        0,
    )


def test_every_check_has_a_planted_error() -> None:
    assert set(PLANTED) | {"orphan_retailers"} == set(CATALOGUE)


@pytest.mark.parametrize("name", PLANTED)
def test_planted_error_fails_its_check_alone_with_its_key(shop: Shop, name: str) -> None:
    planted = PLANTED[name]
    for statement in planted.statements:
        assert shop.do(statement, **planted.params) > 0
    error = check_and_swallow(shop)
    failed = shop.failed()
    assert set(failed) == {name}
    assert planted.key in failed[name]["sample_keys"][0]
    assert len(failed[name]["sample_keys"]) <= 10
    assert float(failed[name]["observed"]) == pytest.approx(planted.observed, abs=0.001)
    if failed[name]["severity"] == "critical":
        assert error is not None
        assert name in str(error)
        assert f"cronhouse logs {shop.run_id}" in str(error)
    else:
        assert error is None


def test_a_retailer_without_dimension_row_orphans_its_other_dimensions_too(shop: Shop) -> None:
    line = "business_date = %(day)s AND retailer_key = 2 AND transaction_id = 'T260310-5'"
    shop.do(f"UPDATE retail.fact_sales SET retailer_key = 77 WHERE {line}")
    error = check_and_swallow(shop)
    failed = shop.failed()
    orphans = {"orphan_retailers", "orphan_stores", "orphan_customers", "orphan_products"}
    assert set(failed) == {*orphans, "conservation"}
    assert failed["orphan_retailers"]["sample_keys"] == ["retailer_key 77: 4 lines, e.g. T260310-5/1"]
    assert set(failed["conservation"]["sample_keys"]) == {
        "retailer_2 2026-03-10: ledger 40, facts 36",
        "retailer_key 77 2026-03-10: ledger 0, facts 4",
    }
    assert error is not None
    assert "5 critical checks failed" in str(error)


def test_a_cent_is_no_mismatch_two_are(shop: Shop) -> None:
    shop.do(f"UPDATE retail.fact_sales SET total = total - 0.01 WHERE {ONE}")
    shop.check()
    shop.do(f"UPDATE retail.fact_sales SET total = total - 0.01 WHERE {ONE}")
    with pytest.raises(CheckFailed, match="total_mismatch"):
        shop.check()


def test_critical_results_are_committed_before_the_workflow_stops(shop: Shop) -> None:
    shop.do(f"DELETE FROM retail.fact_sales WHERE {ONE}")
    with pytest.raises(CheckFailed) as caught:
        shop.check()
    assert "1 critical check failed: conservation" in str(caught.value)
    (score,) = shop.rows("SELECT * FROM ops.quality_score WHERE run_id = %(run_id)s")
    assert score["critical"] == 1
    assert 80 < score["score"] < 100


def test_a_correction_that_left_its_old_version_on_another_day_is_found(shop: Shop) -> None:
    """The window is one day; the other copy is weeks before it, in the gap, and after it."""
    for offset in (-30, 5):
        shop.do(COPY_ONE, days=offset, line="3")
    shop.do("UPDATE ops.loaded_object SET loaded_run_id = 50 WHERE logical_date = %(day)s")
    shop.do("UPDATE ops.arrival SET run_id = 51 WHERE logical_date = %(day)s")
    shop.do("UPDATE ops.loaded_object SET created_run_id = 51 WHERE logical_date = %(day)s")
    shop.do("UPDATE ops.reconciliation SET run_id = 50 WHERE business_date = %(day)s")
    with pytest.raises(CheckFailed) as caught:
        shop.check()
    assert "duplicate_keys" in str(caught.value)
    failed = shop.failed()
    assert set(failed) == {"duplicate_keys"}
    assert failed["duplicate_keys"]["sample_keys"] == [
        "retailer_2/T260310-5/3 on 2026-02-08, 2026-03-10, 2026-03-15"
    ]


def test_a_transaction_may_have_different_lines_on_two_days(shop: Shop) -> None:
    """A refund line of a later day is no duplicate."""
    shop.do(COPY_ONE, days=-1, line="R1")
    shop.do(BOOK_ONE, days=-1)
    shop.check()
    assert shop.failed() == {}


def test_too_little_history_passes_the_volume_check_and_says_so(shop: Shop) -> None:
    shop.do(
        "DELETE FROM ops.arrival WHERE logical_date < %(day)s::date - 15"
    )  # late lines of before are there
    shop.check()
    query = "SELECT * FROM ops.quality_result WHERE check_name = 'volume' AND run_id = %(run_id)s"
    (row,) = shop.rows(query)
    assert row["passed"]
    assert row["observed"] is None
    assert "not enough history: 2 of 3 same weekdays" in row["message"]


def test_window_is_the_days_that_the_loads_touched_and_the_date_itself(shop: Shop) -> None:
    """Run 50 loaded the day's files, with one late line; other days are not looked at."""
    shop.do(
        "UPDATE ops.loaded_object SET loaded_run_id = 50, created_run_id = 51 WHERE logical_date = %(day)s"
    )
    shop.do("UPDATE ops.arrival SET run_id = 51 WHERE logical_date = %(day)s")
    shop.do("UPDATE ops.reconciliation SET run_id = 50 WHERE business_date IN (%(day)s, %(day)s::date - 9)")
    shop.do("UPDATE retail.fact_sales SET quantity = 0 WHERE business_date = %(day)s::date - 5")
    counts = shop.check()
    assert shop.failed() == {}
    assert counts.read == 2 * 3 * LINES


def test_an_empty_warehouse_fails_for_missing_data_only(pg: Any, conn: Any) -> None:
    shop = Shop(pg, conn)
    for table in ("retail.fact_sales", "ops.arrival", "ops.reconciliation", "ops.loaded_object"):
        shop.do(f"DELETE FROM {table}")
    with pytest.raises(CheckFailed, match="arrival_age"):
        shop.check()
    failed = shop.failed()
    assert set(failed) == {"arrival_age"}
    assert failed["arrival_age"]["sample_keys"] == list(RETAILERS)


def test_same_failure_is_one_issue_until_it_passes(shop: Shop) -> None:
    shop.do("UPDATE retail.fact_sales SET sold_at = '2999-01-01' WHERE " + ONE)
    shop.check()
    shop.check()
    (issue,) = shop.rows("SELECT * FROM ops.data_quality_log")
    assert (issue["check_name"], issue["status"], issue["times_seen"]) == ("future_sales", "open", 2)
    shop.do("UPDATE ops.data_quality_log SET status = 'acknowledged', owner = 'ada'")
    shop.check()
    shop.do("UPDATE retail.fact_sales SET sold_at = '2026-03-10' WHERE " + ONE)
    shop.check()
    (issue,) = shop.rows("SELECT * FROM ops.data_quality_log")
    assert (issue["status"], issue["times_seen"], issue["owner"]) == ("resolved", 3, "ada")
    assert issue["resolved_at"] is not None
    shop.do("UPDATE retail.fact_sales SET sold_at = '2999-01-01' WHERE " + ONE)
    shop.check()
    assert len(shop.rows("SELECT * FROM ops.data_quality_log")) == 2


def test_an_older_date_that_passes_leaves_the_issue_open(shop: Shop) -> None:
    bad = SET_ARRIVAL.format("rejected_rows = 2, landed_rows = 43, source_rows = 43")
    shop.do(bad, source="retailer_2")
    shop.check()
    shop.check(DAY - timedelta(days=1))
    (issue,) = shop.rows("SELECT * FROM ops.data_quality_log")
    assert (issue["check_name"], issue["status"]) == ("rejected_share", "open")


def test_a_check_that_is_off_is_not_judged(shop: Shop) -> None:
    shop.params["quality"] = {**shop.params["quality"], "conservation": False}
    shop.do(f"DELETE FROM retail.fact_sales WHERE {ONE}")
    assert shop.check().written == len(CATALOGUE) - 1


def test_expired_raw_files_are_not_missed(shop: Shop) -> None:
    shop.do("UPDATE ops.arrival SET arrived_at = now() - interval '401 days'")
    shop.do("DELETE FROM ops.loaded_object")
    shop.check()
    assert shop.failed() == {}
    (row,) = shop.rows("SELECT message FROM ops.quality_result WHERE check_name = 'landed_raw'")
    assert "past their retention" in row["message"]


def test_a_replayed_letter_is_in_raw_and_was_rejected_on_arrival(shop: Shop) -> None:
    shop.do(SET_ARRIVAL.format("source_rows = 44, landed_rows = 44, rejected_rows = 3"), source="retailer_2")
    shop.do(LETTER)
    shop.do("UPDATE ops.dead_letter SET rows = 3, state = 'replayed'")
    shop.do(
        """INSERT INTO ops.loaded_object (object_key, dataset, source, logical_date, etag, size_bytes, row_count,
                                           created_run_id, loaded_run_id, loaded_at)
           VALUES ('raw/letter.parquet', 'retail/raw', 'retailer_2', %(day)s, 'x', 1, 3, 1, 3, now())"""
    )
    shop.do(
        """INSERT INTO ops.reconciliation (pipeline, source, business_date, run_id, source_rows, duplicate_rows)
           VALUES ('retail', 'retailer_2', %(day)s, 3, 3, 3)"""
    )
    shop.check()
    assert set(shop.failed()) == {"rejected_share"}  # a warning: 3 of 44 did not come right at first


def test_mistakes_of_the_workflow_file_are_named_at_once(shop: Shop) -> None:
    section = dict(shop.params["quality"])
    section["conservation"] = {"severity": "fatal", "max": 0}
    section["volume"] = {"severity": "warning", "min_ratio": 0.2, "weeks": 4, "min_weeks": 3}
    section["totals"] = {"severity": "warning", "max": 0}
    del section["blank_keys"]
    shop.params["quality"] = section
    with pytest.raises(ConfigError) as caught:
        shop.check()
    text = str(caught.value)
    assert "quality.conservation.severity: 'fatal' is not one of critical, warning, info" in text
    assert "quality.volume.max_ratio: missing" in text
    assert "quality.totals: no such check" in text
    assert (
        "quality.blank_keys: missing; write blank_keys: {severity: ..., max: ...}, or blank_keys: off" in text
    )


def _scans(shop: Shop) -> dict[str, int]:
    shop.do("SELECT pg_stat_force_next_flush()")
    query = "SELECT relname, seq_scan FROM pg_stat_user_tables WHERE relname LIKE 'fact\\_sales\\_%%'"
    return {row["relname"]: row["seq_scan"] for row in shop.rows(query)}


def test_all_checks_of_the_facts_take_one_scan(shop: Shop) -> None:
    """The server's own counters: one sequential scan a partition, for all checks together."""
    shop.do("ANALYZE")
    before = _scans(shop)
    gate = Gate(
        shop.conn, read_rules(shop.params["quality"], CATALOGUE), read_window(shop.conn, DAY), RETAILERS
    )
    assert len(gate.check(FACTS)) == sum(check.table == FACTS for check in CATALOGUE.values())
    after = _scans(shop)
    assert {name: after[name] - before[name] for name in after} == {
        "fact_sales_2026_02": 1,
        "fact_sales_2026_03": 1,
    }
