"""A version without lines takes away the facts of the older ones, in whatever order they are loaded."""

from datetime import timedelta
from itertools import permutations

import pytest

from tests.integration.transformation.scenario import LATER
from tests.integration.transformation.warehouse import Warehouse, assert_conserved, line

LATEST = LATER + timedelta(hours=1)


def put_sale(house: Warehouse) -> None:
    house.put([line("T1", "1"), line("T1", "2")])


def put_void(house: Warehouse) -> None:
    house.void("T1", LATER)


def put_newer(house: Warehouse) -> None:
    house.put([line("T1", "3", updated_at=LATEST)])


def lines(house: Warehouse) -> list[str]:
    return [f"{row['transaction_id']}/{row['line_id']}" for row in house.facts()]


def test_an_emptied_transaction_leaves_no_facts_and_nothing_else_goes(house):
    house.put([line("T1", "1"), line("T1", "2"), line("T2", "1"), line("T1", "1", retailer_id="retailer_2")])
    house.transform()
    put_void(house)
    counts = house.transform()
    assert (counts.read, counts.written) == (0, 0)
    assert [(row["retailer_id"], row["transaction_id"]) for row in house.facts()] == [
        ("retailer_1", "T2"),
        ("retailer_2", "T1"),
    ]
    ledger = {row["source"]: row for row in house.ledger()}
    assert (ledger["retailer_1"]["source_rows"], ledger["retailer_1"]["duplicate_rows"]) == (3, 2)
    assert house.value("SELECT superseded FROM retail.fact_load ORDER BY run_id DESC LIMIT 1") == 2
    assert_conserved(house)


def test_the_views_follow(house):
    put_sale(house)
    house.transform()
    house.refresh()
    put_void(house)
    house.transform()
    house.refresh()
    assert house.value("SELECT coalesce(sum(net_sales), 0) FROM retail.mv_daily_sales_summary") == 0


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("order", list(permutations([put_sale, put_void])))
def test_the_void_wins_over_what_is_older_in_any_order(house, order, together):
    for step in order:
        step(house)
        if not together:
            house.transform()
    house.transform()
    assert lines(house) == []
    assert_conserved(house)


@pytest.mark.parametrize("order", list(permutations([put_sale, put_void, put_newer])))
def test_a_newer_version_with_lines_wins_over_the_void_in_any_order(house, order):
    for step in order:
        step(house)
        house.transform()
    assert lines(house) == ["T1/3"]
    assert_conserved(house)


def test_all_of_it_in_one_load(house):
    for step in (put_newer, put_void, put_sale):
        step(house)
    house.transform()
    assert lines(house) == ["T1/3"]
    assert_conserved(house)


def test_lines_of_the_void_s_own_version_stay(house):
    house.put([line("T1", "1", updated_at=LATER)])
    put_void(house)
    house.transform()
    house.transform(force=True)
    assert lines(house) == ["T1/1"]


def test_loading_old_files_again_brings_nothing_back(house):
    put_sale(house)
    house.transform()
    put_void(house)
    house.transform()
    put_void(house)  # the next window overlaps this one
    assert house.value("SELECT count(*) FROM ops.void_transaction WHERE applied_run_id IS NULL") == 0
    house.transform(force=True)
    assert lines(house) == []
    assert_conserved(house)


def test_a_void_of_a_transaction_that_nobody_knows_is_done_with_at_once(house):
    put_sale(house)
    house.void("T9", LATER)
    house.transform()
    loads = house.value("SELECT count(*) FROM retail.fact_load")
    house.transform()
    assert house.value("SELECT count(*) FROM retail.fact_load") == loads
    assert lines(house) == ["T1/1", "T1/2"]
