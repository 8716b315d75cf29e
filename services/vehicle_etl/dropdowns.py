"""The dropdown tables of a release: years, makes, models, trims, engines, transmissions.

They hold only what some VIN can have. A VIN matches patterns of all schemas of its manufacturer and year, so
the unit of the work is a set of schemas (dropdown_sets.py); combinations.py says what a set gives, dropdown_offer.py
what people see.
"""

import io
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from psycopg2 import sql

from services.vehicle_etl.dropdown_names import ELEMENTS, LOOKUPS, Values
from services.vehicle_etl.dropdown_offer import Offer
from services.vehicle_etl.dropdown_sets import Sets
from shared import db
from shared.sql import SqlFolder

STATEMENTS = SqlFolder(Path(__file__).parent / "sql" / "dropdowns")
DIMENSIONS = ("trims", "engines", "transmissions")
BATCH_BYTES = 1 << 20


def build_dropdowns(conn: db.Connection, schema: str, now: datetime | None = None) -> int:
    """Build the dropdown tables in the schema of a release; return the number of combinations.

    Needs a transaction and does not commit. `now` (UTC) decides what is published and which year is the last:
    the one after next.
    """
    now = now or datetime.now(UTC)
    values = {"now": now.replace(tzinfo=None), "limit": now.year + 2}
    for name in ("cells", "found", "leaves", *DIMENSIONS):
        _execute(conn, schema, name, values)
    _write_combinations(conn, schema)
    combinations = _execute(conn, schema, "combinations")
    for name in ("models", "makes", "years", "indexes", "clean_up"):
        _execute(conn, schema, name)
    return combinations


def _execute(conn: db.Connection, schema: str, name: str, values: db.Params = None) -> int:
    return db.execute(conn, _statement(schema, name), values)


def _statement(schema: str, name: str) -> sql.Composed:
    return sql.SQL(STATEMENTS[name]).format(schema=sql.Identifier(schema))


def _write_combinations(conn: db.Connection, schema: str) -> None:
    """Find the combinations of each set of schemas and write them; equal sets are looked at once."""
    offer = Offer(read_values(conn, schema))
    found = Copy(conn, sql.Identifier("dropdown_found"))
    leaves = Copy(conn, sql.Identifier("dropdown_leaf"))
    groups: dict[bytes, tuple[int, bool]] = {}
    for set_id, content, group in Sets(conn, partial(_statement, schema), offer.values):
        if content not in groups:
            rows = offer.rows(group)
            group_id, lacks_model = len(groups), any(row[0] is None for row in rows)
            groups[content] = (group_id, lacks_model)
            leaves.write((group_id, *row) for row in rows if row[0] is not None)
        found.write([(set_id, *groups[content])])
    for copy in (found, leaves):
        copy.flush()
    for table, of_table in offer.tables().items():
        copy = Copy(conn, sql.Identifier(schema, table))
        copy.write(of_table)
        copy.flush()


class Copy:
    """Rows on their way into a table, in batches: the text format of COPY."""

    def __init__(self, conn: db.Connection, table: sql.Identifier) -> None:
        self.conn, self.buffer = conn, io.StringIO()
        self.statement = sql.SQL("COPY {} FROM STDIN").format(table)

    def write(self, rows: Iterable[tuple[Any, ...]]) -> None:
        """Add rows; send them when they are many."""
        self.buffer.writelines(["\t".join(map(_cell, row)) + "\n" for row in rows])
        if self.buffer.tell() > BATCH_BYTES:
            self.flush()

    def flush(self) -> None:
        """Send what is there."""
        self.buffer.seek(0)
        with db.mapped_errors(), self.conn.cursor() as cursor:
            cursor.copy_expert(self.statement, self.buffer)
        self.buffer = io.StringIO()


@lru_cache(maxsize=50_000)
def _cell(value: Any) -> str:
    return "\\N" if value is None else str(value).replace("\\", "\\\\")  # white space is blanks by now


def read_values(conn: db.Connection, schema: str) -> Values:
    """Read what gives the attributes of a release's patterns their meaning."""
    lookups = {}
    for element, table in LOOKUPS.items():
        read = sql.SQL("SELECT id::text AS id, name FROM {}").format(sql.Identifier(schema, table))
        lookups[element] = {row["id"]: row["name"] for row in db.fetch_all(conn, read)}
    implied = db.fetch_all(conn, _statement(schema, "engine_models"), {"elements": list(ELEMENTS)})
    return Values(lookups, ((row["name"], row["elementid"], row["attributeid"]) for row in implied))
