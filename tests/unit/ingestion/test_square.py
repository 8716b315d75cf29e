"""Orders and returns of Square become records."""

from datetime import UTC, date, datetime
from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingestion.sources.square import Square
from shared.errors import DataError
from shared.state import VoidTransaction
from tests.unit.ingestion.builders import LATEST, SQUARE_LINE, SQUARE_RETURN, pounds, retailer, square

TILL = Square(retailer("square"))


def parse(lines):
    return TILL.parse(lines, LATEST).records


def test_a_line_in_pence_becomes_pounds():
    (row,) = parse(square())
    assert (row.quantity, row.unit_price, row.discount, row.total) == (
        D(2),
        D("6.5000"),
        D("1.00"),
        D("12.00"),
    )
    assert (row.transaction_id, row.line_id) == ("CAISENgvlJ6jLWAzERDzjyHVybY", "8uSwfzvUImn3IRrvciqlXC")
    assert (row.store_id, row.store_name, row.customer_id, row.customer_country) == (
        "18YC4JDH91E1H",
        "York",
        "CUST1",
        "GB",
    )
    assert row.updated_at == datetime(2026, 6, 10, 23, 0, 5, 123000, tzinfo=UTC)
    assert row.product_name == "Mug"


def test_the_business_day_is_the_local_day_it_was_completed():
    (row,) = parse(square())
    assert row.business_date == date(2026, 6, 11)


def test_a_returned_line_is_negative_and_its_price_is_not():
    returns = [{"uid": "x", "source_order_id": "OTHER", "return_line_items": [SQUARE_RETURN]}]
    (row,) = parse(square({"line_items": None, "returns": returns}))
    assert (row.quantity, row.unit_price, row.discount, row.total) == (
        D(-1),
        D("6.5000"),
        D("-0.50"),
        D("-6.00"),
    )
    assert row.line_id == "return-r1"


def test_an_exchange_sells_and_takes_back_in_one_order():
    rows = parse(square({"returns": [{"return_line_items": [SQUARE_RETURN]}]}))
    assert [row.quantity for row in rows] == [D(2), D(-1)]


def test_added_tax_and_included_tax_are_both_left_out():
    added = {"total_tax_money": pounds(240), "total_money": pounds(1440)}
    included = {"total_tax_money": pounds(200), "total_money": pounds(1200)}
    assert parse(square(**added))[0].total == D("12.00")
    (row,) = parse(square(**included))
    assert (row.total, row.discount, row.unit_price) == (D("10.00"), D("1.00"), D("5.5000"))


def test_a_service_charge_is_left_out():
    (row,) = parse(square(total_service_charge_money=pounds(120), total_money=pounds(1320)))
    assert row.total == D("12.00")


def test_a_measured_quantity():
    (row,) = parse(
        square(
            quantity="1.70000",
            variation_total_price_money=pounds(1105),
            gross_sales_money=pounds(1105),
            total_discount_money=pounds(0),
            total_money=pounds(1105),
        )
    )
    assert (row.quantity, row.unit_price, row.total) == (D("1.700"), D("6.5000"), D("11.05"))


@pytest.mark.parametrize("state", ["OPEN", "DRAFT", "CANCELED"])
def test_what_is_not_completed_is_no_sale_and_takes_away_what_was(state):
    parsed = TILL.parse(square({"state": state, "closed_at": None}), LATEST)
    version = datetime(2026, 6, 10, 23, 0, 5, 123000, tzinfo=UTC)
    assert parsed.records == []
    assert parsed.void == VoidTransaction("shop", "CAISENgvlJ6jLWAzERDzjyHVybY", version, date(2026, 6, 10))


def test_an_order_without_lines_is_void_and_one_with_returned_lines_is_not():
    assert TILL.parse(square({"line_items": []}), LATEST).void
    assert TILL.parse(square(), LATEST).void is None
    returns = {"line_items": None, "returns": [{"return_line_items": [SQUARE_RETURN]}]}
    assert TILL.parse(square(returns), LATEST).void is None


def test_a_guest_and_a_custom_amount():
    (row,) = parse(square({"customer_id": None}, catalog_object_id=None, name=None, variation_name=None))
    assert (row.customer_id, row.product_id, row.product_name) == ("", "custom amount", None)


def test_yen_have_no_cents():
    till = Square(retailer("square", currency="JPY"))
    line = {
        name: {"amount": value["amount"], "currency": "JPY"}
        for name, value in SQUARE_LINE.items()
        if name.endswith("_money")
    }
    assert till.parse(square(**line), LATEST).records[0].total == D("1200.00")


def test_an_order_updated_after_it_was_closed_is_a_correction():
    assert not TILL.parse(square(), LATEST).is_correction
    assert TILL.parse(square({"updated_at": "2026-06-11T09:00:00Z"}), LATEST).is_correction


@pytest.mark.parametrize(
    ("lines", "reason", "field"),
    [
        pytest.param(square({"id": None}), "Expected `str`, got `null`", "order.id", id="missing id"),
        pytest.param(square({"closed_at": "yesterday"}), "Invalid RFC3339", "order.closed_at", id="date"),
        pytest.param(
            square(total_money=pounds(1200, "EUR")), "currency EUR, not GBP", "currency", id="currency"
        ),
        pytest.param(
            square(
                quantity="0",
                variation_total_price_money=pounds(0),
                gross_sales_money=pounds(0),
                total_discount_money=pounds(0),
                total_money=pounds(0),
            ),
            "quantity is zero",
            "quantity",
            id="zero",
        ),
        pytest.param(
            square(base_price_money=pounds(-150)),
            "unit price is negative: -1.50",
            "base_price_money",
            id="price",
        ),
        pytest.param(
            square(total_money=pounds(12345678)), "total 123456.78 does not add up", "total_money", id="sum"
        ),
        pytest.param(
            square(base_price_money=pounds(9000)),
            "13.00 does not add up: 2 * 90.00 = 180.00",
            "variation_total_price_money",
            id="price sum",
        ),
        pytest.param(square(name="X" * 5000), "length <= 1000", "product_name", id="long"),
        pytest.param(square(quantity="NaN"), "out of range", "quantity", id="NaN"),
    ],
)
def test_a_bad_order_says_what_is_wrong_and_where(lines, reason, field):
    with pytest.raises(DataError) as caught:
        TILL.parse(lines, LATEST)
    assert reason in caught.value.reason
    assert caught.value.field == field


def test_lines_and_day_of_a_bad_order_are_counted():
    lines = square({"line_items": [SQUARE_LINE] * 2, "returns": [{"return_line_items": [SQUARE_RETURN]}]})
    assert TILL.count(lines) == (3, date(2026, 6, 11))
    assert TILL.count(square({"closed_at": "yesterday", "line_items": [SQUARE_LINE] * 2})) == (2, None)
    assert TILL.count([b"[]"]) == (1, None)


@given(quantity=st.integers(1, 50_000), price=st.integers(0, 500_000), data=st.data())
def test_every_honest_line_adds_up(quantity, price, data):
    gross = quantity * price
    discount = data.draw(st.integers(0, gross))
    (row,) = parse(
        square(
            quantity=str(quantity),
            base_price_money=pounds(price),
            variation_total_price_money=pounds(gross),
            gross_sales_money=pounds(gross),
            total_discount_money=pounds(discount),
            total_money=pounds(gross - discount),
        )
    )
    assert row.total == D(gross - discount) / 100
    assert abs(row.quantity * row.unit_price - row.discount - row.total) <= D("0.01")
    assert (row.unit_price, row.discount) == (D(price) / 100, D(discount) / 100)
