"""How much the quality gate costs over a plain scan: all retail checks over 1,000,000 facts.

    .venv/bin/python bench/quality.py [--rows 1000000] [--rounds 5]

The limit is a hand-written statement that reads the same facts once with the same joins and counts the
same offenders, by retailer and day. It leaves out what the gate does besides: history, the ledger, keys on
two dates, writing results. Both run in turn on one connection; a ratio of 1.2 means that the whole gate
takes 1.2 times the plain scan. Exit 1 above 1.5.
"""

import argparse
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from services.data_quality.retail.checks import CATALOGUE, DELIVERIES, FACTS
from services.data_quality.retail.gate import Gate, Window
from shared import db, quality
from shared.config import ROOT, load_settings
from shared.jobs.yamlfile import read_yaml
from shared.local.postgres import EmbeddedPostgres
from shared.migrations import migrate
from shared.quality_rules import Rule, read_rules

LIMIT = 1.5
LAST_DAY = date(2025, 12, 31)
DAYS = 365
RETAILERS = ("retailer_1", "retailer_2", "retailer_3")

# 20 lines a transaction, as many stores, customers and products as a shop of that size has
FACTS_SQL = """
INSERT INTO retail.dim_retailer (retailer_id, retailer_name, source_kind, timezone, currency)
SELECT 'retailer_' || n, 'Shop ' || n, 'bench', 'Europe/London', 'GBP' FROM generate_series(1, 3) AS n;
SELECT retail.ensure_fact_partitions(%(first)s, %(last)s);
INSERT INTO retail.dim_store (retailer_key, store_id, updated_at)
SELECT r, CASE WHEN n = 0 THEN '' ELSE 'S' || n END, now()
FROM generate_series(1, 3) AS r, generate_series(0, 5) AS n;
INSERT INTO retail.dim_customer (retailer_key, customer_id, updated_at)
SELECT r, CASE WHEN n = 0 THEN '' ELSE 'C' || n END, now()
FROM generate_series(1, 3) AS r, generate_series(0, 1500) AS n;
INSERT INTO retail.dim_product (retailer_key, product_id, product_name, category, updated_at)
SELECT r, 'P' || n, 'Product ' || n, 'Home', now()
FROM generate_series(1, 3) AS r, generate_series(1, 3500) AS n;
INSERT INTO retail.fact_sales
SELECT day, r, 1 + (r - 1) * 6 + 1 + t %% 5,
       1 + (r - 1) * 1501 + CASE WHEN t %% 4 = 0 THEN 0 ELSE 1 + t %% 1500 END,
       1 + (r - 1) * 3500 + (t * 7 + l * 131) %% 3500, 'inv-' || t, l::text, day + interval '12 hours',
       1 + l %% 12, 2.55, 0, (1 + l %% 12) * 2.55, day + interval '12 hours', 1
FROM (
    SELECT n, 1 + n / 20 AS t, 1 + n %% 20 AS l, 1 + (n / 20) %% 3 AS r,
           %(first)s::date + (n::bigint / 20 * 20 * %(days)s / %(rows)s)::integer AS day
    FROM generate_series(0, %(rows)s - 1) AS n
) AS lines
ON CONFLICT DO NOTHING;
INSERT INTO ops.reconciliation (pipeline, source, business_date, run_id, source_rows, fact_rows)
SELECT 'retail', 'retailer_' || retailer_key, business_date, 1, count(*), count(*)
FROM retail.fact_sales GROUP BY retailer_key, business_date;
INSERT INTO ops.arrival (pipeline, source, logical_date, source_rows, landed_rows, rejected_rows, run_id)
SELECT 'retail', source, business_date, source_rows, source_rows, 0, 1 FROM ops.reconciliation;
INSERT INTO ops.loaded_object (object_key, dataset, source, logical_date, etag, size_bytes, row_count,
                               created_run_id, loaded_run_id, loaded_at)
SELECT format('raw/%%s/%%s', source, logical_date), 'retail/raw', source, logical_date, 'x', 1, landed_rows,
       1, 1, now()
FROM ops.arrival;
"""

PLAIN_SCAN = """
SELECT
    f.retailer_key, f.business_date, count(*),
    count(*) FILTER (WHERE f.transaction_id = '' OR f.line_id = ''),
    count(*) FILTER (WHERE c.customer_id = ''),
    count(*) FILTER (WHERE s.store_id = ''),
    count(*) FILTER (WHERE p.product_key IS NOT NULL AND COALESCE(p.product_name, '') = ''),
    count(*) FILTER (WHERE p.category = 'Uncategorised'),
    count(*) FILTER (WHERE abs(f.quantity * f.unit_price - f.discount - f.total) > 0.01),
    count(*) FILTER (WHERE f.unit_price < 0),
    count(*) FILTER (WHERE f.quantity = 0),
    count(*) FILTER (WHERE f.sold_at > now()),
    count(*) FILTER (WHERE r.retailer_key IS NULL),
    count(*) FILTER (WHERE s.store_key IS NULL),
    count(*) FILTER (WHERE c.customer_key IS NULL),
    count(*) FILTER (WHERE p.product_key IS NULL),
    count(*) FILTER (WHERE d.date_key IS NULL)
FROM retail.fact_sales AS f
LEFT JOIN retail.dim_retailer AS r USING (retailer_key)
LEFT JOIN retail.dim_store AS s ON s.store_key = f.store_key AND s.retailer_key = f.retailer_key
LEFT JOIN retail.dim_customer AS c ON c.customer_key = f.customer_key AND c.retailer_key = f.retailer_key
LEFT JOIN retail.dim_product AS p ON p.product_key = f.product_key AND p.retailer_key = f.retailer_key
LEFT JOIN retail.dim_date AS d ON d.date_key = f.business_date
GROUP BY f.retailer_key, f.business_date
"""


def fill(conn: db.Connection, rows: int) -> Window:
    """Make the facts and what belongs to them; return the window of all their days."""
    first = LAST_DAY - timedelta(days=DAYS - 1)
    with db.transaction(conn):
        db.execute(conn, FACTS_SQL, {"first": first, "last": LAST_DAY, "days": DAYS, "rows": rows})
    conn.autocommit = True
    db.execute(conn, "VACUUM ANALYZE")
    return Window(LAST_DAY, tuple(first + timedelta(days=number) for number in range(DAYS)), elsewhere=False)


def check_all(conn: db.Connection, rules: list[Rule], window: Window, run_id: int) -> int:
    """Do what retail_quality does over the window; return how many facts it looked at."""
    gate = Gate(conn, rules, window, RETAILERS, 400)
    results = gate.with_samples(gate.check(DELIVERIES) + gate.check(FACTS))
    wrong = [result.message for result in results if not result.passed]
    if wrong:
        raise SystemExit(f"the generated facts should be clean: {wrong}")
    quality.record(conn, run_id, "retail", window.date, results)
    return int(gate.lines)


def seconds(action: Callable[[], Any]) -> float:
    """Time an action."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def main() -> int:
    """Measure and print the ratio."""
    style = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=style)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="cronhouse-bench-"))
    folder.chmod(0o755)
    server = EmbeddedPostgres(folder)
    try:
        server.start()
        server.create_database("bench")
        settings = load_settings({"DATABASE_URL": server.url("bench"), "CRONHOUSE_LOCAL_DIR": str(folder)})
        migrate(settings)
        conn = db.connect(settings)
        return measure(conn, options.rows, options.rounds)
    finally:
        server.remove()
        shutil.rmtree(folder, ignore_errors=True)


def measure(conn: db.Connection, rows: int, rounds: int) -> int:
    """Run both in turn and compare their medians."""
    window = fill(conn, rows)
    rules = read_rules(read_yaml(ROOT / "workflows" / "retail.yml")[0]["quality"], CATALOGUE)
    plain: list[float] = []
    gate: list[float] = []
    day: list[float] = []
    one_day = Window(LAST_DAY, (LAST_DAY,))
    for number in range(rounds + 1):  # the first round warms the cache and is not counted
        plain.append(seconds(lambda: db.fetch_all(conn, PLAIN_SCAN)))
        gate.append(seconds(lambda: check_all(conn, rules, window, number)))  # noqa: B023
        day.append(seconds(lambda: check_all(conn, rules, one_day, number)))  # noqa: B023
    facts = check_all(conn, rules, window, rounds + 1)
    limit, took = statistics.median(plain[1:]), statistics.median(gate[1:])
    ratio = took / limit
    print(
        f"facts checked            {facts:>12,}    {DAYS} days, {len(rules)} checks, {rounds} rounds in turn"
    )
    print(f"plain scan, hand-written {limit:>12.3f} s")
    print(f"quality gate             {took:>12.3f} s")
    print(f"gate over one day        {statistics.median(day[1:]):>12.3f} s  (an ordinary night)")
    verdict = "good" if ratio <= LIMIT else "TOO SLOW"
    print(f"ratio                    {ratio:>12.2f}    limit {LIMIT}: {verdict}")
    return 0 if ratio <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
