"""A plain PostgreSQL dump, read for its COPY blocks alone. Nothing in it is executed.

Format: https://www.postgresql.org/docs/18/sql-copy.html (text) and what pg_dump writes around it.
"""

import re
import zipfile
import zlib
from collections.abc import Collection, Iterator
from typing import BinaryIO

from shared.errors import FatalError

CHUNK = 1 << 16  # larger ones wait whole in the server before it reads, and their memory is mapped each time
HEAD_BYTES = 8192
LONGEST_LINE = 1 << 20  # outside of a block
COMPLETE = b"-- PostgreSQL database dump complete"
_COPY = re.compile(rb'COPY (?:"?(\w+)"?\.)?"?(\w+)"? \((.*)\) FROM stdin;\r?\n?')
_RELEASE = re.compile(rb"vPICList_lite_(20\d\d_[01]\d)", re.IGNORECASE)
_STARTED = re.compile(rb"-- Started on (20\d\d)-(\d\d)-(\d\d)")


class Dump:
    """The blocks of an open dump, in their order. `label` says in messages what it is."""

    is_resumable = False

    def __init__(
        self, raw: BinaryIO, label: str, release: str | None = None, file: BinaryIO | None = None
    ) -> None:
        """`raw` is read, `file` is what it is a part of: both are closed at the end."""
        self.label = label
        self._raw, self._file = raw, file
        self._buffer, self._offset = b"", 0
        self._fill()
        if COMPLETE[:24] not in self._buffer[:HEAD_BYTES]:
            raise FatalError(f"{label}: is no plain dump of PostgreSQL{_what_it_is(self._buffer)}")
        self.release = release or self._find_release()

    def close(self) -> None:
        """Close the file."""
        self._raw.close()
        if self._file is not None:
            self._file.close()

    def _find_release(self) -> str:
        """Return what the dump says of itself: the release's name, else the day it was made."""
        head = self._buffer[:HEAD_BYTES]
        named = _RELEASE.search(head) or _STARTED.search(head)
        if named is None:
            raise FatalError(
                f"{self.label}: neither its name nor its first lines say which release it is: "
                "give the file a name with year and month, such as vPICList_lite_2026_08.plain.zip"
            )
        return b"_".join(named.groups()).decode()

    def blocks(self, done: Collection[str]) -> Iterator["CopyBlock"]:
        """Yield the COPY blocks; what lies between is skipped."""
        is_complete = False
        while line := self._read_line():
            if line.startswith(b"COPY "):
                block = self._open_block(line)
                yield block
                block.drain()
            elif line.startswith(COMPLETE):
                is_complete = True
        if not is_complete:
            raise self._truncated("the line that pg_dump writes last is missing")

    def _open_block(self, line: bytes) -> "CopyBlock":
        match = _COPY.fullmatch(line)
        if not line.endswith(b"\n"):
            raise self._truncated("in the middle of a line")
        if match is None:
            raise FatalError(f"{self.label}: cannot read the line {line[:200].decode('utf-8', 'replace')!r}")
        columns = tuple(name.strip().strip('"').lower() for name in match[3].decode("utf-8").split(","))
        return CopyBlock(self, match[2].decode().lower(), columns, b"\r\n" if line[-2:] == b"\r\n" else b"\n")

    def _truncated(self, why: str) -> FatalError:
        return FatalError(f"{self.label}: is cut off after {self._offset:,} bytes: {why}. Fetch it again")

    def _fill(self) -> bool:
        """Read on; False at the end."""
        try:
            chunk = self._raw.read(CHUNK)
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as exc:
            raise FatalError(
                f"{self.label}: is damaged after {self._offset:,} bytes ({exc or 'it ends too early'}). "
                "Fetch it again"
            ) from exc
        self._offset += len(chunk)
        self._buffer = self._buffer + chunk if self._buffer else chunk
        return bool(chunk)

    def _read_line(self) -> bytes:
        """Return the next line with its end, nothing at the end of the dump."""
        while (end := self._buffer.find(b"\n")) < 0:
            if len(self._buffer) > LONGEST_LINE:
                raise FatalError(f"{self.label}: a line of more than {LONGEST_LINE:,} bytes; is it a dump?")
            if not self._fill():
                end = len(self._buffer) - 1
                break
        line, self._buffer = self._buffer[: end + 1], self._buffer[end + 1 :]
        return line

    def take_rows(self, block: "CopyBlock") -> bytes:
        """Return the next rows' bytes as they are, nothing when the block is over."""
        end = b"\\." + block.line_end
        mark = block.line_end + end
        while True:
            if block.is_at_line_start and self._buffer.startswith(end):
                self._buffer = self._buffer[len(end) :]
                return b""
            at = self._buffer.find(mark)
            if at >= 0:
                return self._cut(block, at + len(block.line_end), True)
            if len(self._buffer) > len(mark):  # the mark may lie across two chunks
                return self._cut(block, len(self._buffer) - len(mark), False)
            if not self._fill():
                raise self._truncated(f"in the middle of table {block.table}, row {block.rows + 1:,}")

    def _cut(self, block: "CopyBlock", at: int, is_at_line_start: bool) -> bytes:
        data, self._buffer = self._buffer[:at], self._buffer[at:]
        block.is_at_line_start = is_at_line_start
        return data


class CopyBlock:
    """The rows of one COPY block, passed through byte by byte."""

    copy_options = "FORMAT text"

    def __init__(self, dump: Dump, table: str, columns: tuple[str, ...], line_end: bytes) -> None:
        self.table, self.columns, self.line_end = table, columns, line_end
        self.rows, self.is_at_line_start = 0, True
        self.error: Exception | None = None
        self._dump, self._is_over = dump, False

    def read(self, size: int = -1) -> bytes:
        """Return the next rows, cut anywhere; `size` is not looked at, a chunk is never large."""
        if self._is_over:
            return b""
        try:
            data = self._dump.take_rows(self)
        except Exception as exc:
            self.error = exc
            raise
        self.rows += data.count(b"\n")
        self._is_over = not data
        return data

    def drain(self) -> None:
        """Read to the end."""
        while self.read():
            pass


def _what_it_is(head: bytes) -> str:
    if head.startswith(b"PGDMP"):
        return ", but one in custom format: take the .plain.zip of the release"
    if head.startswith(b"PK"):
        return ", but a zip file inside of a zip file"
    if head.lstrip()[:1] == b"<":
        return ", but a web page"
    return " (it does not begin as pg_dump does)"
