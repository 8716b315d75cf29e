"""A set of patterns in memory: finds the keys that a VIN matches, and tells what each of them says.

Nothing is worked out before it is asked for: of most sets a worker sees a few VINs.
"""

import re
from array import array
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import NamedTuple

from msgspec import Struct

from shared.vin.items import ENGINE_MODEL, SEVERAL
from shared.vin.keys import UNUSED_PLACES, is_broken, upper, usable_characters
from shared.vin.parts import Formula, Place, SetPart

_DIGIT = str.maketrans("0123456789", "#" * 10)
_FIRST = 3  # place 0 is this index of the VIN; place 5, the bar, falls on the check digit


class Said(Struct, frozen=True, gc=False):
    """What one key says: its entries, as far as they count when no other key speaks of the same elements."""

    keys: int  # of the entries, one bit a key
    elements: int  # bit k stands for element k
    single: int  # those of which an answer holds one value
    entries: tuple[int, ...]
    values: dict[str, str | None]  # by name, of the single ones
    several: tuple[int, ...]  # entries of the others
    marked: dict[int, int]  # by element, entries on which other findings hang
    engines: tuple[int, ...]  # all entries of the engine model


class Reading(NamedTuple):
    """How the patterns of a release are read."""

    live: bool
    names: Mapping[int, str]  # elements that an answer shows
    hidden: frozenset[int]  # elements left out altogether
    marked: frozenset[int]  # elements on which other findings hang


class _Test(Struct, gc=False):
    """Which keys accept a character at one place: taken out of the part when first asked for."""

    index: int  # in a VIN
    place: Place
    known: dict[str, int]
    other: int  # keys that accept every character

    def look(self, char: str) -> int:
        """Return the keys that accept a character."""
        place = self.place
        at = place.chars.find(char)
        if at < 0:
            return self.other  # not kept: there are many characters
        size = len(place.other)
        start = place.groups[at] * size
        bits = self.known[char] = int.from_bytes(place.bits[start : start + size], "little")
        return bits

    def naming(self, char: str) -> int:
        """Return the keys that name a character."""
        found = self.known.get(char)
        named = (self.look(char) if found is None else found) & ~self.other
        if self.place.odd and char in self.place.odd:
            named ^= int.from_bytes(self.place.odd[char], "little")
        return named


class PatternSet:
    """Patterns of one set; entry 0 wins over entry 1, and so on."""

    __slots__ = ("__weakref__", "_alive", "_broken", "_live", "_reading", "_tests", "depth", "formulas", "part",
                 "ranks", "said")  # fmt: skip

    def __init__(self, part: SetPart, reading: Reading) -> None:
        self.part, self._live, self._reading = part, reading.live, reading
        self.ranks = array("I", part.live_order) if reading.live and part.live_order is not None else None
        self.formulas = part.formulas
        self.said: dict[int, Said] = {}  # by the bit of the key
        self._tests = {
            place.place: _Test(place.place + _FIRST, place, {}, int.from_bytes(place.other, "little"))
            for place in part.places
        }
        self._alive: dict[int, int] = {}
        self._broken = sum([1 << key for key in part.broken_keys])
        self.depth = max(self._tests, default=0)
        if part.formulas:
            self.depth = max(self.depth, *(len(formula.key) - 1 for formula in part.formulas))

    def match(self, vin: str) -> int:
        """Return the keys that match a VIN, one bit a key."""
        length = len(vin) - _FIRST if len(vin) >= 10 else min(max(len(vin) - _FIRST, 0), 5)
        bits = self._alive.get(length, -1)
        if bits < 0:
            bits = self._alive[length] = int.from_bytes(self.part.alive[length], "little")
        for place, test in self._tests.items():
            if place >= length:
                break
            char = vin[test.index]
            found = test.known.get(char)
            bits &= test.look(char) if found is None else found
        return bits

    def match_formulas(self, key_string: str) -> list[Formula]:
        """Return the formula patterns that match, best first."""
        masked = key_string.translate(_DIGIT)
        return [formula for formula in self.formulas if _formula_regex(formula.key).match(masked)]

    def say(self, bit: int) -> Said:
        """Read what the key of a bit says."""
        found = self.said[bit] = self.settle(bit)
        return found

    def settle(self, bits: int) -> Said:
        """Keep of the entries of some keys, best first, one an element where an answer holds only one."""
        matched, part = self._entries(bits), self.part
        elements, keys = memoryview(part.elements).cast("H"), memoryview(part.key_of).cast("H")
        _, names, hidden, marked = self._reading
        kept: list[int] = []
        single: dict[int, int] = {}
        several: list[int] = []
        for entry in matched:
            element = elements[entry]
            if element not in hidden and element not in single:
                kept.append(entry)
                if element in SEVERAL:
                    several.append(entry)
                else:
                    single[element] = entry
        claims = sum([1 << element for element in single])
        return Said(
            sum({1 << keys[entry] for entry in kept}),
            claims | sum({1 << elements[entry] for entry in several}),
            claims,
            tuple(kept),
            {names[element]: self.value(entry) for element, entry in single.items() if element in names},
            tuple(several),
            {element: entry for element, entry in single.items() if element in marked},
            tuple([entry for entry in matched if elements[entry] == ENGINE_MODEL]),
        )

    def _entries(self, bits: int) -> list[int]:
        """Return the entries of some keys, best first."""
        by_key, ends = memoryview(self.part.by_key).cast("I"), memoryview(self.part.key_ends).cast("I")
        found: list[int] = []
        while bits:
            bit = bits & -bits
            key = bit.bit_length() - 1
            found += by_key[ends[key - 1] if key else 0 : ends[key]]
            bits ^= bit
        self.order(found)
        return found

    def several(self, found: Iterable[Said]) -> list[tuple[int, str | None]]:
        """Return (element, value) where an answer may hold several, best first."""
        entries = [entry for said in found for entry in said.several]
        if len(entries) > 1:
            self.order(entries)
        return [(self.element(entry), self.value(entry)) for entry in entries]

    def order(self, entries: list[int]) -> None:
        """Sort entries, best first."""
        entries.sort(key=None if self.ranks is None else self.ranks.__getitem__)

    def fails(self, kept: int, formulas: list[Formula]) -> bool:
        """Tell whether the original fails when it asks which characters the kept keys name."""
        if self._live:
            return False
        return bool(kept & self._broken) or any(is_broken(upper(formula.key)) for formula in formulas)

    def unused(self, vin: str, kept: int, formulas: list[Formula]) -> list[int]:
        """Return the VIN positions, of 4-8 and 11, whose character no kept key or formula names."""
        found, tests = [], self._tests
        for place in UNUSED_PLACES:
            char = vin[place + _FIRST : place + _FIRST + 1]
            if char and (place not in tests or not tests[place].naming(char) & kept):
                found.append(place + _FIRST + 1)
        for formula in formulas if found else ():
            places = usable_characters(upper(formula.key))
            found = [at for at in found if at - 4 >= len(places) or vin[at - 1] not in places[at - 4]]
        return found

    def engine_entry(self, engines: list[int]) -> int:
        """Choose the entry that names the engine model: by other rules than those that let entries win."""
        if len(engines) == 1:
            return engines[0]
        self.order(engines)
        if self._live:
            return max(engines, key=self.first_year)
        return max(engines, key=lambda entry: (self.first_year(entry), *self._latest(entry)))

    def _latest(self, entry: int) -> tuple[bool, int, int]:
        created = self.created(entry)
        return created is None, created or 0, self.id(entry)

    def created(self, entry: int) -> int | None:
        """Return when an entry changed last, in microseconds."""
        start = entry * 8
        created = int.from_bytes(self.part.created[start : start + 8], "little", signed=True)
        return None if created < 0 else created

    def first_year(self, entry: int) -> int:
        """Return the first year of an entry's link: its priority."""
        return self.part.slots[_short(self.part.slot_of, entry)][1]

    def schema(self, entry: int) -> int:
        """Return the schema of an entry."""
        return self.part.slots[_short(self.part.slot_of, entry)][0]

    def id(self, entry: int) -> int:
        """Return the id of an entry's pattern."""
        return _long(self.part.ids, entry)

    def element(self, entry: int) -> int:
        """Return the element of an entry."""
        return _short(self.part.elements, entry)

    def key(self, entry: int) -> str:
        """Return the key of an entry."""
        return self.part.keys[_short(self.part.key_of, entry)]

    def key_bit(self, entry: int) -> int:
        """Return the bit of an entry's key."""
        return 1 << _short(self.part.key_of, entry)

    def attribute(self, entry: int) -> str:
        """Return the attribute of an entry."""
        return self.part.attributes[_long(self.part.attribute_of, entry)]

    def value(self, entry: int) -> str | None:
        """Return the value of an entry; None where the lookup table lacks it: the live service shows the id."""
        number = _long(self.part.attribute_of, entry)
        attribute = self.part.attributes[number]
        value = self.part.values.get(number, attribute)
        return attribute if value is None and self._live else value


def _short(column: bytes, entry: int) -> int:
    return int.from_bytes(column[entry * 2 : entry * 2 + 2], "little")


def _long(column: bytes, entry: int) -> int:
    return int.from_bytes(column[entry * 4 : entry * 4 + 4], "little")


def formula_value(formula: Formula, key_string: str) -> str:
    """Return the part of the key string between the first and last digit sign of the key."""
    return key_string[formula.key.index("#") : formula.key.rindex("#") + 1]


@lru_cache(maxsize=1_000)
def _formula_regex(key: str) -> "re.Pattern[str]":
    places = ("." if char in "*_" else re.escape(char) for char in key)
    return re.compile("".join(places), re.DOTALL)
