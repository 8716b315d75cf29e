"""A small shop that is right in every respect: five weeks of three retailers, perfectly loaded."""

from datetime import date, timedelta
from typing import Any

import pytest

from services.data_quality.retail.jobs import check_quality
from shared import db
from shared.config import ROOT, Settings
from shared.jobs import Counts, Run
from shared.jobs.workflows import Workflow
from shared.jobs.yamlfile import read_yaml

DAY = date(2026, 3, 10)  # a Tuesday
FIRST = DAY - timedelta(days=35)
LINES = 40  # a day and retailer: 10 transactions of 4 lines
RETAILERS = ("retailer_1", "retailer_2", "retailer_3")

_SHOP = """
INSERT INTO retail.dim_retailer (retailer_id, retailer_name, source_kind, timezone, currency)
SELECT 'retailer_' || n, 'Shop ' || n, 'test', 'Europe/London', 'GBP' FROM generate_series(1, 3) AS n;

SELECT retail.ensure_fact_partitions(%(first)s, %(day)s);

INSERT INTO retail.dim_store (retailer_key, store_id, store_name, updated_at)
SELECT retailer_key, id, id, now() FROM retail.dim_retailer, unnest(ARRAY['', 'S1', 'S2']) AS id;
INSERT INTO retail.dim_customer (retailer_key, customer_id, updated_at)
SELECT retailer_key, id, now() FROM retail.dim_retailer, unnest(ARRAY['', 'C1', 'C2', 'C3']) AS id;
INSERT INTO retail.dim_product (retailer_key, product_id, product_name, category, updated_at)
SELECT retailer_key, 'P' || n, 'Mug ' || n, 'Kitchen', now()
FROM retail.dim_retailer, generate_series(1, 8) AS n;

INSERT INTO retail.fact_sales
SELECT
    day::date, r.retailer_key, s.store_key, c.customer_key, p.product_key,
    format('T%%s-%%s', to_char(day, 'YYMMDD'), t), l::text, day + interval '12 hours',
    n.quantity, 2.5, 0.25, n.quantity * 2.5 - 0.25, day + interval '12 hours', 2
FROM generate_series(%(first)s::timestamp, %(day)s, interval '1 day') AS day
CROSS JOIN retail.dim_retailer AS r
CROSS JOIN generate_series(1, 10) AS t
CROSS JOIN generate_series(1, 4) AS l
CROSS JOIN LATERAL (SELECT CASE WHEN t = 1 THEN -1 ELSE l END AS quantity) AS n
JOIN retail.dim_store AS s ON s.retailer_key = r.retailer_key AND s.store_id = 'S' || 1 + t %% 2
JOIN retail.dim_customer AS c ON c.retailer_key = r.retailer_key
    AND c.customer_id = CASE WHEN t < 4 THEN '' ELSE 'C1' END
JOIN retail.dim_product AS p ON p.retailer_key = r.retailer_key AND p.product_id = 'P' || l;

INSERT INTO ops.reconciliation (pipeline, source, business_date, run_id, source_rows, fact_rows,
                                duplicate_rows)
SELECT 'retail', r.retailer_id, f.business_date, 2, count(*) + 1, count(*), 1
FROM retail.fact_sales AS f JOIN retail.dim_retailer AS r USING (retailer_key)
GROUP BY r.retailer_id, f.business_date;

-- everything came in one go, as after a backfill; the files of the day were loaded by run 2
INSERT INTO ops.arrival (pipeline, source, logical_date, source_rows, landed_rows, rejected_rows, run_id)
SELECT 'retail', r.retailer_id, day::date, 41, 41, 0, 1
FROM retail.dim_retailer AS r, generate_series(%(first)s::timestamp, %(day)s, interval '1 day') AS day;
INSERT INTO ops.loaded_object (object_key, dataset, source, logical_date, etag, size_bytes, row_count,
                               created_run_id, loaded_run_id, loaded_at)
SELECT format('raw/%%s/%%s/1.parquet', source, logical_date), 'retail/raw', source, logical_date, 'x', 1, 41,
       1, 2, now()
FROM ops.arrival;
"""


class Shop:
    """The perfect shop, a way to break it, and the quality job over it."""

    def __init__(self, settings: Settings, conn: db.Connection) -> None:
        self.settings, self.conn = settings, conn
        self.params: dict[str, Any] = dict(read_yaml(ROOT / "workflows" / "retail.yml")[0])
        self.run_id = 100
        with db.transaction(conn):
            db.execute(conn, _SHOP, {"first": FIRST, "day": DAY})

    def do(self, statement: str, **params: Any) -> int:
        """Run a statement and commit it."""
        with db.transaction(self.conn):
            return db.execute(self.conn, statement, {"day": DAY, **params})

    def check(self, day: date = DAY) -> Counts:
        """Run the job."""
        self.run_id += 1
        workflow = Workflow("retail", "", {}, self.params, ROOT / "workflows" / "retail.yml")
        run = Run(self.run_id, "retail_quality", workflow, day, self.settings)
        try:
            return check_quality(run)
        finally:
            run.close()

    def rows(self, query: str, **params: Any) -> list[dict[str, Any]]:
        """Run a query in a transaction of its own."""
        try:
            return db.fetch_all(self.conn, query, {"run_id": self.run_id, **params})
        finally:
            self.conn.rollback()

    def failed(self) -> dict[str, dict[str, Any]]:
        """Return what failed in the last run, by check name."""
        query = "SELECT * FROM ops.quality_result WHERE run_id = %(run_id)s AND NOT passed"
        return {row["check_name"]: row for row in self.rows(query)}


@pytest.fixture
def shop(pg: Settings, conn: db.Connection) -> Shop:
    """A database with the perfect shop in it."""
    return Shop(pg, conn)
