"""retailer_2: shops with tills of Square, API v2 with a bearer token.

Source: https://developer.squareup.com/reference/square/orders-api/search-orders and the types of the
official Python client.
"""

import hmac
from collections import defaultdict
from datetime import datetime
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

MAX_LIMIT, MAX_LOCATIONS, MAX_BATCH = 1000, 10, 100
TIMES = {"CREATED_AT": "sold_at", "UPDATED_AT": "updated_at", "CLOSED_AT": "sold_at"}
DIRECTIONS = {"ASC": ("ASC", ">"), "DESC": ("DESC", "<")}
till = Blueprint("square", __name__, url_prefix="/v2")


class Problem(Exception):
    """An answer in Square's shape of errors."""

    def __init__(self, status: int, code: str, detail: str, field: str | None = None) -> None:
        self.status, self.code, self.detail, self.field = status, code, detail, field
        super().__init__(detail)


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

    app.after_request(_show_version)
    app.extensions["error"] = _general_error
    app.register_error_handler(Problem, lambda exc: _error(exc.status, exc.code, exc.detail, exc.field))
    app.register_error_handler(404, lambda _: _error(404, "NOT_FOUND", "Resource not found."))
    app.register_error_handler(
        405, lambda _: _error(405, "METHOD_NOT_ALLOWED", "The method is not allowed here.")
    )
    app.register_blueprint(till)


@till.post("/orders/search")
def search_orders() -> Response:
    """Search orders in their latest version; both ends of a range of time belong to it."""
    body = _body()
    query = {"location_ids": _locations_asked(body), "query": body.get("query") or {}}
    limit = _integer(body, "limit", 500, MAX_LIMIT)
    field, direction, wanted = _read_query(query["query"])
    cursor = _cursor(body, query)
    params = {**wanted, "locations": query["location_ids"], "now": now(), "limit": limit + 1}
    params["until"] = wanted["end_at"] or cursor.until
    rows = _page(params, cursor, field, direction)
    if not rows and faults.take("endless_pages"):
        rows = _page(params, Cursor(cursor.until), field, direction)[:1]
        following: Cursor | None = cursor.again()
    else:
        following = (
            cursor.after(rows[limit - 1][TIMES[field]], rows[limit - 1]["sale_id"])
            if len(rows) > limit
            else None
        )
        following = _misled(cursor, rows[:limit], field) or following
    answer: dict[str, Any] = {}
    if rows:
        answer = _entries(rows[:limit]) if body.get("return_entries") else {"orders": _orders(rows[:limit])}
    if following:
        answer["cursor"] = following.seal(query)
    if body.get("cursor") and faults.take("repeat_cursor"):
        answer["cursor"] = body["cursor"]
    return _json(answer)


@till.get("/orders/<order_id>")
def show_order(order_id: str) -> Response:
    """Show one order."""
    found = _orders(_by_id([order_id]))
    if not found:
        raise Problem(404, "NOT_FOUND", f"Order not found for id {order_id}")
    return _json({"order": found[0]})


@till.post("/orders/batch-retrieve")
def show_orders() -> Response:
    """Show up to a hundred orders; unknown ids are left out."""
    ids = _list(_body(), "order_ids", MAX_BATCH)
    found = _orders(_by_id(ids))
    return _json({"orders": found} if found else {})


@till.get("/locations")
def list_locations() -> Response:
    """List the stores."""
    return _json({"locations": [location(row) for row in fetch_all(conn(), "stores", {})]})


@till.get("/locations/<location_id>")
def show_location(location_id: str) -> Response:
    """Show a store; `main` is the first."""
    rows = fetch_all(conn(), "stores", {})
    found = rows[:1] if location_id == "main" else [row for row in rows if row["store_id"] == location_id]
    if not found:
        raise Problem(404, "NOT_FOUND", f"Location not found for id {location_id}")
    return _json({"location": location(found[0])})


@till.get("/customers")
def list_customers() -> Response:
    """List customers by number; the cursor is the last number."""
    limit = _integer(request.args, "limit", 100, 100)
    after = _number("customer", request.args.get("cursor")) or 0
    rows = _customers(after=after, limit=limit + 1)
    answer: dict[str, Any] = {"customers": [customer(row) for row in rows[:limit]]} if rows else {}
    if len(rows) > limit:
        answer["cursor"] = answer["customers"][-1]["id"]
    return _json(answer)


@till.get("/customers/<customer_id>")
def show_customer(customer_id: str) -> Response:
    """Show a customer."""
    rows = _customers(ids=[to_number("customer", customer_id)], limit=1)
    if not rows:
        raise Problem(404, "NOT_FOUND", f"Customer with ID `{customer_id}` not found.")
    return _json({"customer": customer(rows[0])})


@till.post("/customers/bulk-retrieve")
def show_customers() -> Response:
    """Show up to a hundred customers, each id with a customer or an error."""
    ids = _list(_body(), "customer_ids", MAX_BATCH)
    found = {
        c["id"]: c
        for c in map(customer, _customers(ids=[to_number("customer", i) for i in ids], limit=MAX_BATCH))
    }
    missing = {"errors": [_problem("NOT_FOUND", "Customer not found.")]}
    return _json({"responses": {i: {"customer": found[i]} if i in found else missing for i in ids}})


@till.get("/catalog/list")
def list_catalog() -> Response:
    """List variations, a hundred a page."""
    start = _number("variation", request.args.get("cursor"))
    start = 0 if start is None else start + 1
    rows = fetch_all(conn(), "products_page", {"ids": None, "sku": None, "limit": 100, "offset": start})
    answer: dict[str, Any] = {"objects": [variation(row) for row in rows]} if rows else {}
    if rows and rows[0]["total"] > start + len(rows):
        answer["cursor"] = answer["objects"][-1]["id"]
    return _json(answer)


@till.post("/catalog/batch-retrieve")
def show_catalog() -> Response:
    """Show up to a thousand variations; unknown ids are left out."""
    ids = [to_number("variation", i) for i in _list(_body(), "object_ids", 1000)]
    rows = fetch_all(conn(), "products_page", {"ids": ids, "sku": None, "limit": 1000, "offset": 0})
    return _json({"objects": [variation(row) for row in rows]} if rows else {})


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


def _misled(cursor: Cursor, rows: list[dict], field: str) -> Cursor | None:
    """Return the cursor of a fault: the same page again, or a page after the last one."""
    if rows and faults.take("duplicate_page"):
        return cursor.again()
    if rows and faults.take("endless_pages"):
        return cursor.after(rows[-1][TIMES[field]], rows[-1]["sale_id"])
    return None


# --- requests -----------------------------------------------------------------------------------------------


def _body() -> dict:
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        raise Problem(400, "EXPECTED_JSON_BODY", "Request body is not a JSON object.")
    return body


def _locations_asked(body: dict) -> list[str]:
    ids = body.get("location_ids")
    if not ids or not isinstance(ids, list):
        raise Problem(
            400, "MISSING_REQUIRED_PARAMETER", "Must provide at least one location_id.", "location_ids"
        )
    if len(ids) > MAX_LOCATIONS:
        raise Problem(
            400, "BAD_REQUEST", f"Cannot provide more than {MAX_LOCATIONS} location_ids.", "location_ids"
        )
    known = {row["store_id"] for row in fetch_all(conn(), "stores", {})}
    if unknown := [i for i in ids if i not in known]:
        raise Problem(400, "INVALID_LOCATION", f"Location not found: {unknown[0]}", "location_ids")
    return ids


def _read_query(query: dict) -> tuple[str, str, dict]:
    """Read filter and sort: the field of time, the direction and the values of search_page."""
    sort, wishes = query.get("sort") or {}, query.get("filter") or {}
    field, direction = sort.get("sort_field", "CREATED_AT"), sort.get("sort_order", "DESC")
    if field not in TIMES or direction not in DIRECTIONS:
        raise Problem(400, "BAD_REQUEST", "sort_field or sort_order is none of the known ones.", "query.sort")
    start = end = None
    for name, span in (wishes.get("date_time_filter") or {}).items():
        if name.upper() != field:
            detail = "The sort_field must match the timestamp field used in date_time_filter."
            raise Problem(400, "BAD_REQUEST", detail, "query.sort.sort_field")
        start, end = (_moment(span, edge, name) for edge in ("start_at", "end_at"))
    if start and end and start > end:
        raise Problem(400, "INVALID_TIME_RANGE", "start_at is after end_at.", "query.filter.date_time_filter")
    customers = (wishes.get("customer_filter") or {}).get("customer_ids")
    states = (wishes.get("state_filter") or {}).get("states")
    wanted = {
        "start_at": start,
        "end_at": end,
        "customers": [to_number("customer", i) for i in customers] if customers else None,
        "nothing": bool(states) and "COMPLETED" not in states,
    }
    return field, direction, wanted


def _moment(span: dict, edge: str, name: str) -> datetime | None:
    if not span.get(edge):
        return None
    place = f"query.filter.date_time_filter.{name}.{edge}"
    try:
        moment = datetime.fromisoformat(span[edge])
    except (TypeError, ValueError) as exc:
        raise Problem(400, "INVALID_TIME", "Invalid RFC 3339 timestamp.", place) from exc
    if moment.tzinfo is None:
        raise Problem(400, "INVALID_TIME", "Invalid RFC 3339 timestamp: it has no offset.", place)
    return moment


def _cursor(body: dict, query: dict) -> Cursor:
    if not body.get("cursor"):
        return Cursor(until=now().isoformat())
    try:
        return open_cursor(body["cursor"], query)
    except (ValueError, TypeError) as exc:
        raise Problem(
            400, "INVALID_CURSOR", "The pagination cursor is invalid for this query.", "cursor"
        ) from exc


def _number(kind: str, cursor: str | None) -> int | None:
    if not cursor:
        return None
    number = to_number(kind, cursor)
    if number is None:
        raise Problem(400, "INVALID_CURSOR", "The pagination cursor is invalid.", "cursor")
    return number


def _integer(values: Any, name: str, default: int, high: int) -> int:
    value = values.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not str(value).lstrip("-").isdecimal():
        raise Problem(400, "EXPECTED_INTEGER", "Expected an integer value.", name)
    if int(value) < 1:
        raise Problem(400, "VALUE_TOO_LOW", f"`{name}` must be at least 1.", name)
    if int(value) > high:
        raise Problem(400, "VALUE_TOO_HIGH", f"`{name}` must not be greater than {high}.", name)
    return int(value)


def _list(body: dict, name: str, most: int) -> list[str]:
    values = body.get(name)
    if not values or not isinstance(values, list):
        raise Problem(400, "MISSING_REQUIRED_PARAMETER", "Missing required parameter.", name)
    if len(values) > most:
        raise Problem(400, "VALUE_TOO_LONG", f"`{name}` must not hold more than {most} values.", name)
    return [str(value) for value in values]


# --- answers ------------------------------------------------------------------------------------------------

CATEGORIES = {
    401: "AUTHENTICATION_ERROR",
    429: "RATE_LIMIT_ERROR",
    500: "API_ERROR",
    502: "API_ERROR",
    503: "API_ERROR",
}
CODES = {429: "RATE_LIMITED", 500: "INTERNAL_SERVER_ERROR", 502: "BAD_GATEWAY", 503: "SERVICE_UNAVAILABLE"}


def _json(value: Any, status: int = 200) -> Response:
    return Response(faults.dumps(value), status, mimetype="application/json")


def _problem(code: str, detail: str, field: str | None = None, status: int = 400) -> dict:
    error = {"category": CATEGORIES.get(status, "INVALID_REQUEST_ERROR"), "code": code, "detail": detail}
    return {**error, "field": field} if field else error


def _error(status: int, code: str, detail: str, field: str | None = None) -> Response:
    return _json({"errors": [_problem(code, detail, field, status)]}, status)


def _general_error(status: int, kind: str) -> Response:
    detail = "The request was rate limited." if kind == "rate_limit" else "An internal error has occurred."
    return _error(status, CODES.get(status, "INTERNAL_SERVER_ERROR"), detail)


def _show_version(response: Response) -> Response:
    """Name the version of the API that answered, as asked for."""
    response.headers["Square-Version"] = request.headers.get("Square-Version", "2026-09-16")
    return response
