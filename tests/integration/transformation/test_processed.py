"""Processed files: what each load inserted, with names in place of keys, whatever dies in between."""

from datetime import date
from decimal import Decimal

import pytest

from shared import db
from shared.errors import FatalError
from tests.integration.transformation.scenario import LATER, prepare
from tests.integration.transformation.warehouse import DAY, Warehouse, line

OBJECTS = "SELECT object_key, row_count FROM ops.loaded_object WHERE dataset = 'retail/processed' ORDER BY object_key"


def test_a_file_a_business_day_holds_the_facts_with_their_names(house: Warehouse):
    january = date(2026, 1, 31)
    house.put(
        [
            line("T1", "1"),
            line("T1", "2", product_id="P2", product_name=None),
            line("T2", business_date=january),
        ]
    )
    house.transform()
    run_id = house.run_id
    assert house.rows(OBJECTS) == [
        {"object_key": f"processed/sales/year=2026/month=01/day=31/{run_id}-0000.parquet", "row_count": 1},
        {"object_key": f"processed/sales/year=2026/month=03/day=10/{run_id}-0000.parquet", "row_count": 2},
    ]
    first, second, _ = house.processed()
    assert first["retailer_name"] == "Harbour Gifts"
    assert first["currency"] == "GBP"
    assert (first["product_name"], first["category"], first["customer_country"]) == (
        "BLUE MUG",
        "Kitchen",
        "France",
    )
    assert (first["quantity"], first["unit_price"], first["total"]) == (2, Decimal("2.5"), 5)
    assert first["sold_at"].isoformat() == "2026-03-10T12:00:00+00:00"
    assert second["product_name"] is None


def test_they_are_the_facts(house: Warehouse):
    prepare(house)
    house.transform()
    columns = ("retailer_id", "transaction_id", "line_id", "business_date", "quantity", "total")
    facts = {tuple(fact[name] for name in columns) for fact in house.facts()}
    written = {tuple(row[name] for name in columns) for row in house.processed()}
    assert facts <= written
    assert {row[1] for row in written - facts} == {"T1", "T8"}  # corrected, emptied


def test_a_load_of_nothing_new_writes_none(house: Warehouse):
    house.put([line("T1")])
    house.transform()
    before = house.rows(OBJECTS)
    house.put([line("T1")])
    house.transform()
    assert house.rows(OBJECTS) == before


def test_the_next_run_writes_what_a_dead_one_left_out(house: Warehouse):
    house.put([line("T1")])
    folder = house.settings.local_dir / "objects" / "processed"
    folder.write_text("in the way")
    with pytest.raises((FatalError, OSError)):
        house.transform()
    dead = house.run_id
    assert len(house.facts()) == 1
    assert house.rows(OBJECTS) == []
    folder.unlink()
    house.transform()  # nothing pending any more
    assert [row["object_key"] for row in house.rows(OBJECTS)] == [
        f"processed/sales/year=2026/month=03/day=10/{dead}-0000.parquet"
    ]
    assert len(house.processed()) == 1


def test_what_a_newer_load_replaced_meanwhile_is_not_written(house: Warehouse):
    house.put([line("T1"), line("T2")])
    house.transform()
    with db.transaction(house.conn):
        db.execute(house.conn, "UPDATE retail.fact_load SET processed_at = NULL")
        db.execute(house.conn, "DELETE FROM ops.loaded_object WHERE dataset = 'retail/processed'")
    house.put([line("T1", quantity=Decimal(3), updated_at=LATER)], DAY)
    house.transform()
    assert [(row["transaction_id"], row["quantity"]) for row in house.processed()] == [("T1", 3), ("T2", 2)]


def test_many_rows_go_through_in_batches(house: Warehouse):
    rows = [line(f"T{n:05}", str(n % 7), business_date=date(2026, 3, 1 + n % 3)) for n in range(45_000)]
    house.put(rows)
    house.transform()
    assert [row["row_count"] for row in house.rows(OBJECTS)] == [15_000] * 3
    assert len(house.processed()) == 45_000
