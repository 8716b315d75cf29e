"""Releases of vPIC in a schema: the real subset from its dump, or a few rows that a test names."""

import io
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice, takewhile
from pathlib import Path
from typing import Any

from psycopg2 import sql

from shared import db

SUBSET = Path(__file__).parents[3] / "services/vehicle_etl/data/vpic_subset.plain.sql.zip"
TABLES: Mapping[str, Sequence[str]] = {
    "release": ("release_id bigint", "name text"),
    "wmi": (
        "id int", "wmi text", "manufacturerid int", "makeid int", "vehicletypeid int", "createdon timestamp",
        "updatedon timestamp", "countryid int", "publicavailabilitydate timestamp", "trucktypeid int",
        "processedon timestamp", "noncompliant boolean", "noncompliantsetbyovsc boolean",
    ),
    "wmi_make": ("wmiid int", "makeid int"),
    "wmi_vinschema": ("id int", "wmiid int", "vinschemaid int", "yearfrom int", "yearto int", "orgid int"),
    "vinschema": (
        "id int", "name text", "sourcewmi text", "createdon timestamp", "updatedon timestamp",
        "tobeqced boolean",
    ),
    "pattern": (
        "id int", "vinschemaid int", "keys text", "elementid int", "attributeid text", "createdon timestamp",
        "updatedon timestamp",
    ),
    "make": ("id int", "name text", "createdon timestamp", "updatedon timestamp"),
    "model": ("id int", "name text", "createdon timestamp", "updatedon timestamp"),
    "make_model": ("id int", "makeid int", "modelid int", "createdon timestamp", "updatedon timestamp"),
    "enginemodel": ("id int", "name text", "description text"),
    "enginemodelpattern": (
        "id int", "enginemodelid int", "elementid int", "attributeid text", "createdon timestamp",
        "updatedon timestamp",
    ),
    "fueltype": ("id int", "name text"),
    "transmission": ("id int", "name text"),
    "vehiclespecschema": (
        "id int", "makeid int", "createdon timestamp", "updatedon timestamp", "vehicletypeid int",
        "sourcedate timestamp", "tobeqced boolean",
    ),
    "vehiclespecschema_model": ("id int", "vehiclespecschemaid int", "modelid int"),
    "vehiclespecschema_year": ("id int", "vehiclespecschemaid int", "year int"),
    "vspecschemapattern": ("id int", "schemaid int"),
    "vehiclespecpattern": (
        "id int", "vspecschemapatternid int", "iskey boolean", "elementid int", "attributeid text",
        "createdon timestamp", "updatedon timestamp",
    ),
}  # fmt: skip
INDEXES = ("wmi (id)", "pattern (vinschemaid)", "make (id)", "model (id)", "make_model (modelid)")


def create(conn: db.Connection, schema: str, release_id: int = 1) -> None:
    """Make the empty tables that the dropdowns read."""
    db.execute(conn, sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))
    for table, columns in TABLES.items():
        create_table = sql.SQL("CREATE TABLE {} (" + ", ".join(columns) + ")")
        db.execute(conn, create_table.format(sql.Identifier(schema, table)))
    insert(conn, schema, "release", [{"release_id": release_id, "name": f"release {release_id}"}])


def insert(conn: db.Connection, schema: str, table: str, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write rows that name their columns."""
    for row in rows:
        statement = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
            sql.Identifier(schema, table),
            sql.SQL(", ").join(map(sql.Identifier, row)),
            sql.SQL(", ").join(map(sql.Placeholder, row)),
        )
        db.execute(conn, statement, row)


def load_dump(conn: db.Connection, schema: str, dump: Path = SUBSET) -> None:
    """Copy the blocks of a dump that the dropdowns read."""
    create(conn, schema)
    for table, columns, rows in _blocks(dump):
        statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
            sql.Identifier(schema, table), sql.SQL(", ").join(map(sql.Identifier, columns))
        )
        with conn.cursor() as cursor:
            cursor.copy_expert(statement, rows)
    for index in INDEXES:
        db.execute(conn, sql.SQL("CREATE INDEX ON {}." + index).format(sql.Identifier(schema)))
    for table in TABLES:
        db.execute(conn, sql.SQL("ANALYZE {}").format(sql.Identifier(schema, table)))


class _Rows(io.RawIOBase):
    """The lines of one block, as a file for COPY."""

    def __init__(self, lines: Iterator[bytes]) -> None:
        self.lines = takewhile(lambda line: line != b"\\.\n", lines)

    def read(self, size: int = -1) -> bytes:
        return b"".join(islice(self.lines, 1000))


def _blocks(dump: Path) -> Iterator[tuple[str, list[str], _Rows]]:
    with zipfile.ZipFile(dump) as archive, archive.open(archive.namelist()[0]) as file:
        lines = iter(file)
        for line in lines:
            if not line.startswith(b"COPY vpic."):
                continue
            head, _, rest = line.decode().removeprefix("COPY vpic.").partition(" (")
            if head in TABLES:
                yield head, rest.partition(")")[0].split(", "), _Rows(lines)
