"""What the elements of a key's entries make of an answer. Many keys of a release speak of the same elements."""

from array import array
from collections.abc import Mapping, Set
from functools import lru_cache

from msgspec import Struct

from shared.vin.items import ENGINE_MODEL, SEVERAL

_LAYOUTS = 16_000  # in memory: about as many as a release has, nine of ten keys have one met before


class Layout(Struct, frozen=True, gc=False):
    """Which of some entries count, the best first; entries are told by their places."""

    elements: int  # of those that count, one bit an element
    single: int  # those of which an answer holds one value
    kept: tuple[int, ...]
    named: tuple[tuple[int, str], ...]  # with the name that an answer has it under, the single ones
    several: tuple[int, ...]  # the others
    marked: tuple[tuple[int, int], ...]  # (element, place) on which other findings hang
    engines: tuple[int, ...]  # all entries of the engine model


class Reading:
    """How the patterns of a release are read: `names` of the elements that an answer shows, `hidden` those left out
    altogether, `marks` those on which other findings hang."""

    def __init__(self, live: bool, names: Mapping[int, str], hidden: Set[int], marks: Set[int]) -> None:
        self.live, self._names, self._hidden, self._marks = live, names, hidden, marks
        self.layout = lru_cache(maxsize=_LAYOUTS)(self._layout)

    def _layout(self, elements: bytes) -> Layout:
        """Lay out entries whose elements are given as 16-bit numbers, the best first."""
        single = more = 0
        kept, named, several, marked, engines = [], [], [], [], []
        for place, element in enumerate(array("H", elements)):
            if element == ENGINE_MODEL:
                engines.append(place)
            if single >> element & 1 or element in self._hidden:
                continue
            kept.append(place)
            if element in SEVERAL:
                several.append(place)
                more |= 1 << element
                continue
            single |= 1 << element
            if element in self._marks:
                marked.append((element, place))
            if element in self._names:
                named.append((place, self._names[element]))
        return Layout(
            single | more, single, tuple(kept), tuple(named), tuple(several), tuple(marked), tuple(engines)
        )
