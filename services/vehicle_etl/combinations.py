"""What the patterns of a manufacturer and year can say together about one VIN.

The keys of the patterns are read position by position, as an automaton reads a text: after each position a
state is the set of patterns that can still match, and equal states are kept once. What is left at the end are
exactly the combinations of values that some VIN has, with the winner of each element as NHTSA's procedure picks
it, although there are more VINs than anybody could try.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
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
            accepted = _read_class(text[at])
        if place >= PLACES or (place == BAR and accepted is not None and "|" not in accepted):
            return None
        if accepted is not None and place != BAR:
            accepted = _in_vins(accepted)
            if not accepted:
                return None
            asked.append((place, accepted))
        place, at = place + 1, at + 1
    return tuple(asked)


@lru_cache(maxsize=10_000)  # and so all keys share their sets of characters
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


@lru_cache(maxsize=10_000)
def _in_vins(characters: frozenset[str]) -> frozenset[str]:
    return characters & _EVERY


class Automaton:
    """The combinations of the patterns of one group, the better ones of an element first.

    `allowed` names the characters that can stand at a place, for places where not every character can.

    States are whole numbers: one bit a pattern that can still match, one bit a value that is certain.
    A pattern can only win or lose where keys of its element ask for something: at a place only those elements are
    looked at, and what becomes of their patterns is found out once, whatever those of the others are.
    """

    def __init__(self, patterns: Iterable[Pattern], elements: int, allowed: Mapping[int, str]) -> None:
        self.elements, self.allowed = elements, allowed
        self.values: list[
            tuple[int, object]
        ] = []  # element and value; in states their bits stand behind the patterns
        self._asking: dict[int, dict[frozenset[str], int]] = defaultdict(
            dict
        )  # by place and accepted characters
        self._asking_at: dict[int, int] = defaultdict(int)  # by place: all of those
        self._last: dict[int, int] = defaultdict(int)  # by place: patterns that ask for nothing behind it
        self._of_element = [0] * elements
        self._wins: list[int] = []  # by bit: the bit of its value, 0 when it says nothing
        kept = _without_repeated(patterns)
        self._count = len(kept)
        numbers: dict[tuple[int, object], int] = {}
        for number, (pattern, key) in enumerate(kept):
            self._add_key(1 << number, key)
            self._of_element[pattern.element] |= 1 << number
            value = (pattern.element, pattern.value)
            if pattern.value is not None and value not in numbers:
                numbers[value] = 1 << (len(kept) + len(self.values))
                self.values.append(value)
            self._wins.append(numbers.get(value, 0))

    def _add_key(self, bit: int, key: Key) -> None:
        for place, accepted in key:
            of_place = self._asking[place]
            of_place[accepted] = of_place.get(accepted, 0) | bit
            self._asking_at[place] |= bit
        self._last[key[-1][0] if key else -1] |= bit

    def run(self) -> set[int]:
        """Return the combinations as sets of values: bit n stands for `values[n]`."""
        complete = self._last[-1]
        states = {self._settle((1 << self._count) - 1, complete, self._of_element)}
        for place in sorted(self._asking):
            complete |= self._last[place]
            states = self._step(states, place, complete)
        return {state >> self._count for state in states}

    def _step(self, states: set[int], place: int, complete: int) -> set[int]:
        """Return what the states become with the characters at a place."""
        elements = [mine for mine in self._of_element if mine & self._asking_at[place]]
        concerned, masks = sum(elements), self._accepting(place)
        follow: dict[int, set[int]] = {}
        after: set[int] = set()
        for state in states:
            part = state & concerned
            if part not in follow:
                follow[part] = {self._settle(part & mask, complete, elements) for mask in masks}
            rest = state ^ part
            after.update([rest | each for each in follow[part]])
        return after

    def _accepting(self, place: int) -> set[int]:
        """Return the different sets of patterns that the characters at a place leave."""
        asking = dict.fromkeys(self.allowed.get(place, VIN_CHARACTERS), 0)
        for accepted, patterns in self._asking[place].items():
            for character in accepted:
                if character in asking:
                    asking[character] |= patterns
        free = ((1 << self._count) - 1) & ~self._asking_at[place]
        return {free | mask for mask in asking.values()}

    def _settle(self, alive: int, complete: int, elements: Iterable[int]) -> int:
        """Take away what cannot win any more; a pattern that is sure to win becomes the bit of its value.

        `complete` are the patterns that ask for nothing any more, `elements` the patterns of each element concerned.
        """
        settled = alive
        for mine in elements:
            sure = alive & mine & complete
            if sure:
                best = sure & -sure
                rivals = alive & mine
                if rivals & (best - 1):  # a better one may still match
                    settled ^= rivals & -(best << 1)
                else:
                    settled = settled ^ rivals | self._wins[best.bit_length() - 1]
        return settled

    def mask_of(self, elements: Collection[int]) -> int:
        """Return the bits of all values of some elements."""
        return sum(1 << number for number, (element, _) in enumerate(self.values) if element in elements)

    def read(self, combination: int) -> Combination:
        """Return the values, one place an element, None where a VIN has no value."""
        found: list[object] = [None] * self.elements
        while combination:
            lowest = combination & -combination
            element, value = self.values[lowest.bit_length() - 1]
            found[element] = value
            combination ^= lowest
        return tuple(found)


def _without_repeated(patterns: Iterable[Pattern]) -> list[tuple[Pattern, Key]]:
    """Leave out patterns that no VIN matches and those that a better one with the same key beats."""
    kept: dict[tuple[int, Key], Pattern] = {}
    for pattern in patterns:
        key = read_key(pattern.key)
        if key is not None:
            kept.setdefault((pattern.element, key), pattern)
    return [(pattern, key) for (_, key), pattern in kept.items()]
