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
from shared.vin.keys import is_broken, upper, usable_characters
from shared.vin.parts import Formula, SetPart
from shared.vin.places import FIRST, NO_TESTS, test_of

Record = tuple[int, tuple[int, ...]]  # an entry, and of it: its place when all are sorted, attribute, element
_RECORD = struct.Struct("=III")
_SHORT, _LONG, _TIME = (struct.Struct(column).unpack_from for column in ("=H", "=I", "=q"))
_DIGIT = str.maketrans("0123456789", "#" * 10)


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
    bits: Mapping[int, int]  # of each element in a bit set, ready made


class PatternSet:
    """Patterns of one set. An entry is a number in the order of keys."""

    __slots__ = (
        "__weakref__", "_alive", "_broken", "_broken_formulas", "_live", "_namings", "_ranks", "_reading", "_tests",
        "depth", "formulas", "part", "said",
    )  # fmt: skip

    def __init__(self, part: SetPart, reading: Reading) -> None:
        self.part, self._live, self._reading = part, reading.live, reading
        self._ranks = array("I", part.live_order) if reading.live and part.live_order is not None else None
        self.formulas = part.formulas
        self.said: dict[int, Said] = {}  # by the bit of the key
        self._tests = tuple([test_of(place) for place in part.places])
        by_index = {test.index: test for test in self._tests}
        self._namings = tuple([by_index.get(test.index, test) for test in NO_TESTS])
        self._alive: dict[int, int] = {}
        self._broken = sum([1 << key for key in part.broken_keys])
        self._broken_formulas = tuple([found.key for found in part.formulas if is_broken(upper(found.key))])
        self.depth = max([place.place for place in part.places], default=0)
        if part.formulas:
            self.depth = max(self.depth, *[len(formula.key) - 1 for formula in part.formulas])

    def match(self, vin: str) -> int:
        """Return the keys that match a VIN, one bit a key."""
        length = len(vin) - FIRST if len(vin) >= 10 else min(max(len(vin) - FIRST, 0), 5)
        bits = self._alive.get(length, -1)
        if bits < 0:
            bits = self._alive[length] = int.from_bytes(self.part.alive[length], "little")
        end = length + FIRST
        for test in self._tests:
            index = test.index
            if index >= end:
                break
            found = test.known.get(vin[index])
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
        return list(zip(range(start, end), _RECORD.iter_unpack(found), strict=True))

    def _rank(self, found: Record) -> int:
        entry = found[1][0]
        return entry if self._ranks is None else self._ranks[entry]

    def _settle(self, found: list[Record], bits: int) -> Said:
        """Keep one entry an element where an answer holds only one; `found` has the best first."""
        live, names, hidden, marks, bits_of = self._reading
        attributes, changed = self.part.attributes, self.part.values
        single = more = 0
        seen: set[int] = set()
        kept: list[int] = []
        several: list[int] = []
        engines: list[int] = []
        values: dict[str, str | None] = {}
        marked: dict[int, int] = {}
        for number, (_, attribute, element) in found:
            if element == ENGINE_MODEL:
                engines.append(number)
            if element in seen or element in hidden:
                continue
            kept.append(number)
            if element in SEVERAL:
                several.append(number)
                more |= bits_of[element]
                continue
            seen.add(element)
            single |= bits_of[element]
            if element in marks:
                marked[element] = number
            if element in names:
                text = attributes[attribute]
                value = changed.get(attribute, text)
                if value is None and live:
                    value = text
                # one text for all sets: to copy answers touches less memory
                values[names[element]] = None if value is None else intern(value)
        if bits & (bits - 1):  # several keys: some may have lost all they say
            bits = sum({1 << self._key(number) for number in kept})
        return Said(
            bits if kept else 0,
            single | more,
            single,
            tuple(kept),
            values,
            tuple(several),
            marked,
            tuple(engines),
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
        if self._broken_formulas and any(formula.key in self._broken_formulas for formula in formulas):
            return True
        return bool(kept & self._broken)

    def unused(self, vin: str, kept: int, formulas: list[Formula]) -> list[int]:
        """Return the VIN positions, of 4-8 and 11, whose character no kept key or formula names."""
        found, length = [], len(vin)
        for test in self._namings:
            index = test.index
            if index < length:
                char = vin[index]
                named = test.known.get(char)
                if named is None:
                    named = test.look(char)
                named &= test.fixed
                if char in test.place.odd:
                    named ^= int.from_bytes(test.place.odd[char], "little")
                if not named & kept:
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
