"""retailer_2: shops with tills of Square, API v2 with a bearer token.

Source: https://developer.squareup.com/reference/square/orders-api/search-orders and the types of the
official Python client.
"""

import hmac
from collections import defaultdict
from typing import Any

from flask import Blueprint, Flask, Response, request
from psycopg2 import sql

from services.retailers import faults
from services.retailers.context import conn, now
from services.retailers.database import fetch_all
from services.retailers.settings import RetailerSettings
from services.retailers.square_cursor import Cursor, open_cursor
from services.retailers.square_ids import to_number
from services.retailers.square_orders import customer, location, order, variation
from services.retailers.square_requests import (
    DIRECTIONS,
    TIMES,
    Problem,
    answer,
    error,
    general_error,
    problem,
    read_body,
    read_integer,
    read_list,
    read_locations,
    read_number,
    read_query,
    show_version,
)

MAX_LIMIT, MAX_BATCH = 1000, 100
till = Blueprint("square", __name__, url_prefix="/v2")


def install(app: Flask) -> None:
    """Give the app the tills' routes, token and errors."""
    settings: RetailerSettings = app.config["retailer"]

    @app.before_request
    def check_token() -> None:
        if not request.path.startswith("/v2/"):
            return
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(
            token.strip().encode(), settings.credentials.encode()
        ):
            raise Problem(401, "UNAUTHORIZED", "This request could not be authorized.")

    app.after_request(show_version)
    app.extensions["error"] = general_error
    app.register_error_handler(Problem, lambda exc: error(exc.status, exc.code, exc.detail, exc.field))
    app.register_error_handler(404, lambda _: error(404, "NOT_FOUND", "Resource not found."))
    app.register_error_handler(
        405, lambda _: error(405, "METHOD_NOT_ALLOWED", "The method is not allowed here.")
    )
    app.register_blueprint(till)


@till.post("/orders/search")
def search_orders() -> Response:
    """Search orders in their latest version; both ends of a range of time belong to it."""
    body = read_body()
    stores = (row["store_id"] for row in fetch_all(conn(), "stores", {}))
    query = {"location_ids": read_locations(body, stores), "query": body.get("query") or {}}
    limit = read_integer(body, "limit", 500, MAX_LIMIT)
    field, direction, wanted = read_query(query["query"])
    cursor = read_cursor(body, query)
    params = {**wanted, "locations": query["location_ids"], "now": now(), "limit": limit + 1}
    params["until"] = wanted["end_at"] or cursor.until
    rows = _page(params, cursor, field, direction)
    following = _following(cursor, rows, limit, TIMES[field])
    page: dict[str, Any] = {}
    if rows:
        page = _entries(rows[:limit]) if body.get("return_entries") else {"orders": _orders(rows[:limit])}
    if following:
        page["cursor"] = following.seal(query)
    if body.get("cursor") and faults.take("repeat_cursor"):
        page["cursor"] = body["cursor"]
    return answer(page)


@till.get("/orders/<order_id>")
def show_order(order_id: str) -> Response:
    """Show one order."""
    found = _orders(_by_id([order_id]))
    if not found:
        raise Problem(404, "NOT_FOUND", f"Order not found for id {order_id}")
    return answer({"order": found[0]})


@till.post("/orders/batch-retrieve")
def show_orders() -> Response:
    """Show up to a hundred orders; unknown ids are left out."""
    ids = read_list(read_body(), "order_ids", MAX_BATCH)
    found = _orders(_by_id(ids))
    return answer({"orders": found} if found else {})


@till.get("/locations")
def list_locations() -> Response:
    """List the stores."""
    return answer({"locations": [location(row) for row in fetch_all(conn(), "stores", {})]})


@till.get("/locations/<location_id>")
def show_location(location_id: str) -> Response:
    """Show a store; `main` is the first."""
    rows = fetch_all(conn(), "stores", {})
    found = rows[:1] if location_id == "main" else [row for row in rows if row["store_id"] == location_id]
    if not found:
        raise Problem(404, "NOT_FOUND", f"Location not found for id {location_id}")
    return answer({"location": location(found[0])})


@till.get("/customers")
def list_customers() -> Response:
    """List customers by number; the cursor is the last number."""
    limit = read_integer(request.args, "limit", 100, 100)
    after = read_number("customer", request.args.get("cursor")) or 0
    rows = _customers(after=after, limit=limit + 1)
    page: dict[str, Any] = {"customers": [customer(row) for row in rows[:limit]]} if rows else {}
    if len(rows) > limit:
        page["cursor"] = page["customers"][-1]["id"]
    return answer(page)


@till.get("/customers/<customer_id>")
def show_customer(customer_id: str) -> Response:
    """Show a customer."""
    rows = _customers(ids=[to_number("customer", customer_id)], limit=1)
    if not rows:
        raise Problem(404, "NOT_FOUND", f"Customer with ID `{customer_id}` not found.")
    return answer({"customer": customer(rows[0])})


@till.post("/customers/bulk-retrieve")
def show_customers() -> Response:
    """Show up to a hundred customers, each id with a customer or an error."""
    ids = read_list(read_body(), "customer_ids", MAX_BATCH)
    found = {
        c["id"]: c
        for c in map(customer, _customers(ids=[to_number("customer", i) for i in ids], limit=MAX_BATCH))
    }
    missing = {"errors": [problem("NOT_FOUND", "Customer not found.")]}
    return answer({"responses": {i: {"customer": found[i]} if i in found else missing for i in ids}})


@till.get("/catalog/list")
def list_catalog() -> Response:
    """List variations, a hundred a page."""
    start = read_number("variation", request.args.get("cursor"))
    start = 0 if start is None else start + 1
    rows = fetch_all(conn(), "products_page", {"ids": None, "sku": None, "limit": 100, "offset": start})
    page: dict[str, Any] = {"objects": [variation(row) for row in rows]} if rows else {}
    if rows and rows[0]["total"] > start + len(rows):
        page["cursor"] = page["objects"][-1]["id"]
    return answer(page)


@till.post("/catalog/batch-retrieve")
def show_catalog() -> Response:
    """Show up to a thousand variations; unknown ids are left out."""
    ids = [to_number("variation", i) for i in read_list(read_body(), "object_ids", 1000)]
    rows = fetch_all(conn(), "products_page", {"ids": ids, "sku": None, "limit": 1000, "offset": 0})
    return answer({"objects": [variation(row) for row in rows]} if rows else {})


# --- the books ------------------------------------------------------------------------------------------


def _page(params: dict, cursor: Cursor, field: str, direction: str) -> list[dict]:
    order_by, beyond = DIRECTIONS[direction]
    params = {**params, "moment": cursor.moment, "sale_id": cursor.sale_id}
    column = sql.Identifier(TIMES[field])
    return fetch_all(
        conn(), "search_page", params, column=column, direction=sql.SQL(order_by), beyond=sql.SQL(beyond)
    )


def _by_id(ids: list[str]) -> list[dict]:
    params = {"ids": [to_number("order", i) for i in ids], "now": now()}
    return fetch_all(conn(), "sales_by_id", params)


def _orders(rows: list[dict]) -> list[dict]:
    lines = defaultdict(list)
    for line in fetch_all(conn(), "lines_of", {"ids": [row["sale_id"] for row in rows]}):
        lines[line["sale_id"]].append(line)
    return faults.spoil_records([order(row, lines[row["sale_id"]]) for row in rows])


def _entries(rows: list[dict]) -> dict:
    some = ("order_id", "version", "location_id")
    documents = ({**order(row, []), "order_id": order(row, [])["id"]} for row in rows)
    return {"order_entries": [{name: document[name] for name in some} for document in documents]}


def _customers(ids: list[int | None] | None = None, after: int = 0, limit: int = 100) -> list[dict]:
    return fetch_all(conn(), "customers_page", {"ids": ids, "after": after, "limit": limit, "now": now()})


def read_cursor(body: dict, query: dict) -> Cursor:
    """Read where the page begins; the first page notes when it was asked for."""
    if not body.get("cursor"):
        return Cursor(until=now().isoformat())
    try:
        return open_cursor(body["cursor"], query)
    except (ValueError, TypeError) as exc:
        raise Problem(
            400, "INVALID_CURSOR", "The pagination cursor is invalid for this query.", "cursor"
        ) from exc


def _following(cursor: Cursor, rows: list[dict], limit: int, column: str) -> Cursor | None:
    """Return where the next page begins, None after the last; faults go back or start over."""
    if rows and faults.take("duplicate_page"):
        return cursor.again()
    if len(rows) > limit:
        return cursor.after(rows[limit - 1][column], rows[limit - 1]["sale_id"])
    return cursor.restart() if rows and faults.take("endless_pages") else None
