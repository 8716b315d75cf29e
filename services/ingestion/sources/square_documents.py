"""The documents of Square's API v2, as far as they are read.

Source: https://developer.squareup.com/reference/square/objects/Order and its neighbours.
"""

from datetime import datetime
from decimal import Decimal
from typing import Annotated

import msgspec

Rfc3339 = Annotated[datetime, msgspec.Meta(tz=True)]


class Money(msgspec.Struct):
    amount: int
    currency: str


class Line(msgspec.Struct):
    """A line item or a returned one: their fields differ in the name of the gross amount alone."""

    uid: str
    quantity: Decimal
    total_money: Money
    name: str | None = None
    variation_name: str | None = None
    catalog_object_id: str | None = None
    base_price_money: Money | None = None
    variation_total_price_money: Money | None = None
    gross_sales_money: Money | None = None
    gross_return_money: Money | None = None
    total_tax_money: Money | None = None
    total_discount_money: Money | None = None
    total_service_charge_money: Money | None = None


class Return(msgspec.Struct):
    return_line_items: list[Line] = []


class Order(msgspec.Struct):
    id: str
    location_id: str
    state: str
    created_at: Rfc3339
    updated_at: Rfc3339
    closed_at: Rfc3339 | None = None
    customer_id: str | None = None
    line_items: list[Line] | None = None
    returns: list[Return] | None = None


class Landed(msgspec.Struct):
    """A landing line: the order as it came, and what was looked up for it."""

    order: Order
    store_name: str | None = None
    customer_country: str | None = None


class Location(msgspec.Struct):
    id: str
    name: str | None = None


class Locations(msgspec.Struct):
    locations: list[Location] = []


class Page(msgspec.Struct):
    orders: list[msgspec.Raw] = []
    cursor: str | None = None


class Glance(msgspec.Struct):
    """As much of an order as paging and looking up need."""

    updated_at: Rfc3339 | None = None
    location_id: str | None = None
    customer_id: str | None = None


class Address(msgspec.Struct):
    country: str | None = None


class Customer(msgspec.Struct):
    address: Address | None = None


class FoundCustomer(msgspec.Struct):
    customer: Customer | None = None


class Customers(msgspec.Struct):
    responses: dict[str, FoundCustomer] = {}
