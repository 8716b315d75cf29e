"""retailer_2 as Square's own client and documentation know it."""

from decimal import Decimal

import pytest
import requests
from square import Square
from square.core.api_error import ApiError

from services.retailers.square_ids import to_id, to_number
from tests.integration.retailers.conftest import TOKEN, Shop

SEARCH = "/v2/orders/search"


def client(shop: Shop, token: str = TOKEN) -> Square:
    return Square(token=token, base_url=shop.url)


def window(start: str, end: str | None, order: str = "ASC") -> dict:
    span = {"start_at": start, **({"end_at": end} if end else {})}
    return {
        "filter": {"date_time_filter": {"updated_at": span}},
        "sort": {"sort_field": "UPDATED_AT", "sort_order": order},
    }


DAY = window("2026-11-19T00:00:00Z", "2026-11-20T00:00:00Z")


def stores(shop: Shop) -> list[str]:
    return [location["id"] for location in shop.get("/v2/locations").json()["locations"]]


def all_orders(shop: Shop, query: dict, limit: int) -> list[dict]:
    orders, body = [], {"location_ids": stores(shop), "query": query, "limit": limit}
    for _ in range(500):
        page = shop.post(SEARCH, body).json()
        orders += page.get("orders", [])
        if "cursor" not in page:
            return orders
        body["cursor"] = page["cursor"]
    raise AssertionError("the pages do not end")


def test_the_official_client_pages_through_a_day(tills):
    api = client(tills)
    locations = [location.id for location in api.locations.list().locations]
    found, cursor = [], None
    while True:
        more = {"cursor": cursor} if cursor else {}
        page = api.orders.search(location_ids=locations, query=DAY, limit=10, **more)
        assert len(page.orders) <= 10
        found += page.orders
        cursor = page.cursor
        if not cursor:
            break
    truth = {sale["reference"]: sale for sale in tills.sales("2026-11-19")}
    assert {order.reference_id for order in found} == truth.keys()
    assert len(found) == len(truth)
    for order in found:
        sale = truth[order.reference_id]
        sold = sum(line.total_money.amount for line in order.line_items or [])
        back = [line for entry in order.returns or [] for line in entry.return_line_items]
        assert sold - sum(line.total_money.amount for line in back) == Decimal(sale["total"]) * 100
        assert order.net_amounts.total_money.amount == Decimal(sale["total"]) * 100
        assert len(order.line_items or []) + len(back) == sale["lines"]


def test_page_size_does_not_change_what_is_found(tills):
    query = window("2026-11-02T00:00:00Z", "2026-11-20T00:00:00Z")
    ids = [[order["id"] for order in all_orders(tills, query, limit)] for limit in (37, 1000)]
    assert ids[0] == ids[1] and len(set(ids[0])) == len(ids[0]) > 200


def test_a_descending_search_is_the_ascending_one_turned_round(tills):
    up, down = (
        all_orders(tills, window("2026-11-16T00:00:00Z", "2026-11-20T00:00:00Z", order), 7)
        for order in ("ASC", "DESC")
    )
    assert [order["id"] for order in up] == [order["id"] for order in reversed(down)]


def test_both_ends_of_the_span_belong_to_it(tills):
    order = all_orders(tills, DAY, 100)[0]
    query = window(order["updated_at"], order["updated_at"])
    assert order["id"] in [found["id"] for found in all_orders(tills, query, 100)]


def test_a_return_is_an_order_of_its_own_with_positive_quantities(tills):
    orders = all_orders(tills, window("2026-10-01T00:00:00Z", "2026-11-20T00:00:00Z"), 1000)
    linked = next(o for o in orders if "source_order_id" in o.get("returns", [{}])[0])
    line = linked["returns"][0]["return_line_items"][0]
    assert "line_items" not in linked and linked["total_money"]["amount"] == 0
    assert Decimal(line["quantity"]) > 0
    source = tills.get(f"/v2/orders/{linked['returns'][0]['source_order_id']}").json()["order"]
    original = next(item for item in source["line_items"] if item["uid"] == line["source_line_item_uid"])
    assert original["catalog_object_id"] == line["catalog_object_id"]
    assert any("returns" in o and "source_order_id" not in o["returns"][0] for o in orders)


def test_an_order_has_the_documented_fields(tills):
    order = next(o for o in all_orders(tills, DAY, 100) if "customer_id" in o and "line_items" in o)
    assert order["created_at"].endswith("Z") and order["state"] == "COMPLETED" and order["version"] == 1
    line = order["line_items"][0]
    assert isinstance(line["quantity"], str)
    gross = line["gross_sales_money"]["amount"]
    assert isinstance(gross, int) and line["base_price_money"]["currency"] == "GBP"
    assert gross - line["total_discount_money"]["amount"] == line["total_money"]["amount"]
    customer = client(tills).customers.get(order["customer_id"]).customer
    assert customer.reference_id.isdecimal()
    variation = client(tills).catalog.batch_get(object_ids=[line["catalog_object_id"]]).objects[0]
    assert variation.item_variation_data.sku


def test_guests_have_no_customer_and_bulk_retrieval_names_the_missing(tills):
    orders = all_orders(tills, DAY, 100)
    known = {order["customer_id"] for order in orders if "customer_id" in order}
    assert any("customer_id" not in order for order in orders)
    responses = tills.post("/v2/customers/bulk-retrieve", {"customer_ids": [*known, "NOBODY"]}).json()[
        "responses"
    ]
    assert {i for i, answer in responses.items() if "customer" in answer} == known
    assert responses["NOBODY"]["errors"][0]["code"] == "NOT_FOUND"


def test_customers_and_catalogue_page_by_cursor(tills):
    api = client(tills)
    pages = api.customers.list(limit=100)
    numbers = [int(customer.reference_id) for customer in pages]
    assert numbers == sorted(set(numbers)) and len(numbers) > 500
    objects, cursor = [], None
    while True:
        page = tills.get("/v2/catalog/list", **({"cursor": cursor} if cursor else {})).json()
        objects += [item["id"] for item in page["objects"]]
        if not (cursor := page.get("cursor")):
            break
    assert len(objects) == len(set(objects)) > 3000


def test_batch_retrieval_leaves_unknown_orders_out(tills):
    ids = [order["id"] for order in all_orders(tills, DAY, 100)][:3]
    found = client(tills).orders.batch_get(order_ids=[*ids, "UNKNOWN"]).orders
    assert [order.id for order in found] and {order.id for order in found} == set(ids)


def test_entries_are_returned_when_asked_for(tills):
    body = {"location_ids": stores(tills), "query": DAY, "return_entries": True, "limit": 2}
    entries = tills.post(SEARCH, body).json()["order_entries"]
    assert [set(entry) for entry in entries] == [{"order_id", "version", "location_id"}] * 2


def test_an_empty_search_answers_an_empty_object(tills):
    query = window("2026-11-21T00:00:00Z", "2026-11-22T00:00:00Z")
    assert tills.post(SEARCH, {"location_ids": stores(tills), "query": query}).json() == {}


def test_the_shops_share_the_orders_between_them(tills):
    counts = [
        len(tills.post(SEARCH, {"location_ids": [store], "query": DAY}).json().get("orders", []))
        for store in stores(tills)
    ]
    assert sum(counts) == len(all_orders(tills, DAY, 1000)) and len(counts) == 4


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"location_ids": []}, "MISSING_REQUIRED_PARAMETER"),
        ({"location_ids": ["L"] * 11}, "BAD_REQUEST"),
        ({"location_ids": ["ELSEWHERE"]}, "INVALID_LOCATION"),
        ({"limit": 1001}, "VALUE_TOO_HIGH"),
        ({"limit": 0}, "VALUE_TOO_LOW"),
        ({"limit": "many"}, "EXPECTED_INTEGER"),
        ({"cursor": "nonsense"}, "INVALID_CURSOR"),
        ({"query": {**DAY, "sort": {"sort_field": "CREATED_AT"}}}, "BAD_REQUEST"),
        ({"query": window("yesterday", None)}, "INVALID_TIME"),
        ({"query": window("2026-11-19T00:00:00", None)}, "INVALID_TIME"),
        ({"query": window("2026-11-20T00:00:00Z", "2026-11-19T00:00:00Z")}, "INVALID_TIME_RANGE"),
    ],
)
def test_a_bad_search_is_refused_in_squares_shape(tills, change, code):
    answer = tills.post(SEARCH, {"location_ids": stores(tills), "query": DAY, **change})
    assert answer.status_code == 400
    error = answer.json()["errors"][0]
    assert (error["category"], error["code"]) == ("INVALID_REQUEST_ERROR", code)
    assert error["detail"]


def test_a_cursor_belongs_to_its_query(tills):
    body = {"location_ids": stores(tills), "query": DAY, "limit": 2}
    cursor = tills.post(SEARCH, body).json()["cursor"]
    other = {**body, "query": window("2026-11-18T00:00:00Z", None), "cursor": cursor}
    assert tills.post(SEARCH, other).json()["errors"][0]["code"] == "INVALID_CURSOR"


def test_a_wrong_token_is_unauthorized(tills):
    with pytest.raises(ApiError) as caught:
        client(tills, token="wrong").locations.list()
    assert caught.value.status_code == 401
    assert caught.value.errors[0].code == "UNAUTHORIZED"
    assert caught.value.errors[0].category == "AUTHENTICATION_ERROR"
    assert requests.get(f"{tills.url}/v2/locations", timeout=30).status_code == 401


def test_what_is_not_there_is_not_found(tills):
    for path in ("/v2/orders/NOPE", "/v2/customers/NOPE", "/v2/locations/NOPE", "/v2/nothing"):
        answer = tills.get(path)
        assert answer.status_code == 404 and answer.json()["errors"][0]["code"] == "NOT_FOUND"


@pytest.mark.parametrize("number", [0, 1, 536365, 900_000_001, 7_560_601])
def test_ids_can_be_turned_back(number):
    for kind in ("order", "customer", "variation"):
        assert to_number(kind, to_id(kind, number)) == number
    assert to_number("order", to_id("customer", number)) is None
