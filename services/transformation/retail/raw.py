"""Raw Parquet objects as one stream of CSV, a batch in memory at a time."""

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any, BinaryIO

from shared.errors import FatalError
from shared.objectstore import ObjectStore

COLUMNS = (
    "retailer_id", "business_date", "store_id", "store_name", "customer_id", "customer_country",
    "product_id", "product_name", "category", "transaction_id", "line_id",
    "sold_at", "quantity", "unit_price", "discount", "total", "updated_at",
)  # fmt: skip
NULLABLE = {"store_name", "customer_country", "product_name", "category"}
LINE_KEY = ["retailer_id", "transaction_id", "line_id"]
BATCH_ROWS = 20_000
SMALL_BYTES = 4 << 20

Object = Mapping[str, Any]  # a row of ops.loaded_object


class RawCsv:
    """The objects' lines as a file to COPY from; the next batch is made while the server reads this one."""

    def __init__(self, store: ObjectStore, objects: Sequence[Object], check_stop: Callable[[], None]) -> None:
        self.rows = 0
        self.error: Exception | None = None
        self._starts: list[tuple[int, str]] = []
        self._chunks_made = 0
        self._chunks = self._make_chunks(store, objects, check_stop)
        self._pool = ThreadPoolExecutor(1)
        self._next = self._pool.submit(next, self._chunks, b"")
        self._now = memoryview(b"")

    def __enter__(self) -> "RawCsv":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown()
        self._chunks.close()

    def read(self, size: int) -> bytes:
        """Return up to `size` bytes, none at the end. Keeps its error: the driver would only tell the text."""
        if not self._now:
            self._now = self._take_chunk()
        data = bytes(self._now[:size])
        self._now = self._now[size:]
        return data

    def _take_chunk(self) -> memoryview:
        try:
            chunk = memoryview(self._next.result())
        except Exception as exc:
            self.error = exc
            raise
        if chunk:
            self._next = self._pool.submit(next, self._chunks, b"")
        return chunk

    def object_at(self, line: int) -> str:
        """Name the object that a line of the stream came from."""
        return max((start, key) for start, key in self._starts if start < line)[1]

    def _make_chunks(
        self, store: ObjectStore, objects: Sequence[Object], check_stop: Callable[[], None]
    ) -> Iterator[bytes]:
        """Render about BATCH_ROWS lines at a time, of one large object or of many small ones."""
        waiting: list[Any] = []
        for item in objects:
            check_stop()
            self._starts.append((self.rows, item["object_key"]))
            before = self.rows
            for batch in read_batches(store, item):
                if waiting and (_rows(waiting) >= BATCH_ROWS or batch.schema != waiting[0].schema):
                    yield self._render_chunk(waiting)
                    waiting = []
                self.rows += len(batch)
                waiting.append(batch)
            if self.rows - before != item["row_count"]:
                raise damaged(item, f"holds {self.rows - before} rows, not {item['row_count']}")
        if waiting:
            yield self._render_chunk(waiting)

    def _render_chunk(self, batches: Sequence[Any]) -> Any:
        import pyarrow as pa

        table = pa.Table.from_batches(batches).combine_chunks()
        self._chunks_made += 1
        numbers = number_lines(table, self._chunks_made)
        return render_csv(table.append_column("chunk_number", numbers))


def number_lines(table: Any, chunk: int) -> Any:
    """Return for each line the number of its chunk, and one of its own where the same line stands above.

    So lines of a transaction that all have one number are different lines.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    numbers = pa.repeat(pa.scalar(chunk, pa.int32()), len(table))
    lines = table.select(LINE_KEY)
    if len(lines.group_by(LINE_KEY, use_threads=False).aggregate([])) == len(table):
        return numbers
    rows = pa.array(range(len(table)), pa.int32())
    firsts = lines.append_column("row", rows).group_by(LINE_KEY).aggregate([("row", "min")])["row_min"]
    return pc.if_else(pc.is_in(rows, firsts), numbers, pc.subtract(-1, rows))


def _rows(batches: Sequence[Any]) -> int:
    return sum(len(batch) for batch in batches)


def read_batches(store: ObjectStore, item: Object) -> Iterator[Any]:
    """Read an object's columns of the star, in batches.

    Raises:
        FatalError: the object is not what the ledger says.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    with _open(store, item) as body:
        size = _size(body)
        if size != item["size_bytes"]:
            raise damaged(item, f"has {size} bytes, not {item['size_bytes']}")
        try:
            # a small object is read at once: going back to the store for every column takes longer
            file = pq.ParquetFile(pa.BufferReader(body.read()) if size <= SMALL_BYTES else body)
            missing = sorted(set(COLUMNS) - set(file.schema_arrow.names))
            if missing:
                raise damaged(item, f"has no column {', '.join(missing)}")
            for batch in file.iter_batches(BATCH_ROWS, columns=list(COLUMNS), use_threads=False):
                yield _checked(item, batch.select(COLUMNS))
        except (pa.ArrowException, OSError) as exc:
            raise damaged(item, f"cannot be read as Parquet ({_first_line(exc)})") from exc


def _open(store: ObjectStore, item: Object) -> BinaryIO:
    try:
        return store.open(item["object_key"])
    except FatalError as exc:
        raise damaged(item, f"cannot be opened ({exc})") from exc


def _checked(item: Object, batch: Any) -> Any:
    for name in COLUMNS:
        if name not in NULLABLE and batch.column(name).null_count:
            raise damaged(item, f"has a null in {name}")
    return batch


def render_csv(table: Any) -> Any:
    """Render lines as PostgreSQL reads CSV: strings in quotes, nothing for null, times in UTC."""
    import pyarrow as pa
    from pyarrow import csv

    for index, field in enumerate(table.schema):
        if pa.types.is_timestamp(field.type):
            table = table.set_column(index, field.name, _plain_times(table.column(index)))
    sink = pa.BufferOutputStream()
    csv.write_csv(table, sink, csv.WriteOptions(include_header=False, batch_size=BATCH_ROWS))
    return sink.getvalue()


def _plain_times(values: Any) -> Any:
    """Return times in UTC without zone, which Arrow takes 30 times longer to render, and in whole seconds where
    they are: the server reads those faster."""
    import pyarrow as pa

    moments = values.cast(pa.timestamp("us"))
    try:
        return moments.cast(pa.timestamp("s"))
    except pa.ArrowInvalid:
        return moments


def damaged(item: Object, what: str) -> FatalError:
    """Say what is wrong with an object and what to do."""
    key, source, day = item["object_key"], item["source"], item["logical_date"]
    return FatalError(
        f"raw object {key} {what}: it is not what ingestion wrote, and nothing of this load is kept. "
        f"Put the original back; or fetch {source} again (cronhouse run retail_ingest --date {day} --force) "
        f"and take the row with object_key = '{key}' out of ops.loaded_object"
    )


def _size(body: BinaryIO) -> int:
    size = body.seek(0, io.SEEK_END)
    body.seek(0)
    return size


def _first_line(exc: BaseException) -> str:
    return (str(exc).splitlines() or [type(exc).__name__])[0]
