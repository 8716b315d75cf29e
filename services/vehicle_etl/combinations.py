"""What the patterns of a manufacturer and year can say together about one VIN.

The keys of the patterns are read position by position, as an automaton reads a text: after each position a
state is the set of patterns that can still match, and equal states are kept once. What is left at the end are
exactly the combinations of values that some VIN has, with the winner of each element as NHTSA's procedure picks
it, although there are more VINs than anybody could try.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import NamedTuple

VIN_CHARACTERS = "ABCDEFGHJKLMNPRSTUVWXYZ0123456789"
PLACES = 14  # positions 4-8, the bar that stands for position 9, positions 10-17
BAR = 5
_EVERY = frozenset(VIN_CHARACTERS)


class Pattern(NamedTuple):
    """One pattern of a group: which element it fills (a number from 0), its key, and its value.

    A value of None says nothing, but the pattern still beats those that stand after it.
    """

    element: int
    key: str
    value: object


Key = tuple[tuple[int, frozenset[str]], ...]
Combination = tuple[object, ...]


@lru_cache(maxsize=100_000)
def read_key(text: str) -> Key | None:
    """Return what a key asks for: places and the characters it accepts there; None if no VIN can match.

    The procedure has two engines: with a `[` anywhere the key is a regular expression, else a LIKE pattern.
    """
    is_regex = "[" in text
    asked: list[tuple[int, frozenset[str]]] = []
    place = at = 0
    while at < len(text):
        if is_regex and text[at] == "[" and "]" in text[at:]:
            end = text.index("]", at)
            accepted: frozenset[str] | None = _read_class(text[at + 1 : end])
            at = end
        elif text[at] == "*" or (text[at] == "_" and not is_regex):
            accepted = None
        else:
            accepted = frozenset(text[at])
        if place >= PLACES or (place == BAR and accepted is not None and "|" not in accepted):
            return None
        if accepted is not None and place != BAR:
            accepted &= _EVERY
            if not accepted:
                return None
            asked.append((place, accepted))
        place, at = place + 1, at + 1
    return tuple(asked)


def _read_class(text: str) -> frozenset[str]:
    text = text.replace("1-A", "1A")  # as the procedure does, for the sake of one key
    found: set[str] = set()
    at = 0
    while at < len(text):
        if text[at + 1 : at + 2] == "-" and at + 2 < len(text):
            found.update(map(chr, range(ord(text[at]), ord(text[at + 2]) + 1)))
            at += 3
        else:
            found.add(text[at])
            at += 1
    return frozenset(found)


def find_combinations(
    patterns: Iterable[Pattern], elements: int, allowed: Mapping[int, str] | None = None
) -> set[Combination]:
    """Return the combinations of values, one place an element, None where a VIN has no value.

    `patterns` are those of one group, the better ones of an element first. `allowed` names the characters
    that can stand at a place, for places where not every character can.
    """
    return _Automaton(patterns, elements, allowed or {}).run()


class _Automaton:
    """States are whole numbers: one bit a pattern that can still match, one bit a value that is certain."""

    def __init__(self, patterns: Iterable[Pattern], elements: int, allowed: Mapping[int, str]) -> None:
        self.keys: list[Key] = []  # by bit
        self.wins: list[int] = []  # by bit: the bit of its value, 0 when it says nothing
        self.values: list[tuple[int, object]] = []  # element and value; their bits stand behind all patterns
        self.of_element = [0] * elements
        self.allowed = allowed
        kept = self._without_repeated(patterns)
        numbers: dict[tuple[int, object], int] = {}
        for pattern, key in kept:
            self.of_element[pattern.element] |= 1 << len(self.keys)
            self.keys.append(key)
            value = (pattern.element, pattern.value)
            if pattern.value is not None and value not in numbers:
                numbers[value] = 1 << (len(kept) + len(self.values))
                self.values.append(value)
            self.wins.append(numbers.get(value, 0))
        self.value_mask = sum(numbers.values())
        self.places = sorted({place for key in self.keys for place, _ in key})

    @staticmethod
    def _without_repeated(patterns: Iterable[Pattern]) -> list[tuple[Pattern, Key]]:
        """Leave out patterns that no VIN matches and those that a better one with the same key beats."""
        kept: dict[tuple[int, Key], Pattern] = {}
        for pattern in patterns:
            key = read_key(pattern.key)
            if key is not None:
                kept.setdefault((pattern.element, key), pattern)
        return [(pattern, key) for (_, key), pattern in kept.items()]

    def run(self) -> set[Combination]:
        states = {self._settle((1 << len(self.keys)) - 1, self._complete_after(-1))}
        for place in self.places:
            masks = self._accepting(place)
            reached = {state & mask for mask in masks for state in states}
            complete = self._complete_after(place)
            states = {self._settle(state, complete) for state in reached}
        return {self._read(state) for state in states}

    def _accepting(self, place: int) -> set[int]:
        """Return the different sets of patterns that the characters at a place leave."""
        free, asking = self.value_mask, dict.fromkeys(self.allowed.get(place, VIN_CHARACTERS), 0)
        for number, key in enumerate(self.keys):
            accepted = next((characters for at, characters in key if at == place), None)
            if accepted is None:
                free |= 1 << number
                continue
            for character in accepted:
                if character in asking:
                    asking[character] |= 1 << number
        return {free | mask for mask in asking.values()}

    def _complete_after(self, place: int) -> int:
        """Return the patterns that ask for nothing after a place."""
        return sum(1 << number for number, key in enumerate(self.keys) if not key or key[-1][0] <= place)

    def _settle(self, state: int, complete: int) -> int:
        """Take away what cannot win any more; a pattern that is sure to win becomes the bit of its value."""
        for mine in self.of_element:
            alive = state & mine
            sure = alive & complete
            if not sure:
                continue
            best = sure & -sure
            if alive & (best - 1):  # a better one may still match
                state &= ~(mine & -(best << 1))
            else:
                state = state & ~mine | self.wins[best.bit_length() - 1]
        return state

    def _read(self, state: int) -> Combination:
        found: list[object] = [None] * len(self.of_element)
        certain = state >> len(self.keys)
        while certain:
            lowest = certain & -certain
            element, value = self.values[lowest.bit_length() - 1]
            found[element] = value
            certain ^= lowest
        return tuple(found)
