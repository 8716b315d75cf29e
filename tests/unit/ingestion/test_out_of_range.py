"""Numbers and times that no arithmetic can follow cost their own record, not the retailer."""

from zoneinfo import ZoneInfo

import pytest

from services.ingestion.sources import open_source, parse
from shared.errors import DataError
from tests.unit.ingestion.builders import LATEST, csv_lines, csv_text, retailer, square, woo

FIRST, LAST = "0001-01-01T00:00:00", "9999-12-31T23:59:59"
ZONES = ("Europe/Paris", "America/New_York")


def lines_of(source: str, field: str, value: str) -> list[bytes]:
    if source == "woocommerce":
        return woo(**{field: value}) if field in ("quantity", "total", "subtotal") else woo({field: value})
    if source == "square":
        return square(**{field: value}) if field == "quantity" else square({field: value})
    return csv_lines(csv_text(**{field: value}))


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize(
    ("source", "field", "value"),
    [
        *(("woocommerce", field, value)
          for field in ("date_created_gmt", "date_modified_gmt") for value in (FIRST, LAST)),
        *(("woocommerce", field, value)
          for field in ("quantity", "total", "subtotal") for value in ("NaN", "1E999999", "-Infinity")),
        *(("square", field, f"{value}Z") for field in ("closed_at", "updated_at") for value in (FIRST, LAST)),
        *(("square", "quantity", value) for value in ("NaN", "1E999999", "Infinity")),
        *(("csv_export", field, value) for field in ("Timestamp", "LastModified")
          for value in ("01/01/0001 00:00", "31/12/9999 23:59")),
        *(("csv_export", field, value) for field in ("Quantity", "UnitPrice", "Total") for value in ("NaN", "1E99")),
    ],
)  # fmt: skip
def test_it_is_a_data_error_and_can_be_counted(source, field, value, zone):
    adapter = open_source(retailer(source, zone=ZoneInfo(zone)))
    lines = lines_of(source, field, value)
    with pytest.raises(DataError):
        parse(adapter, lines, LATEST)
    rows, day = adapter.count(lines)
    assert rows == 1
    assert day is None or 2000 <= day.year <= 2100
