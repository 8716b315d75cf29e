"""A small history with everything in it that a load treats in its own way, and a load of it as a process."""

from datetime import UTC, date, datetime
from decimal import Decimal

from services.transformation.retail.jobs import transform
from shared.config import ROOT, load_settings
from shared.jobs import Run
from shared.jobs.workflows import Workflow
from shared.jobs.yamlfile import read_yaml
from tests.integration.transformation.warehouse import DAY, Warehouse, line

LATER = datetime(2026, 3, 12, 9, tzinfo=UTC)


def prepare(house: Warehouse) -> None:
    """Load a first batch and leave a second one pending."""
    house.put([line("T1", "1"), line("T1", "2"), line("T2", "1"), line("T3", "1", updated_at=LATER),
               line("T8", "1"), line("T8", "2")])  # fmt: skip
    house.transform()
    house.put([
        line("T1", "1", quantity=Decimal(9), business_date=date(2026, 2, 27), updated_at=LATER),  # corrected, moved
        line("T2", "1"),  # known
        line("T3", "1", quantity=Decimal(5)),  # older than what is known
        line("T4", "1", product_id="P2", product_name="RED MUG"),
        line("T4", "1", product_id="P2", product_name="RED MUG"),  # twice
        line("T5", "1", customer_id="", store_id=""),
    ])  # fmt: skip
    house.put([
        line("T6", "1", retailer_id="retailer_2", business_date=date(2026, 2, 28)),  # late, of a month that is new
        line("T7", "1", retailer_id="retailer_2"),
    ])  # fmt: skip
    house.put([line("T7", "1", retailer_id="retailer_2", quantity=Decimal(-2), updated_at=LATER)])
    house.void("T8", LATER)  # edited down to no lines


def run_transform(environ: dict[str, str], run_id: int) -> None:
    """Run retail_transform in this process."""
    params = dict(read_yaml(ROOT / "workflows" / "retail.yml")[0])
    workflow = Workflow("retail", "", {}, params, ROOT / "workflows" / "retail.yml")
    transform(Run(run_id, "retail_transform", workflow, DAY, load_settings(environ)))
