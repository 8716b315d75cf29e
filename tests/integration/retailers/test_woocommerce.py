"""retailer_1 as WooCommerce's own client and documentation know it."""

from decimal import Decimal

import pytest
import requests
from woocommerce import API

from services.retailers.woocommerce_auth import Gate
from tests.integration.retailers.conftest import KEY, SECRET, Shop

ORDERS = "/wp-json/wc/v3/orders"
WINDOW = {
    "modified_after": "2026-11-09T00:00:00",
    "modified_before": "2026-11-20T00:00:00",
    "dates_are_gmt": "true",
    "orderby": "modified",
    "order": "asc",
    "status": "any",
}


def client(shop: Shop, secret: str = SECRET) -> API:
    """The official client; over plain HTTP it signs with OAuth 1.0a, as the real product wants."""
    return API(url=shop.url, consumer_key=KEY, consumer_secret=secret, version="wc/v3", timeout=30)


def all_orders(shop: Shop, per_page: int = 100) -> list[dict]:
    api, orders, page, pages = client(shop), [], 1, 1
    while page <= pages:
        answer = api.get("orders", params={**WINDOW, "per_page": per_page, "page": page})
        assert answer.status_code == 200, answer.text
        orders += answer.json()
        pages, page = int(answer.headers["X-WP-TotalPages"]), page + 1
    assert len(orders) == int(answer.headers["X-WP-Total"])
    return orders


def test_the_official_client_pages_through_a_window(woo):
    orders = all_orders(woo)
    ids = [order["id"] for order in orders]
    assert len(ids) == len(set(ids)) > 100
    assert ids == [order["id"] for order in all_orders(woo, per_page=37)]
    modified = [order["date_modified_gmt"] for order in orders]
    assert modified == sorted(modified)
    assert all("2026-11-09T00:00:00" < moment < "2026-11-20T00:00:00" for moment in modified)


def test_orders_and_refunds_hold_exactly_the_lines_of_a_day(woo):
    day = "2026-11-19"
    truth = {sale["sale_id"]: sale for sale in woo.sales(day)}
    window = {**WINDOW, "modified_after": "2026-11-19T00:00:00", "per_page": 100}
    orders = woo.get(ORDERS, **window).json()
    found = {}
    for order in orders:
        if order["date_created"].startswith(day) and order["line_items"]:
            found[order["id"]] = order["line_items"]
        for refund in order["refunds"]:
            for document in woo.get(f"{ORDERS}/{order['id']}/refunds").json():
                found[document["id"]] = document["line_items"]
                assert refund["total"].startswith("-")
    assert found.keys() == truth.keys()
    for number, lines in found.items():
        assert len(lines) == truth[number]["lines"]
        assert sum(Decimal(line["total"]) for line in lines) == Decimal(truth[number]["total"])
        assert sum(line["quantity"] for line in lines) == Decimal(truth[number]["quantity"])


def test_an_order_has_the_documented_fields(woo):
    order = next(o for o in woo.get(ORDERS, **WINDOW).json() if o["line_items"])
    dates = {"date_created", "date_created_gmt", "date_modified", "date_modified_gmt"}
    parts = {"billing", "line_items", "fee_lines", "refunds"}
    assert {"id", "status", "currency", "total", "customer_id", *dates, *parts} <= order.keys()
    line = order["line_items"][0]
    assert isinstance(line["quantity"], int)
    assert isinstance(line["price"], int | float)
    assert all(isinstance(line[name], str) for name in ("subtotal", "total", "total_tax", "name", "sku"))
    assert "Z" not in order["date_created_gmt"] and "+" not in order["date_created_gmt"]
    totals = [Decimal(part["total"]) for part in order["line_items"] + order["fee_lines"]]
    assert sum(totals) == Decimal(order["total"])


def test_summer_times_differ_from_gmt_by_an_hour(woo):
    window = {"after": "2026-06-01T00:00:00", "before": "2026-06-06T00:00:00", "order": "asc"}
    order = woo.get(ORDERS, **window).json()[0]
    hours = int(order["date_created"][11:13]) - int(order["date_created_gmt"][11:13])
    assert hours == 1


def test_a_refund_takes_back_lines_with_negative_quantities(woo):
    order = next(o for o in all_orders(woo) if o["refunds"] and o["line_items"])
    refunds = woo.get(f"{ORDERS}/{order['id']}/refunds").json()
    assert max(r["date_created_gmt"] for r in refunds) <= order["date_modified_gmt"]
    line = refunds[0]["line_items"][0]
    assert line["quantity"] < 0 and Decimal(line["total"]) <= 0 < Decimal(refunds[0]["amount"])
    taken_back = int(next(m["value"] for m in line["meta_data"] if m["key"] == "_refunded_item_id"))
    original = next(item for item in order["line_items"] if item["id"] == taken_back)
    assert original["product_id"] == line["product_id"]
    assert woo.get(f"{ORDERS}/{order['id']}/refunds/{refunds[0]['id']}").json() == refunds[0]


def test_a_refund_without_a_known_order_has_one_without_lines(woo):
    orders = woo.get(ORDERS, **WINDOW, per_page=100).json()
    origin = next(o for o in orders if not o["line_items"] and o["fee_lines"])
    refund = woo.get(f"{ORDERS}/{origin['id']}/refunds").json()[0]
    assert origin["total"] == refund["amount"] and origin["status"] == "refunded"


def test_an_order_is_not_modified_before_its_refund_happens(woo):
    order = next(o for o in all_orders(woo) if o["refunds"] and o["line_items"])
    assert order["date_modified_gmt"] > order["date_created_gmt"]


def test_guests_have_customer_zero(woo):
    orders = all_orders(woo)
    assert {0} < {order["customer_id"] for order in orders}


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"per_page": 101}, "per_page"),
        ({"per_page": 0}, "per_page"),
        ({"page": "x"}, "page"),
        ({"page": 0}, "page"),
        ({"modified_after": "yesterday"}, "modified_after"),
        ({"orderby": "colour"}, "orderby"),
        ({"status": "lost"}, "status"),
    ],
)
def test_a_bad_parameter_is_refused_by_name(woo, params, field):
    answer = woo.get(ORDERS, **params)
    assert answer.status_code == 400
    body = answer.json()
    assert body["code"] == "rest_invalid_param"
    assert body["data"]["status"] == 400
    assert list(body["data"]["params"]) == [field]


def test_headers_link_to_the_pages_around(woo):
    answer = woo.get(ORDERS, **WINDOW, per_page=50, page=2)
    assert set(answer.links) == {"prev", "next"}
    assert "page=3" in answer.links["next"]["url"] and "per_page=50" in answer.links["next"]["url"]
    beyond = woo.get(ORDERS, **WINDOW, per_page=50, page=999)
    assert beyond.json() == [] and beyond.headers["X-WP-Total"] == answer.headers["X-WP-Total"]


def test_without_a_key_nobody_sees_orders(woo):
    answer = requests.get(woo.url + ORDERS, timeout=30)
    assert answer.status_code == 401
    assert answer.json() == {
        "code": "woocommerce_rest_cannot_view",
        "message": "Sorry, you cannot list resources.",
        "data": {"status": 401},
    }


def test_a_wrong_secret_is_refused_in_all_three_ways(woo):
    answers = [
        requests.get(woo.url + ORDERS, auth=(KEY, "cs_wrong"), timeout=30),
        requests.get(woo.url + ORDERS, params={"consumer_key": KEY, "consumer_secret": "no"}, timeout=30),
        client(woo, secret="cs_wrong").get("orders"),
    ]
    assert [answer.status_code for answer in answers] == [401, 401, 401]
    assert {answer.json()["code"] for answer in answers} == {"woocommerce_rest_authentication_error"}


def test_the_key_may_stand_in_the_query(woo):
    params = {"consumer_key": KEY, "consumer_secret": SECRET, "per_page": 1}
    assert requests.get(woo.url + ORDERS, params=params, timeout=30).status_code == 200


def test_a_signed_request_cannot_be_sent_twice(woo):
    import time

    gate, url = Gate(f"{KEY}:{SECRET}"), woo.url + ORDERS
    params = {
        "oauth_consumer_key": KEY,
        "oauth_timestamp": str(int(time.time())),
        "oauth_nonce": "once",
        "oauth_signature_method": "HMAC-SHA1",
        "search": "a b&c=ü~/",
    }
    params["oauth_signature"] = gate.sign("GET", url, params)
    assert requests.get(url, params=params, timeout=30).status_code == 200
    again = requests.get(url, params=params, timeout=30)
    assert again.status_code == 401 and "nonce" in again.json()["message"]


def test_what_is_not_there_is_answered_as_wordpress_does(woo):
    assert woo.get("/wp-json/wc/v3/nothing").json()["code"] == "rest_no_route"
    missing = woo.get(f"{ORDERS}/1")
    assert missing.status_code == 404 and missing.json()["code"] == "woocommerce_rest_shop_order_invalid_id"
    assert woo.get(f"{ORDERS}/1/refunds").json()["code"] == "woocommerce_rest_invalid_order_id"
    assert woo.get("/wp-json/wc/v3/products/1").json()["code"] == "woocommerce_rest_product_invalid_id"


def test_products_can_be_listed_and_found_by_sku(woo):
    answer = woo.get("/wp-json/wc/v3/products", per_page=100, page=2)
    assert len(answer.json()) == 100 and int(answer.headers["X-WP-Total"]) > 3000
    product = answer.json()[0]
    assert woo.get("/wp-json/wc/v3/products", sku=product["sku"]).json() == [product]
    assert woo.get(f"/wp-json/wc/v3/products/{product['id']}").json() == product


def test_nothing_is_shown_before_its_time(woo):
    ahead = {**WINDOW, "modified_after": "2026-11-20T00:00:00", "modified_before": "2027-01-01T00:00:00"}
    assert woo.get(ORDERS, **ahead).json() == []
    woo.set_clock("2026-11-20T23:00:00+00:00")
    assert int(woo.get(ORDERS, **ahead).headers["X-WP-Total"]) > 0
