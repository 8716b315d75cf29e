"""Orders and refunds as WooCommerce's REST API v3 writes them.

Amounts are decimal strings with two places; times have no zone: `date_x` is the shop's, `date_x_gmt` UTC.
Source: https://woocommerce.github.io/woocommerce-rest-api-docs/#orders and #order-refunds.
"""

from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal

from services.retailers.countries import iso_code
from services.retailers.settings import CURRENCY, ZONE

LINES = 1000  # line ids are unique in a shop: sale_id * LINES + line_no (no invoice has more than 705)


def order(sale: dict, lines: list[dict], refunds: list[dict]) -> dict:
    """Write an order; `refunds` are the totals of its refunds."""
    items = [line_item(line) for line in lines]
    refunded = sum((refund["amount"] for refund in refunds), Decimal(0))
    fees = [_former_goods(sale, refunded)] if sale["kind"] == "origin" and refunded else []
    total = sum((Decimal(item["total"]) for item in [*items, *fees]), Decimal(0))
    discount = sum((Decimal(item["subtotal"]) - Decimal(item["total"]) for item in items), Decimal(0))
    is_refunded = bool(refunds) and refunded >= total
    return {
        "id": sale["sale_id"],
        "parent_id": 0,
        "status": sale["status"] or ("refunded" if is_refunded else "completed"),
        "currency": CURRENCY,
        "version": "9.8.5",
        "prices_include_tax": False,
        **_times("created", sale["sold_at"]),
        **_times("modified", sale["updated_at"]),
        "discount_total": money(discount),
        "discount_tax": "0.00",
        "shipping_total": "0.00",
        "shipping_tax": "0.00",
        "cart_tax": "0.00",
        "total": money(total),
        "total_tax": "0.00",
        "customer_id": sale["customer_id"] or 0,
        "order_key": f"wc_order_{sale['sale_id']:x}",
        "billing": _address(sale),
        "shipping": _address(sale),
        "payment_method": "bacs",
        "payment_method_title": "Direct bank transfer",
        "transaction_id": "",
        "created_via": "checkout" if sale["kind"] == "sale" else "admin",
        "customer_note": "",
        **_times("completed", sale["sold_at"]),
        **_times("paid", sale["sold_at"]),
        "number": str(sale["sale_id"]),
        "meta_data": [{"id": sale["sale_id"], "key": "_invoice_no", "value": sale["reference"]}],
        "line_items": items,
        "tax_lines": [],
        "shipping_lines": [],
        "fee_lines": fees,
        "coupon_lines": [],
        "refunds": [
            {"id": r["sale_id"], "reason": _reason(r), "total": f"-{money(r['amount'])}"} for r in refunds
        ],
        "currency_symbol": "£",
    }


def refund(sale: dict, lines: list[dict]) -> dict:
    """Write a refund: quantities and totals of its lines are negative, `amount` is not."""
    items = [line_item(line, parent_id=sale["parent_id"]) for line in lines]
    return {
        "id": sale["sale_id"],
        **_times("created", sale["sold_at"]),
        "amount": money(-sum((Decimal(item["total"]) for item in items), Decimal(0))),
        "reason": _reason(sale),
        "refunded_by": 1,
        "refunded_payment": False,
        "meta_data": [{"id": sale["sale_id"], "key": "_invoice_no", "value": sale["reference"]}],
        "line_items": items,
        "shipping_lines": [],
        "tax_lines": [],
        "fee_lines": [],
    }


def line_item(line: dict, parent_id: int | None = None) -> dict:
    """Write a line; a returned one names the line it takes back in its meta data, where that is known."""
    subtotal = cent(line["quantity"] * line["unit_price"])
    total = subtotal - line["discount"]
    number = line["sale_id"] * LINES + line["line_no"]
    meta = []
    if parent_id is not None and line["source_line"] is not None:
        value = str(parent_id * LINES + line["source_line"])
        meta = [{"id": number, "key": "_refunded_item_id", "value": value, "display_key": "_refunded_item_id",
                 "display_value": value}]  # fmt: skip
    return {
        "id": number,
        "name": line["name"] or "",
        "product_id": PRODUCTS + line["product_id"],
        "variation_id": 0,
        "quantity": int(line["quantity"]),
        "tax_class": "",
        "subtotal": money(subtotal),
        "subtotal_tax": "0.00",
        "total": money(total),
        "total_tax": "0.00",
        "taxes": [],
        "meta_data": meta,
        "sku": line["sku"],
        # a JSON number, the only one among the amounts
        "price": float(total / line["quantity"]) if line["quantity"] else 0,
        "image": {"id": 0, "src": ""},
        "parent_name": None,
    }


PRODUCTS = 1000  # product ids begin after those that WordPress takes for its own pages


def product(row: dict) -> dict:
    """Write a product, as far as a reader of orders needs it."""
    price = money(row["price"] or Decimal(0))
    return {
        "id": PRODUCTS + row["product_id"],
        "name": row["name"] or "",
        "type": "simple",
        "status": "publish",
        "sku": row["sku"],
        "price": price,
        "regular_price": price,
        "categories": [],
        "meta_data": [],
    }


def money(amount: Decimal) -> str:
    """Write an amount with two places."""
    return str(cent(amount))


def cent(amount: Decimal) -> Decimal:
    """Round an amount to a hundredth, halves away from zero as PHP's number_format does."""
    return amount.quantize(Decimal("0.01"), ROUND_HALF_UP) + 0  # + 0: no negative zero


def _times(name: str, moment: datetime) -> dict[str, str]:
    return {
        f"date_{name}": moment.astimezone(ZONE).strftime("%Y-%m-%dT%H:%M:%S"),
        f"date_{name}_gmt": moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S"),
    }


def _address(sale: dict) -> dict:
    """Write an address of which nothing but the country is known."""
    names = ("first_name", "last_name", "company", "address_1", "address_2", "city", "state", "postcode")
    return {**dict.fromkeys(names, ""), "country": iso_code(sale["country"]), "email": "", "phone": ""}


def _former_goods(sale: dict, amount: Decimal) -> dict:
    """Write what an order from before the shop's time was for: one fee, no lines: no sale is made up."""
    total = money(amount)
    return {
        "id": sale["sale_id"] * LINES,
        "name": "Goods bought before this shop opened",
        "tax_class": "",
        "tax_status": "none",
        "amount": total,
        "total": total,
        "total_tax": "0.00",
        "taxes": [],
        "meta_data": [],
    }


def _reason(sale: dict) -> str:
    return "Stock written off" if sale["kind"] == "adjustment" else "Cancelled"
