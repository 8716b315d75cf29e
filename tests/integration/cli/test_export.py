"""cronhouse export: what stands in the table, in three formats."""

import csv
import json
import os
import subprocess
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from shared.config import ROOT
from tests.integration.cli.conftest import Desk


@pytest.fixture
def table(desk: Desk) -> Desk:
    desk.execute("""
        CREATE SCHEMA stock;
        CREATE TABLE stock.item (id integer, name text, price numeric(10, 2), total numeric, made date,
                                 seen timestamptz, tags jsonb, is_new boolean, "Odd ""name"" %" text);
        INSERT INTO stock.item VALUES
            (1, E'Kett\\u00e9le; "blue"\\nnew line \\\\ back', 12.50, 1.23456789, '2026-03-01',
             '2026-03-01 06:00+02', '{"a": [1, null]}', true, 'x'),
            (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
        CREATE MATERIALIZED VIEW stock.mv_item AS SELECT id, name FROM stock.item;
    """)
    return desk


def test_csv_has_a_header_and_quotes_what_needs_it(table: Desk, tmp_path: Path) -> None:
    out = tmp_path / "items.csv"
    answer = table.call("export", "stock.item", "--output", str(out))
    assert answer.code == 0, answer.err
    assert "wrote 2 rows of stock.item" in answer.err
    with out.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows[0]["name"] == 'Kettéle; "blue"\nnew line \\ back'
    assert rows[0]["seen"] == "2026-03-01 04:00:00+00"
    assert rows[1]["price"] == ""


def test_json_is_one_object_a_line(table: Desk, tmp_path: Path) -> None:
    out = tmp_path / "items.json"
    assert table.call("export", "item", "--format", "json", "--output", str(out)).code == 0
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert rows[0]["name"] == 'Kettéle; "blue"\nnew line \\ back'
    assert rows[0]["tags"] == {"a": [1, None]}
    assert rows[1] == {**dict.fromkeys(rows[0]), "id": 2}


def test_parquet_keeps_types(table: Desk, tmp_path: Path) -> None:
    out = tmp_path / "items.parquet"
    assert table.call("export", "stock.item", "--format", "parquet", "--output", str(out)).code == 0
    row = pq.read_table(out).to_pylist()[0]
    assert row["price"] == Decimal("12.50") and row["total"] == Decimal("1.23456789")
    assert row["made"] == date(2026, 3, 1)
    assert row["seen"] == datetime(2026, 3, 1, 4, tzinfo=UTC)
    assert json.loads(row["tags"]) == {"a": [1, None]}


def test_columns_are_chosen_and_ordered(table: Desk, tmp_path: Path) -> None:
    out = tmp_path / "some.csv"
    table.call("export", "stock.item", "--columns", 'price, Odd "name" %', "--output", str(out))
    assert out.read_text().splitlines()[0] == 'price,"Odd ""name"" %"'
    answer = table.call("export", "stock.item", "--columns", "price,weight")
    assert answer.code == 1
    assert "has no column weight; it has: id, name" in answer.err


def test_a_materialized_view_can_be_exported(table: Desk, tmp_path: Path) -> None:
    out = tmp_path / "view.csv"
    assert table.call("export", "stock.mv_item", "--output", str(out)).code == 0
    assert len(out.read_text().splitlines()) > 2


@pytest.mark.parametrize(
    "name", ["pg_catalog.pg_authid", "information_schema.tables", "nothing", 'x"; DROP TABLE y']
)
def test_only_tables_of_people_are_found(table: Desk, name: str) -> None:
    answer = table.call("export", name)
    assert answer.code == 1
    assert "there is no table or view" in answer.err


def test_a_name_in_two_schemas_must_be_told_apart(table: Desk) -> None:
    table.execute("CREATE SCHEMA other; CREATE TABLE other.item (id integer)")
    assert "other.item, stock.item" in table.call("export", "item").err


def test_a_file_that_cannot_be_written_leaves_nothing(table: Desk, tmp_path: Path) -> None:
    answer = table.call("export", "stock.item", "--output", str(tmp_path / "no" / "such.csv"))
    assert answer.code == 1 and "cannot write" in answer.err
    table.execute("CREATE VIEW stock.broken AS SELECT 1 / (id - id) AS x FROM stock.item")
    answer = table.call("export", "stock.broken", "--output", str(tmp_path / "broken.csv"))
    assert answer.code == 1 and "division by zero" in answer.err
    assert not [path.name for path in tmp_path.iterdir() if "csv" in path.name]


def test_parquet_needs_a_file(table: Desk) -> None:
    answer = table.call("export", "stock.item", "--format", "parquet")
    assert answer.code == 2 and "--output" in answer.err


def test_a_reader_that_has_had_enough_ends_it_without_a_word(table: Desk) -> None:
    """With the status that the shell gives to any program whose reader goes away."""
    table.execute("INSERT INTO stock.item (id) SELECT generate_series(3, 200000)")
    command = (
        f"{sys.executable} -m shared.cli export stock.item --columns id | head -n 1; echo ${{PIPESTATUS[0]}}"
    )
    said = subprocess.run(
        ["bash", "-c", command], cwd=ROOT, env=dict(os.environ), capture_output=True, text=True
    )
    assert (said.stdout, said.stderr) == ("id\n141\n", "")


def test_daily_statistics_of_rides_name_what_the_truth_of_a_source_names(desk: Desk, tmp_path: Path) -> None:
    out = tmp_path / "days.csv"
    assert desk.call("export", "parks.ride_daily_stats", "--format", "csv", "--output", str(out)).code == 0
    header = out.read_text().splitlines()[0].split(",")
    assert {"entity_id", "local_date", "samples", "min_wait", "mean_wait", "max_wait"} <= set(header)
