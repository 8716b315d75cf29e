"""The sets of schemas of a release: what the patterns are that a manufacturer's vehicles of a year can match."""

from array import array
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from hashlib import blake2b
from itertools import chain

from psycopg2 import sql

from services.vehicle_etl.combinations import VIN_CHARACTERS, Key, Pattern, read_key
from services.vehicle_etl.dropdown_names import ELEMENTS, MODEL, Values
from services.vehicle_etl.dropdown_offer import Group
from services.vehicle_etl.dropdown_specs import Specs, read_specs
from shared import db

Statement = Callable[[str], sql.Composed]
BATCH_ROWS = 20_000
_NEVER = -1  # of a pattern that no VIN matches
SEVENTH_PLACE, SUFFIX_PLACE = 3, 8  # positions 7 and 12 of a VIN, as places of a key
SEVENTH = {"letter": VIN_CHARACTERS[:-10], "digit": VIN_CHARACTERS[-10:]}


class Sets:
    """The sets with their patterns; `elements` are those that patterns or keys of specifications are about."""

    def __init__(self, conn: db.Connection, statement: Statement, values: Values) -> None:
        """`statement` gives the text of a file of sql/dropdowns."""
        self.conn, self.statement = conn, statement
        self.specs: Specs = read_specs(conn, statement, values)
        self.elements = (*ELEMENTS, *sorted(set(self.specs.key_elements).difference(ELEMENTS)))
        self.patterns = _Patterns(values, self.elements)
        with db.mapped_errors(), conn.cursor(name="dropdown_patterns") as cursor:
            cursor.itersize = BATCH_ROWS
            cursor.execute(statement("patterns"), {"elements": list(self.elements)})
            for row in cursor:
                self.patterns.add(*row)
        self.patterns.finish()

    def __iter__(self) -> Iterator[tuple[int, bytes, Group]]:
        """Give the number of each set, what tells whether two have equal groups, and its group."""
        for row in db.fetch_all(self.conn, self.statement("sets")):
            numbers = self.patterns.of(row["members"])
            specs = self.specs.relevant(row["specs"] or (), self.patterns.models(numbers))
            keys = {element for spec in specs for element, _ in spec.keys}
            numbers = self.patterns.about(numbers, keys.union(ELEMENTS))
            patterns = [self.patterns.distinct[number] for number in numbers]
            allowed = _allowed(patterns, row["suffix"], row["seventh"])
            rest = repr((allowed, [spec.number for spec in specs])).encode()
            digest = blake2b(array("I", numbers).tobytes() + rest, digest_size=16).digest()
            yield row["set_id"], digest, Group(patterns, self.elements, allowed, specs)


class _Patterns:
    """The patterns of a release that some VIN matches, by schema. Equal ones of many schemas are kept once."""

    def __init__(self, values: Values, elements: Sequence[int]) -> None:
        self.values, self.elements = values, elements
        self.distinct: list[Pattern] = []
        self._numbers: dict[tuple[int, str, str], int] = {}  # in `distinct`
        self._models: dict[int, str] = {}  # what those about models say
        self._rivals = array("I")  # of those with the same number one beats the others wherever they meet
        self._rival_numbers: dict[tuple[int, Key], int] = {}
        self._rows = array("I")  # places in `distinct`, the better patterns first
        self._of_schema: dict[int, array[int]] = defaultdict(lambda: array("I"))  # places in `_rows`

    def add(self, schema: int, element: int, text: str, attribute: str) -> None:
        """Add a pattern; the better ones come first."""
        content = element, text, attribute
        number = self._numbers.get(content)
        if number is None:
            number = self._numbers[content] = self._add_distinct(*content)
        if number != _NEVER:
            self._of_schema[schema].append(len(self._rows))
            self._rows.append(number)

    def _add_distinct(self, element: int, text: str, attribute: str) -> int:
        key = read_key(text)
        if key is None:
            return _NEVER
        number = len(self.distinct)
        self.distinct.append(
            Pattern(self.elements.index(element), text, self.values.read(element, attribute))
        )
        self._rivals.append(self._rival_numbers.setdefault((element, key), len(self._rival_numbers)))
        if element == MODEL:
            self._models[number] = attribute
        return number

    def finish(self) -> None:
        """Forget what only `add` needs: that is the most."""
        self._numbers.clear()
        self._rival_numbers.clear()

    def of(self, members: Iterable[int]) -> list[int]:
        """Return the patterns of a set by element, the better ones first; without those that always lose.

        `members` are schemas with the first year of their link, which decides first, as cells.sql packs them.
        """
        by_year: dict[int, list[array[int]]] = defaultdict(list)
        for schema, year in map(_unpack, members):
            by_year[year].append(self._of_schema.get(schema, self._rows[:0]))
        best: dict[int, int] = {}
        for _, runs in sorted(by_year.items(), reverse=True):
            for row in runs[0] if len(runs) == 1 else sorted(chain.from_iterable(runs)):
                number = self._rows[row]
                best.setdefault(self._rivals[number], number)
        return sorted(best.values(), key=lambda number: self.distinct[number].element)

    def models(self, numbers: Iterable[int]) -> set[str]:
        """Return the models that some patterns name."""
        return {self._models[number] for number in numbers if number in self._models}

    def about(self, numbers: Iterable[int], elements: Collection[int]) -> list[int]:
        """Return those of some patterns that are about some elements."""
        places = {place for place, element in enumerate(self.elements) if element in elements}
        return [number for number in numbers if self.distinct[number].element in places]


def _unpack(member: int) -> tuple[int, int]:
    return divmod(member, 10_000)


def _allowed(patterns: Iterable[Pattern], suffix: str, seventh: str) -> dict[int, str]:
    """Return what can stand at the places that a key asks for: of others it does not matter."""
    every = {SUFFIX_PLACE + number: character for number, character in enumerate(suffix)}
    if seventh:
        every[SEVENTH_PLACE] = SEVENTH[seventh]
    asked = {place for pattern in patterns for place, _ in read_key(pattern.key) or ()} if every else set()
    return {place: every[place] for place in sorted(asked & every.keys())}
