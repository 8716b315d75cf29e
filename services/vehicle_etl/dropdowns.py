"""The dropdown tables of a release: years, makes, models, trims, engines, transmissions.

They hold only what some VIN can have. A VIN matches patterns of all schemas of its manufacturer and year, so
the unit of the work is a set of schemas; combinations.py says what a set gives, dropdown_offer.py what people see.
"""

import io
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from functools import partial
from hashlib import blake2b
from itertools import groupby
from pathlib import Path
from typing import Any

from psycopg2 import sql

from services.vehicle_etl.combinations import VIN_CHARACTERS, Pattern, read_key
from services.vehicle_etl.dropdown_names import ELEMENTS, LOOKUPS, MODEL, Values
from services.vehicle_etl.dropdown_offer import Group, Offer
from services.vehicle_etl.dropdown_specs import Spec, read_specs
from shared import db
from shared.sql import SqlFolder

STATEMENTS = SqlFolder(Path(__file__).parent / "sql" / "dropdowns")
DIMENSIONS = ("trims", "engines", "transmissions")
BATCH_ROWS = 20_000
BATCH_BYTES = 1 << 20
SEVENTH_PLACE, SUFFIX_PLACE = 3, 8  # positions 7 and 12 of a VIN, as places of a key
SEVENTH = {"letter": VIN_CHARACTERS[:-10], "digit": VIN_CHARACTERS[-10:]}


def build_dropdowns(conn: db.Connection, schema: str, now: datetime | None = None) -> int:
    """Build the dropdown tables in the schema of a release; return the number of combinations.

    Needs a transaction and does not commit. `now` (UTC) decides what is published and which year is the last:
    the one after next.
    """
    now = now or datetime.now(UTC)
    values = {"now": now.replace(tzinfo=None), "limit": now.year + 2}
    for name in ("cells", "found", "leaves", *DIMENSIONS):
        _execute(conn, schema, name, values)
    _write_combinations(conn, schema, values)
    combinations = _execute(conn, schema, "combinations")
    for name in ("models", "makes", "years", "indexes", "clean_up"):
        _execute(conn, schema, name)
    return combinations


def _execute(conn: db.Connection, schema: str, name: str, values: db.Params = None) -> int:
    return db.execute(conn, _statement(schema, name), values)


def _statement(schema: str, name: str) -> sql.Composed:
    return sql.SQL(STATEMENTS[name]).format(schema=sql.Identifier(schema))


def _write_combinations(conn: db.Connection, schema: str, values: dict[str, Any]) -> None:
    """Find the combinations of each set of schemas and write them; equal sets are looked at once."""
    offer = Offer(read_values(conn, schema))
    found = Copy(conn, sql.Identifier("dropdown_found"))
    leaves = Copy(conn, sql.Identifier("dropdown_leaf"))
    groups: dict[bytes, tuple[int, bool]] = {}
    for set_id, group in _read_sets(conn, schema, offer.values, values):
        content = _digest(group)
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
        self.buffer.writelines("\t".join(map(_cell, row)) + "\n" for row in rows)
        if self.buffer.tell() > BATCH_BYTES:
            self.flush()

    def flush(self) -> None:
        """Send what is there."""
        self.buffer.seek(0)
        with db.mapped_errors(), self.conn.cursor() as cursor:
            cursor.copy_expert(self.statement, self.buffer)
        self.buffer = io.StringIO()


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


def _read_sets(
    conn: db.Connection, schema: str, readings: Values, values: dict[str, Any]
) -> Iterator[tuple[int, Group]]:
    """Stream the sets of schemas with their patterns and what can stand at some places."""
    specs = read_specs(conn, partial(_statement, schema), readings)
    of_set = {row["set_id"]: row["specs"] for row in db.fetch_all(conn, _statement(schema, "set_specs"))}
    with db.mapped_errors(), conn.cursor(name="dropdown_patterns") as cursor:
        cursor.itersize = BATCH_ROWS
        elements = list({*ELEMENTS, *specs.key_elements})
        cursor.execute(_statement(schema, "patterns"), {**values, "elements": elements})
        for (set_id, suffix, seventh), rows in groupby(cursor, key=lambda row: row[:3]):
            said = [row[3:] for row in rows if row[3] is not None]
            models = {attribute for element, _, attribute in said if element == MODEL}
            relevant = specs.relevant(of_set.get(set_id, ()), models)
            yield set_id, _group(said, relevant, readings, suffix, seventh)


def _group(
    said: list[tuple[int, str, str]], specs: tuple[Spec, ...], readings: Values, suffix: str, seventh: str
) -> Group:
    keys = {element for spec in specs for element, _ in spec.keys}
    elements = (*ELEMENTS, *sorted(keys.difference(ELEMENTS)))
    numbers = {element: number for number, element in enumerate(elements)}
    patterns = [
        Pattern(numbers[element], key, readings.read(element, attribute))
        for element, key, attribute in said
        if element in numbers
    ]
    return Group(patterns, elements, _allowed(patterns, suffix, seventh), specs)


def _allowed(patterns: list[Pattern], suffix: str, seventh: str) -> dict[int, str]:
    """Return what can stand at the places that a key asks for: of others it does not matter."""
    every = {SUFFIX_PLACE + number: character for number, character in enumerate(suffix)}
    if seventh:
        every[SEVENTH_PLACE] = SEVENTH[seventh]
    asked = {place for pattern in patterns for place, _ in read_key(pattern.key) or ()} if every else set()
    return {place: every[place] for place in sorted(asked & every.keys())}


def _digest(group: Group) -> bytes:
    return blake2b(
        repr((group.patterns, group.elements, group.allowed, group.specs)).encode(), digest_size=16
    ).digest()
