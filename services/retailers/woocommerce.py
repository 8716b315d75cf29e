"""retailer_1: a web shop on WooCommerce, REST API v3 under /wp-json/wc/v3.

Source: https://woocommerce.github.io/woocommerce-rest-api-docs/ and
includes/rest-api/Controllers/Version3/class-wc-rest-crud-controller.php of WooCommerce.
"""

from collections import defaultdict
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Flask, Response, request
from psycopg2 import sql

from services.retailers import faults
from services.retailers.context import conn, now
from services.retailers.database import fetch_all, statement, transaction
from services.retailers.settings import ZONE
from services.retailers.woocommerce_auth import Gate, Refused
from services.retailers.woocommerce_orders import PRODUCTS, order, product, refund

ROOT = "/wp-json/wc/v3"
MAX_PER_PAGE = 100
DATES = ("after", "before", "modified_after", "modified_before")
TRASH = "trash"
STATUSES = {"any", TRASH, "auto-draft", "pending", "processing", "on-hold", "completed", "cancelled",
            "refunded", "failed", "checkout-draft"}  # fmt: skip
ORDERINGS = {
    "date": "sold_at {0}, sale_id {0}",
    "modified": "updated_at {0}, sale_id {0}",
    "id": "sale_id {0}",
}
shop = Blueprint("woocommerce", __name__, url_prefix=ROOT)


class Problem(Exception):
    """An answer in WordPress's shape of errors."""

    def __init__(self, status: int, code: str, message: str, **data: Any) -> None:
        self.status, self.code, self.message, self.data = status, code, message, data
        super().__init__(message)


def install(app: Flask) -> None:
    """Give the app the shop's routes, key and errors."""
    gate = Gate(app.config["retailer"].credentials)

    @app.before_request
    def check_key() -> None:
        if not request.path.startswith("/wp-json"):
            return
        auth = request.authorization
        basic = (auth.username or "", auth.password or "") if auth and auth.type == "basic" else None
        try:
            gate.check(request.method, request.base_url, query(), basic)
        except Refused as exc:
            raise Problem(401, exc.code, exc.message) from exc

    app.extensions["error"] = _general_error
    app.register_error_handler(Problem, lambda exc: _error(exc.status, exc.code, exc.message, **exc.data))
    app.register_error_handler(
        404, lambda _: _error(404, "rest_no_route", "No route was found matching the URL and request method.")
    )
    app.register_error_handler(
        405, lambda _: _error(404, "rest_no_route", "No route was found matching the URL and request method.")
    )
    app.register_blueprint(shop)


@shop.get("/orders")
def list_orders() -> Response:
    """List orders in their latest version; dates without a zone are the shop's, or UTC if dates_are_gmt."""
    args = query()
    page, per_page = _integer(args, "page", 1, 1), _integer(args, "per_page", 10, 1, MAX_PER_PAGE)
    offset = _integer(args, "offset", (page - 1) * per_page, 0)
    wanted = {name: _date(args, name) for name in DATES}
    wanted.update(
        customer=_integer(args, "customer", None, 0),
        include=_ids(args, "include"),
        exclude=_ids(args, "exclude"),
    )
    ordering = _ordering(args)
    statuses = _statuses(args)
    if not statuses & {"any", "completed", "refunded", TRASH}:
        return _page([], 0, page, per_page)
    wanted["in_trash"] = statuses == {TRASH}  # `any` leaves the trash out
    _apply_refunds()
    slip = per_page if faults.take("duplicate_page") else 0
    endless = faults.take("endless_pages")
    rows = _order_rows(wanted, ordering, per_page, max(offset - slip, 0))
    total = rows[0]["total"]
    if endless and total:
        if rows[0]["sale_id"] is None:
            rows = _order_rows(wanted, ordering, per_page, (total - 1) // per_page * per_page)
        total = max(total, page * per_page + 1)
    return _page(_orders(rows), total + slip, page, per_page)


@shop.get("/orders/<int:order_id>")
def show_order(order_id: int) -> Response:
    """Show one order."""
    _apply_refunds()
    rows = _order_rows({"include": [order_id]}, "sale_id", 1, 0)
    if rows[0]["sale_id"] is None:
        raise Problem(404, "woocommerce_rest_shop_order_invalid_id", "Invalid ID.")
    return _json(_fields(_orders(rows)[0]))


@shop.get("/orders/<int:order_id>/refunds")
def list_refunds(order_id: int) -> Response:
    """List the refunds of an order, the latest first."""
    args = query()
    page, per_page = _integer(args, "page", 1, 1), _integer(args, "per_page", 10, 1, MAX_PER_PAGE)
    if _order_rows({"include": [order_id]}, "sale_id", 1, 0)[0]["sale_id"] is None:
        raise Problem(404, "woocommerce_rest_invalid_order_id", "Invalid order ID.")
    rows = _refund_rows([order_id])
    some = rows[(page - 1) * per_page : page * per_page]
    lines = _lines_of(some)
    return _page([refund(row, lines[row["sale_id"]]) for row in some], len(rows), page, per_page)


@shop.get("/orders/<int:order_id>/refunds/<int:refund_id>")
def show_refund(order_id: int, refund_id: int) -> Response:
    """Show one refund of an order."""
    rows = [row for row in _refund_rows([order_id]) if row["sale_id"] == refund_id]
    if not rows:
        raise Problem(404, "woocommerce_rest_invalid_order_refund_id", "Invalid order refund ID.")
    return _json(_fields(refund(rows[0], _lines_of(rows)[refund_id])))


@shop.get("/products")
def list_products() -> Response:
    """List the catalogue."""
    args = query()
    page, per_page = _integer(args, "page", 1, 1), _integer(args, "per_page", 10, 1, MAX_PER_PAGE)
    ids = _ids(args, "include")
    wanted = {
        "ids": [number - PRODUCTS for number in ids] if ids else None,
        "sku": args["sku"].split(",") if args.get("sku") else None,
    }
    rows = fetch_all(conn(), "products_page", {**wanted, "limit": per_page, "offset": (page - 1) * per_page})
    return _page([product(row) for row in rows], rows[0]["total"] if rows else 0, page, per_page)


@shop.get("/products/<int:product_id>")
def show_product(product_id: int) -> Response:
    """Show one product."""
    wanted = {"ids": [product_id - PRODUCTS], "sku": None, "limit": 1, "offset": 0}
    rows = fetch_all(conn(), "products_page", wanted)
    if not rows:
        raise Problem(404, "woocommerce_rest_product_invalid_id", "Invalid ID.")
    return _json(_fields(product(rows[0])))


def query() -> dict[str, str]:
    """Return the query as PHP reads it: of a name that stands twice the last one counts."""
    return {name.removesuffix("[]"): ",".join(values) if name.endswith("[]") else values[-1]
            for name, values in request.args.lists()}  # fmt: skip


# --- the books ----------------------------------------------------------------------------------------


def _apply_refunds() -> None:
    with transaction(conn()) as cursor:
        cursor.execute(statement("apply_refunds"), {"now": now()})


def _order_rows(wanted: dict, ordering: str, limit: int, offset: int) -> list[dict]:
    every = dict.fromkeys((*DATES, "customer", "include", "exclude", "in_trash"))
    params = {**every, **wanted, "now": now(), "limit": limit, "offset": offset}
    return fetch_all(conn(), "orders_page", params, order=sql.SQL(ordering))


def _orders(rows: list[dict]) -> list[dict]:
    rows = [row for row in rows if row["sale_id"] is not None]
    lines, refunds = _lines_of(rows), defaultdict(list)
    for row in _refund_rows([row["sale_id"] for row in rows]):
        refunds[row["parent_id"]].append(row)
    return faults.spoil_records([order(row, lines[row["sale_id"]], refunds[row["sale_id"]]) for row in rows])


def _refund_rows(order_ids: list[int]) -> list[dict]:
    return fetch_all(conn(), "refunds_of", {"ids": order_ids, "now": now()})


def _lines_of(rows: list[dict]) -> dict[int, list[dict]]:
    lines = defaultdict(list)
    for line in fetch_all(conn(), "lines_of", {"ids": [row["sale_id"] for row in rows]}):
        lines[line["sale_id"]].append(line)
    return lines


# --- parameters, answers, errors ----------------------------------------------------------------------


def _integer(args: dict, name: str, default: int | None, low: int, high: int | None = None) -> int | None:
    if name not in args:
        return default
    text = args[name]
    if not text.lstrip("-").isdecimal():
        raise _invalid(name, f"{name} is not of type integer.")
    if high is not None and not low <= int(text) <= high:
        raise _invalid(name, f"{name} must be between {low} (inclusive) and {high} (inclusive)")
    if int(text) < low:
        raise _invalid(name, f"{name} must be greater than or equal to {low}")
    return int(text)


def _date(args: dict, name: str) -> datetime | None:
    if name not in args:
        return None
    try:
        moment = datetime.fromisoformat(args[name].replace(" ", "T"))
    except ValueError as exc:
        raise _invalid(name, "Invalid date.") from exc
    zone = UTC if args.get("dates_are_gmt", "").lower() in ("1", "true") else ZONE
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def _ids(args: dict, name: str) -> list[int] | None:
    if not args.get(name):
        return None
    parts = args[name].split(",")
    if not all(part.strip().isdecimal() for part in parts):
        raise _invalid(name, f"{name}[0] is not of type integer.")
    return [int(part) for part in parts]


def _ordering(args: dict) -> str:
    orderby, direction = args.get("orderby", "date"), args.get("order", "desc")
    if orderby not in ORDERINGS:
        raise _invalid("orderby", f"orderby is not one of {', '.join(ORDERINGS)}.")
    if direction not in ("asc", "desc"):
        raise _invalid("order", "order is not one of asc and desc.")
    return ORDERINGS[orderby].format(direction)


def _statuses(args: dict) -> set[str]:
    statuses = set(args.get("status", "any").split(","))
    if unknown := statuses - STATUSES:
        raise _invalid(
            "status", f"status[0] is not one of {', '.join(sorted(STATUSES))}: {', '.join(unknown)}"
        )
    return statuses


def _page(documents: list[dict], total: int, page: int, per_page: int) -> Response:
    pages = -(-total // per_page)
    response = _json([_fields(document) for document in documents])
    response.headers["X-WP-Total"] = str(total)
    response.headers["X-WP-TotalPages"] = str(pages)
    links = []
    if page > 1:
        links.append(("prev", min(page - 1, pages)))
    if pages > page:
        links.append(("next", page + 1))
    for name, number in links:
        address = f"{request.base_url}?{urlencode({**query(), 'page': number})}"
        response.headers.add("Link", f'<{address}>; rel="{name}"')
    return response


def _fields(document: dict) -> dict:
    """Keep what `_fields` asks for."""
    names = query().get("_fields")
    return {name: document[name] for name in names.split(",") if name in document} if names else document


def _json(value: Any, status: int = 200) -> Response:
    return Response(faults.dumps(value), status, mimetype="application/json")


def _invalid(name: str, message: str) -> Problem:
    details = {name: {"code": "rest_invalid_param", "message": message, "data": None}}
    return Problem(
        400, "rest_invalid_param", f"Invalid parameter(s): {name}", params={name: message}, details=details
    )


def _error(status: int, code: str, message: str, **data: Any) -> Response:
    return _json({"code": code, "message": message, "data": {"status": status, **data}}, status)


def _general_error(status: int, kind: str) -> Response:
    if kind == "rate_limit":
        return _error(status, "rest_too_many_requests", "Too many requests.")
    return _error(status, "internal_server_error", "There has been a critical error on this website.")
