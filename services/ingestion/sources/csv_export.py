"""A nightly sales file: GET /exports/sales_YYYY-MM-DD.csv.gz with an API key, one file a local day.

Windows-1252, `;` between columns, decimal comma, local times dd/mm/yyyy HH:MM without zone, one heading line,
and a last line `TOTAL;<number of lines>;...` with the sum of Total in that column. The file of day X holds
every transaction made or changed on X; a correction stands there with its own older Timestamp. The rows of a
transaction stand together, and no row spans two lines. LastModified is the version of the transaction.

A time that happens twice (clocks go back) is taken as the first of the two; LastModified as the second when
it would lie before the sale otherwise. A time that does not exist makes a dead letter. A file without its
totals line, or that does not agree with it, is not taken at all.
"""

import csv
import gzip
import re
import time
import zlib
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, BinaryIO

import msgspec

from services.ingestion.retail.records import CENT, make_record
from services.ingestion.retail.retailers import Retailer
from services.ingestion.retail.window import Window, business_day, from_local, is_ambiguous, plausible
from services.ingestion.sources import Parsed
from shared.errors import DataError, FatalError, TransientError
from shared.http import Client, NotFound

ENCODING = "cp1252"
COLUMNS = (
    "Transaction", "Line", "Type", "Store", "StoreName", "Customer", "Country", "SKU", "Product", "Category",
    "Timestamp", "Quantity", "UnitPrice", "Discount", "Total", "Currency", "LastModified",
)  # fmt: skip
HEADING = ";".join(COLUMNS)
SIGNS = {"SALE": (1,), "RETURN": (-1,), "ADJUSTMENT": (1, -1)}
MAX_LINE = 16 * 1024 * 1024
MAX_GROUP = 5_000  # lines of one transaction
SETTLED = timedelta(minutes=5)
_TIME = re.compile(r"[0-9]{2}/[0-9]{2}/[0-9]{4} [0-9]{2}:[0-9]{2}")
_NUMBER = re.compile(r"-?[0-9]{1,15}(,[0-9]{1,10})?")


class Row(msgspec.Struct):
    """A landing line: one row of a file as it came. `damage` says what was lost in decoding it."""

    file: str
    line: int
    text: str
    damage: str | None = None


_decoder = msgspec.json.Decoder(Row)


class CsvExport:
    """A till system's export. The address is its server's, the credentials are an API key."""

    def __init__(self, retailer: Retailer, sleep: Callable[[float], Any] = time.sleep) -> None:
        self.retailer, self.sleep = retailer, sleep
        self.source_rows: int | None = 0
        self._client: Client | None = None

    @property
    def client(self) -> Client:
        if self._client is None:
            self._client = Client(
                self.retailer.label, self.retailer.url, headers={"X-API-Key": self.retailer.credentials},
                credentials_hint=self.retailer.credentials_hint, sleep=self.sleep,
            )  # fmt: skip
        return self._client

    def close(self) -> None:
        if self._client is not None:
            self._client.close()

    def fetch(self, window: Window) -> Iterator[list[bytes]]:
        """Yield the transactions of every file of the window; days before the logical date may have none.

        Raises:
            TransientError: the file of the logical date is not there yet, or a file is not whole.
        """
        self.source_rows = 0
        day = business_day(window.start, self.retailer.zone)
        while day <= window.logical_date:
            path = f"exports/sales_{day:%Y-%m-%d}.csv.gz"
            try:
                body, _ = self.client.download(path)
            except NotFound as exc:
                if day == window.logical_date:
                    raise TransientError(f"{self.client.where(path)}: is not there yet") from exc
            else:
                with body:
                    yield from self._transactions(body, path.rpartition("/")[2], self.client.where(path))
            day += timedelta(days=1)

    def _transactions(self, body: BinaryIO, name: str, where: str) -> Iterator[list[bytes]]:
        group: list[bytes] = []
        current = None
        for row in self._rows(body, name, where):
            transaction = row.text.partition(";")[0].strip('" ')
            if group and (transaction != current or not transaction or len(group) >= MAX_GROUP):
                yield group
                group = []
            current = transaction
            group.append(msgspec.json.encode(row))
        if group:
            yield group

    def _rows(self, body: BinaryIO, name: str, where: str) -> Iterator[Row]:
        """Yield the rows between heading and totals line, and check them against it."""
        tally = _Tally(where)
        for number, raw in enumerate(_lines(body, where), 1):
            row = _decode(name, number, raw, where)
            if number == 1:
                _check_heading(row.text, where)
            elif tally.is_closed:
                raise TransientError(f"{where}: line {number} comes after the totals line")
            elif row.text.startswith(("TOTAL;", '"TOTAL";')):
                tally.close(row.text)
            else:
                tally.add(row.text)
                yield row
        if not tally.is_closed:
            raise TransientError(
                f"{where}: the totals line is missing: the file is not whole ({tally.lines} lines came)"
            )
        self.source_rows = (self.source_rows or 0) + tally.lines

    def parse(self, lines: list[bytes], latest: datetime) -> Parsed:
        """Return the records of a transaction's rows; all of them get the newest LastModified as version."""
        rows = [self._fields(_decoder.decode(line)) for line in lines]
        updated_at = max(row["updated_at"] for row in rows)
        records = [make_record({**row, "updated_at": updated_at}, latest) for row in rows]
        is_correction = any(record.updated_at > record.sold_at + SETTLED for record in records)
        return Parsed(records, is_correction, list(range(len(records))))

    def count(self, lines: list[bytes]) -> tuple[int, date | None]:
        """Count the rows; the day is that of the first Timestamp that can be read."""
        for line in lines:
            try:
                cells = _split(_decoder.decode(line).text, "")
                return len(lines), plausible(_read_time(cells["Timestamp"], "Timestamp").date())
            except (DataError, msgspec.MsgspecError):
                continue
        return len(lines), None

    def _fields(self, row: Row) -> dict[str, Any]:
        where = f"{row.file} line {row.line}: "
        if row.damage:
            raise DataError(where + row.damage)
        cells = _split(row.text, where)
        try:
            return self._convert(cells)
        except DataError as exc:
            raise DataError(where + exc.reason, exc.field) from exc

    def _convert(self, cells: dict[str, str]) -> dict[str, Any]:
        if cells["Currency"] != self.retailer.currency:
            raise DataError(f"currency {cells['Currency']!r}, not {self.retailer.currency}", "Currency")
        local = _read_time(cells["Timestamp"], "Timestamp")
        sold_at = from_local(local, self.retailer.zone, "Timestamp")
        modified = _read_time(cells["LastModified"], "LastModified")
        updated_at = from_local(modified, self.retailer.zone, "LastModified")
        if updated_at < sold_at and is_ambiguous(modified, self.retailer.zone):
            updated_at = from_local(modified, self.retailer.zone, "LastModified", fold=1)
        quantity = _read_number(cells["Quantity"], "Quantity")
        signs = SIGNS.get(cells["Type"].upper())
        if signs is None:
            raise DataError(f"type {cells['Type']!r} is none of {', '.join(SIGNS)}", "Type")
        if quantity and (1 if quantity > 0 else -1) not in signs:
            raise DataError(f"quantity {quantity} in a {cells['Type']}", "Quantity")
        return {
            "retailer_id": self.retailer.id,
            "business_date": local.date(),
            "store_id": cells["Store"],
            "store_name": cells["StoreName"] or None,
            "customer_id": cells["Customer"],
            "customer_country": cells["Country"] or None,
            "product_id": cells["SKU"],
            "product_name": cells["Product"] or None,
            "category": cells["Category"] or None,
            "transaction_id": cells["Transaction"],
            "line_id": cells["Line"],
            "sold_at": sold_at,
            "quantity": quantity,
            "unit_price": _read_number(cells["UnitPrice"], "UnitPrice"),
            "discount": _read_number(cells["Discount"] or "0", "Discount"),
            "total": _read_number(cells["Total"], "Total"),
            "updated_at": updated_at,
        }


class _Tally:
    """What came, to be compared with the totals line."""

    def __init__(self, where: str) -> None:
        self.where, self.lines, self.sum, self.unreadable, self.is_closed = where, 0, Decimal(0), 0, False

    def add(self, text: str) -> None:
        self.lines += 1
        try:
            self.sum += _read_number(_split(text, "")["Total"], "Total")
        except DataError:
            self.unreadable += 1

    def close(self, text: str) -> None:
        self.is_closed = True
        try:
            cells = _split(text, "")
            lines, total = _read_number(cells["Line"], "Line"), _read_number(cells["Total"], "Total")
        except DataError as exc:
            raise TransientError(f"{self.where}: the totals line cannot be read: {exc}") from exc
        if lines != self.lines:
            raise TransientError(f"{self.where}: the totals line promises {lines} lines, {self.lines} came")
        if not self.unreadable and abs(total - self.sum) > CENT:  # else the sum proves nothing
            raise TransientError(
                f"{self.where}: the totals line says {total}, the lines add up to {self.sum}"
            )


def _lines(body: BinaryIO, where: str) -> Iterator[bytes]:
    """Yield the lines of a gzip file, or of a plain one; of an overlong line its beginning."""
    packed = body.read(2) == b"\x1f\x8b"
    body.seek(0)
    source: Any = gzip.GzipFile(fileobj=body) if packed else body
    try:
        while line := source.readline(MAX_LINE):
            yield line
            while len(line) == MAX_LINE and not line.endswith(b"\n"):
                line = source.readline(MAX_LINE)
    except (EOFError, gzip.BadGzipFile, zlib.error) as exc:
        raise TransientError(f"{where}: the gzip file is cut off or damaged: {exc}") from exc


def _decode(name: str, number: int, raw: bytes, where: str) -> Row:
    line = raw.rstrip(b"\r\n")
    if not line.isascii() and _is_utf8(line):
        raise FatalError(
            f"{where}: line {number} is UTF-8, expected Windows-1252: the export's encoding was changed"
        )
    if len(raw) == MAX_LINE:
        return Row(
            name, number, line.decode(ENCODING, "backslashreplace"), f"is longer than {MAX_LINE} bytes"
        )
    try:
        return Row(name, number, line.decode(ENCODING))
    except UnicodeDecodeError as exc:
        damage = f"byte 0x{line[exc.start]:02x} at {exc.start + 1} is no Windows-1252"
        return Row(name, number, line.decode(ENCODING, "backslashreplace"), damage)


def _is_utf8(line: bytes) -> bool:
    """Tell whether a line with other than ASCII is UTF-8; Windows-1252 text hardly ever is, by chance."""
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _check_heading(text: str, where: str) -> None:
    heading = text.strip().removesuffix(";")
    if heading != HEADING:
        found = heading.split(";")
        missing = [name for name in COLUMNS if name not in found]
        more = [name[:50] for name in found if name not in COLUMNS][:10]
        what = [f"missing {', '.join(missing)}"] * bool(missing) + [f"unknown {', '.join(more)}"] * bool(more)
        raise FatalError(
            f"{where}: the heading is not the documented one: {'; '.join(what) or 'another order'}"
        )


def _split(text: str, where: str) -> dict[str, str]:
    try:
        cells = next(csv.reader((text,), delimiter=";", strict=True), [])
    except csv.Error as exc:
        reason = (
            f"a field is longer than {csv.field_size_limit()} characters" if "limit" in str(exc) else str(exc)
        )
        raise DataError(where + reason) from exc
    if len(cells) != len(COLUMNS):
        raise DataError(
            f"{where}{len(cells)} columns, expected {len(COLUMNS)}: a column was shifted, lost or added"
        )
    return dict(zip(COLUMNS, (cell.strip() for cell in cells), strict=True))


def _read_number(text: str, field: str) -> Decimal:
    if not _NUMBER.fullmatch(text):
        raise DataError(f"{text[:50]!r} is not a number with a decimal comma", field)
    return Decimal(text.replace(",", "."))


def _read_time(text: str, field: str) -> datetime:
    """Read dd/mm/yyyy HH:MM; strptime would take half the time of a whole file."""
    try:
        if _TIME.fullmatch(text):
            return datetime.fromisoformat(f"{text[6:10]}-{text[3:5]}-{text[:2]}T{text[11:]}")
    except ValueError:
        pass  # 31 June
    raise DataError(f"{text[:50]!r} is not a time like 31/12/2026 23:59", field)
