"""Square, Orders API v2: SearchOrders by time of update, in every location.

What is a sale: an order that is COMPLETED, which is final and paid. OPEN and DRAFT orders are not paid yet
and come again when they are; a CANCELED order never was. An order that is no sale in a version, or has no
lines in it, is void: what an older version of it was counted as goes. A return is an order of its own
(`returns`), its rows have negative quantities on its own day. `customer_id` may be missing: a guest.

Amounts are whole numbers in the currency's smallest unit. A line's total is what is collected for it less
sales tax and apportioned service charges, whether the tax was added to the price or is included in it.
The day is that of `closed_at`, when the order was completed.

Sources: https://developer.squareup.com/reference/square/orders-api/search-orders (sort_field must be that
which is filtered; ends of a time range are inclusive; at most 10 locations), .../objects/Order,
.../objects/OrderReturnLineItem, .../customers-api/bulk-retrieve-customers (at most 100).
"""

import json
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from services.ingestion.retail.records import (
    UNREADABLE,
    SalesRecord,
    data_error,
    make_record,
    make_void,
    split_price,
)
from services.ingestion.retail.retailers import Retailer
from services.ingestion.retail.window import Window, business_day, read_day
from services.ingestion.sources import Parsed, SourceMoved
from services.ingestion.sources.square_documents import (
    Customers,
    Glance,
    Landed,
    Line,
    Locations,
    Money,
    Page,
)
from shared.errors import DataError, FatalError, TransientError
from shared.http import Client

VERSION = "2025-01-23"  # of the API; Square keeps old ones working
MAX_LOCATIONS, MAX_CUSTOMERS, MAX_PAGES = 10, 100, 10_000
MAX_EMPTY = 20  # pages in a row; Square may send some
SETTLED = timedelta(minutes=5)  # completing an order updates it
NO_CENTS = {"JPY", "KRW", "VND", "CLP", "ISK", "UGX", "XAF", "XOF"}
_decoder = msgspec.json.Decoder(Landed)
_log = logging.getLogger("cronhouse.retail_ingest")


class Square:
    """A Square seller. The address is https://connect.squareup.com, the credentials are an access token."""

    source_rows: int | None = None  # SearchOrders tells no totals

    def __init__(self, retailer: Retailer, sleep: Callable[[float], Any] = time.sleep) -> None:
        self.retailer = retailer
        self.client = Client(
            retailer.label, retailer.url, credentials_hint=retailer.credentials_hint, sleep=sleep,
            headers={"Authorization": f"Bearer {retailer.credentials}", "Square-Version": VERSION},
        )  # fmt: skip
        self._countries: dict[str, str | None] = {}
        self._may_read_customers = True

    def close(self) -> None:
        self.client.close()

    def fetch(self, window: Window) -> Iterator[list[bytes]]:
        """Yield every order updated in the window.

        Raises:
            SourceMoved: a page came again, though they are in the order of updates.
            TransientError: the pages have no end.
        """
        answer, _ = self.client.get_json("v2/locations", Locations)
        stores = {location.id: location.name for location in answer.locations}
        ids = sorted(stores)
        if not ids:
            raise FatalError(
                f"{self.client.where('v2/locations')}: has no locations that this token may read"
            )
        for first in range(0, len(ids), MAX_LOCATIONS):
            for page in self._pages(ids[first : first + MAX_LOCATIONS], window):
                yield from self._landed(page, stores)

    def _pages(self, location_ids: list[str], window: Window) -> Iterator[list[msgspec.Raw]]:
        body: dict[str, Any] = {
            "location_ids": location_ids,
            "limit": self.retailer.page_size,
            "return_entries": False,
            "query": {
                "filter": {
                    "date_time_filter": {
                        "updated_at": {
                            "start_at": _rfc3339(window.start),
                            "end_at": _rfc3339(window.end - timedelta(milliseconds=1)),
                        }
                    }
                },
                "sort": {"sort_field": "UPDATED_AT", "sort_order": "ASC"},
            },
        }
        path, cursors = "v2/orders/search", set[str]()
        where, reached, empty = self.client.where("v2/orders/search"), None, 0
        for number in range(1, MAX_PAGES + 1):
            page, _headers = self.client.post_json(path, Page, body)
            times = [moment for raw in page.orders if (moment := _glance(raw).updated_at)]
            if times and reached and min(times) < reached:
                raise SourceMoved(f"{where}: page {number} goes back to orders that came before")
            reached, empty = max(times, default=reached), 0 if page.orders else empty + 1
            yield page.orders
            if not page.cursor:
                return
            if page.cursor in cursors or empty > MAX_EMPTY:
                what = "no orders" if empty > MAX_EMPTY else "the same cursor twice"
                raise TransientError(f"{where}: gave {what} up to page {number}, and no end")
            cursors.add(page.cursor)
            body["cursor"] = page.cursor
        raise FatalError(f"{where}: no end after {MAX_PAGES} pages")

    def _landed(self, page: list[msgspec.Raw], stores: dict[str, str | None]) -> Iterator[list[bytes]]:
        glances = [_glance(raw) for raw in page]
        self._look_up({glance.customer_id for glance in glances if glance.customer_id})
        for raw, glance in zip(page, glances, strict=True):
            context = {
                "store_name": stores.get(glance.location_id or ""),
                "customer_country": self._countries.get(glance.customer_id or ""),
            }
            order = bytes(raw).replace(b"\n", b" ").replace(b"\r", b" ")
            yield [b'{"order":' + order + b"," + msgspec.json.encode(context)[1:]]

    def _look_up(self, customer_ids: set[str]) -> None:
        """Learn the countries of customers; a token without the right to read them leaves them unknown."""
        if len(self._countries) > 50_000:
            self._countries.clear()
        unknown = sorted(customer_ids - self._countries.keys())
        for first in range(0, len(unknown), MAX_CUSTOMERS):
            batch = unknown[first : first + MAX_CUSTOMERS]
            if self._may_read_customers:
                self._countries.update(self._fetch_countries(batch))

    def _fetch_countries(self, customer_ids: Sequence[str]) -> dict[str, str | None]:
        try:
            answer, _ = self.client.post_json(
                "v2/customers/bulk-retrieve", Customers, {"customer_ids": customer_ids}
            )
        except FatalError as exc:
            _log.warning("%s; countries of customers stay unknown", exc)
            self._may_read_customers = False
            return {}
        countries: dict[str, str | None] = dict.fromkeys(customer_ids)
        for customer_id, found in answer.responses.items():
            if found.customer and found.customer.address:
                countries[customer_id] = found.customer.address.country or None
        return countries

    def parse(self, lines: list[bytes], latest: datetime) -> Parsed:
        """Return the rows of an order: what it sells and what it takes back."""
        try:
            landed = _decoder.decode(lines[0])
        except UNREADABLE as exc:
            raise data_error(exc) from exc
        order = landed.order
        sold_at = order.closed_at or order.created_at
        returned = [line for back in order.returns or () for line in back.return_line_items]
        if order.state != "COMPLETED" or not (order.line_items or returned):
            day = business_day(sold_at, self.retailer.zone)
            return Parsed([], void=make_void(self.retailer.id, order.id, order.updated_at, day, latest))
        common = {
            "retailer_id": self.retailer.id,
            "business_date": business_day(sold_at, self.retailer.zone),
            "store_id": order.location_id,
            "store_name": landed.store_name,
            "customer_id": order.customer_id or "",
            "customer_country": landed.customer_country,
            "category": None,
            "transaction_id": order.id,
            "sold_at": sold_at,
            "updated_at": order.updated_at,
        }
        records = [self._record(common, line, line.uid, 1, latest) for line in order.line_items or ()]
        records += [self._record(common, line, f"return-{line.uid}", -1, latest) for line in returned]
        return Parsed(records, order.updated_at > sold_at + SETTLED)

    def count(self, lines: list[bytes]) -> tuple[int, date | None]:
        """Count the lines and returned lines of an order, good or bad; the day is None when it has none."""
        try:
            order = json.loads(lines[0])["order"]
            items = len(order.get("line_items") or ())
            items += sum(len(back.get("return_line_items") or ()) for back in order.get("returns") or ())
        except (ValueError, TypeError, KeyError, AttributeError):
            return 1, None
        return max(1, items), read_day(order.get("closed_at") or order.get("created_at"), self.retailer.zone)

    def _record(
        self, common: dict[str, Any], line: Line, line_id: str, sign: int, latest: datetime
    ) -> SalesRecord:
        amounts = {column: value * sign for column, value in self._amounts(line, line_id).items()}
        amounts["unit_price"] *= sign  # a price has no direction
        name = " - ".join(part for part in (line.name, line.variation_name) if part and part != "Regular")
        fields = {
            **common, **amounts, "line_id": line_id, "product_name": name or None,
            "product_id": (line.catalog_object_id or line.name or "custom amount").strip(),
        }  # fmt: skip
        return make_record(fields, latest)

    def _amounts(self, line: Line, line_id: str) -> dict[str, Decimal]:
        """Return the amounts of a line as they stand, checked against each other."""
        total, tax = self._value(line.total_money, line_id), self._value(line.total_tax_money, line_id)
        discount = self._value(line.total_discount_money, line_id)
        charge = self._value(line.total_service_charge_money, line_id)
        gross_money = line.gross_sales_money or line.gross_return_money or line.variation_total_price_money
        cent = self._unit()
        if gross_money is not None:
            # additive tax stands in the total alone, included tax in both
            expected = self._value(gross_money, line_id) - discount + charge
            if not expected - cent <= total <= expected + tax + cent:
                raise DataError(
                    f"line {line_id}: total {total} does not add up: {expected} without tax", "total_money"
                )
        self._check_unit_price(line, line_id, cent)
        net = total - tax - charge
        try:
            return split_price(line.quantity, net + discount, net)
        except DataError as exc:
            raise DataError(f"line {line_id}: {exc.reason}", exc.field) from exc

    def _check_unit_price(self, line: Line, line_id: str, cent: Decimal) -> None:
        if line.base_price_money is None:
            return
        price = self._value(line.base_price_money, line_id)
        if not line.quantity:
            raise DataError(f"line {line_id}: quantity is zero", "quantity")
        if price < 0:
            raise DataError(f"line {line_id}: unit price is negative: {price}", "base_price_money")
        if line.variation_total_price_money is not None and line.quantity.is_finite():
            stated, expected = self._value(line.variation_total_price_money, line_id), price * line.quantity
            if abs(stated - expected) > cent + cent / 2 * abs(line.quantity):  # the price may be rounded
                reason = f"{stated} does not add up: {line.quantity} * {price} = {expected}"
                raise DataError(f"line {line_id}: {reason}", "variation_total_price_money")

    def _value(self, money: Money | None, line_id: str) -> Decimal:
        if money is None:
            return Decimal(0)
        if money.currency != self.retailer.currency:
            raise DataError(
                f"line {line_id}: currency {money.currency}, not {self.retailer.currency}", "currency"
            )
        return money.amount * self._unit()

    def _unit(self) -> Decimal:
        return Decimal(1) if self.retailer.currency in NO_CENTS else Decimal("0.01")


def _glance(raw: msgspec.Raw) -> Glance:
    try:
        return msgspec.json.decode(raw, type=Glance)
    except UNREADABLE:
        return Glance()  # a bad record: the intake says why


def _rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
