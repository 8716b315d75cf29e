"""The dropdown tables of a release: years, makes, models, trims, engines, transmissions.

They hold only what some VIN can have. A VIN matches patterns of all schemas of its manufacturer and year, so
the unit of the work is a set of schemas; combinations.py says what a set gives.
"""

import io
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from hashlib import blake2b
from itertools import groupby
from pathlib import Path
from typing import Any

from psycopg2 import sql

from services.vehicle_etl.combinations import VIN_CHARACTERS, Pattern, find_combinations, read_key
from services.vehicle_etl.dropdown_names import (
    ELEMENTS,
    LOOKUPS,
    MODEL,
    SPEEDS,
    STYLE,
    TRIM,
    Engine,
    Numbers,
    Transmission,
    Values,
)
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
    values = {"now": now.replace(tzinfo=None), "limit": now.year + 2, "elements": list(ELEMENTS)}
    for name in ("cells", "found", "leaves", *DIMENSIONS):
        _execute(conn, schema, name, values)
    _write_combinations(conn, schema, values)
    combinations = _execute(conn, schema, "combinations")
    for name in ("models", "makes", "indexes", "clean_up"):
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
    for set_id, patterns, allowed in _read_sets(conn, schema, offer.values, values):
        content = _digest(patterns, allowed)
        if content not in groups:
            rows = offer.rows(patterns, allowed)
            group_id, lacks_model = len(groups), any(row[0] is None for row in rows)
            groups[content] = (group_id, lacks_model)
            leaves.write((group_id, *row) for row in rows if row[0] is not None)
        found.write([(set_id, *groups[content])])
    for copy in (found, leaves):
        copy.flush()
    offer.write(conn, schema)


class Offer:
    """What can be chosen: gives trims, engines and transmissions their numbers."""

    def __init__(self, values: Values) -> None:
        self.values = values
        self.trims, self.engines, self.transmissions = Numbers(), Numbers(), Numbers()
        self._engines: dict[int, Engine] = {}
        self._transmissions: dict[int, Transmission] = {}

    def rows(self, patterns: Iterable[Pattern], allowed: dict[int, str]) -> set[tuple[int | None, ...]]:
        """Return the numbers of model, trim, engine and transmission of each combination."""
        return {
            self._row(dict(zip(ELEMENTS, combination, strict=True)))
            for combination in find_combinations(patterns, len(ELEMENTS), allowed)
        }

    def _row(self, said: dict[int, Any]) -> tuple[int | None, ...]:
        engine, transmission = self.values.engine(said), Transmission(said[STYLE], said[SPEEDS])
        engine_id, transmission_id = self.engines.of(engine.name), self.transmissions.of(transmission.name)
        if engine_id is not None:
            self._engines[engine_id] = engine
        if transmission_id is not None:
            self._transmissions[transmission_id] = transmission
        return _model_id(said[MODEL]), self.trims.of(said[TRIM] or ""), engine_id, transmission_id

    def write(self, conn: db.Connection, schema: str) -> None:
        """Write the three tables that say what the numbers mean."""
        rows: dict[str, Iterable[tuple[Any, ...]]] = {
            "dropdown_trim": ((number, name) for name, number in self.trims.by_name.items()),
            "dropdown_engine": ((number, each.name, *each) for number, each in self._engines.items()),
            "dropdown_transmission": (
                (number, each.name, *each) for number, each in self._transmissions.items()
            ),
        }
        for table, of_table in rows.items():
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


def _model_id(text: str | None) -> int | None:
    """Return a model's number; one that cannot be the number of any model becomes 0."""
    if text is None:
        return None
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0


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
) -> Iterator[tuple[int, list[Pattern], dict[int, str]]]:
    """Stream the sets of schemas with their patterns and what can stand at some places."""
    numbers = {element: number for number, element in enumerate(ELEMENTS)}
    with db.mapped_errors(), conn.cursor(name="dropdown_patterns") as cursor:
        cursor.itersize = BATCH_ROWS
        cursor.execute(_statement(schema, "patterns"), values)
        for (set_id, suffix, seventh), rows in groupby(cursor, key=lambda row: row[:3]):
            patterns = [
                Pattern(numbers[element], key, readings.read(element, attribute))
                for _, _, _, element, key, attribute in rows
                if element is not None
            ]
            yield set_id, patterns, _allowed(patterns, suffix, seventh)


def _allowed(patterns: list[Pattern], suffix: str, seventh: str) -> dict[int, str]:
    """Return what can stand at the places that a key asks for: of others it does not matter."""
    every = {SUFFIX_PLACE + number: character for number, character in enumerate(suffix)}
    if seventh:
        every[SEVENTH_PLACE] = SEVENTH[seventh]
    asked = {place for pattern in patterns for place, _ in read_key(pattern.key) or ()} if every else set()
    return {place: characters for place, characters in every.items() if place in asked}


def _digest(patterns: list[Pattern], allowed: dict[int, str]) -> bytes:
    return blake2b(repr((patterns, sorted(allowed.items()))).encode(), digest_size=16).digest()
