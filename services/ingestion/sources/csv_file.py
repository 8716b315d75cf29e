"""The sales file as such: its lines, cells, numbers and times, and the totals line that it ends with."""

import csv
import gzip
import re
import zlib
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, BinaryIO

import msgspec

from services.ingestion.retail.records import CENT
from shared.errors import DataError, FatalError, TransientError

ENCODING = "cp1252"
COLUMNS = (
    "Transaction", "Line", "Type", "Store", "StoreName", "Customer", "Country", "SKU", "Product", "Category",
    "Timestamp", "Quantity", "UnitPrice", "Discount", "Total", "Currency", "LastModified",
)  # fmt: skip
HEADING = ";".join(COLUMNS)
MAX_LINE = 16 * 1024 * 1024
_TIME = re.compile(r"[0-9]{2}/[0-9]{2}/[0-9]{4} [0-9]{2}:[0-9]{2}")
_NUMBER = re.compile(r"-?[0-9]{1,15}(,[0-9]{1,10})?")


class Row(msgspec.Struct):
    """A landing line: one row of a file as it came. `damage` says what was lost in decoding it."""

    file: str
    line: int
    text: str
    damage: str | None = None


class Tally:
    """What came, to be compared with the totals line."""

    def __init__(self, where: str) -> None:
        self.where, self.lines, self.sum, self.unreadable, self.is_closed = where, 0, Decimal(0), 0, False

    def add(self, text: str) -> None:
        self.lines += 1
        try:
            self.sum += read_number(split(text, "")["Total"], "Total")
        except DataError:
            self.unreadable += 1

    def close(self, text: str) -> None:
        self.is_closed = True
        try:
            cells = split(text, "")
            lines, total = read_number(cells["Line"], "Line"), read_number(cells["Total"], "Total")
        except DataError as exc:
            raise TransientError(f"{self.where}: the totals line cannot be read: {exc}") from exc
        if lines != self.lines:
            raise TransientError(f"{self.where}: the totals line promises {lines} lines, {self.lines} came")
        if not self.unreadable and abs(total - self.sum) > CENT:  # else the sum proves nothing
            raise TransientError(
                f"{self.where}: the totals line says {total}, the lines add up to {self.sum}"
            )


def read_lines(body: BinaryIO, where: str) -> Iterator[bytes]:
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


def decode_line(name: str, number: int, raw: bytes, where: str) -> Row:
    """Decode a line from Windows-1252; what cannot be decoded is kept escaped, and the damage told.

    Raises:
        FatalError: it is UTF-8: all names of the file would come out wrong.
    """
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


def check_heading(text: str, where: str) -> None:
    """Check the first line.

    Raises:
        FatalError: the columns are not the documented ones in their order.
    """
    heading = text.strip().removesuffix(";")
    if heading != HEADING:
        found = heading.split(";")
        missing = [name for name in COLUMNS if name not in found]
        more = [name[:50] for name in found if name not in COLUMNS][:10]
        what = [f"missing {', '.join(missing)}"] * bool(missing) + [f"unknown {', '.join(more)}"] * bool(more)
        raise FatalError(
            f"{where}: the heading is not the documented one: {'; '.join(what) or 'another order'}"
        )


def split(text: str, where: str) -> dict[str, str]:
    """Return the cells of a line by column, without the blanks around them.

    Raises:
        DataError: it has not as many cells as the heading, or its quotes do not match.
    """
    try:
        cells = _cells(text)
    except csv.Error as exc:
        reason = (
            f"a field is longer than {csv.field_size_limit()} characters" if "limit" in str(exc) else str(exc)
        )
        raise DataError(where + reason) from exc
    if len(cells) != len(COLUMNS):
        raise DataError(
            f"{where}{len(cells)} columns, expected {len(COLUMNS)}: a column was shifted, lost or added"
        )
    return dict(zip(COLUMNS, [cell.strip() for cell in cells], strict=True))


def _cells(text: str) -> list[str]:
    """Split a line; nearly every one is short and without quotes, and needs no reader made for it."""
    if len(text) < 1000 and '"' not in text and "\r" not in text:
        return text.split(";")
    return next(csv.reader((text,), delimiter=";", strict=True), [])


def read_number(text: str, field: str) -> Decimal:
    """Read a number with a decimal comma and no thousands separator.

    Raises:
        DataError: it is none.
    """
    if not _NUMBER.fullmatch(text):
        raise DataError(f"{text[:50]!r} is not a number with a decimal comma", field)
    return Decimal(text.replace(",", "."))


@lru_cache(maxsize=4096)  # the lines of a transaction have the same times
def read_time(text: str, field: str) -> datetime:
    """Read dd/mm/yyyy HH:MM, a local time; strptime would take half the time of a whole file.

    Raises:
        DataError: it is none.
    """
    try:
        if _TIME.fullmatch(text):
            return datetime.fromisoformat(f"{text[6:10]}-{text[3:5]}-{text[:2]}T{text[11:]}")
    except ValueError:
        pass  # 31 June
    raise DataError(f"{text[:50]!r} is not a time like 31/12/2026 23:59", field)
