"""Fill the books of a retailer from the real transactions, moved in time and repeated without a seam.

The source days 2010-12-01 .. 2011-07-19 are exactly 33 weeks, so day d shows source day
2010-12-01 + (d - anchor) mod 231 and weekdays stay. The anchor is chosen once, at the first start: the
smallest shift by whole weeks that puts the last source day on yesterday or later. Everything sold
after now is in the books already, but no page shows it before its time.
"""

import io
import logging
from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from functools import cache
from itertools import repeat
from pathlib import Path
from typing import TYPE_CHECKING
from zlib import crc32

from psycopg2.extensions import connection as Connection  # noqa: N812

from services.retailers.database import connect, create_database, statement, transaction
from services.retailers.settings import DIALECTS, ZONE, RetailerSettings

if TYPE_CHECKING:
    import pyarrow as pa

FILE = Path(__file__).parent / "data" / "online_retail.parquet"
FIRST_DAY = date(2010, 12, 1)
DAYS = 231
AHEAD = timedelta(days=28)  # how far the books reach beyond today
CYCLE = 1_000_000  # invoice numbers have six digits: the rest of a sale's id counts the cycles
STORES = {
    "woocommerce": [],  # a web shop has none
    "square": [
        ("L7HQ2KZP4M1XA", "Oak & Thistle Edinburgh"),
        ("L9WTB3ND6V0YC", "Oak & Thistle York"),
        ("LC4RMJ8E5S2GF", "Oak & Thistle Bath"),
        ("LX1PV7GK3Z9DH", "Oak & Thistle Online"),
    ],
    "csv_export": [
        ("S01", "Paper Lane – King’s Road"),  # two characters that Windows-1252 has and Latin-1 has not
        ("S02", "Paper Lane Brighton"),
        ("S03", "Paper Lane Norwich"),
    ],
}
log = logging.getLogger(__name__)


def retailer_number(invoice_no: str) -> int:
    """Tell which of the three retailers an invoice of the source belongs to."""
    return crc32(invoice_no.encode()) % 3 + 1


def store_number(invoice_no: str, stores: int) -> int:
    """Tell in which of a retailer's stores an invoice was made, from 1."""
    return crc32(b"store " + invoice_no.encode()) % stores + 1


def first_anchor(yesterday: date) -> date:
    """Return the day that the first source day becomes when the books are opened on the day after."""
    gap = (yesterday - (FIRST_DAY + timedelta(days=DAYS - 1))).days
    return FIRST_DAY + timedelta(weeks=-(-gap // 7))


class Source:
    """The source file as Arrow columns: invoices and their lines, read once for all retailers."""

    def __init__(self, path: Path = FILE) -> None:
        import pyarrow as pa
        import pyarrow.compute as pc
        import pyarrow.parquet as pq

        table = pq.read_table(path).combine_chunks()
        encoded = table["invoice_no"].chunk(0).dictionary_encode()
        codes, numbers = encoded.indices.to_pylist(), encoded.dictionary.to_pylist()
        line_nos, first_rows = _number_lines(codes, len(numbers))
        self.skus = sorted(set(table["stock_code"].to_pylist()))
        self.lines = pa.table(
            {
                "invoice": encoded.indices,
                "line_no": pa.array(line_nos, pa.int32()),
                "product_id": pc.index_in(table["stock_code"], pa.array(self.skus, table["stock_code"].type)),
                "name": table["description"],
                "quantity": table["quantity"],
                "unit_price": table["unit_price"],
            }
        )
        first = table.take(pa.array(first_rows))
        self.invoices = pa.table(
            {
                "invoice": pa.array(range(len(numbers)), pa.int32()),
                "number": pa.array(numbers, pa.string()),
                "retailer": pa.array([retailer_number(number) for number in numbers], pa.int8()),
                "kind": pa.array(
                    [_kind(n, q) for n, q in zip(numbers, first["quantity"].to_pylist(), strict=True)]
                ),
                "customer_id": first["customer_id"],
                "country": first["country"],
                "made_at": first["invoice_date"],
            }
        )

    def days(
        self, retailer: int, shift: timedelta, cycle: int, after: date, until: date
    ) -> tuple["pa.Table", "pa.Table"]:
        """Return the sales and lines of a retailer, moved by `shift`, after one day and up to another."""
        import pyarrow as pa
        import pyarrow.compute as pc

        invoices = self.invoices.filter(pc.equal(self.invoices["retailer"], retailer))
        made_at = pc.add(invoices["made_at"], pa.scalar(shift, pa.duration("us")))
        invoices = invoices.set_column(invoices.column_names.index("made_at"), "made_at", made_at)
        low, high = (datetime.combine(day + timedelta(days=1), time()) for day in (after, until))
        invoices = invoices.filter(
            pc.and_(pc.greater_equal(invoices["made_at"], low), pc.less(invoices["made_at"], high))
        )
        dialect = DIALECTS[f"retailer_{retailer}"]
        numbers, kinds = invoices["number"].to_pylist(), invoices["kind"].to_pylist()
        ids = pa.array([int(number.lstrip("C")) + cycle * CYCLE for number in numbers], pa.int64())
        sales = pa.table(
            {
                "sale_id": ids,
                "reference": pa.array(
                    [f"{number}-{cycle}" if cycle else number for number in numbers], pa.string()
                ),
                "kind": invoices["kind"],
                "store_no": pa.array(map(_store, numbers, kinds, repeat(dialect)), pa.int16()),
                "customer_id": invoices["customer_id"],
                "country": invoices["country"],
                "sold_at": invoices["made_at"],
                "updated_at": invoices["made_at"],
            }
        )
        place = pc.index_in(self.lines["invoice"], invoices["invoice"])
        mine = self.lines.filter(pc.is_valid(place))
        sale_ids = pc.take(ids, pc.drop_null(place))
        return sales, mine.set_column(0, "sale_id", sale_ids)


def open_books(settings: RetailerSettings, read: Callable[[], Source] = Source) -> date:
    """Make the database, tables and rows that are missing; return the last day in the books."""
    create_database(settings)
    conn = connect(settings)
    try:
        return extend_books(conn, settings, read)
    finally:
        conn.close()


def open_all(retailers: list[RetailerSettings]) -> None:
    """Open the books of several retailers; the source is read once, if anything is missing."""
    read = cache(Source)
    for settings in retailers:
        open_books(settings, read)


def extend_books(conn: Connection, settings: RetailerSettings, read: Callable[[], Source] = Source) -> date:
    """Add the days that are missing up to some weeks ahead of today; return the last day in the books."""
    today = settings.clock.today()
    with transaction(conn) as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('open_books'))")
        cursor.execute(statement("schema"))
        cursor.execute("SELECT anchor, seeded_until FROM seed")
        seeded = cursor.fetchone()
        if seeded and seeded["seeded_until"] > today:
            return seeded["seeded_until"]
        source = read()
        anchor = seeded["anchor"] if seeded else first_anchor(today - timedelta(days=1))
        after = seeded["seeded_until"] if seeded else anchor - timedelta(days=1)
        until = max(today + AHEAD, anchor + timedelta(days=DAYS - 1))
        for table, rows in _rows(source, settings, anchor, after, until):
            _copy(cursor, table, rows)
        if not seeded:
            _first_time(cursor, source, settings)
        moment = {"after": datetime.combine(after + timedelta(days=1), time(), ZONE)}
        for name in _STEPS[settings.dialect]:
            cursor.execute(statement(name), moment)
        cursor.execute(statement("note_seed"), {"anchor": anchor, "until": until})
    log.info("%s: books filled from %s to %s", settings.retailer, after + timedelta(days=1), until)
    return until


_COMMON = ["fill_customer", "fill_product"]
_STEPS = {
    "woocommerce": [*_COMMON, "link_returns", "link_return_lines", "add_origins", "adopt_origins"],
    "square": [*_COMMON, "link_returns", "link_return_lines"],
    "csv_export": _COMMON,
}


def _rows(
    source: Source, settings: RetailerSettings, anchor: date, after: date, until: date
) -> Iterator[tuple[str, "pa.Table"]]:
    """Yield the rows of each 33-week cycle that has days to add."""
    first, last = (after + timedelta(days=1) - anchor).days // DAYS, (until - anchor).days // DAYS
    for cycle in range(first, last + 1):
        shift = anchor - FIRST_DAY + timedelta(days=DAYS * cycle)
        sales, lines = source.days(settings.number, shift, cycle, after, until)
        yield "sale", sales
        yield "line", lines


def _first_time(cursor, source: Source, settings: RetailerSettings) -> None:
    cursor.execute(statement("indexes"))
    stores = [(n, *store) for n, store in enumerate(STORES[settings.dialect], 1)]
    cursor.executemany("INSERT INTO store VALUES (%s, %s, %s)", stores)
    text = "".join(f"{number}\t{sku}\n" for number, sku in enumerate(source.skus))
    cursor.copy_from(io.StringIO(text), "product", columns=("product_id", "sku"))


def _copy(cursor, table: str, rows: "pa.Table") -> None:
    """COPY an Arrow table; local times become moments because the session is in the retailer's zone."""
    from pyarrow import csv

    buffer = io.BytesIO()
    csv.write_csv(rows, buffer)
    buffer.seek(0)
    cursor.copy_expert(
        f"COPY {table} ({', '.join(rows.column_names)}) FROM STDIN (FORMAT csv, HEADER)", buffer
    )


def _number_lines(codes: list[int], invoices: int) -> tuple[list[int], list[int]]:
    """Number the lines of each invoice in file order, from 1; also return each invoice's first row."""
    counts, first_rows, line_nos = [0] * invoices, [0] * invoices, []
    for row, code in enumerate(codes):
        if not counts[code]:
            first_rows[code] = row
        counts[code] += 1
        line_nos.append(counts[code])
    return line_nos, first_rows


def _store(number: str, kind: str, dialect: str) -> int | None:
    """Return the store of an invoice; a web shop has none, and an export has none for stock written off."""
    if not STORES[dialect] or (kind == "adjustment" and dialect == "csv_export"):
        return None
    return store_number(number, len(STORES[dialect]))


def _kind(number: str, quantity: int) -> str:
    if number.startswith("C"):
        return "return"
    return "adjustment" if quantity < 0 else "sale"
