"""What every retailer's sales become: one SalesRecord a line of a transaction.

The columns are those of staging.retail_sales, in its order. Amounts are in the retailer's currency, without
sales tax and without shipping or fees. A returned line has a negative quantity, discount and total.
"""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from services.ingestion.retail.window import EARLIEST, TOLERANCE
from shared.errors import DataError
from shared.state import VoidTransaction

CENT, PRICE, QUANTITY = Decimal("0.01"), Decimal("0.0001"), Decimal("0.001")
LARGEST = {"quantity": Decimal(10) ** 9, "unit_price": Decimal(10) ** 10, "discount": Decimal(10) ** 12,
           "total": Decimal(10) ** 12}  # fmt: skip

Id = Annotated[str, Meta(min_length=1, max_length=200)]
MaybeId = Annotated[str, Meta(max_length=200)]
Name = Annotated[str, Meta(max_length=1000)] | None
Moment = Annotated[datetime, Meta(tz=True)]


class SalesRecord(msgspec.Struct, gc=False):
    """One line of a transaction in one version. '' stands for an unknown store or customer."""

    retailer_id: Id
    business_date: date
    store_id: MaybeId
    store_name: Name
    customer_id: MaybeId
    customer_country: Name
    product_id: Id
    product_name: Name
    category: Name
    transaction_id: Id
    line_id: Id
    sold_at: Moment
    quantity: Decimal
    unit_price: Decimal
    discount: Decimal
    total: Decimal
    updated_at: Moment


UNREADABLE = (
    msgspec.DecodeError,
    UnicodeDecodeError,
)  # what decoding JSON raises; ValidationError is the first
COLUMNS = SalesRecord.__struct_fields__
_TEXTS = tuple(f for f in COLUMNS if f.endswith(("_id", "_name", "_country")) or f == "category")
_PLACES = {"quantity": QUANTITY, "unit_price": PRICE, "discount": CENT, "total": CENT}


def make_record(fields: Mapping[str, Any], latest: datetime) -> SalesRecord:
    """Check the fields and make a record of them. Nothing may have happened after `latest` and a tolerance.

    Raises:
        DataError: a field is missing, too long, out of range, or the amounts do not add up.
    """
    try:
        record = msgspec.convert(fields, SalesRecord)
    except msgspec.ValidationError as exc:
        raise data_error(exc, f"line {fields.get('line_id')}: ") from exc
    _check_texts(record)
    _check_times(record, latest)
    _check_amounts(record)
    return record


def make_void(
    retailer_id: str, transaction_id: str, version: datetime, business_date: date, latest: datetime
) -> VoidTransaction:
    """Make the word that a transaction holds no lines in a version; checked as those of a record are.

    Raises:
        DataError: the id is missing or too long, or the version lies in the future.
    """
    if not 0 < len(transaction_id) <= 200 or "\x00" in transaction_id:
        raise DataError("expected 1 to 200 characters, none of them NUL", "transaction_id")
    _check_time(version, latest, "updated_at", "")
    return VoidTransaction(retailer_id, transaction_id, version, business_date)


def data_error(exc: msgspec.DecodeError | UnicodeDecodeError, prefix: str = "") -> DataError:
    """Turn msgspec's one error into ours: what is wrong, and the path of the field."""
    if isinstance(exc, UnicodeDecodeError):
        return DataError(f"{prefix}byte 0x{exc.object[exc.start]:02x} is no UTF-8")
    reason, _, path = str(exc).partition(" - at `")
    return DataError(prefix + reason, path.rstrip("`").removeprefix("$").lstrip(".") or None)


def split_price(quantity: Decimal, gross: Decimal, net: Decimal) -> dict[str, Decimal]:
    """Return quantity, unit price, discount and total of a line whose source gives only its sums.

    The unit price is gross / quantity to four places; the discount is what is left to the total, so that
    total = quantity * unit_price - discount holds to the cent however large the quantity is.
    """
    quantity = to_places(quantity, "quantity")
    if not quantity:
        raise DataError("quantity is zero", "quantity")
    unit_price, total = to_places(gross / quantity, "unit_price"), to_places(net, "total")
    discount = (quantity * unit_price).quantize(CENT) - total + 0  # + 0: no negative zero
    return {"quantity": quantity, "unit_price": unit_price, "discount": discount, "total": total}


def to_places(value: Decimal, column: str) -> Decimal:
    """Round a number to the places of its column.

    Raises:
        DataError: it is no number, or too large for the column.
    """
    if not value.is_finite() or abs(value) >= LARGEST[column]:
        raise DataError(f"{value:.20} is out of range", column)
    try:
        return value.quantize(_PLACES[column]) + 0
    except InvalidOperation as exc:
        raise DataError(f"{value:.20} is out of range", column) from exc


def _check_texts(record: SalesRecord) -> None:
    for field in _TEXTS:
        value = getattr(record, field)
        if value and "\x00" in value:
            raise DataError(f"line {record.line_id}: holds a NUL character", field)


def _check_times(record: SalesRecord, latest: datetime) -> None:
    for field in ("sold_at", "updated_at"):
        _check_time(getattr(record, field), latest, field, f"line {record.line_id}: ")


def _check_time(moment: datetime, latest: datetime, field: str, where: str) -> None:
    if moment > latest + TOLERANCE:
        raise DataError(f"{where}{moment:%Y-%m-%d %H:%M} lies in the future", field)
    if moment < EARLIEST:
        raise DataError(f"{where}{moment:%Y-%m-%d %H:%M} is before the year 2000", field)


def _check_amounts(record: SalesRecord) -> None:
    line = f"line {record.line_id}: "
    exact = {column: getattr(record, column) for column in _PLACES}
    for column, value in exact.items():
        setattr(record, column, to_places(value, column))
    if not record.quantity:
        raise DataError(f"{line}quantity is zero", "quantity")
    if record.unit_price < 0:
        raise DataError(f"{line}unit price is negative: {record.unit_price}", "unit_price")
    expected = record.quantity * record.unit_price - record.discount
    if abs(expected - record.total) > CENT:
        raise DataError(
            f"{line}total {record.total} does not add up: {record.quantity} * {record.unit_price} "
            f"- {record.discount} = {expected.quantize(CENT)}",
            "total",
        )
