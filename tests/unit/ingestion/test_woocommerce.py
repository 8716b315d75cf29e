"""Orders and refunds of WooCommerce become records."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal as D

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingestion.retail.window import make_window
from services.ingestion.sources.woocommerce import WooCommerce
from shared.errors import DataError
from shared.state import VoidTransaction
from tests.unit.ingestion.builders import LATEST, WOO_LINE, WOO_REFUND, retailer, woo

SHOP = WooCommerce(retailer("woocommerce"))


def parse(lines):
    return SHOP.parse(lines, LATEST).records


def reject(lines) -> DataError:
    with pytest.raises(DataError) as caught:
        SHOP.parse(lines, LATEST)
    return caught.value


def test_a_line_keeps_its_discount_and_is_without_tax_and_shipping():
    (row,) = parse(woo())
    assert (row.quantity, row.unit_price, row.discount, row.total) == (
        D(2),
        D("3.0000"),
        D("0.60"),
        D("5.40"),
    )
    assert (row.transaction_id, row.line_id, row.product_id) == ("727", "315", "WS-1")
    assert row.sold_at == datetime(2026, 6, 10, 15, 28, 2, tzinfo=UTC)
    assert row.updated_at == datetime(2026, 6, 10, 15, 28, 8, tzinfo=UTC)
    assert (row.customer_id, row.customer_country, row.store_id) == ("26", "GB", "")


def test_the_business_day_is_the_shop_s_own():
    (row,) = parse(
        woo({"date_created_gmt": "2026-06-10T23:30:00", "date_modified_gmt": "2026-06-10T23:31:00"})
    )
    assert row.business_date == date(2026, 6, 11)


def test_a_guest_and_a_product_without_sku():
    (row,) = parse(woo({"customer_id": 0, "billing": None}, sku=None, variation_id=17))
    assert (row.customer_id, row.customer_country, row.product_id) == ("", None, "17")


def test_a_deleted_product_goes_by_its_name():
    (row,) = parse(woo(sku="", product_id=0))
    assert row.product_id == "Woo Single #1"


def test_a_refund_is_rows_of_its_own_on_its_own_day():
    sale, back = parse(woo({"status": "refunded", "date_modified_gmt": "2026-06-11T23:30:01"}, [WOO_REFUND]))
    assert (sale.quantity, sale.business_date) == (D(2), date(2026, 6, 10))
    assert (back.quantity, back.total, back.business_date) == (D(-1), D("-2.70"), date(2026, 6, 12))
    assert (back.transaction_id, back.line_id, back.unit_price) == ("727", "refund-726-320", D("2.7000"))
    assert back.updated_at == sale.updated_at, "they are one version"


def test_lines_that_a_refund_leaves_alone_are_no_rows():
    untouched = {**WOO_REFUND["line_items"][0], "id": 321, "quantity": 0, "subtotal": "0.00", "total": "0.00"}
    refund = {**WOO_REFUND, "line_items": [*WOO_REFUND["line_items"], untouched]}
    assert [row.line_id for row in parse(woo(refunds=[refund]))] == ["315", "refund-726-320"]


def test_money_given_back_without_goods_is_a_row_of_product_refund():
    partly = {**WOO_REFUND["line_items"][0], "quantity": 0, "subtotal": "-1.00", "total": "-1.00"}
    for refund in (
        {**WOO_REFUND, "line_items": [partly]},
        {**WOO_REFUND, "amount": "1.00", "line_items": []},
    ):
        back = parse(woo(refunds=[refund]))[1]
        assert (back.product_id, back.quantity, back.total) == ("REFUND", D(-1), D("-1.00"))


def test_a_refund_of_shipping_alone_is_no_row():
    refund = {**WOO_REFUND, "line_items": [], "shipping_lines": [{"id": 9, "total": "-10.00"}]}
    assert len(parse(woo(refunds=[refund]))) == 1


@pytest.mark.parametrize(
    "status", ["pending", "on-hold", "failed", "cancelled", "checkout-draft", "processing"]
)
def test_an_order_that_was_never_paid_is_no_sale(status):
    assert parse(woo({"status": status, "date_paid_gmt": None})) == []
    assert SHOP.parse(woo({"status": status, "date_paid_gmt": None}), LATEST).void


VOID = VoidTransaction("shop", "727", datetime(2026, 6, 10, 15, 28, 8, tzinfo=UTC), date(2026, 6, 10))


@pytest.mark.parametrize(
    "order", [{"line_items": []}, {"status": "trash"}, {"status": "trash", "refunds": [{"id": 5}]}]
)
def test_an_order_that_lost_its_lines_or_lies_in_the_trash_takes_away_what_it_was(order):
    parsed = SHOP.parse(woo(order), LATEST)
    assert (parsed.records, parsed.void) == ([], VOID)


def test_an_order_whose_lines_were_edited_away_keeps_its_refunds():
    parsed = SHOP.parse(woo({"line_items": []}, [WOO_REFUND]), LATEST)
    assert [row.line_id for row in parsed.records] == ["refund-726-320"] and parsed.void is None


def test_a_sale_and_a_cancelled_one_are_not_void():
    assert SHOP.parse(woo(), LATEST).void is None
    assert SHOP.parse(woo({"status": "cancelled"}), LATEST).void is None


def test_a_void_order_of_the_future_is_a_bad_record():
    assert reject(woo({"line_items": [], "date_modified_gmt": "2036-01-01T00:00:00"})).field == "updated_at"


def test_the_trash_is_asked_for_by_itself_and_without_refunds(monkeypatch):
    asked = []

    def pages(path, params):
        asked.append((path, params.get("status")))
        return iter(
            [msgspec.json.encode({"id": 1, "refunds": [{"id": 2}]})]
            if params.get("status") == "trash"
            else []
        )

    monkeypatch.setattr(SHOP, "_pages", pages)
    window = make_window(date(2026, 6, 10), SHOP.retailer.zone, timedelta(hours=2), None)
    ((line,),) = SHOP.fetch(window)
    assert msgspec.json.decode(line)["refunds"] == []
    assert asked == [("wp-json/wc/v3/orders", "any"), ("wp-json/wc/v3/orders", "trash")]


@pytest.mark.parametrize("status", ["processing", "completed", "on-hold", "some-plugin"])
def test_an_order_that_was_paid_is_a_sale(status):
    assert len(parse(woo({"status": status}))) == 1


def test_a_completed_order_without_any_date_of_payment_is_a_sale():
    assert len(parse(woo({"status": "completed", "date_paid_gmt": None}))) == 1


def test_a_paid_order_that_was_cancelled_sums_to_nothing_and_leaves_past_days_alone():
    order = {"status": "cancelled", "date_modified_gmt": "2026-06-20T09:00:00"}
    rows = parse(woo(order, [WOO_REFUND]))
    assert [row.line_id for row in rows] == [
        "315",
        "refund-726-320",
        "315-cancelled",
        "refund-726-320-cancelled",
    ]
    assert sum(row.quantity for row in rows) == sum(row.total for row in rows) == 0
    assert [row.business_date.day for row in rows] == [10, 12, 20, 20]
    assert all(row.unit_price >= 0 for row in rows)


def test_an_order_changed_after_it_was_paid_is_a_correction():
    assert not SHOP.parse(woo(), LATEST).is_correction
    assert SHOP.parse(woo({"date_modified_gmt": "2026-06-11T08:00:00"}), LATEST).is_correction


@pytest.mark.parametrize(
    ("lines", "reason", "field"),
    [
        pytest.param(woo({"id": None}), "Expected `int`, got `null`", "order.id", id="missing id"),
        pytest.param(
            woo({"date_created_gmt": "yesterday"}), "Invalid RFC3339", "order.date_created_gmt", id="date"
        ),
        pytest.param(woo({"currency": "EUR"}), "currency EUR, not GBP", "order.currency", id="currency"),
        pytest.param(woo(quantity=0), "line 315: quantity is zero", "quantity", id="quantity zero"),
        pytest.param(
            woo(subtotal="-6.00", total="-5.40", price=-2.7),
            "line 315: unit price is negative: -3.0000",
            "unit_price",
            id="negative price",
        ),
        pytest.param(
            woo(total="99.00"),
            "line 315: total 99.00 does not add up: 2 * price 2.7 = 5.40",
            "total",
            id="sum",
        ),
        pytest.param(
            woo(total="many"), "Invalid decimal string", "order.line_items[0].total", id="no number"
        ),
        pytest.param(woo(total="NaN", price=None), "out of range", "total", id="NaN"),
        pytest.param(woo(subtotal="1e40", total="1e40", price=None), "out of range", "unit_price", id="huge"),
        pytest.param(
            woo(name="X" * 5000), "Expected `str` of length <= 1000", "product_name", id="long name"
        ),
        pytest.param(woo(sku="a\x00b"), "line 315: holds a NUL character", "product_id", id="NUL"),
        pytest.param(
            woo({"date_modified_gmt": "2036-01-01T00:00:00"}),
            "2036-01-01 00:00 lies in the future",
            "updated_at",
            id="future",
        ),
        pytest.param(
            woo({"date_created_gmt": "1970-01-01T00:00:00"}),
            "1970-01-01 00:00 is before the year 2000",
            "sold_at",
            id="epoch",
        ),
        pytest.param(
            woo({"refunds": [{"id": 5}]}),
            "refunds [5] are named but did not come",
            "order.refunds",
            id="refund",
        ),
        pytest.param(
            [woo()[0].replace(b"Woo Single", b"Woo \xff")], "byte 0xff is no UTF-8", None, id="no UTF-8"
        ),
        pytest.param([b'{"order": {"id": 1'], "truncated", None, id="half a line"),
    ],
)
def test_a_bad_order_says_what_is_wrong_and_where(lines, reason, field):
    exc = reject(lines)
    assert reason in exc.reason
    assert exc.field == field


def test_lines_and_day_of_a_bad_order_are_counted():
    assert SHOP.count(woo({"currency": "EUR", "line_items": [WOO_LINE] * 3}, [WOO_REFUND])) == (
        4,
        date(2026, 6, 10),
    )
    assert SHOP.count(woo({"date_created_gmt": "yesterday"})) == (1, None)
    assert SHOP.count([b"{"]) == (1, None)
    assert SHOP.count([b'{"order": [], "refunds": null}']) == (1, None)


money = st.decimals(0, 99_999, places=2)


@given(quantity=st.integers(1, 100_000), subtotal=money, share=st.decimals(0, 1, places=2))
def test_every_honest_line_adds_up(quantity, subtotal, share):
    total = (subtotal * share).quantize(D("0.01"))
    (row,) = parse(
        woo(quantity=quantity, subtotal=str(subtotal), total=str(total), price=float(total) / quantity)
    )
    assert row.total == total
    assert abs(row.quantity * row.unit_price - row.discount - row.total) <= D("0.01")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(sorted(WOO_LINE)), inner),
    )
)
def test_whatever_stands_in_the_lines_it_is_a_record_or_a_reason(value):
    lines = woo({"line_items": value})
    try:
        SHOP.parse(lines, LATEST)
    except DataError as exc:
        assert exc.reason
    assert SHOP.count(lines)[0] >= 1


def test_a_pretty_printed_order_is_landed_on_one_line(monkeypatch):
    pretty = msgspec.json.format(msgspec.json.encode({"id": 1, "refunds": []}), indent=2)
    monkeypatch.setattr(
        SHOP, "_pages", lambda path, params: iter([pretty] if params["status"] == "any" else [])
    )
    window = make_window(date(2026, 6, 10), SHOP.retailer.zone, timedelta(hours=2), None)
    ((line,),) = SHOP.fetch(window)
    assert b"\n" not in line
    assert msgspec.json.decode(line)["order"] == {"id": 1, "refunds": []}
