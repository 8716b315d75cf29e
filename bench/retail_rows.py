"""Raw Parquet objects of retail sales for the benchmarks, made from the real sample day by day.

The sample's 231 trading days are repeated under new invoice numbers until there are enough rows, each
cycle a cycle further back. One object holds one retailer's lines of one business day, as ingestion
writes them, at `volume` times the sample's lines a day.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from shared.config import ROOT
from shared.objectstore import ObjectStore
from shared.state import LoadedObject

SAMPLE = ROOT / "services" / "retailers" / "data" / "online_retail.parquet"
CYCLE_DAYS = 231
LAST_DAY = date(2026, 6, 30)


def write_rows(store: ObjectStore, rows: int, volume: int = 1) -> list[LoadedObject]:
    """Write about `rows` lines, oldest day first, and return what ingestion would register."""
    days = _sample_by_day()
    needed, sizes = 0, []
    for number in range(10_000):
        if needed >= rows:
            break
        needed += len(days[-1 - number % CYCLE_DAYS]) * volume
        sizes.append(number)
    objects: list[LoadedObject] = []
    for number in reversed(sizes):
        cycle, offset = divmod(number, CYCLE_DAYS)
        source_day = days[-1 - offset]
        business_date = LAST_DAY - timedelta(days=number)
        objects.extend(_write_day(store, source_day, business_date, cycle, volume))
    return objects


def _write_day(
    store: ObjectStore, sample: Any, business_date: date, cycle: int, volume: int
) -> Iterator[LoadedObject]:
    if not len(sample):
        return
    import pyarrow as pa
    import pyarrow.compute as pc

    copies = [_day_rows(sample, business_date, f"{cycle:02d}{copy}") for copy in range(volume)]
    table = pa.concat_tables(copies)
    for retailer in ("retailer_1", "retailer_2", "retailer_3"):
        part = table.filter(pc.equal(table["retailer_id"], retailer))
        if len(part):
            yield _write_object(store, part, retailer, business_date)


def _write_object(store: ObjectStore, part: Any, retailer: str, business_date: date) -> LoadedObject:
    import io

    import pyarrow.parquet as pq

    sink = io.BytesIO()
    pq.write_table(part, sink, compression="snappy")
    key = f"raw/{retailer}/{business_date:year=%Y/month=%m/day=%d}/1-0000.parquet"
    info = store.put(key, sink.getvalue())
    return LoadedObject(
        key, "retail/raw", retailer, business_date, info, len(part), business_date, business_date
    )


def _sample_by_day() -> list[Any]:
    """Return the sample as one table a day in the columns of the star's raw files, ids without a cycle."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    source = pq.read_table(SAMPLE)
    invoices = source["invoice_no"].to_pylist()
    numbers: dict[str, int] = {}
    lines, retailers, stores = [], [], []
    for invoice in invoices:
        numbers[invoice] = numbers.get(invoice, 0) + 1
        digits = int("".join(c for c in invoice if c.isdigit()))
        lines.append(f"{numbers[invoice]:04d}")
        retailers.append(f"retailer_{digits % 3 + 1}")
        stores.append(f"S{digits % 7 + 1:02d}")
    quantity = source["quantity"].cast(pa.float64()).cast(pa.decimal128(12, 3))
    price = pc.round(source["unit_price"], 4).cast(pa.decimal128(14, 4), safe=False)
    total = pc.round(pc.multiply(source["quantity"].cast(pa.float64()), source["unit_price"]), 2)
    dates = source["invoice_date"].cast(pa.date32())
    empty = pa.scalar("")
    versions = _last_time_of_invoice(invoices, source["invoice_date"].to_pylist())
    table = pa.table({
        "retailer_id": pa.array(retailers),
        "business_date": dates,
        "store_id": pa.array(stores),
        "store_name": pa.array([f"Store {s}" for s in stores]),
        "customer_id": pc.fill_null(source["customer_id"].cast(pa.string()), empty),
        "customer_country": source["country"].cast(pa.string()),
        "product_id": source["stock_code"].cast(pa.string()),
        "product_name": source["description"].cast(pa.string()),
        "category": pa.nulls(len(source), pa.string()),
        "transaction_id": source["invoice_no"].cast(pa.string()),
        "line_id": pa.array(lines),
        "sold_at": source["invoice_date"].cast(pa.timestamp("us", "UTC")),
        "quantity": quantity,
        "unit_price": price,
        "discount": pa.array([0.0] * len(source)).cast(pa.decimal128(14, 2)),
        "total": total.cast(pa.decimal128(14, 2), safe=False),
        "updated_at": versions,
    })  # fmt: skip
    first = pc.min(dates).as_py()
    return [table.filter(pc.equal(dates, first + timedelta(days=n))) for n in range(CYCLE_DAYS)]


def _last_time_of_invoice(invoices: list[str], times: list[Any]) -> Any:
    """Return for each line the time of its invoice's last line: an invoice is one version."""
    import pyarrow as pa

    last: dict[str, Any] = {}
    for invoice, time in zip(invoices, times, strict=True):
        last[invoice] = max(time, last.get(invoice, time))
    return pa.array([last[invoice] for invoice in invoices], pa.timestamp("us")).cast(
        pa.timestamp("us", "UTC")
    )


def _day_rows(sample: Any, business_date: date, prefix: str) -> Any:
    """Return one day of the sample moved to another date, under other transaction numbers."""
    import pyarrow as pa
    import pyarrow.compute as pc

    shift = pa.scalar(business_date - sample["business_date"][0].as_py(), pa.duration("us"))
    moved = {
        "business_date": pa.array([business_date] * len(sample), pa.date32()),
        "sold_at": pc.add(sample["sold_at"], shift),
        "updated_at": pc.add(sample["updated_at"], shift),
        "transaction_id": pc.binary_join_element_wise(prefix, sample["transaction_id"], "-"),
    }
    for name, values in moved.items():
        sample = sample.set_column(sample.schema.get_field_index(name), name, values)
    return sample


def make(folder: Path, rows: int, volume: int = 1) -> list[LoadedObject]:
    """Write the objects into a folder store."""
    from shared.objectstore import FolderStore

    return write_rows(FolderStore(folder), rows, volume)
