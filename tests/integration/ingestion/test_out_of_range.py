"""One absurd record, such as a sale in the year 1, never costs a retailer its day."""

import pytest

from services.ingestion.sources.csv_export import CsvExport
from services.ingestion.sources.square import Square
from services.ingestion.sources.woocommerce import WooCommerce
from tests.integration.ingestion.conftest import query, raw_rows, run_ingest
from tests.integration.ingestion.test_dead_letters import letters
from tests.unit.ingestion.builders import csv_lines, csv_text, square, woo

FIRST, LAST = "0001-01-01T00:00:00", "9999-12-31T23:59:59"
ABSURD = {
    "retailer_1": (
        WooCommerce,
        [woo({"date_created_gmt": FIRST}), woo({"date_modified_gmt": LAST}), woo(total="NaN")],
    ),
    "retailer_2": (
        Square,
        [square({"closed_at": f"{FIRST}Z"}), square({"updated_at": f"{LAST}Z"}), square(quantity="1E999999")],
    ),
    "retailer_3": (
        CsvExport,
        [
            csv_lines(csv_text(Timestamp="01/01/0001 00:00")),
            csv_lines(csv_text(LastModified="31/12/9999 23:59")),
            csv_lines(csv_text(Quantity="NaN")),
        ],
    ),
}


@pytest.mark.parametrize("zone", ["Europe/Paris", "America/New_York"])
@pytest.mark.parametrize("name", ABSURD)
def test_absurd_records_are_letters_and_all_others_arrive(settings, retailers, monkeypatch, name, zone):
    adapter, absurd = ABSURD[name]
    fetch = adapter.fetch

    def among_others(self, window):
        yield from absurd
        yield from fetch(self, window)

    monkeypatch.setattr(adapter, "fetch", among_others)
    counts = run_ingest(settings, only=(name,), change={"timezone": zone})
    assert counts.rejected == len(letters(settings)) == 3
    assert counts.written == len(raw_rows(settings)) > 0
    assert [row["source"] for row in query(settings, "SELECT source FROM ops.arrival")] == [name]
    assert query(settings, "SELECT sum(rejected_rows)::int AS n FROM ops.reconciliation") == [{"n": 3}]
