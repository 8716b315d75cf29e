"""Change the books on demand: correct a transaction, cancel it, hear of one late, set the clock.

Only when RETAILER_FAULTS=1; the requests are in README.md.
"""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from flask import Flask, Response, jsonify, request

from services.retailers.context import conn, now, retailer
from services.retailers.csv_export import keep_export
from services.retailers.database import fetch_all, statement, transaction

LINE = dict.fromkeys(("quantity", "unit_price", "discount", "name", "sku"))


def install(app: Flask) -> None:
    """Let the app's books be changed."""
    if not app.config["retailer"].faults:
        return
    app.post("/_mutations")(mutate)
    app.get("/_sales")(list_sales)
    app.post("/_clock")(set_clock)


def mutate() -> tuple[Response, int]:
    """Change the books; the body names the kind of change, see README.md."""
    wish = request.get_json()
    try:
        change = {"correction": correct, "late": add_late, "status": set_status}[wish.get("kind", "")]
        return jsonify(_texts(change(wish))), 201
    except KeyError as exc:
        return jsonify(error=f"missing or unknown: {exc}"), 400
    except (ValueError, TypeError, InvalidOperation) as exc:
        return jsonify(error=str(exc)), 400


def correct(wish: dict[str, Any]) -> dict[str, Any]:
    """Make a new version of a transaction: lines changed, added (with sku) or dropped."""
    reference, updated_at = wish["reference"], _moment(wish.get("updated_at"))
    found = fetch_all(conn(), "find_sale", {"reference": reference})
    if not found:
        raise ValueError(f"no transaction has the reference {reference}")
    _keep_export(found[0]["updated_at"], updated_at)
    with transaction(conn()) as cursor:
        for line in wish.get("lines", []):
            params = {**LINE, **line, "sale_id": found[0]["sale_id"]}
            name = "drop_line" if line.get("drop") else "add_line" if line.get("sku") else "change_line"
            _one_row(
                cursor, name, {**params, "discount": params["discount"] or (0 if line.get("sku") else None)}
            )
        cursor.execute(statement("touch_sale"), {
            "reference": reference,
            "updated_at": updated_at,
            "printed_time": wish.get("printed_time"),
            "with_parent": retailer().dialect == "woocommerce",
        })  # fmt: skip
        return next(row for row in cursor.fetchall() if row["reference"] == reference)


def set_status(wish: dict[str, Any]) -> dict[str, Any]:
    """Cancel an order of the web shop, put it into the trash, or restore it: with status null."""
    if retailer().dialect != "woocommerce":
        raise ValueError("only a web shop's order has a status that may change: here a sale is final")
    if wish["status"] not in (None, "cancelled", "trash"):
        raise ValueError(f"status {wish['status']!r} is none of null, cancelled, trash")
    found = fetch_all(conn(), "find_sale", {"reference": wish["reference"]})
    if not found:
        raise ValueError(f"no transaction has the reference {wish['reference']}")
    with transaction(conn()) as cursor:
        cursor.execute(statement("set_status"), {"sale_id": found[0]["sale_id"], "status": wish["status"]})
    return correct({name: wish[name] for name in ("reference", "updated_at") if name in wish})


def add_late(wish: dict[str, Any]) -> dict[str, Any]:
    """Add a transaction that was made some time ago and is heard of now; negative quantities: a return."""
    updated_at = _moment(wish.get("updated_at"))
    sold_at = _moment(wish.get("sold_at"), updated_at - timedelta(days=float(wish.get("days_ago", 1))))
    if sold_at > updated_at:
        raise ValueError("sold_at is later than updated_at")
    lines = [
        {**LINE, "discount": 0, **line, "quantity": Decimal(str(line["quantity"]))} for line in wish["lines"]
    ]
    if not lines:
        raise ValueError("a late transaction needs lines")
    kind = "return" if lines[0]["quantity"] < 0 else "sale"
    _keep_export(updated_at, updated_at)
    with transaction(conn()) as cursor:
        cursor.execute(statement("add_sale"), {
            "reference": wish.get("reference"),
            "kind": kind,
            "store_no": None if retailer().dialect == "woocommerce" else wish.get("store_no", 1),
            "customer_id": wish.get("customer_id"),
            "country": wish.get("country", "United Kingdom"),
            "sold_at": sold_at,
            "updated_at": updated_at,
            "printed_time": wish.get("printed_time"),
        })  # fmt: skip
        sale = cursor.fetchone()
        for number, line in enumerate(lines, 1):
            _one_row(cursor, "add_line", {**line, "sale_id": sale["sale_id"], "line": number})
        if kind == "return" and retailer().dialect == "woocommerce":
            cursor.execute(statement("add_origin"), {"sale_id": sale["sale_id"]})
        return sale


def list_sales() -> Response:
    """List what was sold on a day, as the retailer itself knows it."""
    params = {"day": date.fromisoformat(request.args["day"]), "now": now()}
    return jsonify([_texts(row) for row in fetch_all(conn(), "sales_of_day", params)])


def set_clock() -> Response:
    """Set the clock of this retailer to a moment where it stands, or let it run with null."""
    wish = request.get_json().get("now")
    retailer().clock.stands_at = datetime.fromisoformat(wish).astimezone(UTC) if wish else None
    return jsonify(_texts({"now": now()}))


def _one_row(cursor, name: str, params: dict) -> None:
    cursor.execute(statement(name), params)
    if cursor.rowcount != 1:
        raise ValueError(f"{name}: no such line or product: {params.get('sku') or params.get('line')}")


def _keep_export(changed_before: datetime, changed_now: datetime) -> None:
    if retailer().dialect == "csv_export":
        keep_export(conn(), changed_before, changed_now)


def _moment(text: str | None, default: datetime | None = None) -> datetime:
    if text is None:
        return default or now()
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text} has no offset: add Z or +01:00")
    if moment > now():
        raise ValueError(f"{text} has not come yet: set the clock first (POST /_clock)")
    return moment.replace(microsecond=0)


def _texts(row: dict[str, Any]) -> dict[str, Any]:
    """Write times in UTC and amounts as text, since JSON has neither."""
    values = {
        name: value.astimezone(UTC).isoformat() for name, value in row.items() if isinstance(value, datetime)
    }
    return {
        **row,
        **values,
        **{name: str(value) for name, value in row.items() if isinstance(value, Decimal)},
    }
