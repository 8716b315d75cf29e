"""Retailers and documents of real shape, as the products' documentation shows; tests change single fields."""

from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from services.ingestion.retail.retailers import Retailer

LATEST = datetime(2026, 7, 1, tzinfo=UTC)


def retailer(source: str, **changes: Any) -> Retailer:
    """Return a retailer as the workflow file would give it."""
    values: dict[str, Any] = {
        "id": "shop",
        "name": "Shop",
        "source": source,
        "zone": ZoneInfo("Europe/London"),
        "currency": "GBP",
        "overlap": timedelta(hours=2),
        "page_size": 100,
        "max_rejected_share": 0.2,
        "url": "http://127.0.0.1:9",
        "credentials": "a:b",
    }
    return Retailer(**values | changes)


WOO_LINE = {
    "id": 315,
    "name": "Woo Single #1",
    "product_id": 93,
    "variation_id": 0,
    "quantity": 2,
    "tax_class": "",
    "subtotal": "6.00",
    "subtotal_tax": "0.45",
    "total": "5.40",
    "total_tax": "0.41",
    "taxes": [{"id": 75, "total": "0.45", "subtotal": "0.45"}],
    "meta_data": [],
    "sku": "WS-1",
    "price": 2.7,
}
WOO_ORDER = {
    "id": 727,
    "parent_id": 0,
    "number": "727",
    "order_key": "wc_order_58d2d042d1d",
    "status": "processing",
    "currency": "GBP",
    "date_created": "2026-06-10T16:28:02",
    "date_created_gmt": "2026-06-10T15:28:02",
    "date_modified": "2026-06-10T16:28:08",
    "date_modified_gmt": "2026-06-10T15:28:08",
    "discount_total": "0.60",
    "shipping_total": "10.00",
    "total": "16.22",
    "prices_include_tax": False,
    "customer_id": 26,
    "billing": {"first_name": "John", "country": "GB", "email": "j@example.com"},
    "shipping": {"country": "FR"},
    "payment_method": "bacs",
    "date_paid": "2026-06-10T16:28:08",
    "date_paid_gmt": "2026-06-10T15:28:08",
    "date_completed": None,
    "date_completed_gmt": None,
    "meta_data": [],
    "line_items": [WOO_LINE],
    "tax_lines": [],
    "shipping_lines": [{"id": 317, "total": "10.00"}],
    "fee_lines": [],
    "coupon_lines": [{"id": 318, "code": "ten", "discount": "0.60"}],
    "refunds": [],
}
WOO_REFUND = {
    "id": 726,
    "date_created": "2026-06-12T00:30:00",
    "date_created_gmt": "2026-06-11T23:30:00",
    "amount": "2.91",
    "reason": "broken",
    "refunded_by": 1,
    "refunded_payment": False,
    "meta_data": [],
    "line_items": [
        {
            "id": 320,
            "name": "Woo Single #1",
            "product_id": 93,
            "variation_id": 0,
            "quantity": -1,
            "tax_class": "",
            "subtotal": "-2.70",
            "subtotal_tax": "-0.21",
            "total": "-2.70",
            "total_tax": "-0.21",
            "taxes": [],
            "meta_data": [{"id": 2076, "key": "_refunded_item_id", "value": "315"}],
            "sku": "WS-1",
            "price": 2.7,
        }
    ],
    "shipping_lines": [],
    "tax_lines": [],
    "fee_lines": [],
}


def woo(
    order: dict[str, Any] | None = None, refunds: list[dict[str, Any]] | None = None, **line: Any
) -> list[bytes]:
    """Return the landing line of an order; `order` changes fields of it, the rest fields of its line."""
    document = deepcopy(WOO_ORDER) | (order or {})
    if line:
        document["line_items"] = [{**WOO_LINE, **line}]
    if refunds and "refunds" not in (order or {}):
        document["refunds"] = [{"id": refund["id"], "reason": "", "total": "-1.00"} for refund in refunds]
    return [msgspec.json.encode({"order": document, "refunds": refunds or []})]


def pounds(pence: int, currency: str = "GBP") -> dict[str, Any]:
    """Return Square's money."""
    return {"amount": pence, "currency": currency}


SQUARE_LINE = {
    "uid": "8uSwfzvUImn3IRrvciqlXC",
    "name": "Mug",
    "quantity": "2",
    "variation_name": "Regular",
    "catalog_object_id": "BEMYCSMIJL46OCDV4KYIKXIB",
    "catalog_version": 7,
    "item_type": "ITEM",
    "base_price_money": pounds(650),
    "variation_total_price_money": pounds(1300),
    "gross_sales_money": pounds(1300),
    "total_tax_money": pounds(0),
    "total_discount_money": pounds(100),
    "total_money": pounds(1200),
    "total_service_charge_money": pounds(0),
}
SQUARE_ORDER = {
    "id": "CAISENgvlJ6jLWAzERDzjyHVybY",
    "location_id": "18YC4JDH91E1H",
    "state": "COMPLETED",
    "version": 4,
    "created_at": "2026-06-10T22:58:00.000Z",
    "updated_at": "2026-06-10T23:00:05.123Z",
    "closed_at": "2026-06-10T23:00:05.000Z",
    "customer_id": "CUST1",
    "line_items": [SQUARE_LINE],
    "total_money": pounds(1200),
    "tenders": [{"id": "T1", "type": "CARD"}],
}
SQUARE_RETURN = {
    "uid": "r1",
    "source_line_item_uid": "8uSwfzvUImn3IRrvciqlXC",
    "name": "Mug",
    "quantity": "1",
    "catalog_object_id": "BEMYCSMIJL46OCDV4KYIKXIB",
    "base_price_money": pounds(650),
    "variation_total_price_money": pounds(650),
    "gross_return_money": pounds(650),
    "total_tax_money": pounds(0),
    "total_discount_money": pounds(50),
    "total_money": pounds(600),
}


def square(order: dict[str, Any] | None = None, **line: Any) -> list[bytes]:
    """Return the landing line of an order; `order` changes fields of it, the rest fields of its line."""
    document = deepcopy(SQUARE_ORDER) | (order or {})
    if line:
        document["line_items"] = [{**SQUARE_LINE, **line}]
    return [msgspec.json.encode({"order": document, "store_name": "York", "customer_country": "GB"})]


CSV_ROW = {
    "Transaction": "536365",
    "Line": "1",
    "Type": "SALE",
    "Store": "S01",
    "StoreName": "Paper Lane – King’s Road",
    "Customer": "17850",
    "Country": "United Kingdom",
    "SKU": "85123A",
    "Product": "T-LIGHT HOLDER; WHITE",
    "Category": "Lighting",
    "Timestamp": "10/06/2026 08:26",
    "Quantity": "6",
    "UnitPrice": "2,55",
    "Discount": "0,30",
    "Total": "15,00",
    "Currency": "GBP",
    "LastModified": "10/06/2026 08:26",
}


def csv_text(**cells: str) -> str:
    """Return a row of the export, quoted where it must be."""
    values = (CSV_ROW | cells).values()
    return ";".join(f'"{v.replace(chr(34), chr(34) * 2)}"' if ";" in v or '"' in v else v for v in values)


def csv_lines(*texts: str) -> list[bytes]:
    """Return the landing lines of rows."""
    return [
        msgspec.json.encode({"file": "sales.csv.gz", "line": n, "text": text})
        for n, text in enumerate(texts, 2)
    ]
