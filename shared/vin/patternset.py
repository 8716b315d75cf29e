"""A set of patterns in memory: finds the keys that a VIN matches, and tells what each of them says.

Nothing is worked out before it is asked for: of most sets a worker sees a few VINs.
"""

import re
import struct
from array import array
from collections.abc import Iterable, Mapping
from functools import lru_cache
from sys import intern
from typing import NamedTuple

from msgspec import Struct

from shared.vin.items import ENGINE_MODEL, SEVERAL
from shared.vin.keys import UNUSED_PLACES, is_broken, upper, usable_characters
from shared.vin.parts import Formula, Place, SetPart

Record = tuple[int, tuple[int, ...]]  # an entry, and of it: its place when all are sorted, attribute, element
_RECORD = struct.Struct("=III")
_SHORT, _LONG, _TIME = (struct.Struct(column).unpack_from for column in ("=H", "=I", "=q"))
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

    place: Place
    known: dict[str, int]
    other: int  # keys that accept every character
    fixed: int  # the others

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

    def odd(self, char: str) -> int:
        """Return the keys that accept a character without naming it, or the reverse."""
        return int.from_bytes(self.place.odd.get(char, b""), "little")


def _test(place: Place) -> tuple[int, dict[str, int], _Test]:
    """Return the index in a VIN, what is known of characters there, and who can tell of others."""
    other, known = int.from_bytes(place.other, "little"), dict[str, int]()
    return place.place + _FIRST, known, _Test(place, known, other, ~other)


Naming = tuple[int, dict[str, int], _Test | None]


class PatternSet:
    """Patterns of one set. An entry is a number in the order of keys."""

    __slots__ = (
        "__weakref__", "_alive", "_broken", "_live", "_namings", "_ranks", "_reading", "_tests", "depth", "formulas",
        "part", "said",
    )  # fmt: skip

    def __init__(self, part: SetPart, reading: Reading) -> None:
        self.part, self._live, self._reading = part, reading.live, reading
        self._ranks = array("I", part.live_order) if reading.live and part.live_order is not None else None
        self.formulas = part.formulas
        self.said: dict[int, Said] = {}  # by the bit of the key
        self._tests = tuple([_test(place) for place in part.places])
        by_index: dict[int, Naming] = {test[0]: test for test in self._tests}
        self._namings = tuple([by_index.get(at + _FIRST, (at + _FIRST, {}, None)) for at in UNUSED_PLACES])
        self._alive: dict[int, int] = {}
        self._broken = sum([1 << key for key in part.broken_keys])
        self.depth = max([place.place for place in part.places], default=0)
        if part.formulas:
            self.depth = max(self.depth, *[len(formula.key) - 1 for formula in part.formulas])

    def match(self, vin: str) -> int:
        """Return the keys that match a VIN, one bit a key."""
        length = len(vin) - _FIRST if len(vin) >= 10 else min(max(len(vin) - _FIRST, 0), 5)
        bits = self._alive.get(length, -1)
        if bits < 0:
            bits = self._alive[length] = int.from_bytes(self.part.alive[length], "little")
        end = length + _FIRST
        for index, known, test in self._tests:
            if index >= end:
                break
            found = known.get(vin[index])
            bits &= test.look(vin[index]) if found is None else found
        return bits

    def match_formulas(self, key_string: str) -> list[Formula]:
        """Return the formula patterns that match, best first."""
        masked = key_string.translate(_DIGIT)
        return [formula for formula in self.formulas if _formula_regex(formula.key).match(masked)]

    def say(self, bit: int) -> Said:
        """Read what the key of a bit says."""
        found = self._records(bit.bit_length() - 1)
        if self._ranks is not None:
            found.sort(key=self._rank)
        said = self.said[bit] = self._settle(found, bit)
        return said

    def say_together(self, bits: int) -> Said:
        """Return what some keys say that speak of the same elements."""
        found: list[Record] = []
        rest = bits
        while rest:
            bit = rest & -rest
            found += self._records(bit.bit_length() - 1)
            rest ^= bit
        found.sort(key=self._rank)
        return self._settle(found, bits)

    def _records(self, key: int) -> list[Record]:
        ends = self.part.key_ends
        (end,) = _LONG(ends, key * 4)
        start = _LONG(ends, key * 4 - 4)[0] if key else 0
        found = self.part.by_key[start * _RECORD.size : end * _RECORD.size]
        return list(enumerate(_RECORD.iter_unpack(found), start))

    def _rank(self, found: Record) -> int:
        entry = found[1][0]
        return entry if self._ranks is None else self._ranks[entry]

    def _settle(self, found: list[Record], bits: int) -> Said:
        """Keep one entry an element where an answer holds only one; `found` has the best first."""
        live, names, hidden, marks = self._reading
        attributes, changed = self.part.attributes, self.part.values
        claims = several_claims = 0
        kept: list[int] = []
        several: list[int] = []
        engines: list[int] = []
        values: dict[str, str | None] = {}
        marked: dict[int, int] = {}
        for number, (_, attribute, element) in found:
            if element == ENGINE_MODEL:
                engines.append(number)
            if claims >> element & 1 or element in hidden:
                continue
            kept.append(number)
            if element in SEVERAL:
                several.append(number)
                several_claims |= 1 << element
                continue
            claims |= 1 << element
            if element in marks:
                marked[element] = number
            if element in names:
                text = attributes[attribute]
                value = changed.get(attribute, text)
                if value is not None:
                    values[names[element]] = intern(value)  # one text for all sets: copies touch less memory
                else:
                    values[names[element]] = text if live else None
        if bits & (bits - 1):  # several keys: some may have lost all they say
            bits = sum({1 << self._key(number) for number in kept})
        elif not kept:
            bits = 0
        return Said(
            bits, claims | several_claims, claims, tuple(kept), values, tuple(several), marked, tuple(engines)
        )

    def several(self, found: Iterable[Said]) -> list[tuple[int, str | None]]:
        """Return (element, value) where an answer may hold several, best first."""
        entries = [entry for said in found for entry in said.several]
        if len(entries) > 1:
            entries.sort(key=self._order)
        return [(self.element(entry), self.value(entry)) for entry in entries]

    def _order(self, entry: int) -> int:
        place = self._place(entry)
        return place if self._ranks is None else self._ranks[place]

    def fails(self, kept: int, formulas: list[Formula]) -> bool:
        """Tell whether the original fails when it asks which characters the kept keys name."""
        if self._live:
            return False
        return bool(kept & self._broken) or any(is_broken(upper(formula.key)) for formula in formulas)

    def unused(self, vin: str, kept: int, formulas: list[Formula]) -> list[int]:
        """Return the VIN positions, of 4-8 and 11, whose character no kept key or formula names."""
        found, length = [], len(vin)
        for index, known, test in self._namings:
            if index < length:
                if test is not None:
                    char = vin[index]
                    named = known.get(char, -1)
                    if named < 0:
                        named = test.look(char)
                    named &= test.fixed
                    if test.place.odd:
                        named ^= test.odd(char)
                    if named & kept:
                        continue
                found.append(index + 1)
        for formula in formulas if found else ():
            places = usable_characters(upper(formula.key))
            found = [at for at in found if at - 4 >= len(places) or vin[at - 1] not in places[at - 4]]
        return found

    def engine_entry(self, engines: list[int]) -> int:
        """Choose the entry that names the engine model: by other rules than those that let entries win."""
        if len(engines) == 1:
            return engines[0]
        engines.sort(key=self._order)
        if self._live:
            return max(engines, key=lambda entry: self.link(entry)[1])
        return max(engines, key=lambda entry: (self.link(entry)[1], *self._latest(entry)))

    def _latest(self, entry: int) -> tuple[bool, int, int]:
        created = self.created(entry)
        return created is None, created or 0, self.id(entry)

    def created(self, entry: int) -> int | None:
        """Return when an entry changed last, in microseconds."""
        created: int = _TIME(self.part.created, self._place(entry) * 8)[0]
        return None if created < 0 else created

    def link(self, entry: int) -> tuple[int, int]:
        """Return the schema of an entry and the first year of its link, which is its priority."""
        return self.part.slots[_SHORT(self.part.slot_of, self._place(entry) * 2)[0]]

    def id(self, entry: int) -> int:
        """Return the id of an entry's pattern."""
        return _LONG(self.part.ids, self._place(entry) * 4)[0]  # type: ignore[no-any-return]

    def key(self, entry: int) -> str:
        """Return the key of an entry."""
        return self.part.keys[self._key(entry)]

    def key_bit(self, entry: int) -> int:
        """Return the bit of an entry's key."""
        return 1 << self._key(entry)

    def element(self, entry: int) -> int:
        """Return the element of an entry."""
        return self._record(entry)[2]

    def attribute(self, entry: int) -> str:
        """Return the attribute of an entry."""
        return self.part.attributes[self._record(entry)[1]]

    def value(self, entry: int) -> str | None:
        """Return the value of an entry; None where the lookup table lacks it: the live service shows the id."""
        attribute = self._record(entry)[1]
        value = self.part.values.get(attribute, self.part.attributes[attribute])
        return self.part.attributes[attribute] if value is None and self._reading.live else value

    def _record(self, entry: int) -> tuple[int, ...]:
        return _RECORD.unpack_from(self.part.by_key, entry * _RECORD.size)

    def _place(self, entry: int) -> int:
        """Return where an entry stands when all are sorted, best first."""
        return self._record(entry)[0]

    def _key(self, entry: int) -> int:
        return _SHORT(self.part.key_of, self._place(entry) * 2)[0]  # type: ignore[no-any-return]


def formula_value(formula: Formula, key_string: str) -> str:
    """Return the part of the key string between the first and last digit sign of the key."""
    return key_string[formula.key.index("#") : formula.key.rindex("#") + 1]


@lru_cache(maxsize=1_000)
def _formula_regex(key: str) -> "re.Pattern[str]":
    places = ("." if char in "*_" else re.escape(char) for char in key)
    return re.compile("".join(places), re.DOTALL)
