"""Files of VINs: CSV, Parquet or one VIN a line in; CSV, Parquet or JSON lines out. All of it streamed."""

import codecs
import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, TextIO

from shared.errors import FatalError
from shared.vin.decoded import Decoded, VinError
from shared.vin.decoder import Decoder

BLOCK = 1_000  # VINs between two looks at the progress bar
_ERROR_TEXT = "ErrorText"
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)  # what PowerShell and Excel write
_NOT_TEXT = {
    b"\x1f\x8b": "compressed: unpack it first",
    b"PK\x03\x04": "a zip file or a workbook: unpack it, or save the sheet as CSV",
    b"PAR1\x15": "Parquet: its name must end in .parquet",
}


class Entry(NamedTuple):
    """A line of the input; `problem` says why it cannot be decoded."""

    vin: str | None
    model_year: int | None
    problem: str | None = None


Answer = tuple[Entry, Decoded]
Tell = Callable[[int], None]  # told the number of VINs done, every now and then


def read_entries(path: Path) -> Iterator[Entry]:
    """Read VINs; the ending of the name says which kind of file it is.

    Raises:
        FatalError: the file cannot be read, is no text, or has no column `vin`.
    """
    read = {".csv": _read_csv, ".parquet": _read_parquet}.get(path.suffix.lower(), _read_lines)
    try:
        yield from read(path)
    except OSError as exc:
        raise FatalError(f"cannot read {path}: {exc.strerror or exc}") from exc


def count_entries(path: Path) -> int:
    """Return about how many VINs a file has, for a progress bar; 0 for a pipe, which can be read only once.

    Raises:
        FatalError: it is not a Parquet file although its name says so.
    """
    if not path.is_file():
        return 0
    if path.suffix.lower() == ".parquet":
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            return int(pq.read_metadata(path).num_rows)
        except pa.ArrowException as exc:
            raise _no_parquet(path, exc) from exc
    with open(path, "rb") as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))


def _open_text(path: Path, newline: str | None = None) -> TextIO:
    """Open a text file; what is not UTF-8 in it becomes U+FFFD, which no VIN has."""
    raw = open(path, "rb")  # noqa: SIM115 - the reader closes it
    start = raw.peek(8)
    for first, what in _NOT_TEXT.items():
        if start.startswith(first):
            raw.close()
            raise FatalError(f"{path} is {what}")
    encoding = "utf-16" if start.startswith(_UTF_16) else "utf-8-sig"
    return io.TextIOWrapper(raw, encoding=encoding, errors="replace", newline=newline)


def _read_lines(path: Path) -> Iterator[Entry]:
    with _open_text(path) as lines:
        for line in lines:
            if vin := line.strip():
                yield Entry(vin, None)


def _read_csv(path: Path) -> Iterator[Entry]:
    with _open_text(path, newline="") as lines:
        rows = csv.reader(lines)
        try:
            vin, year = _find_columns(path, next(rows, []))
            for row in rows:
                if len(row) > vin:
                    yield _entry(row[vin], row[year] if year is not None and len(row) > year else None)
        except csv.Error as exc:
            raise FatalError(f"{path}, line {rows.line_num}: {exc}") from exc


def _read_parquet(path: Path) -> Iterator[Entry]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            names = file.schema_arrow.names
            vin, year = _find_columns(path, names)
            columns = [names[vin]] + ([names[year]] if year is not None else [])
            for batch in file.iter_batches(columns=columns):
                table = batch.to_pydict()
                years = table[names[year]] if year is not None else [None] * batch.num_rows
                yield from map(_entry, table[names[vin]], years)
    except pa.ArrowException as exc:
        raise _no_parquet(path, exc) from exc


def _no_parquet(path: Path, exc: Exception) -> FatalError:
    return FatalError(f"{path} is not a Parquet file that can be read: {exc}")


def _find_columns(path: Path, names: Iterable[str]) -> tuple[int, int | None]:
    known = [name.strip().lower().replace("_", "") for name in names]
    if "vin" not in known:
        raise FatalError(f"{path} has no column vin; its columns are: {', '.join(known) or 'none'}")
    return known.index("vin"), known.index("modelyear") if "modelyear" in known else None


def _entry(vin: object, year: object) -> Entry:
    """Make an entry of what a file holds; Parquet may have null, bytes and, for a year, a float or no number."""
    text = vin.decode(errors="replace") if isinstance(vin, bytes) else None if vin is None else str(vin)
    year_text = "" if year is None or year != year else str(year).strip().removesuffix(".0")
    if not year_text:
        return Entry(text, None)
    if not year_text.removeprefix("-").isdecimal() or len(year_text) > 9:
        return Entry(text, None, f"{year_text[:40]!r} is not a whole number")
    return Entry(text, int(year_text))


def decode_entries(
    decoder: Decoder, entries: Iterator[Entry], now: datetime | None, tell: Tell
) -> Iterator[Answer]:
    """Decode the entries in their order."""
    while block := list(islice(entries, BLOCK * 5)):
        good = [(entry.vin, entry.model_year) for entry in block if entry.problem is None]
        answers = decoder.decode_many(good, now)
        for number, entry in enumerate(block, start=1):
            if entry.problem is None:
                yield entry, next(answers)
            else:
                failure = VinError(entry.problem, "model_year")
                yield entry, Decoded(None, entry.vin, None, failure=failure)
            if number % BLOCK == 0 or number == len(block):
                tell(number % BLOCK or BLOCK)


def write_csv(decoder: Decoder, answers: Iterable[Answer], out: BinaryIO) -> int:
    """Write a line a VIN, one column for each variable that there is; return the number of VINs."""
    columns = {element.name: element.code or element.name for element in decoder.elements()}
    text = io.TextIOWrapper(out, encoding="utf-8", newline="", write_through=True)
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["vin", *columns.values()])
    count = 0
    for entry, decoded in answers:
        writer.writerow([entry.vin, *_cells(decoded, columns)])
        count += 1
    text.detach()
    return count


def _cells(decoded: Decoded, columns: dict[str, str]) -> list[str | None]:
    if decoded.failure is not None:
        return [decoded.error_text if code == _ERROR_TEXT else None for code in columns.values()]
    values = decoded.values
    return [values.get(name) for name in columns]


def write_json(decoder: Decoder, answers: Iterable[Answer], out: BinaryIO, full: bool = False) -> int:
    """Write an object a line: the values, or with `full` all rows as NHTSA's procedure gives them."""
    count = 0
    for entry, decoded in answers:
        found: dict[str, Any] = {"vin": entry.vin, "modelyear": entry.model_year}
        if decoded.failure is not None:
            found["error"] = {"sqlstate": decoded.failure.sqlstate, "message": decoded.error_text}
        elif full:
            found["rows"] = decoded.rows()
        else:
            found["values"] = decoded.values.copy()
        out.write(json.dumps(found, ensure_ascii=False).encode() + b"\n")
        count += 1
    return count


def write_parquet(decoder: Decoder, answers: Iterable[Answer], out: BinaryIO) -> int:
    """Write a row a VIN, one text column for each variable that there is; return the number of VINs."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {element.name: element.code or element.name for element in decoder.elements()}
    schema = pa.schema([pa.field(name, pa.string()) for name in ("vin", *columns.values())])
    count, rest = 0, iter(answers)
    with pq.ParquetWriter(out, schema, compression="zstd") as writer:
        while block := list(islice(rest, BLOCK * 10)):
            rows = [(entry.vin, *_cells(decoded, columns)) for entry, decoded in block]
            arrays = [pa.array(values, pa.string()) for values in zip(*rows, strict=True)]
            writer.write_batch(pa.record_batch(arrays, schema=schema))
            count += len(block)
    return count
