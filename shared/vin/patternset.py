"""A set of patterns in memory: finds the keys that a VIN matches, and tells what each of them says.

Nothing is worked out before it is asked for: of most sets a worker sees a few VINs.
"""

import re
import struct
from array import array
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from struct import unpack_from

from msgspec import Struct

from shared.vin.keys import is_broken, upper, usable_characters
from shared.vin.layouts import Layout, Reading
from shared.vin.parts import Formula, SetPart, number_type
from shared.vin.places import FIRST, NO_TESTS, Test, test_of

_SHORT, _LONG, _BOTH, _TIME = (struct.Struct(column).unpack_from for column in ("=H", "=I", "=II", "=q"))
_NUMBERS = {"H": (_SHORT, 2), "I": (_LONG, 4)}
_DIGIT = str.maketrans("0123456789", "#" * 10)


class Said(Struct, frozen=True, gc=False):
    """What one key says when no other key speaks of the same elements, or what several say together."""

    keys: int  # of the entries that count, one bit a key
    layout: Layout  # which those are, and what they make of an answer
    entries: Sequence[int]  # all of them, the best first
    attributes: Sequence[int]  # of each


class PatternSet(Struct, eq=False, gc=False):
    """Patterns of one set. An entry is a number in the order of keys."""

    part: SetPart
    formulas: tuple[Formula, ...]
    depth: int  # the last place that a key looks at
    said: dict[int, Said]  # by the bit of the key
    _type: str  # of numbers of entries, see SetPart
    _number: Callable[[bytes, int], tuple[int]]  # takes one out
    _width: int  # of one in bytes
    _live: bool
    tests: tuple[Test, ...]
    _namings: tuple[Test, ...]  # of the places that can be "unused"
    _alive: dict[int, int]
    _broken: int  # keys for which the original fails, one bit a key
    _broken_formulas: tuple[str, ...]
    _ranks: "array[int] | None"  # of the live service's order, where it is another one
    _reading: Reading

    def match(self, vin: str) -> int:
        """Return the keys that match a VIN, one bit a key."""
        length = len(vin) - FIRST if len(vin) >= 10 else min(max(len(vin) - FIRST, 0), 5)
        bits = self._alive.get(length, -1)
        if bits < 0:
            bits = self._alive[length] = int.from_bytes(self.part.alive[length], "little")
        end = length + FIRST
        for test in self.tests:
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
        entries = self._entries(bit.bit_length() - 1)
        if self._ranks is not None and len(entries) > 1:
            said = self._settle(tuple(sorted(entries, key=self._order)), bit)
        else:
            start, end = entries.start, entries.stop
            layout = self._reading.layout(self.part.element_of[start * 2 : end * 2])
            width, column = self._width, self.part.attribute_of
            attributes = unpack_from(f"={end - start}{self._type}", column, start * width)
            said = Said(bit if layout.kept else 0, layout, entries, attributes)
        self.said[bit] = said
        return said

    def say_together(self, bits: int) -> Said:
        """Return what some keys say that speak of the same elements."""
        entries: list[int] = []
        rest = bits
        while rest:
            bit = rest & -rest
            entries += self._entries(bit.bit_length() - 1)
            rest ^= bit
        return self._settle(tuple(sorted(entries, key=self._order)), bits)

    def _entries(self, key: int) -> range:
        """Return the entries of a key, the best first."""
        ends = self.part.key_ends
        start, end = _BOTH(ends, key * 4 - 4) if key else (0, _LONG(ends, 0)[0])
        return range(start, end)

    def _settle(self, entries: Sequence[int], bits: int) -> Said:
        """Say what some entries mean, the best first."""
        layout = self._reading.layout(array("H", map(self.element, entries)).tobytes())
        if bits & (bits - 1):  # several keys: some may have lost all they say
            bits = sum({1 << self._key(entries[place]) for place in layout.kept})
        elif not layout.kept:
            bits = 0
        return Said(bits, layout, entries, tuple(map(self._attribute, entries)))

    def put_values(self, values: dict[str, str | None], found: Iterable[Said]) -> bool:
        """Put in what is said of elements that have one value; tell whether others have been spoken of."""
        texts, attributes, several = self.part.texts, self.part.attributes, False
        count = len(texts)
        for said in found:
            layout, numbers = said.layout, said.attributes
            for place, name in layout.named:
                number = numbers[place]
                value = texts[number] if number < count else attributes[number]
                values[name] = attributes[number] if value is None and self._live else value
            if layout.several:
                several = True
        return several

    def several(self, found: Iterable[Said]) -> list[tuple[int, str | None]]:
        """Return (element, value) where an answer may hold several, best first."""
        entries = [said.entries[place] for said in found for place in said.layout.several]
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
        (number,) = self._number(self.part.time_of, self._place(entry) * self._width)
        created: int = _TIME(self.part.times, number * 8)[0]
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
        return _SHORT(self.part.element_of, entry * 2)[0]  # type: ignore[no-any-return]

    def attribute(self, entry: int) -> str:
        """Return the attribute of an entry."""
        return self.part.attributes[self._attribute(entry)]

    def value(self, entry: int) -> str | None:
        """Return the value of an entry; None where the lookup table lacks it: the live service shows the id."""
        attribute, texts = self._attribute(entry), self.part.texts
        value = texts[attribute] if attribute < len(texts) else self.part.attributes[attribute]
        return self.part.attributes[attribute] if value is None and self._live else value

    def _attribute(self, entry: int) -> int:
        return self._number(self.part.attribute_of, entry * self._width)[0]

    def _place(self, entry: int) -> int:
        """Return where an entry stands when all are sorted, best first."""
        return self._number(self.part.order, entry * self._width)[0]

    def _key(self, entry: int) -> int:
        return _SHORT(self.part.key_of, self._place(entry) * 2)[0]  # type: ignore[no-any-return]


def new_pattern_set(part: SetPart, reading: Reading) -> PatternSet:
    """Make the set of a part."""
    tests = tuple([test_of(place) for place in part.places])
    by_index = {test.index: test for test in tests}
    namings = tuple([by_index.get(test.index, test) for test in NO_TESTS])
    depth = max([place.place for place in part.places], default=0)
    broken_formulas: tuple[str, ...] = ()
    if part.formulas:
        depth = max(depth, *[len(formula.key) - 1 for formula in part.formulas])
        broken_formulas = tuple([found.key for found in part.formulas if is_broken(upper(found.key))])
    number = number_type(len(part.element_of) // 2)
    ranks = array(number, part.live_order) if reading.live and part.live_order is not None else None
    broken = sum([1 << key for key in part.broken_keys])
    return PatternSet(
        part,
        part.formulas,
        depth,
        {},
        number,
        *_NUMBERS[number],
        reading.live,
        tests,
        namings,
        {},
        broken,
        broken_formulas,
        ranks,
        reading,
    )


def formula_value(formula: Formula, key_string: str) -> str:
    """Return the part of the key string between the first and last digit sign of the key."""
    return key_string[formula.key.index("#") : formula.key.rindex("#") + 1]


@lru_cache(maxsize=1_000)
def _formula_regex(key: str) -> "re.Pattern[str]":
    places = ("." if char in "*_" else re.escape(char) for char in key)
    return re.compile("".join(places), re.DOTALL)
