"""retailer_3: a till system that writes one file a night, /exports/sales_YYYY-MM-DD.csv.gz.

Windows-1252, semicolons, decimal comma, CRLF, local times dd/mm/yyyy HH:MM without an offset, a totals
line at the end. The file of day X holds every transaction that was made or changed on local day X; it is
there from half past midnight and never changes, whatever is corrected later.
"""

import csv
import gzip
import hashlib
import hmac
import io
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache

from flask import Blueprint, Flask, Response, request
from psycopg2.extensions import connection as Connection  # noqa: N812

from services.retailers import faults
from services.retailers.context import conn, now
from services.retailers.database import fetch_all, statement, transaction
from services.retailers.settings import CURRENCY, ZONE

READY = time(0, 30)  # when the night's file is there
ENCODING = "cp1252"
COLUMNS = [
    "Transaction", "Line", "Type", "Store", "StoreName", "Customer", "Country", "SKU", "Product", "Category",
    "Timestamp", "Quantity", "UnitPrice", "Discount", "Total", "Currency", "LastModified",
]  # fmt: skip
TYPES = {"sale": "SALE", "return": "RETURN", "adjustment": "ADJUSTMENT"}
exports = Blueprint("csv_export", __name__, url_prefix="/exports")


def install(app: Flask) -> None:
    """Give the app the export, its key and its errors."""
    key = app.config["retailer"].credentials

    @app.before_request
    def check_key() -> Response | None:
        if not request.path.startswith("/exports/"):
            return None
        shown = request.headers.get("X-API-Key", "")
        return None if hmac.compare_digest(shown.encode(), key.encode()) else _error(401, "unauthorized")

    app.extensions["error"] = _error
    app.register_error_handler(404, lambda _: _error(404, "not_found"))
    app.register_error_handler(405, lambda _: _error(405, "method_not_allowed"))
    app.register_blueprint(exports)


@exports.get("/sales_<day>.csv.gz")
def show_export(day: str) -> Response:
    """Serve the file of a day; 304 to whom it has."""
    wanted = read_day(day)
    if wanted is None or not is_ready(wanted):
        return _error(404, "not_found")
    body = build_export(conn(), wanted)
    if body is None:
        return _error(404, "not_found")
    response = Response(body, mimetype="application/gzip")
    response.set_etag(hashlib.sha256(body).hexdigest()[:32])
    response = response.make_conditional(request)
    response.headers.pop("Date", None)  # the server sets its own
    return response


def read_day(text: str) -> date | None:
    """Read YYYY-MM-DD, None when it is no day."""
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()
    except ValueError:
        return None


def is_ready(day: date) -> bool:
    """Tell whether the night after the day has come."""
    return now() >= datetime.combine(day + timedelta(days=1), READY, ZONE)


def keep_export(connection: Connection, changed_before: datetime, changed_now: datetime) -> None:
    """Keep the file of the day of a transaction's last change, before a correction on another day moves it.

    Raises:
        ValueError: the file of the day of the correction is kept already.
    """
    day, new_day = (moment.astimezone(ZONE).date() for moment in (changed_before, changed_now))
    if fetch_all(connection, "kept_export", {"day": new_day}):
        raise ValueError(f"the file of {new_day} is made and does not change: choose a later updated_at")
    if day != new_day and is_ready(day) and (body := build_export(connection, day)):
        with transaction(connection) as cursor:
            cursor.execute(statement("keep_export"), {"day": day, "body": body})


def build_export(connection: Connection, day: date) -> bytes | None:
    """Return the file of a day, None for a day before the shop opened."""
    with transaction(connection) as cursor:
        cursor.execute("SELECT anchor FROM seed")
        if day < cursor.fetchone()["anchor"]:
            return None
    if kept := fetch_all(connection, "kept_export", {"day": day}):
        return bytes(kept[0]["body"])
    start, end = (datetime.combine(d, time(), ZONE) for d in (day, day + timedelta(days=1)))
    records = [_record(row) for row in fetch_all(connection, "export_day", {"start": start, "end": end})]
    return gzip.compress(write_file(records), compresslevel=6, mtime=0)


def write_file(records: list[dict[str, str]]) -> bytes:
    """Write the records with heading and totals line, as wrong as the faults that are on make it."""
    records = faults.spoil_records(records)
    totals = dict.fromkeys(COLUMNS, "")
    total = sum((Decimal(record["Total"].replace(",", ".")) for record in records), Decimal("0.00"))
    totals.update(Transaction="TOTAL", Line=str(len(records)), Total=comma(total))
    if faults.take("wrong_total"):
        totals.update(Line=str(len(records) + 1), Total=comma(total + 1))
    rows = [COLUMNS, *([record[name] for name in COLUMNS] for record in records)]
    if not faults.take("missing_total"):
        rows.append([totals[name] for name in COLUMNS])
    if records and faults.take("shifted_column"):
        rows[1] = [*rows[1][:6], "", *rows[1][6:]]
    text = io.StringIO()
    csv.writer(text, delimiter=";", lineterminator="\r\n").writerows(rows)
    if faults.take("bad_encoding"):
        return text.getvalue().replace("Paper Lane", "Paper L\u0101ne").encode("utf-8")
    return text.getvalue().encode(ENCODING)


def comma(number: Decimal) -> str:
    """Write a number with a decimal comma."""
    return f"{number:f}".replace(".", ",")


def _record(row: dict) -> dict[str, str]:
    price = row["unit_price"].normalize()
    return {
        "Transaction": row["reference"],
        "Line": str(row["line_no"]),
        "Type": TYPES[row["kind"]],
        "Store": row["store_id"] or "",
        "StoreName": row["store_name"] or "",
        "Customer": "" if row["customer_id"] is None else str(row["customer_id"]),
        "Country": row["country"],
        "SKU": row["sku"],
        "Product": row["name"] or "",
        "Category": row["category"] or "",
        "Timestamp": row["printed_time"] or _local(row["sold_at"]),
        "Quantity": comma(row["quantity"].normalize()),
        "UnitPrice": comma(max(price, price.quantize(Decimal("0.01")), key=lambda p: -p.as_tuple().exponent)),
        "Discount": comma(row["discount"]),
        "Total": comma(row["total"]),
        "Currency": CURRENCY,
        "LastModified": _local(row["updated_at"]),
    }


@lru_cache(maxsize=4096)  # the lines of a transaction have the same times
def _local(moment: datetime) -> str:
    return moment.astimezone(ZONE).strftime("%d/%m/%Y %H:%M")


def _error(status: int, kind: str) -> Response:
    texts = {
        "unauthorized": "The header X-API-Key is missing or wrong.",
        "not_found": "There is no such file (yet).",
        "rate_limit": "Too many requests.",
    }
    return Response(texts.get(kind, "Something went wrong.") + "\n", status, mimetype="text/plain")
