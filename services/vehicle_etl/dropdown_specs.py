"""Vehicle specifications: what vPIC knows of a model by other means than its patterns.

A specification of a make, type and year lists models, keys that a VIN's values must equal, and values for
elements that the VIN says nothing of. Most transmissions of cars come from there.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from typing import NamedTuple

from psycopg2 import sql

from services.vehicle_etl.dropdown_names import FILLED, Values
from shared import db

Known = dict[int, str | None]


class Spec(NamedTuple):
    """One specification: `fills` are element, value and its place among all, the latest changed ones first.

    All of a schema list the same models.
    """

    number: int
    schema_id: int
    models: frozenset[str]
    keys: tuple[tuple[int, str], ...]
    fills: tuple[tuple[int, str, int], ...]


class Specs:
    """The specifications of a release that fill something of what can be chosen."""

    def __init__(self, specs: Iterable[Spec]) -> None:
        self._by_schema: dict[int, list[Spec]] = defaultdict(list)
        for spec in specs:
            self._by_schema[spec.schema_id].append(spec)
        of_all = [spec for of_schema in self._by_schema.values() for spec in of_schema]
        self.key_elements = sorted({element for spec in of_all for element, _ in spec.keys})

    def relevant(self, schema_ids: Sequence[int], models: set[str]) -> tuple[Spec, ...]:
        """Return those of some schemas that list one of the models."""
        by_schema = (self._by_schema.get(number, []) for number in schema_ids)
        return tuple(
            chain.from_iterable(of for of in by_schema if of and not models.isdisjoint(of[0].models))
        )


def fill(known: Known, model: str | None, specs: Iterable[Spec]) -> None:
    """Fill what a VIN does not say from the specifications that it fits; the latest changed value counts."""
    best: dict[int, tuple[int, str]] = {}
    for spec in specs:
        if model in spec.models and all(_equals(known.get(element), value) for element, value in spec.keys):
            for element, value, place in spec.fills:
                best[element] = min(best.get(element, (place, value)), (place, value))
    for element, (_, value) in best.items():
        if known[element] is None:
            known[element] = value


def _equals(said: str | None, value: str) -> bool:
    return said is not None and said.casefold() == value


def read_specs(conn: db.Connection, statement: Callable[[str], sql.Composed], values: Values) -> Specs:
    """Read the specifications of a release; `statement` gives the text of a file of sql/dropdowns."""
    models: dict[int, frozenset[str]] = {
        row["schema_id"]: frozenset(row["models"]) for row in db.fetch_all(conn, statement("spec_models"))
    }
    keys: dict[tuple[int, int], list[tuple[int, str]]] = defaultdict(list)
    fills: dict[tuple[int, int], list[tuple[int, str, int]]] = defaultdict(list)
    with db.mapped_errors(), conn.cursor() as cursor:
        cursor.execute(statement("specs"), {"filled": list(FILLED)})
        for place, (schema_id, spec_id, is_key, element, attribute) in enumerate(cursor):
            spec = schema_id, spec_id
            if is_key:
                keys[spec].append((element, values.read(element, attribute).casefold()))
            elif element in FILLED:
                fills[spec].append((element, values.read(element, attribute), place))
    return Specs(
        Spec(
            number,
            schema_id,
            models.get(schema_id, frozenset()),
            tuple(keys[schema_id, number]),
            tuple(of_spec),
        )
        for (schema_id, number), of_spec in fills.items()
    )
