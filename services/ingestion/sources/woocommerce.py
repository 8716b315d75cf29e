"""WooCommerce, REST API v3: orders with their refunds, by time of modification.

What is a sale: an order that was paid (`date_paid_gmt`, or `date_completed_gmt`, or it is completed or
refunded). A paid order that was cancelled later or failed keeps its lines and gets one reversal for each of
them, on the day it was last modified, so that past days keep their figures and the sum is zero. A refund's
lines are rows of their own on the refund's day; money given back without goods is one row of product REFUND.

An order without rows is void, and what an older version of it was counted as goes: it was edited down to no
lines, it is unpaid again, or it is in the trash, which is how a shop says that it never was (WooCommerce's
own reports drop it too). `status=any` leaves the trash out, so it is asked for by itself. What the API never
tells: orders deleted for good, and those put into the trash by the first versions with the new order tables
(HPOS), which left the date of modification alone.

Amounts are without tax: WooCommerce gives `subtotal` (before coupons) and `total` (after) without tax,
whatever `prices_include_tax` says. Shipping, fees and taxes are no lines. An amount-only refund is taken as
it is, with the tax that may be in it. Times are those ending in `_gmt`, which have no zone.

Sources: https://developer.woocommerce.com/docs/apis/rest-api/v3/orders/ and .../order-refunds/;
WC_Order::maybe_set_date_paid, wc_create_refund (a refund modifies its order) and
OrdersTableDataStore::trash_order.
"""

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from services.ingestion.retail.records import (
    CENT,
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
from services.ingestion.sources.woocommerce_documents import Glance, Landed, Line, Order, Refund
from shared.errors import DataError, FatalError
from shared.http import Client, Headers

API = "wp-json/wc/v3"
DEFINITE_SALES = ("completed", "refunded")
TAKEN_BACK = ("cancelled", "failed")
TRASH = "trash"
MAX_PAGES = 10_000  # a million orders in one window: some fault makes pages without end
SETTLED = timedelta(minutes=5)  # payment and completion modify an order shortly after it was made
Raws = list[msgspec.Raw]
_decoder = msgspec.json.Decoder(Landed)


class WooCommerce:
    """A WooCommerce shop. The address is the shop's, the credentials are `consumer_key:consumer_secret`."""

    source_rows: int | None = None  # X-WP-Total counts orders, not lines

    def __init__(self, retailer: Retailer, sleep: Callable[[float], Any] = time.sleep) -> None:
        self.retailer = retailer
        key, _, secret = retailer.credentials.partition(":")
        self.client = Client(
            retailer.label, retailer.url, auth=(key, secret),
            credentials_hint=retailer.credentials_hint, sleep=sleep,
        )  # fmt: skip

    def close(self) -> None:
        self.client.close()

    def fetch(self, window: Window) -> Iterator[list[bytes]]:
        """Yield every order modified in the window.

        Raises:
            SourceMoved: the number of orders changed on the way, or is not what the shop says.
        """
        for status in ("any", TRASH):
            yield from self._orders(status, window)

    def _orders(self, status: str, window: Window) -> Iterator[list[bytes]]:
        params = {
            "modified_after": _iso(window.start - timedelta(seconds=1)),  # both limits are exclusive
            "modified_before": _iso(window.end),
            "dates_are_gmt": "true",
            "orderby": "modified",
            "order": "asc",
            "status": status,
            "per_page": self.retailer.page_size,
        }
        for raw in self._pages(f"{API}/orders", params):
            order_id, has_refunds = self._glance(raw)
            refunds = (
                list(self._pages(f"{API}/orders/{order_id}/refunds", {"per_page": 100}))
                if has_refunds and status != TRASH  # its refunds lie in the trash with it
                else []
            )
            yield [
                b'{"order":' + _one_line(raw) + b',"refunds":[' + b",".join(map(_one_line, refunds)) + b"]}"
            ]

    def _pages(self, path: str, params: dict[str, Any]) -> Iterator[bytes]:
        """Yield the items of all pages. A page is known by its ids, so that no fault makes this endless."""
        total: int | None = None
        came, before, where = 0, set[Any](), self.client.where(path)
        for page in range(1, MAX_PAGES + 1):
            items, headers = self.client.get_json(path, Raws, {**params, "page": page})
            promised = _header(headers, "X-WP-Total")
            if total is not None and promised is not None and promised != total:
                raise SourceMoved(f"{where}: {total} orders became {promised} while paging")
            total = promised
            ids = {self._glance(item)[0] for item in items}
            if items and ids <= before:
                raise SourceMoved(f"{where}: page {page} brings only what came before")
            yield from map(bytes, items)
            came += len(ids - before)
            before = ids
            pages = _header(headers, "X-WP-TotalPages")
            if not items or (page >= pages if pages is not None else len(items) < params["per_page"]):
                break
            if total is not None and came > total:
                raise SourceMoved(f"{where}: no end after page {page}, {total} orders were promised")
        else:
            raise FatalError(f"{where}: no end after {MAX_PAGES} pages")
        if total is not None and came != total:
            raise SourceMoved(f"{where}: {total} orders were promised, {came} came")

    def _glance(self, raw: bytes | msgspec.Raw) -> tuple[Any, bool]:
        try:
            glance = msgspec.json.decode(raw, type=Glance)
        except UNREADABLE:
            return bytes(raw)[:500], False  # a bad record: the intake says why
        return glance.id, bool(glance.refunds)

    def parse(self, lines: list[bytes], latest: datetime) -> Parsed:
        """Return the rows of an order: its lines, its refunds' lines, and their reversals if taken back."""
        try:
            landed = _decoder.decode(lines[0])
        except UNREADABLE as exc:
            raise data_error(exc) from exc
        order = landed.order
        if order.currency != self.retailer.currency:
            raise DataError(f"currency {order.currency}, not {self.retailer.currency}", "order.currency")
        if order.status == TRASH:
            return self._void(order, latest)
        missing = {refund.id for refund in order.refunds} - {refund.id for refund in landed.refunds}
        if missing:
            raise DataError(f"refunds {sorted(missing)} are named but did not come", "order.refunds")
        paid = order.date_paid_gmt or order.date_completed_gmt
        if not paid and order.status not in DEFINITE_SALES:
            return self._void(order, latest)
        rows = [*_sold(order), *(row for refund in landed.refunds for row in _refunded(refund))]
        if not rows:
            return self._void(order, latest)
        if order.status in TAKEN_BACK:
            rows += [_reversed(row, order.date_modified_gmt) for row in rows]
        common = self._common(order)
        records = [self._record({**common, **row}, latest) for row in rows]
        settled = max(order.date_created_gmt, paid or order.date_created_gmt) + SETTLED
        return Parsed(records, order.date_modified_gmt > settled)

    def _void(self, order: Order, latest: datetime) -> Parsed:
        made_at, version = (
            order.date_created_gmt.replace(tzinfo=UTC),
            order.date_modified_gmt.replace(tzinfo=UTC),
        )
        day = business_day(made_at, self.retailer.zone)
        return Parsed([], void=make_void(self.retailer.id, str(order.id), version, day, latest))

    def count(self, lines: list[bytes]) -> tuple[int, date | None]:
        """Count the lines of an order and its refunds, good or bad; the day is None when it has none."""
        try:
            landed = json.loads(lines[0])
            items = len(landed["order"].get("line_items") or ())
            items += sum(len(refund.get("line_items") or ()) for refund in landed["refunds"])
        except (ValueError, TypeError, KeyError, AttributeError):
            return 1, None
        return max(1, items), read_day(landed["order"].get("date_created_gmt"), self.retailer.zone)

    def _common(self, order: Order) -> dict[str, Any]:
        return {
            "retailer_id": self.retailer.id,
            "store_id": "",  # a web shop is one shop; the unknown member stands for it
            "store_name": None,
            "customer_id": str(order.customer_id) if order.customer_id else "",  # 0 is a guest
            "customer_country": (order.billing.country if order.billing else None) or None,
            "category": None,
            "transaction_id": str(order.id),
            "updated_at": order.date_modified_gmt.replace(tzinfo=UTC),
        }

    def _record(self, fields: dict[str, Any], latest: datetime) -> SalesRecord:
        sold_at = fields["sold_at"].replace(tzinfo=UTC)
        day = business_day(sold_at, self.retailer.zone)
        return make_record({**fields, "sold_at": sold_at, "business_date": day}, latest)


def _sold(order: Order) -> Iterator[dict[str, Any]]:
    for line in order.line_items:
        _check_price(line)
        yield _row(str(line.id), order.date_created_gmt, line, line.quantity, line.subtotal, line.total)


def _refunded(refund: Refund) -> Iterator[dict[str, Any]]:
    """Yield the rows of a refund; lines that it leaves alone come with quantity and total 0."""
    has_goods = False
    for line in refund.line_items:
        has_goods = has_goods or bool(line.quantity or line.total)
        line_id = f"refund-{refund.id}-{line.id}"
        if line.quantity:
            subtotal, total = -abs(line.subtotal), -abs(line.total)
            yield _row(line_id, refund.date_created_gmt, line, -abs(line.quantity), subtotal, total)
        elif line.total:
            yield _money_back(line_id, refund, abs(line.total))
    if refund.amount and not (has_goods or refund.shipping_lines or refund.fee_lines):
        yield _money_back(f"refund-{refund.id}", refund, abs(refund.amount))


def _row(
    line_id: str, at: datetime, line: Line, quantity: Decimal, gross: Decimal, net: Decimal
) -> dict[str, Any]:
    product_id = (
        (line.sku or "").strip() or str(line.variation_id or line.product_id or "") or line.name or ""
    )
    try:
        amounts = split_price(quantity, gross, net)
    except DataError as exc:
        raise DataError(f"line {line_id}: {exc.reason}", exc.field) from exc
    name = (line.name or "").strip() or None
    return {"line_id": line_id, "sold_at": at, "product_id": product_id, "product_name": name, **amounts}


def _money_back(line_id: str, refund: Refund, amount: Decimal) -> dict[str, Any]:
    return {
        "line_id": line_id, "sold_at": refund.date_created_gmt, "product_id": "REFUND",
        "product_name": "Money back without goods", **split_price(Decimal(-1), -amount, -amount),
    }  # fmt: skip


def _reversed(row: dict[str, Any], at: datetime) -> dict[str, Any]:
    negated = {column: -row[column] + 0 for column in ("quantity", "discount", "total")}
    return {**row, **negated, "line_id": f"{row['line_id']}-cancelled", "sold_at": at}


def _check_price(line: Line) -> None:
    """Compare with `price`, which WooCommerce computes as total / quantity."""
    if isinstance(line.price, int | float) and not isinstance(line.price, bool) and line.quantity:
        expected = Decimal(repr(line.price)) * line.quantity
        if abs(expected - line.total) > CENT:
            reason = (
                f"total {line.total} does not add up: {line.quantity} * price {line.price} = {expected:.2f}"
            )
            raise DataError(f"line {line.id}: {reason}", "total")


def _one_line(raw: bytes | msgspec.Raw) -> bytes:
    """Return JSON without line breaks: they can only stand between its parts."""
    return bytes(raw).replace(b"\n", b" ").replace(b"\r", b" ")


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _header(headers: Headers, name: str) -> int | None:
    value = headers.get(name) or ""
    return int(value) if value.isdecimal() else None
