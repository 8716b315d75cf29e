"""The tables of a plain PostgreSQL dump in a zip, as the compiler's source: unpacked into memory once."""

import io
import re
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from shared.vin.source import Column, Source, split_copy, whole_lines

_COPY = re.compile(rb"^COPY vpic\.(\S+) \((.*)\) FROM stdin;\n", re.MULTILINE)


class DumpSource(Source):
    """Reads the COPY blocks."""

    def __init__(self, path: Path) -> None:
        with zipfile.ZipFile(path) as archive:
            self._text = archive.read(archive.namelist()[0])
        self._blocks: dict[str, tuple[list[str], int]] = {}
        for found in _COPY.finditer(self._text):
            columns = [name.strip(' "') for name in found[2].decode().split(",")]
            self._blocks[found[1].decode()] = columns, found.end()

    def tables(self) -> list[str]:
        """Name the tables."""
        return list(self._blocks)

    def columns(self, table: str) -> list[str]:
        """Name the columns of a table."""
        return self._blocks[table][0]

    def batches(self, table: str, columns: Sequence[str]) -> Iterator[Sequence[Column]]:
        """Give the rows of a table by columns, nothing for one that the dump lacks."""
        if table not in self._blocks:
            return
        names, start = self._blocks[table]
        picked = [names.index(column) for column in columns]
        end = self._text.index(b"\\.\n", start)  # a backslash in a value is doubled
        lines = whole_lines(io.BytesIO(self._text[start:end]))
        yield from split_copy(lines, len(names), picked if columns else (0,))
