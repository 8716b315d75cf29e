"""Places of keys in memory: which keys of a set accept a character of a VIN, and which of them name it."""

from msgspec import Struct

from shared.vin.keys import UNUSED_PLACES
from shared.vin.parts import Place

FIRST = 3  # place 0 is this index of the VIN; place 5, the bar, falls on the check digit


class Test(Struct, gc=False):
    """One place. Bits are taken out of the part when first asked for: of most sets a worker sees a few VINs."""

    index: int  # in the VIN
    place: Place
    known: dict[str, int]  # keys that accept a character
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


def test_of(place: Place) -> Test:
    """Make the test of a place."""
    other = int.from_bytes(place.other, "little")
    return Test(place.place + FIRST, place, {}, other, ~other)


# for sets of which no key looks at a place that can be "unused"
NO_TESTS = tuple([test_of(Place(place, b"", "", b"", b"", {})) for place in UNUSED_PLACES])
