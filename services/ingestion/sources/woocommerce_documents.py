"""The documents of WooCommerce's REST API v3, as far as they are read.

Source: https://developer.woocommerce.com/docs/apis/rest-api/v3/orders/ and .../order-refunds/.
"""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

import msgspec

Gmt = Annotated[datetime, msgspec.Meta(tz=False)]


class Line(msgspec.Struct):
    id: int
    quantity: Decimal
    subtotal: Decimal
    total: Decimal
    name: str | None = None
    product_id: int | None = 0
    variation_id: int | None = 0
    sku: str | None = None
    price: Any = None


class Refund(msgspec.Struct):
    id: int
    date_created_gmt: Gmt
    amount: Decimal
    line_items: list[Line] = []
    shipping_lines: list[Any] = []
    fee_lines: list[Any] = []


class RefundName(msgspec.Struct):
    id: int


class Address(msgspec.Struct):
    country: str | None = None


class Order(msgspec.Struct):
    id: int
    status: str
    currency: str
    date_created_gmt: Gmt
    date_modified_gmt: Gmt
    line_items: list[Line]
    date_paid_gmt: Gmt | None = None
    date_completed_gmt: Gmt | None = None
    customer_id: int | None = 0
    billing: Address | None = None
    refunds: list[RefundName] = []


class Landed(msgspec.Struct):
    """A landing line: the order and its refunds as they came."""

    order: Order
    refunds: list[Refund] = []


class Glance(msgspec.Struct):
    """As much of an order as paging needs."""

    id: int
    refunds: list[RefundName] = []
