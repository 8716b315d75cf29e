"""Raw objects of a test's own, the two jobs of the transformation over them, and what is in the star then."""

import io
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from services.ingestion.retail.raw import SCHEMA
from services.transformation.retail.jobs import refresh_views, transform
from shared import db, state
from shared.config import ROOT, Settings
from shared.jobs import Counts, Run
from shared.jobs.workflows import Workflow
from shared.jobs.yamlfile import read_yaml
from shared.objectstore import ObjectInfo, open_store

DAY = date(2026, 3, 10)

FACTS = """
SELECT r.retailer_id, f.business_date, s.store_id, c.customer_id, p.product_id, f.transaction_id, f.line_id,
       f.sold_at, f.quantity, f.unit_price, f.discount, f.total, f.source_updated_at
FROM retail.fact_sales AS f
LEFT JOIN retail.dim_retailer AS r USING (retailer_key)
LEFT JOIN retail.dim_store AS s USING (store_key)
LEFT JOIN retail.dim_customer AS c USING (customer_key)
LEFT JOIN retail.dim_product AS p USING (product_key)
ORDER BY r.retailer_id, f.transaction_id, f.line_id, f.business_date
"""
DIMENSIONS = (
    "SELECT retailer_id, store_id, store_name, updated_at FROM retail.dim_store "
    "JOIN retail.dim_retailer USING (retailer_key) ORDER BY 1, 2",
    "SELECT retailer_id, customer_id, country, updated_at FROM retail.dim_customer "
    "JOIN retail.dim_retailer USING (retailer_key) ORDER BY 1, 2",
    "SELECT retailer_id, product_id, product_name, category, updated_at FROM retail.dim_product "
    "JOIN retail.dim_retailer USING (retailer_key) ORDER BY 1, 2",
)
PENDING = "SELECT object_key FROM ops.loaded_object WHERE dataset = 'retail/raw' AND loaded_at IS NULL"
VOIDS = """
SELECT source, transaction_id, version, applied_run_id IS NULL AS is_pending FROM ops.void_transaction ORDER BY 1, 2
"""
PROCESSED = """
SELECT object_key, row_count, min_business_date
FROM ops.loaded_object WHERE dataset = 'retail/processed' ORDER BY object_key
"""
LEDGER = """
SELECT source, business_date, sum(source_rows)::int AS source_rows, sum(fact_rows)::int AS fact_rows,
       sum(duplicate_rows)::int AS duplicate_rows
FROM ops.reconciliation GROUP BY source, business_date ORDER BY source, business_date
"""


def line(transaction_id: str = "T1", line_id: str = "1", **values: Any) -> dict[str, Any]:
    """Return one line of a raw file: 2 mugs at 2.50 on DAY, unless told otherwise."""
    day = values.get("business_date", DAY)
    row = {
        "retailer_id": "retailer_1", "business_date": day, "store_id": "S1", "store_name": "High Street",
        "customer_id": "C1", "customer_country": "France", "product_id": "P1", "product_name": "BLUE MUG",
        "category": None, "transaction_id": transaction_id, "line_id": line_id,
        "sold_at": datetime.combine(day, time(12), UTC), "quantity": Decimal(2), "unit_price": Decimal("2.50"),
        "discount": Decimal(0), "updated_at": datetime.combine(day, time(12), UTC),
        "landing_object": "landing/test.jsonl.gz", "landing_line": 1,
    } | values  # fmt: skip
    row.setdefault("total", row["quantity"] * row["unit_price"] - row["discount"])
    return row


class Warehouse:
    """A database and a store, with the two jobs over them."""

    def __init__(self, settings: Settings, conn: db.Connection) -> None:
        self.settings, self.conn = settings, conn
        self.store = open_store(settings)
        self.params: dict[str, Any] = dict(read_yaml(ROOT / "workflows" / "retail.yml")[0])
        self.run_id = 100

    def put(self, rows: Iterable[Mapping[str, Any]], day: date = DAY) -> str:
        """Write one raw object as ingestion does and register it for a logical date; return its key."""
        rows = list(rows)
        self.run_id += 1
        source = rows[0]["retailer_id"] if rows else "retailer_1"
        key = f"raw/{source}/{self.run_id}-0001.parquet"
        body = to_parquet(rows)
        info = self.store.put(key, body)
        self.register(key, info, len(rows), source, day)
        return key

    def void(
        self, transaction_id: str, version: datetime, source: str = "retailer_1", day: date = DAY
    ) -> None:
        """Say as ingestion does that a transaction holds nothing any more."""
        with db.transaction(self.conn):
            state.write_voids(
                self.conn,
                "retail",
                self.run_id,
                [state.VoidTransaction(source, transaction_id, version, day)],
            )

    def register(self, key: str, info: ObjectInfo, rows: int, source: str, day: date) -> None:
        """Register an object in the ledger."""
        with db.transaction(self.conn):
            item = state.LoadedObject(key, "retail/raw", source, day, info, rows)
            state.register_objects(self.conn, self.run_id, [item])

    def make_run(self, job: str, day: date = DAY, force: bool = False) -> Run:
        """Return a run of a job under the next number."""
        self.run_id += 1
        workflow = Workflow("retail", "", {}, self.params, ROOT / "workflows" / "retail.yml")
        return Run(self.run_id, job, workflow, day, self.settings, force)

    def transform(self, day: date = DAY, force: bool = False) -> Counts:
        """Run retail_transform."""
        run = self.make_run("retail_transform", day, force)
        try:
            return transform(run)
        finally:
            run.close()

    def refresh(self, force: bool = False) -> Counts:
        """Run retail_views."""
        run = self.make_run("retail_views", force=force)
        try:
            return refresh_views(run)
        finally:
            run.close()

    def rows(self, query: str, **params: Any) -> list[dict[str, Any]]:
        """Run a query in a transaction of its own."""
        try:
            return db.fetch_all(self.conn, query, params or None)
        finally:
            self.conn.rollback()

    def value(self, query: str, **params: Any) -> Any:
        """Return the first value of a query."""
        row = self.rows(query, **params)[0]
        return next(iter(row.values()))

    def facts(self) -> list[dict[str, Any]]:
        """Return the facts without surrogate keys and runs."""
        return self.rows(FACTS)

    def ledger(self) -> list[dict[str, Any]]:
        """Return the ledger summed over runs."""
        return self.rows(LEDGER)

    def content(self) -> dict[str, Any]:
        """Return all that a load leaves, without what depends on the number of tries."""
        return {
            "facts": self.facts(),
            "dimensions": [self.rows(query) for query in DIMENSIONS],
            "ledger": self.ledger(),
            "pending": [self.rows(PENDING), self.rows(VOIDS)],
            "processed": self.processed(),
        }  # fmt: skip

    def processed(self) -> list[dict[str, Any]]:
        """Return the rows of all registered processed files, without the run."""
        found = []
        for item in self.rows(PROCESSED):
            with self.store.open(item["object_key"]) as body:
                rows = pq.ParquetFile(body).read().to_pylist()
            assert len(rows) == item["row_count"]
            assert {row["business_date"] for row in rows} == {item["min_business_date"]}
            found += [{name: value for name, value in row.items() if name != "run_id"} for row in rows]
        return sorted(
            found,
            key=lambda row: (row["retailer_id"], row["transaction_id"], row["line_id"], row["business_date"]),
        )


def to_parquet(rows: list[Mapping[str, Any]], schema: pa.Schema = SCHEMA) -> bytes:
    """Return rows as a raw file."""
    columns = [pa.array([row[field.name] for row in rows], field.type) for field in schema]
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_arrays(columns, schema=schema), sink)
    return sink.getvalue()


def assert_conserved(house: Warehouse) -> None:
    """Check the ledger against the facts themselves, per retailer and day."""
    counted = {
        (row["retailer_id"], row["business_date"]): row["n"]
        for row in house.rows(
            "SELECT retailer_id, business_date, count(*)::int AS n FROM retail.fact_sales "
            "JOIN retail.dim_retailer USING (retailer_key) GROUP BY 1, 2"
        )
    }
    ledger = {(row["source"], row["business_date"]): row["fact_rows"] for row in house.ledger()}
    assert {key: n for key, n in ledger.items() if n} == counted
