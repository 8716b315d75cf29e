"""Releases compiled once a session, straight from the dumps."""

import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from shared.vin.compile import compile_parts
from shared.vin.parts import ReadParts
from tests.unit.vin.dump import DumpSource

ROOT = Path(__file__).resolve().parents[3]
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)  # when the recorded answers were made
FOLDERS = (ROOT / "tests/data/vpic", ROOT / "services/vehicle_etl/data", ROOT.parent / "shared/data/vpic")

Parts = dict[str, bytes]


def reader(parts: Parts) -> ReadParts:
    """Return what reads parts from memory."""
    return lambda names: {name: parts[name] for name in names if name in parts}


def noting(parts: Parts, asked: list[list[str]]) -> ReadParts:
    """Return what reads parts from memory and notes what it was asked for."""

    def read(names: Sequence[str]) -> Mapping[str, bytes]:
        asked.append(list(names))
        return reader(parts)(names)

    return read


def find(name: str) -> Path:
    """Return a data file of the project, or the same one beside it."""
    return next(folder / name for folder in FOLDERS if (folder / name).exists())


def read_cases(name: str) -> Iterator[dict[str, Any]]:
    """Give the recorded answers of a file."""
    with gzip.open(find(name), "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


@cache
def compiled(name: str) -> Parts:
    """Compile a dump, once a process."""
    return dict(compile_parts(DumpSource(find(name)), now=NOW))


@pytest.fixture(scope="session")
def release() -> Parts:
    """The parts of the sample release."""
    return compiled("vpic_subset.plain.sql.zip")


@pytest.fixture(scope="session")
def next_release() -> Parts:
    """The parts of the release after it."""
    return compiled("vpic_subset_2026_10.plain.sql.zip")
