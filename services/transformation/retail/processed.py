"""Processed Parquet: the facts that a load inserted, with their dimensions' attributes; a file a day.

Written after the load has committed, from the warehouse: a run that dies in between leaves its load marked
unprocessed, and the next run writes the files, under the same names.
"""

import io
import tempfile
from datetime import date
from typing import Any

from services.transformation.retail.star import SQL
from shared import db, state
from shared.objectstore import ObjectStore

BATCH_ROWS = 20_000
SPOOL_BYTES = 16 << 20


def has_unprocessed(conn: db.Connection) -> bool:
    """Tell whether a load is waiting for its processed files."""
    query = "SELECT EXISTS (SELECT FROM retail.fact_load WHERE processed_at IS NULL)"
    return bool(db.fetch_value(conn, query))


def write_processed(conn: db.Connection, store: ObjectStore) -> int:
    """Write and register the files of every load that has none yet; return how many."""
    with db.transaction(conn):
        runs = [row["run_id"] for row in db.fetch_all(conn, SQL["find_unprocessed"])]
        return sum(_write_load(conn, store, run_id) for run_id in runs)


def _write_load(conn: db.Connection, store: ObjectStore, run_id: int) -> int:
    days = [row["business_date"] for row in db.fetch_all(conn, SQL["find_load_days"], {"run_id": run_id})]
    files = DayFiles(store, run_id)
    with db.mapped_errors(), conn.cursor() as cursor:
        statement = cursor.mogrify(SQL["copy_processed"], {"run_id": run_id, "days": days})
        cursor.copy_expert(statement.decode(), files)
    files.close()
    state.register_objects(conn, run_id, files.objects)
    db.execute(conn, SQL["mark_processed"], {"run_id": run_id})
    return len(files.objects)


class DayFiles:
    """A file to COPY into: rows of CSV in order of their day become a Parquet object a day."""

    def __init__(self, store: ObjectStore, run_id: int) -> None:
        self.store, self.run_id = store, run_id
        self.objects: list[state.LoadedObject] = []
        self._lines: list[bytes] = []
        self._day: date | None = None
        self._rows = 0
        self._writer: Any = None
        self._file: Any = None

    def write(self, line: bytes) -> None:
        """Take one row: the server sends each in a message of its own."""
        self._lines.append(line)
        if len(self._lines) >= BATCH_ROWS:
            self._flush()

    def close(self) -> None:
        """Write the last day."""
        self._flush()
        self._finish_day()

    def _flush(self) -> None:
        if not self._lines:
            return
        import pyarrow.compute as pc

        table = read_csv(b"".join(self._lines))
        self._lines.clear()
        for day in pc.unique(table["business_date"]):
            part = table.filter(pc.equal(table["business_date"], day))
            self._write_day(day.as_py(), part)

    def _write_day(self, day: date, part: Any) -> None:
        import pyarrow.parquet as pq

        if day != self._day:
            self._finish_day()
            self._day, self._rows = day, 0
            self._file = tempfile.SpooledTemporaryFile(SPOOL_BYTES)  # noqa: SIM115  closed in _finish_day
            self._writer = pq.ParquetWriter(self._file, part.schema, compression="zstd")
        self._writer.write_table(part)
        self._rows += len(part)

    def _finish_day(self) -> None:
        if self._day is None:
            return
        self._writer.close()
        self._file.seek(0)
        key = f"processed/sales/{self._day:year=%Y/month=%m/day=%d}/{self.run_id}-0000.parquet"
        info = self.store.put(key, self._file)
        self._file.close()
        self.objects.append(
            state.LoadedObject(
                key, "retail/processed", "warehouse", self._day, info, self._rows, self._day, self._day
            )
        )
        self._day = None


def read_csv(data: bytes) -> Any:
    """Read rows of copy_processed.sql as a table; a string without quotes and letters is null."""
    import pyarrow as pa
    from pyarrow import csv

    text, moment = pa.string(), pa.timestamp("us")
    types = {
        "business_date": pa.date32(), "retailer_id": text, "retailer_name": text, "currency": text,
        "store_id": text, "store_name": text, "customer_id": text, "customer_country": text,
        "product_id": text, "product_name": text, "category": text, "transaction_id": text, "line_id": text,
        "sold_at": moment, "quantity": pa.decimal128(12, 3), "unit_price": pa.decimal128(14, 4),
        "discount": pa.decimal128(14, 2), "total": pa.decimal128(14, 2), "source_updated_at": moment,
        "run_id": pa.int64(),
    }  # fmt: skip
    table = csv.read_csv(
        io.BytesIO(data),
        read_options=csv.ReadOptions(column_names=list(types), use_threads=False),
        parse_options=csv.ParseOptions(newlines_in_values=True),
        convert_options=csv.ConvertOptions(
            column_types=types, null_values=[""], strings_can_be_null=True, quoted_strings_can_be_null=False
        ),
    )
    for name in ("sold_at", "source_updated_at"):
        values = table[name].cast(pa.timestamp("us", "UTC"))
        table = table.set_column(table.schema.get_field_index(name), name, values)
    return table
