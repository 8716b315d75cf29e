"""A set of patterns in memory: finds the keys that a key string matches."""

import re
from array import array

from shared.vin.keys import mask_of, upper, usable_characters, used_mask
from shared.vin.parts import Formula, SetPart

Test = tuple[int, dict[str, int], int]  # place, bits by character, bits of every other character
_DIGIT = str.maketrans("0123456789", "#" * 10)


class PatternSet:
    """Patterns of one set; entry 0 wins over entry 1, and so on."""

    def __init__(self, part: SetPart, live: bool) -> None:
        self.part = part
        self.live = live
        self.elements = array("H", part.elements)
        self.ids = array("I", part.ids)
        self.attribute_of = array("I", part.attribute_of)
        self.key_of = array("H", part.key_of)
        self.attributes = part.attributes
        self.values: list[str | None] = list(part.attributes)
        for number, value in part.values.items():
            if value is not None or not live:  # the live service shows an id whose name is missing
                self.values[number] = value
        self.with_specs = frozenset(part.with_specs)
        self.alive: dict[int, int] = {}
        self.tests = tuple([_test(place.place, place.other, place.table) for place in part.places])
        self.by_key, self.key_ends = array("I", part.by_key), array("I", part.key_ends)
        self.used: dict[int, int] = {}  # see used_by
        self.formulas = tuple([(_formula_regex(formula.key), formula) for formula in part.formulas])
        self.ranks = array("I", part.live_order) if live and part.live_order is not None else None
        self.depth = max(
            [test[0] for test in self.tests] + [len(formula.key) - 1 for formula in part.formulas], default=0
        )

    def match(self, key_string: str) -> int:
        """Return the keys that match, one bit a key."""
        length = len(key_string)
        bits = self.alive.get(length, -1)
        if bits < 0:
            bits = self.alive[length] = int.from_bytes(self.part.alive[length], "little")
        for place, table, other in self.tests:
            if place >= length or not bits:
                break
            bits &= table.get(key_string[place], other)
        return bits

    def match_formulas(self, key_string: str) -> tuple[int, ...]:
        """Return the numbers of the formula patterns that match."""
        if not self.formulas:
            return ()
        masked = key_string.translate(_DIGIT)
        return tuple(number for number, (regex, _) in enumerate(self.formulas) if regex.match(masked))

    def entries(self, bits: int) -> list[int]:
        """Return the entries of the keys in `bits`, best first."""
        found: list[int] = []
        by_key, ends = self.by_key, self.key_ends
        while bits:
            low = bits & -bits
            key = low.bit_length() - 1
            found += by_key[ends[key - 1] if key else 0 : ends[key]]
            bits ^= low
        found.sort(key=self.ranks.__getitem__ if self.ranks else None)
        return found

    def used_by(self, key: int) -> int:
        """Return the characters a key names, as one number; -1 where the original fails."""
        mask = self.used.get(key)
        if mask is None:
            mask = self.used[key] = self.used_by_text(self.part.keys[key])
        return mask

    def used_by_text(self, key: str) -> int:
        """Return the same for any key."""
        mask = used_mask(upper(key))
        return mask_of(usable_characters(upper(key))) if mask == -1 and self.live else mask

    def engine_entry(self, engines: list[int]) -> int:
        """Choose the entry that names the engine model: by other rules than those that let entries win."""
        if len(engines) == 1:
            return engines[0]
        if self.live:
            return max(engines, key=self.first_year)
        return max(engines, key=lambda entry: (self.first_year(entry), *self._latest(entry)))

    def _latest(self, entry: int) -> tuple[bool, int, int]:
        created = self.created(entry)
        return created is None, created or 0, self.ids[entry]

    def created(self, entry: int) -> int | None:
        """Return when an entry changed last, in microseconds."""
        start = entry * 8
        created = int.from_bytes(self.part.created[start : start + 8], "little", signed=True)
        return None if created < 0 else created

    def first_year(self, entry: int) -> int:
        """Return the first year of an entry's link: its priority."""
        return self._slot(entry)[1]

    def schema(self, entry: int) -> int:
        """Return the schema of an entry."""
        return self._slot(entry)[0]

    def _slot(self, entry: int) -> tuple[int, int]:
        start = entry * 2
        return self.part.slots[int.from_bytes(self.part.slot_of[start : start + 2], "little")]

    def attribute(self, entry: int) -> str:
        """Return the attribute of an entry."""
        return self.attributes[self.attribute_of[entry]]

    def value(self, entry: int) -> str | None:
        """Return the value of an entry; None where the lookup table lacks it."""
        return self.values[self.attribute_of[entry]]


def formula_value(formula: Formula, key_string: str) -> str:
    """Return the part of the key string between the first and last digit sign of the key."""
    return key_string[formula.key.index("#") : formula.key.rindex("#") + 1]


def _test(place: int, other: bytes, table: dict[str, bytes]) -> Test:
    bits_of: dict[str, int] = {}
    for chars, raw in table.items():
        bits_of.update(dict.fromkeys(chars, int.from_bytes(raw, "little")))
    return place, bits_of, int.from_bytes(other, "little")


def _formula_regex(key: str) -> "re.Pattern[str]":
    places = ("." if char in "*_" else re.escape(char) for char in key)
    return re.compile("".join(places), re.DOTALL)
