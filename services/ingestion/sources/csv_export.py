"""A nightly sales file: GET /exports/sales_YYYY-MM-DD.csv.gz with an API key, one file a local day.

Windows-1252, `;` between columns, decimal comma, local times dd/mm/yyyy HH:MM without zone, one heading line,
and a last line `TOTAL;<number of lines>;...` with the sum of Total in that column. The file of day X holds
every transaction made or changed on X; a correction stands there with its own older Timestamp. The rows of a
transaction stand together, and no row spans two lines. LastModified is the version of the transaction. A
transaction that lost all its lines stands in no file: this export cannot say that it is void, the till has to
send an ADJUSTMENT.

A time that happens twice (clocks go back) is taken as the first of the two; LastModified as the second when
it would lie before the sale otherwise. A time that does not exist makes a dead letter. A file without its
totals line, or that does not agree with it, is not taken at all.
"""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any, BinaryIO

import msgspec

from services.ingestion.retail.records import make_record
from services.ingestion.retail.retailers import Retailer
from services.ingestion.retail.window import Window, business_day, from_local, is_ambiguous, plausible
from services.ingestion.sources import Parsed
from services.ingestion.sources.csv_file import (
    Row,
    Tally,
    check_heading,
    decode_line,
    read_lines,
    read_number,
    read_time,
    split,
)  # fmt: skip
from shared.errors import CronhouseError, DataError, FatalError, TransientError
from shared.http import Client, NotFound

SIGNS = {"SALE": (1,), "RETURN": (-1,), "ADJUSTMENT": (1, -1)}
MAX_GROUP = 5_000  # lines of one transaction
SETTLED = timedelta(minutes=5)


_decoder = msgspec.json.Decoder(Row)


class CsvExport:
    """A till system's export. The address is its server's, the credentials are an API key."""

    def __init__(self, retailer: Retailer, sleep: Callable[[float], Any] = time.sleep) -> None:
        self.retailer = retailer
        self.source_rows: int | None = 0
        self.client = Client(
            retailer.label, retailer.url, headers={"X-API-Key": retailer.credentials},
            credentials_hint=retailer.credentials_hint, sleep=sleep,
        )  # fmt: skip

    def close(self) -> None:
        self.client.close()

    def fetch(self, window: Window) -> Iterator[list[bytes]]:
        """Yield the transactions of every file of the window; days before the logical date may have none.

        Raises:
            TransientError: the file of the logical date is not there yet, or a file is not whole.
            FatalError: it is too old to be late: it will not come.
        """
        self.source_rows = 0
        day = business_day(window.start, self.retailer.zone)
        while day <= window.logical_date:
            path = f"exports/sales_{day:%Y-%m-%d}.csv.gz"
            try:
                body, _ = self.client.download(path)
            except NotFound as exc:
                if day == window.logical_date:
                    raise self._absent(path, window) from exc
            else:
                with body:
                    yield from self._transactions(body, path.rpartition("/")[2], self.client.where(path))
            day += timedelta(days=1)

    def _absent(self, path: str, window: Window) -> CronhouseError:
        """Say what it means that there is no file: one may be late by as much as the overlap would catch up."""
        where = self.client.where(path)
        if datetime.now(UTC) <= window.end + self.retailer.overlap:
            return TransientError(f"{where}: is not there yet")
        return FatalError(
            f"{where}: there is no file of {window.logical_date} (404), and it is too old to be only late: the export "
            "begins later, or the file was deleted. Not tried again; ask the retailer, or leave this date out"
        )

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
        tally = Tally(where)
        for number, raw in enumerate(read_lines(body, where), 1):
            row = decode_line(name, number, raw, where)
            if number == 1:
                check_heading(row.text, where)
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
                cells = split(_decoder.decode(line).text, "")
                return len(lines), plausible(read_time(cells["Timestamp"], "Timestamp").date())
            except (DataError, msgspec.MsgspecError):
                continue
        return len(lines), None

    def _fields(self, row: Row) -> dict[str, Any]:
        where = f"{row.file} line {row.line}: "
        if row.damage:
            raise DataError(where + row.damage)
        cells = split(row.text, where)
        try:
            return self._convert(cells)
        except DataError as exc:
            raise DataError(where + exc.reason, exc.field) from exc

    def _convert(self, cells: dict[str, str]) -> dict[str, Any]:
        if cells["Currency"] != self.retailer.currency:
            raise DataError(f"currency {cells['Currency']!r}, not {self.retailer.currency}", "Currency")
        local = read_time(cells["Timestamp"], "Timestamp")
        sold_at = from_local(local, self.retailer.zone, "Timestamp")
        modified = read_time(cells["LastModified"], "LastModified")
        updated_at = from_local(modified, self.retailer.zone, "LastModified")
        if updated_at < sold_at and is_ambiguous(modified, self.retailer.zone):
            updated_at = from_local(modified, self.retailer.zone, "LastModified", fold=1)
        quantity = read_number(cells["Quantity"], "Quantity")
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
            "unit_price": read_number(cells["UnitPrice"], "UnitPrice"),
            "discount": read_number(cells["Discount"] or "0", "Discount"),
            "total": read_number(cells["Total"], "Total"),
            "updated_at": updated_at,
        }
