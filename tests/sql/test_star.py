"""Folders of rows in and rows out: each `load_n.csv` is one raw object and one load, every other file is what a
table of the star holds then. A file names the columns that matter; the other columns of a line are those of
`warehouse.line`. An empty field is null, or '' for the id of an unknown member.
"""

import csv
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from shared import db
from shared.config import Settings
from tests.integration.transformation.warehouse import (
    DIMENSIONS,
    FACTS,
    LEDGER,
    Warehouse,
    assert_conserved,
    line,
)

CASES = sorted(path for path in (Path(__file__).parent / "star").iterdir() if path.is_dir())
STORES, CUSTOMERS, PRODUCTS = DIMENSIONS
TABLES = {"facts": FACTS, "ledger": LEDGER, "stores": STORES, "customers": CUSTOMERS, "products": PRODUCTS}
READERS = {
    "business_date": date.fromisoformat, "updated_at": datetime.fromisoformat, "quantity": Decimal,
    "unit_price": Decimal, "discount": Decimal, "customer_id": str, "store_id": str,
}  # fmt: skip


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Read the lines of a load."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [
        line(**{name: READERS.get(name, lambda text: text or None)(text) for name, text in row.items()})
        for row in rows
    ]


def read_expected(path: Path) -> tuple[list[str], list[tuple[str, ...]]]:
    """Read the columns and rows that a table shall have."""
    with path.open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    return header, [tuple(row) for row in rows]


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.name)
def test_rows_in_rows_out(pg: Settings, conn: db.Connection, case: Path):
    house = Warehouse(pg, conn)
    for path in sorted(case.glob("load_*.csv")):
        house.put(read_lines(path))
        house.transform()
    expectations = [path for path in case.glob("*.csv") if not path.name.startswith("load_")]
    assert expectations
    for path in expectations:
        columns, rows = read_expected(path)
        texts = ", ".join(f"coalesce({name}::text, '') AS {name}" for name in columns)
        found = house.rows(f"SELECT {texts} FROM ({TABLES[path.stem]}) AS t")
        assert sorted(tuple(row.values()) for row in found) == sorted(rows), path.name
    assert_conserved(house)
