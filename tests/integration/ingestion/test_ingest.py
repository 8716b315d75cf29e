"""Ordinary days: what the retailers sold is what is landed, once."""

from collections import Counter
from decimal import Decimal

from tests.integration.ingestion.conftest import DAY, IDS, Retailers, query, raw_rows, run_ingest


def test_the_lines_of_a_day_are_those_that_the_retailers_sold(settings, retailers: Retailers, ingest):
    counts = ingest()
    rows = [row for row in raw_rows(settings) if row["business_date"] == DAY]
    print(counts, len(rows))
    for name in IDS:
        mine = [row for row in rows if row["retailer_id"] == name]
        sold = retailers.sales(name, DAY)
        print(name, len(mine), len(sold), sold[:1])
