"""Orders, customers, locations and catalogue objects as Square's API v2 writes them.

Amounts are whole pence with their currency, quantities decimal strings, times RFC 3339 in UTC. What was
brought back is an order of its own whose `returns` hold positive quantities and amounts.
Source: https://developer.squareup.com/reference/square/objects/Order
"""

from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal

from services.retailers.countries import iso_code
from services.retailers.settings import CURRENCY
from services.retailers.square_ids import to_id


def order(sale: dict, lines: list[dict]) -> dict:
    """Write an order in its latest version; lines that were brought back stand under `returns`."""
    sold = [line_item(line) for line in lines if line["quantity"] >= 0]
    back = [return_line_item(line) for line in lines if line["quantity"] < 0]
    document = {
        "id": to_id("order", sale["sale_id"]),
        "location_id": sale["location_id"],
        "reference_id": sale["reference"],
        "source": {"name": "Square Point of Sale"},
        "state": "COMPLETED",
        "version": sale["version"],
        "created_at": stamp(sale["sold_at"]),
        "updated_at": stamp(sale["updated_at"]),
        "closed_at": stamp(sale["sold_at"]),
        "total_tax_money": money(0),
        "total_discount_money": money(_sum(sold, "total_discount_money")),
        "total_tip_money": money(0),
        "total_service_charge_money": money(0),
        "total_money": money(_sum(sold, "total_money")),
        "net_amounts": _amounts(_sum(sold, "total_money") - _sum(back, "total_money"),
                                _sum(sold, "total_discount_money") - _sum(back, "total_discount_money")),
        "net_amount_due_money": money(0),
    }  # fmt: skip
    if sale["customer_id"] is not None:
        document["customer_id"] = to_id("customer", sale["customer_id"])
    if sold:
        document["line_items"] = sold
    if back:
        document["return_amounts"] = _amounts(_sum(back, "total_money"), _sum(back, "total_discount_money"))
        document["returns"] = [_return(sale, back)]
    return document


def line_item(line: dict) -> dict:
    """Write a line that was sold."""
    gross, discount = pence(line["quantity"] * line["unit_price"]), pence(line["discount"])
    return {
        "uid": f"line-{line['line_no']}",
        **_item(line),
        "quantity": quantity(line["quantity"]),
        "variation_total_price_money": money(gross),
        "gross_sales_money": money(gross),
        "total_tax_money": money(0),
        "total_discount_money": money(discount),
        "total_money": money(gross - discount),
        "total_service_charge_money": money(0),
    }


def return_line_item(line: dict) -> dict:
    """Write a line that was brought back, with the line it takes back where that is known."""
    gross, discount = pence(-line["quantity"] * line["unit_price"]), pence(-line["discount"])
    source = {} if line["source_line"] is None else {"source_line_item_uid": f"line-{line['source_line']}"}
    return {
        "uid": f"return-{line['line_no']}",
        **source,
        **_item(line),
        "quantity": quantity(-line["quantity"]),
        "variation_total_price_money": money(gross),
        "gross_return_money": money(gross),
        "total_tax_money": money(0),
        "total_discount_money": money(discount),
        "total_money": money(gross - discount),
        "total_service_charge_money": money(0),
    }


def location(row: dict) -> dict:
    """Write a store."""
    return {
        "id": row["store_id"],
        "name": row["name"],
        "timezone": "Europe/London",
        "status": "ACTIVE",
        "created_at": "2010-11-01T09:00:00Z",
        "merchant_id": "MLOAKTHISTLE",
        "country": "GB",
        "language_code": "en-GB",
        "currency": CURRENCY,
        "business_name": "Oak & Thistle",
        "type": "PHYSICAL",
    }


def customer(row: dict) -> dict:
    """Write a customer, of whom nothing but a number and the country is known."""
    code = iso_code(row["country"])
    return {
        "id": to_id("customer", row["customer_id"]),
        "created_at": stamp(row["since"]),
        "updated_at": stamp(row["since"]),
        "reference_id": str(row["customer_id"]),
        **({"address": {"country": code}} if code else {}),
        "preferences": {"email_unsubscribed": False},
        "creation_source": "THIRD_PARTY",
        "version": 0,
    }


def variation(row: dict) -> dict:
    """Write a catalogue object: the variation that lines name, with its SKU."""
    price = row["price"] or Decimal(0)
    return {
        "type": "ITEM_VARIATION",
        "id": to_id("variation", row["product_id"]),
        "updated_at": "2010-11-01T09:00:00Z",
        "version": 1,
        "is_deleted": False,
        "present_at_all_locations": True,
        "item_variation_data": {
            "item_id": f"ITEM{row['product_id']:08d}",
            "name": row["name"] or "",
            "sku": row["sku"],
            "ordinal": 1,
            "pricing_type": "FIXED_PRICING",
            "price_money": money(pence(price)),
        },
    }


def money(amount: int) -> dict:
    """Write an amount of pence."""
    return {"amount": amount, "currency": CURRENCY}


def pence(amount: Decimal) -> int:
    """Return an amount in whole pence, halves away from zero."""
    return int((amount * 100).quantize(Decimal(1), ROUND_HALF_UP))


def quantity(number: Decimal) -> str:
    """Write a quantity: '3', or '1.25' when it is not whole."""
    return f"{number.normalize():f}"


def stamp(moment: datetime) -> str:
    """Write a time in RFC 3339 with milliseconds, in UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _item(line: dict) -> dict:
    name = {} if line["name"] is None else {"name": line["name"]}
    return {
        **name,
        "catalog_object_id": to_id("variation", line["product_id"]),
        "catalog_version": 1,
        "variation_name": "Regular",
        "item_type": "ITEM",
        "base_price_money": money(pence(line["unit_price"])),
    }


def _return(sale: dict, lines: list[dict]) -> dict:
    source = {} if sale["parent_id"] is None else {"source_order_id": to_id("order", sale["parent_id"])}
    amounts = _amounts(_sum(lines, "total_money"), _sum(lines, "total_discount_money"))
    return {"uid": "return", **source, "return_line_items": lines, "return_amounts": amounts}


def _amounts(total: int, discount: int) -> dict:
    none = money(0)
    return {
        "total_money": money(total),
        "tax_money": none,
        "discount_money": money(discount),
        "tip_money": none,
        "service_charge_money": none,
    }


def _sum(lines: list[dict], name: str) -> int:
    return sum(line[name]["amount"] for line in lines)
