"""A manufacturer code in memory."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from shared.vin.items import MAKE, MAKES, TYPE, Item
from shared.vin.parts import VALID_POSITIONS, WmiPart

if TYPE_CHECKING:
    from shared.vin.selection import Selection

Checks = tuple[tuple[int, str], ...]  # (index in the VIN, valid characters)
LIGHT_TYPES, TRUCK, LIGHT_TRUCK = (2, 7), 3, 1
_ELEMENT_TYPE, _ELEMENT_MANUFACTURER = 39, 27
_NO_EXCEPTIONS = frozenset[str]()


class Manufacturer(Struct, gc=False):
    """What is known before the model year is."""

    wmi: str
    part: WmiPart
    is_light: bool
    exceptions: frozenset[str]
    items: tuple[Item, ...]
    claims: int  # the elements of the items, one bit an element
    only_make: Item | None
    without_patterns: dict[bool, "Selection"]  # by whether there is a year
    known_checks: dict[tuple[int, ...], Checks]

    def is_published(self, now: float) -> bool:
        """Tell whether the code is public at a time in microseconds."""
        return self.part.published is not None and self.part.published <= now

    def set_number(self, year: int | None) -> int:
        """Return the number of the set for a year, 0 when no link covers it."""
        if year is None:
            return self.part.every_set
        at = bisect_right(self.part.from_years, year)
        return self.part.set_ids[at - 1] if at else 0

    def checks(self, year: int | None) -> Checks | None:
        """Return the release's own valid characters as (index, characters); None where it has none for the year."""
        if year is None:
            return ()
        charsets = self.part.valid.get(year)
        if charsets is None:
            return None
        checks = self.known_checks.get(charsets)
        if checks is None:
            texts = self.part.charsets
            checks = self.known_checks[charsets] = self.checks_of([texts[number] for number in charsets])
        return checks

    def checks_of(self, valid: Sequence[str]) -> Checks:
        """Return valid characters of the valid positions as (index, characters)."""
        end = 11 if len(self.wmi) > 3 else 14  # a small manufacturer's VIN ends in its code
        positions = zip(VALID_POSITIONS, valid, strict=True)
        return tuple([(position - 1, text) for position, text in positions if text and position <= end])


def new_manufacturer(wmi: str, part: WmiPart, type_name: str | None, live: bool) -> Manufacturer:
    """Make what is known of a manufacturer code."""
    is_light = part.type_id in LIGHT_TYPES or (part.type_id == TRUCK and part.truck_id == LIGHT_TRUCK)
    items = tuple(_items(wmi, part, type_name, "Manuf. Name" if live else "Manu. Name"))
    exceptions = frozenset(part.exceptions) if part.exceptions else _NO_EXCEPTIONS
    claims = sum([1 << item.element for item in items])
    return Manufacturer(wmi, part, is_light, exceptions, items, claims, _only_make(wmi, part), {}, {})


def _items(wmi: str, part: WmiPart, type_name: str | None, source: str) -> Iterator[Item]:
    """Give vehicle type and manufacturer."""
    if part.type_id is not None:
        yield Item(
            _ELEMENT_TYPE, str(part.type_id), type_name, TYPE, keys=wmi, wmi=part.id, created=part.created
        )
    if part.manufacturer_id is not None:
        attribute = str(part.manufacturer_id)
        yield Item(_ELEMENT_MANUFACTURER, attribute, part.manufacturer, source, keys=wmi, wmi=part.id)


def _only_make(wmi: str, part: WmiPart) -> Item | None:
    if len(part.makes) != 1:
        return None
    make, name = part.makes[0]
    return Item(MAKES, str(make), name, MAKE, keys=wmi, wmi=part.id, created=part.created)
