"""Tables and views that people name on the command line, looked up in the catalog before any SQL is made."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from shared import db
from shared.errors import FatalError
from shared.sql import read_queries

_Q = Path(__file__).parent / "queries" / "relations.sql"


@dataclass(frozen=True)
class Relation:
    """A table or view; `columns` are its columns in order, with PostgreSQL's name of their type."""

    schema: str
    name: str
    columns: Mapping[str, str]

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"


def find_relation(conn: db.Connection, text: str) -> Relation:
    """Find `schema.name`, or `name` alone where only one schema has it. System catalogs do not count.

    Raises:
        FatalError: there is none, or there are several.
    """
    schema, _, name = text.rpartition(".")
    rows = db.fetch_all(conn, read_queries(_Q)["find_relations"], {"schema": schema or None, "name": name})
    if not rows:
        raise FatalError(f"there is no table or view {text!r}; name it like retail.fact_sales")
    if len(rows) > 1:
        places = ", ".join(f"{row['schema']}.{name}" for row in rows)
        raise FatalError(f"{text!r} is in several schemas, name one: {places}")
    (row,) = rows
    columns = db.fetch_all(conn, read_queries(_Q)["columns"], {"oid": row["oid"]})
    return Relation(row["schema"], row["name"], {column["name"]: column["type"] for column in columns})
