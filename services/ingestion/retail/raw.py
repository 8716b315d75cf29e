"""Raw Parquet: lines of one retailer and business day, every version, in the columns of the staging table.

Readers take columns by name. `landing_object` and `landing_line` say where a row came from.
"""

from datetime import date

import pyarrow as pa
import pyarrow.parquet as pq

from services.ingestion.retail.landing import day_folder
from services.ingestion.retail.records import COLUMNS, SalesRecord
from shared.objectstore import ObjectStore
from shared.state import LoadedObject

DATASET = "retail/raw"
MAX_ROWS = 20_000  # in memory at once, over all business days

_MOMENT = pa.timestamp("us", tz="UTC")
_TYPES = {
    "business_date": pa.date32(),
    "sold_at": _MOMENT,
    "updated_at": _MOMENT,
    "quantity": pa.decimal128(12, 3),
    "unit_price": pa.decimal128(14, 4),
    "discount": pa.decimal128(14, 2),
    "total": pa.decimal128(14, 2),
}
_MAYBE_NULL = {"store_name", "customer_country", "product_name", "category"}
SCHEMA = pa.schema(
    [pa.field(name, _TYPES.get(name, pa.string()), nullable=name in _MAYBE_NULL) for name in COLUMNS]
    + [
        pa.field("landing_object", pa.string(), nullable=False),
        pa.field("landing_line", pa.int32(), nullable=False),
    ]
)


class RawWriter:
    """Collects records by business day and writes numbered objects; memory does not grow with the input."""

    def __init__(self, store: ObjectStore, retailer_id: str, logical_date: date, stem: str) -> None:
        self.store, self.retailer_id, self.logical_date, self.stem = store, retailer_id, logical_date, stem
        self.buffers: dict[date, list[tuple[SalesRecord, str, int]]] = {}
        self.buffered, self.number, self.rows = 0, 0, 0
        self.objects: list[LoadedObject] = []

    def write(self, record: SalesRecord, landing_object: str, landing_line: int) -> None:
        """Take one record; the largest day is written out when too many wait."""
        self.buffers.setdefault(record.business_date, []).append((record, landing_object, landing_line))
        self.buffered += 1
        self.rows += 1
        if self.buffered >= MAX_ROWS:
            self._flush(max(self.buffers, key=lambda day: len(self.buffers[day])))

    def close(self) -> None:
        """Write out what waits."""
        for day in sorted(self.buffers):
            self._flush(day)

    def delete(self) -> None:
        """Take back what was written: nobody was told of it."""
        for item in self.objects:
            self.store.delete(item.key)
        self.objects.clear()

    def _flush(self, day: date) -> None:
        rows = self.buffers.pop(day)
        self.buffered -= len(rows)
        self.number += 1
        key = f"{day_folder('raw', self.retailer_id, day)}/{self.stem}-{self.number:04d}.parquet"
        info = self.store.put(key, to_parquet(rows))
        self.objects.append(
            LoadedObject(key, DATASET, self.retailer_id, self.logical_date, info, len(rows), day, day)
        )


def to_parquet(rows: list[tuple[SalesRecord, str, int]]) -> bytes:
    """Return the rows as a Parquet file."""
    columns = [[getattr(record, name) for record, _, _ in rows] for name in COLUMNS]
    columns += [[landing_object for _, landing_object, _ in rows], [line for _, _, line in rows]]
    table = pa.Table.from_arrays(
        [pa.array(values, field.type) for values, field in zip(columns, SCHEMA, strict=True)], schema=SCHEMA
    )
    sink = pa.BufferOutputStream()
    # not zstd: Arrow makes a context for each page, which takes longer than to decompress a day's page
    pq.write_table(table, sink, compression="snappy")
    body: bytes = sink.getvalue().to_pybytes()
    return body
