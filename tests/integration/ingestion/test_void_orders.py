"""Orders that the shops empty, cancel or put into the trash after they were loaded: through the real jobs."""

from datetime import UTC, datetime, timedelta

import pytest

from services.retailers.square_ids import to_id
from shared import db
from shared.jobs.sequence import run_dates
from shared.jobs.workflows import find_workflow
from shared.reconcile import reconcile
from tests.integration.ingestion.conftest import DAY, query

EDITED = f"{DAY}T22:30:00+00:00"  # half an hour before the shops' midnight
RESTORED = f"{DAY}T22:40:00+00:00"
CANCELLED = f"{DAY}T22:50:00+00:00"
JOBS = ("retail_ingest", "retail_transform", "retail_quality")
FACTS = """
SELECT r.retailer_id, f.transaction_id, f.line_id, f.business_date, f.quantity, f.total
FROM retail.fact_sales AS f JOIN retail.dim_retailer AS r USING (retailer_key)
"""


def load(settings) -> None:
    """Ingest, load and check DAY, again if it was done; every job succeeds and every line is accounted for."""
    workflow = find_workflow(settings, "retail")
    results = run_dates(settings, workflow, [workflow.jobs[name] for name in JOBS], [DAY], force=True)
    assert [result.status for result in results] == ["succeeded"] * len(JOBS), results
    with db.connect(settings, autocommit=True) as conn:
        found = reconcile(conn, workflow, DAY - timedelta(days=30), DAY, None, datetime.now(UTC))
    conn.close()
    assert found.days and found.unbalanced == []


def facts_of(settings, retailer: str, transaction_id: str | None = None) -> list[dict]:
    return [row for row in query(settings, FACTS) if row["retailer_id"] == retailer
            and transaction_id in (None, row["transaction_id"])]  # fmt: skip


def a_sale(settings, retailers, retailer: str) -> tuple[str, dict]:
    """Return a sale of DAY under the number that facts have, with what the retailer knows of it."""
    known = {row["transaction_id"] for row in facts_of(settings, retailer) if row["business_date"] == DAY}
    for sale in retailers.sales(retailer, DAY):
        number = to_id("order", sale["sale_id"]) if retailer == "retailer_2" else str(sale["sale_id"])
        if sale["kind"] == "sale" and sale["lines"] > 1 and number in known:
            return number, sale
    raise AssertionError(f"no sale of {retailer} on {DAY} has facts")


@pytest.mark.parametrize("retailer", ["retailer_1", "retailer_2"])
def test_an_order_edited_down_to_no_lines_takes_its_facts_along(settings, retailers, retailer):
    load(settings)
    before = len(query(settings, FACTS))
    number, sale = a_sale(settings, retailers, retailer)
    lines = [{"line": line, "drop": True} for line in range(1, sale["lines"] + 1)]
    retailers.mutate(retailer, kind="correction", reference=sale["reference"], lines=lines, updated_at=EDITED)
    for _ in range(2):
        load(settings)
        assert facts_of(settings, retailer, number) == []
        assert len(query(settings, FACTS)) == before - len(lines)


def test_an_order_in_the_trash_goes_and_comes_back_when_it_is_restored(settings, retailers):
    load(settings)
    number, sale = a_sale(settings, retailers, "retailer_1")
    before = facts_of(settings, "retailer_1", number)
    retailers.mutate(
        "retailer_1", kind="status", status="trash", reference=sale["reference"], updated_at=EDITED
    )
    load(settings)
    assert before and facts_of(settings, "retailer_1", number) == []
    retailers.mutate(
        "retailer_1", kind="status", status=None, reference=sale["reference"], updated_at=RESTORED
    )
    load(settings)
    assert sorted(facts_of(settings, "retailer_1", number), key=str) == sorted(before, key=str)


def test_a_cancelled_order_stays_with_its_reversal(settings, retailers):
    load(settings)
    number, sale = a_sale(settings, retailers, "retailer_1")
    before = facts_of(settings, "retailer_1", number)
    retailers.mutate(
        "retailer_1", kind="status", status="cancelled", reference=sale["reference"], updated_at=CANCELLED
    )
    load(settings)
    after = facts_of(settings, "retailer_1", number)
    assert len(after) == 2 * len(before) and sum(row["total"] for row in after) == 0
