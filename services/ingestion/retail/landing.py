"""The landing zone: what a retailer sent, verbatim, as gzip JSON lines that rotate by lines and bytes."""

import gzip
import tempfile
from collections.abc import Iterator
from datetime import date
from typing import BinaryIO

from shared.errors import FatalError
from shared.objectstore import ObjectStore
from shared.state import LoadedObject

DATASET = "retail/landing"
MAX_LINES = 5_000
MAX_BYTES = 8 * 1024 * 1024  # of gzip


def day_folder(zone: str, retailer_id: str, day: date) -> str:
    """Return the folder of a day: raw/retailer_1/year=2026/month=01/day=31."""
    return f"{zone}/{retailer_id}/year={day:%Y}/month={day:%m}/day={day:%d}"


class LandingWriter:
    """Writes lines to numbered objects of one retailer, logical date and run."""

    def __init__(self, store: ObjectStore, retailer_id: str, logical_date: date, stem: str) -> None:
        self.store, self.retailer_id, self.logical_date = store, retailer_id, logical_date
        self.prefix = f"{day_folder('landing', retailer_id, logical_date)}/{stem}"
        self.number, self.line = 0, 0
        self.file: BinaryIO | None = None
        self.gzip: gzip.GzipFile | None = None
        self.objects: list[LoadedObject] = []

    @property
    def key(self) -> str:
        """Return the object that lines go to now."""
        return f"{self.prefix}-{self.number:04d}.jsonl.gz"

    def write(self, lines: list[bytes]) -> tuple[str, int]:
        """Write the lines of one transaction into one object; return it and the number of the first line."""
        if self.gzip is None or self.line >= MAX_LINES or self.file.tell() >= MAX_BYTES:  # type: ignore[union-attr]
            self.close()
            self.number, self.line = self.number + 1, 0
            self.file = tempfile.TemporaryFile()  # type: ignore[assignment]  # noqa: SIM115
            self.gzip = gzip.GzipFile(fileobj=self.file, mode="wb", compresslevel=6, mtime=0)
        first = self.line + 1
        for line in lines:
            self.gzip.write(line + b"\n")
        self.line += len(lines)
        return self.key, first

    def close(self) -> None:
        """Put the object that is being written into the store."""
        if self.gzip is None or self.file is None:
            return
        self.gzip.close()
        self.file.seek(0)
        info = self.store.put(self.key, self.file)
        self.objects.append(
            LoadedObject(self.key, DATASET, self.retailer_id, self.logical_date, info, self.line)
        )
        self.abandon()

    def abandon(self) -> None:
        """Forget what is not in the store yet."""
        if self.file is not None:
            self.file.close()
        self.file = self.gzip = None


def read_lines(store: ObjectStore, key: str, first: int = 1, count: int | None = None) -> Iterator[bytes]:
    """Yield lines of a landing object from a line number on.

    Raises:
        FatalError: the object is gone, or it is truncated.
    """
    last = None if count is None else first + count - 1
    with store.open(key) as body:
        try:
            for number, line in enumerate(gzip.GzipFile(fileobj=body), 1):
                if last is not None and number > last:
                    return
                if number >= first:
                    yield line.rstrip(b"\n")
        except (EOFError, gzip.BadGzipFile) as exc:
            raise FatalError(f"object {key} is truncated or damaged: {exc}") from exc
