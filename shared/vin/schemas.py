"""What the sets of a release share: each schema's patterns in the order in which they win, made once."""

from array import array
from collections.abc import Iterable, Sequence
from functools import lru_cache, reduce
from itertools import chain
from operator import or_
from typing import NamedTuple

from shared.vin import parts
from shared.vin.keys import BrokenKey, characters, usable_characters
from shared.vin.patterns import MADE_ELSEWHERE, NO_TIME, Patterns

_LAST = 1 << 62  # of the live service: rows without a time


class Ordered(NamedTuple):
    """Patterns of one or several schemas, best first: the columns of a set, to be put one after the other."""

    ids: bytes  # I
    elements: bytes  # H
    created: bytes  # q
    places: "array[int]"  # of each pattern's schema among the schemas
    keys: list[int]  # the distinct ones as they come
    key_of: "array[int]"  # for each pattern a place in `keys`
    pairs: list[int]  # the distinct (element, attribute) as they come
    pair_of: "array[int]"
    live: "array[int] | None"  # the rank in the live service, where that order is another one


class Schemas:
    """The patterns of a release by schema."""

    def __init__(self, patterns: Patterns, decodable: frozenset[int]) -> None:
        """`decodable` are the elements that an answer can have."""
        self.patterns = patterns
        self._usable = decodable - MADE_ELSEWHERE
        self._with_digits = frozenset(number for number, key in enumerate(patterns.keys) if "#" in key)
        self._rows: dict[int, array[int]] = {}
        self.ordered = lru_cache(maxsize=2_000)(self._order)  # sets of neighbouring years ask for the same
        self._named: dict[int, tuple[int, bool]] = {}
        self._characters = Characters()

    def _order(self, schemas: tuple[int, ...]) -> Ordered:
        """Return the patterns of some schemas that can answer."""
        runs = [self._sorted(schema) for schema in schemas]
        rows = list(chain.from_iterable(runs))
        places = list(chain.from_iterable([place] * len(run) for place, run in enumerate(runs)))
        if len(runs) > 1:
            latest, tails = self.patterns.latest, self.patterns.tails
            marks = list(zip(map(latest.__getitem__, rows), map(tails.__getitem__, rows), strict=True))
            order = sorted(range(len(rows)), key=marks.__getitem__)  # runs that are sorted make it cheap
            rows, places = [rows[at] for at in order], [places[at] for at in order]
        keys, key_of = _number([*map(self.patterns.key_of.__getitem__, rows)])
        pairs, pair_of = _number([*map(self.patterns.pair_of.__getitem__, rows)])
        return Ordered(
            ids=array("I", map(self.patterns.ids.__getitem__, rows)).tobytes(),
            elements=array("H", map(self.patterns.elements.__getitem__, rows)).tobytes(),
            created=array("q", map(self.patterns.created.__getitem__, rows)).tobytes(),
            places=array("H", places),
            keys=keys,
            key_of=key_of,
            pairs=pairs,
            pair_of=pair_of,
            live=self._live(rows),
        )

    def _sorted(self, schema: int) -> "array[int]":
        found = self._rows.get(schema)
        if found is None:
            elements, usable = self.patterns.elements, self._usable
            rows = [row for row in self.patterns.rows_of.get(schema, ()) if elements[row] in usable]
            rows.sort(key=self.patterns.tails.__getitem__)
            rows.sort(key=self.patterns.latest.__getitem__)
            found = self._rows[schema] = array("I", rows)
        return found

    def _live(self, rows: Sequence[int]) -> "array[int] | None":
        """Return the ranks that the live service gives to sorted rows; None where they are the same.

        There rows without a time come last, and the text of a key decides nothing.
        """
        latest = self.patterns.latest
        tails = self.patterns.live_tails
        marks = list(zip(map(latest.__getitem__, rows), map(tails.__getitem__, rows), strict=True))
        if rows and self.patterns.created[rows[0]] == NO_TIME:
            marks = [(_LAST if time == latest[rows[0]] else time, tail) for time, tail in marks]
        order = sorted(range(len(rows)), key=marks.__getitem__)
        if order == list(range(len(rows))):
            return None
        ranks = array("I", bytes(4 * len(order)))
        for place, entry in enumerate(order):
            ranks[entry] = place
        return ranks

    def named(self, schemas: Iterable[int]) -> tuple[list[str], bool]:
        """Return the characters that all keys name at the valid positions, and whether the original fails there."""
        each = [self._named.get(schema) or self._name(schema) for schema in schemas]
        return self._characters.texts(reduce(or_, (mask for mask, _ in each), 0)), any(
            broken for _, broken in each
        )

    def _name(self, schema: int) -> tuple[int, bool]:
        keys = {self.patterns.key_of[row] for row in self.patterns.rows_of.get(schema, ())}
        each = [self._characters.of(self.patterns.keys[key]) for key in keys]
        found = reduce(or_, (mask for mask, _ in each), 0), any(broken for _, broken in each)
        self._named[schema] = found
        return found

    def formulas(self, schemas: Iterable[int]) -> list[tuple[int, int]]:
        """Return (row, schema) of the patterns whose value is a part of the VIN, best first."""
        key_of, elements = self.patterns.key_of, self.patterns.elements
        found = [
            (self.patterns.latest[row], self.patterns.tails[row], row, schema)
            for schema in schemas
            for row in self.patterns.rows_of.get(schema, ())
            if key_of[row] in self._with_digits and elements[row] not in MADE_ELSEWHERE
        ]
        return [(row, schema) for _, _, row, schema in sorted(found)]


def _number(items: Sequence[int]) -> "tuple[list[int], array[int]]":
    """Return the distinct items as they come, and for each item its place among them."""
    distinct = list(dict.fromkeys(items))
    places = dict(zip(distinct, range(len(distinct)), strict=True))
    return distinct, array("I", map(places.__getitem__, items))


class Characters:
    """The characters that keys name at the valid positions, as numbers: a bit for each position and character."""

    def __init__(self) -> None:
        self.of = lru_cache(maxsize=50_000)(self._of)
        self._bits: dict[tuple[int, str], int] = {}

    def _of(self, key: str) -> tuple[int, bool]:
        """Return what a key names, and whether the original fails when it must tell."""
        try:
            places, broken = characters(key), False
        except BrokenKey:
            places, broken = usable_characters(key), True
        mask = 0
        for slot, position in enumerate(parts.VALID_POSITIONS):
            for char in places[position - 4] if position - 4 < len(places) else "":
                mask |= self._bits.setdefault((slot, char), 1 << len(self._bits))
        return mask, broken

    def texts(self, mask: int) -> list[str]:
        """Return the characters at each position, sorted."""
        found: list[list[str]] = [[] for _ in parts.VALID_POSITIONS]
        for (slot, char), bit in self._bits.items():
            if mask & bit:
                found[slot].append(char)
        return ["".join(sorted(chars)) for chars in found]
