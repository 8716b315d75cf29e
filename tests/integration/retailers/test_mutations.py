"""Corrections, late transactions and odd hours, as an adapter comes to see them."""

from dataclasses import replace
from decimal import Decimal

import pytest
import requests

from services.retailers.settings import Clock
from tests.integration.retailers.conftest import administer, serve
from tests.integration.retailers.test_csv_export import path, rows
from tests.integration.retailers.test_square import all_orders, window
from tests.integration.retailers.test_woocommerce import ORDERS

NOW = "2026-11-20T01:30:00+00:00"
LATER = "2026-11-21T02:00:00+00:00"


@pytest.fixture(scope="module")
def served(pg_server, served):
    """Copies of the books for this module to scribble in."""
    shops = []
    for shop in served:
        copy = f"{shop.settings.database}_copy"
        administer(pg_server, f"CREATE DATABASE {copy} TEMPLATE {shop.settings.database}")
        shops.append(serve(replace(shop.settings, database=copy, clock=Clock(shop.settings.clock.now()))))
    yield shops
    for shop in shops:
        shop.stop()


def a_sale(shop, day: str, position: int = 0) -> dict:
    return [sale for sale in shop.sales(day) if sale["kind"] == "sale" and sale["lines"] > 2][position]


def woo_changes(shop) -> dict[str, dict]:
    orders = shop.get(ORDERS, modified_after="2026-11-20T00:00:00", dates_are_gmt="true", per_page=100).json()
    return {order["meta_data"][0]["value"]: order for order in orders}


def test_a_correction_is_a_newer_version_with_other_lines(woo):
    sale = a_sale(woo, "2026-11-05")
    lines = [{"line": 1, "quantity": 7, "unit_price": "2.10", "discount": "0.70"}, {"line": 2, "drop": True},
             {"line": 99, "sku": "POST", "quantity": 1, "unit_price": "3.5"}]  # fmt: skip
    change = woo.mutate(kind="correction", reference=sale["reference"], lines=lines, updated_at=NOW)
    assert (change["version"], change["updated_at"]) == (sale["version"] + 1, NOW)
    order = woo_changes(woo)[sale["reference"]]
    assert order["date_created"].startswith("2026-11-05") and order["date_modified_gmt"] == NOW[:19]
    numbers = [line["id"] % 1000 for line in order["line_items"]]
    assert 2 not in numbers and {1, 99} <= set(numbers)
    first = order["line_items"][0]
    assert (first["quantity"], first["subtotal"], first["total"]) == (7, "14.70", "14.00")
    assert order["discount_total"] == "0.70"


def test_an_order_in_the_trash_is_told_of_only_when_it_is_asked_for(woo):
    sale = a_sale(woo, "2026-11-06")
    change = {"kind": "status", "reference": sale["reference"], "updated_at": NOW}
    woo.mutate(**change, status="trash")
    (order,) = woo.get(ORDERS, status="trash").json()
    assert (order["id"], order["status"], order["date_modified_gmt"]) == (sale["sale_id"], "trash", NOW[:19])
    assert sale["reference"] not in woo_changes(woo)
    woo.mutate(**change, status="cancelled")
    assert woo_changes(woo)[sale["reference"]]["status"] == "cancelled"
    woo.mutate(**change, status=None)
    assert woo_changes(woo)[sale["reference"]]["status"] == "completed"
    assert woo.get(ORDERS, status="trash").json() == []


def test_a_corrected_refund_touches_its_order(woo):
    refund = next(sale for sale in woo.sales("2026-11-18") if sale["kind"] == "return")
    woo.mutate(
        kind="correction", reference=refund["reference"], lines=[{"line": 1, "quantity": -3}], updated_at=NOW
    )
    touched = [
        order
        for order in woo_changes(woo).values()
        if refund["sale_id"] in [r["id"] for r in order["refunds"]]
    ]
    assert len(touched) == 1
    documents = woo.get(f"{ORDERS}/{touched[0]['id']}/refunds").json()
    assert next(d for d in documents if d["id"] == refund["sale_id"])["line_items"][0]["quantity"] == -3


def test_a_late_sale_and_a_late_return_are_sold_then_and_modified_now(woo):
    sale = woo.mutate(kind="late", days_ago=9, updated_at=NOW, lines=[{"sku": "22423", "quantity": 2}])
    back = woo.mutate(kind="late", sold_at="2026-11-12T10:00:00Z", updated_at=NOW,
                      lines=[{"sku": "22423", "quantity": -1, "unit_price": "12.75"}])  # fmt: skip
    changes = woo_changes(woo)
    assert changes[sale["reference"]]["date_created"].startswith("2026-11-11")
    origin = next(o for o in changes.values() if back["sale_id"] in [r["id"] for r in o["refunds"]])
    document = woo.get(f"{ORDERS}/{origin['id']}/refunds").json()[0]
    assert document["date_created_gmt"] == "2026-11-12T10:00:00" and document["amount"] == "12.75"


def test_square_counts_versions_and_finds_them_by_update(tills):
    sale = a_sale(tills, "2026-11-06")
    tills.mutate(
        kind="correction",
        reference=sale["reference"],
        lines=[{"line": 1, "discount": "0.05"}],
        updated_at=NOW,
    )
    late = tills.mutate(kind="late", days_ago=3, updated_at=NOW, lines=[{"sku": "22423", "quantity": -2}])
    found = {o["reference_id"]: o for o in all_orders(tills, window(NOW, NOW), 10)}
    corrected = found[sale["reference"]]
    assert corrected["version"] == 2 and corrected["created_at"].startswith("2026-11-06")
    assert corrected["line_items"][0]["total_discount_money"]["amount"] == 5
    assert found[late["reference"]]["returns"][0]["return_line_items"][0]["quantity"] == "2"


def test_a_corrected_sale_comes_with_its_own_older_time_and_old_files_stay(files):
    sale = a_sale(files, "2026-11-10")
    old = files.get(path("2026-11-10")).content
    files.mutate(
        kind="correction", reference=sale["reference"], lines=[{"line": 1, "quantity": 41}], updated_at=NOW
    )
    assert files.get(path("2026-11-10")).content == old
    files.set_clock(LATER)
    mine = [line for line in rows(files, "2026-11-20") if line["Transaction"] == sale["reference"]]
    assert len(mine) == sale["lines"] and mine[0]["Quantity"] == "41"
    assert {line["Timestamp"][:10] for line in mine} == {"10/11/2026"}
    assert {line["LastModified"] for line in mine} == {"20/11/2026 01:30"}


def test_a_late_transaction_is_in_the_file_of_the_day_it_became_known(files):
    late = files.mutate(kind="late", days_ago=5, lines=[{"sku": "22423", "quantity": 3}], updated_at=NOW)
    files.set_clock(LATER)
    (line,) = [row for row in rows(files, "2026-11-20") if row["Transaction"] == late["reference"]]
    assert line["Timestamp"][:10] == "15/11/2026" and line["Quantity"] == "3"


def test_the_hour_that_is_there_twice_and_the_one_that_is_not(files):
    line = [{"sku": "22423", "quantity": 1}]
    for moment in ("2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"):
        files.mutate(kind="late", sold_at=moment, lines=line, updated_at=NOW, customer_id=77)
    files.mutate(kind="late", sold_at="2026-05-01T12:00:00Z", lines=line, updated_at=NOW, customer_id=77,
                 printed_time="29/03/2026 01:30")  # fmt: skip
    files.set_clock(LATER)
    times = sorted(row["Timestamp"] for row in rows(files, "2026-11-20") if row["Customer"] == "77")
    assert times == ["25/10/2026 01:30", "25/10/2026 01:30", "29/03/2026 01:30"]


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "miracle"},
        {"kind": "correction"},
        {"kind": "correction", "reference": "none"},
        {"kind": "late", "lines": []},
        {"kind": "late", "lines": [{"sku": "no such code", "quantity": 1}]},
        {"kind": "late", "lines": [{"sku": "22423", "quantity": "many"}]},
        {"kind": "late", "lines": [{"sku": "22423", "quantity": 1}], "updated_at": "2026-11-25T00:00:00Z"},
        {"kind": "late", "lines": [{"sku": "22423", "quantity": 1}], "updated_at": "2026-11-19T00:00:00"},
    ],
)
def test_a_change_that_cannot_be_is_refused_and_leaves_nothing(woo, change):
    before = woo_changes(woo)
    answer = requests.post(f"{woo.url}/_mutations", json=change, timeout=30)
    assert answer.status_code == 400 and answer.json()["error"]
    assert woo_changes(woo) == before


def test_what_the_retailer_knows_can_be_asked(woo):
    sales = woo.sales("2026-11-19")
    assert {sale["kind"] for sale in sales} >= {"sale", "return"}
    assert all(Decimal(sale["total"]) >= 0 for sale in sales if sale["kind"] == "sale")
