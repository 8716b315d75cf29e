"""The whole retail workflow, as processes against the three retailers: an ordinary run, and runs that die."""

import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest

from shared import db
from shared.config import ROOT, Settings
from shared.local.postgres import EmbeddedPostgres
from tests.conftest import cloned_database, settings_for
from tests.integration.ingestion.conftest import (
    DAY,
    Retailers,
    retailer_process,
    retailer_template,
    settings_with,
)

__all__ = ["retailer_process", "retailer_template"]

FIRST = DAY - timedelta(days=2)
JOBS = ("retail_ingest", "retail_transform", "retail_quality", "retail_views")
# The same facts whatever happened on the way: everything but the run that brought them and made-up keys.
FACTS = """
SELECT r.retailer_id, f.business_date, f.transaction_id, f.line_id, s.store_id, c.customer_id, p.product_id,
       p.category, f.sold_at, f.quantity, f.unit_price, f.discount, f.total, f.source_updated_at
FROM retail.fact_sales AS f
JOIN retail.dim_retailer AS r USING (retailer_key)
JOIN retail.dim_store AS s ON s.store_key = f.store_key
JOIN retail.dim_customer AS c ON c.customer_key = f.customer_key
JOIN retail.dim_product AS p ON p.product_key = f.product_key
ORDER BY 1, 2, 3, 4
"""
LEDGER = """
SELECT l.source, l.business_date, sum(l.source_rows) - sum(l.duplicate_rows) AS kept,
       sum(l.fact_rows) AS facts
FROM ops.reconciliation AS l GROUP BY 1, 2 ORDER BY 1, 2
"""


@pytest.fixture
def house(pg: Settings, retailer_process: Retailers) -> Settings:
    """A warehouse of its own that knows the retailers."""
    return settings_with(pg, retailer_process.urls, LOG_LEVEL="INFO")


@pytest.fixture(scope="module")
def undisturbed(
    pg_server: EmbeddedPostgres, pg_template: str, retailer_process: Retailers,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Settings]:  # fmt: skip
    """A warehouse in which nothing went wrong for three days."""
    folder = tmp_path_factory.mktemp("undisturbed")
    with cloned_database(pg_server, pg_template) as url:
        house = settings_with(settings_for(url, folder), retailer_process.urls, LOG_LEVEL="INFO")
        finish(house, "run", "retail", "--from", str(FIRST), "--to", str(DAY))
        yield house


def cronhouse(house: Settings, *words: str) -> "subprocess.Popen[str]":
    """Start a command as cron would."""
    environ = {"PATH": os.environ["PATH"], "CRONHOUSE_ENV_FILE": "/dev/null", **house.environ}
    command = [sys.executable, "-m", "shared.cli", *words]
    return subprocess.Popen(
        command, cwd=ROOT, env=environ, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def finish(house: Settings, *words: str) -> str:
    """Run a command to its end; it must succeed."""
    process = cronhouse(house, *words)
    said, _ = process.communicate(timeout=300)
    assert process.returncode == 0, said
    return said


def rows(house: Settings, query: str) -> list[dict[str, object]]:
    conn = db.connect(house, autocommit=True)
    try:
        return db.fetch_all(conn, query)
    finally:
        conn.close()


def test_three_days_from_the_retailers_to_the_views(undisturbed):
    ledger = rows(undisturbed, LEDGER)
    assert len(rows(undisturbed, FACTS)) > 1000
    assert all(row["kept"] == row["facts"] for row in ledger)
    finish(undisturbed, "reconcile", "retail")
    (score,) = rows(
        undisturbed, "SELECT min(score) AS worst, sum(critical) AS critical FROM ops.quality_score"
    )
    assert score["worst"] > 90 and score["critical"] == 0
    for view in ("daily_sales_summary", "monthly_sales_by_category", "top_products_by_revenue",
                 "weekly_sales_trends", "quarterly_sales_summary", "daily_sales_by_product"):  # fmt: skip
        (found,) = rows(undisturbed, f"SELECT count(*) AS n FROM retail.mv_{view}")
        assert found["n"] > 0, view


def test_the_views_and_the_facts_agree(undisturbed):
    (facts,) = rows(undisturbed, "SELECT sum(total) AS total FROM retail.fact_sales")
    (view,) = rows(undisturbed, "SELECT sum(net_sales) AS total FROM retail.mv_daily_sales_summary")
    assert view["total"] == facts["total"]


@pytest.mark.parametrize("seed", range(3))
def test_a_run_killed_at_any_moment_then_run_again_leaves_the_same_rows(house, undisturbed, seed):
    moments = random.Random(seed)
    for longest in (
        0.4,
        1.0,
        2.0,
        4.0,
    ):  # seconds; a machine is never so fast that the first kill comes too late
        process = cronhouse(house, "run", "retail", "--from", str(FIRST), "--to", str(DAY))
        time.sleep(moments.uniform(0.1, longest))
        was_alive = process.poll() is None
        process.kill()
        said, _ = process.communicate()
        assert was_alive or longest > 0.4, said
        _wait_for_silence(house)
    finish(house, "run", "retail", "--from", str(FIRST), "--to", str(DAY))
    assert rows(house, FACTS) == rows(undisturbed, FACTS)
    assert facts_by_day(house) == facts_by_day(undisturbed)
    assert not rows(house, "SELECT 1 FROM ops.job_run WHERE status = 'running'")
    finish(house, "reconcile", "retail")


def facts_by_day(house: Settings) -> list[tuple[object, ...]]:
    """What the ledger says, without the duplicates: a run that died may have read a window twice."""
    return [(row["source"], row["business_date"], row["facts"]) for row in rows(house, LEDGER)]


def _wait_for_silence(house: Settings) -> None:
    """Wait until the server has noticed that the killed process is gone, and its locks with it."""
    query = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    deadline = time.monotonic() + 60
    while rows(house, query):
        assert time.monotonic() < deadline, "the server still works for a process that is gone"
        time.sleep(0.05)
