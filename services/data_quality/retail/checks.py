"""The checks of the retail star and of what the retailers delivered.

Severities and limits stand in workflows/retail.yml. A count of offenders has the limit `max`, a share of
the lines of one retailer `max_share`.
"""

from pathlib import Path

from shared.quality_rules import Check
from shared.sql import SqlFolder, read_queries

FACTS = "retail.fact_sales"
DELIVERIES = "ops.arrival"

CATALOGUE = {
    # what was delivered, stage by stage
    "arrival_age": Check(DELIVERIES, "days since a retailer's data last arrived", ("max_days",)),
    "sales_age": Check(DELIVERIES, "days since a retailer's last sale", ("max_days",)),
    "source_landed": Check(DELIVERIES, "lines that the source counted and that did not land"),
    "landed_raw": Check(DELIVERIES, "landed lines that are neither rejected nor in a raw file"),
    "raw_pending": Check(DELIVERIES, "raw files that are not loaded"),
    "raw_booked": Check(DELIVERIES, "loaded raw lines that the ledger does not know"),
    "rejected_share": Check(DELIVERIES, "share of landed lines that were rejected", ("max_share",)),
    # conservation and volume
    "conservation": Check(FACTS, "days on which facts and ledger differ"),
    "duplicate_keys": Check(FACTS, "lines (business keys) that stand on two dates"),
    "volume": Check(
        FACTS,
        "lines of the day against the same weekdays before",
        ("min_ratio", "max_ratio"),
        ("weeks", "min_weeks"),
    ),
    # completeness
    "blank_keys": Check(FACTS, "lines with an empty transaction or line id"),
    "unknown_customers": Check(FACTS, "share of lines without a known customer", ("max_share",)),
    "unknown_stores": Check(FACTS, "share of lines without a known store", ("max_share",)),
    "unnamed_products": Check(FACTS, "share of lines whose product has no name", ("max_share",)),
    "uncategorised_products": Check(FACTS, "share of lines whose product has no category", ("max_share",)),
    # business rules
    "total_mismatch": Check(FACTS, "lines whose total is not quantity * unit_price - discount within a cent"),
    "negative_prices": Check(FACTS, "lines with a negative price"),
    "zero_quantities": Check(FACTS, "lines with quantity 0"),
    "future_sales": Check(FACTS, "lines sold in the future"),
    # referential integrity
    "orphan_retailers": Check(FACTS, "lines whose retailer is not in dim_retailer"),
    "orphan_stores": Check(FACTS, "lines whose store is not in dim_store for their retailer"),
    "orphan_customers": Check(FACTS, "lines whose customer is not in dim_customer for their retailer"),
    "orphan_products": Check(FACTS, "lines whose product is not in dim_product for their retailer"),
    "orphan_dates": Check(FACTS, "lines whose day is not in dim_date"),
}

_FOLDER = Path(__file__).parent / "sql"
STATEMENTS = SqlFolder(_FOLDER)


def offenders() -> dict[str, str]:
    """Return the statements that fetch sample keys, by check name."""
    return read_queries(_FOLDER / "offenders.sql")


def queries() -> dict[str, str]:
    """Return the small reads of the job."""
    return read_queries(_FOLDER / "queries.sql")
