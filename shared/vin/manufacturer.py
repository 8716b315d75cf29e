"""A manufacturer code in memory."""

from bisect import bisect_right
from collections.abc import Sequence
from typing import TYPE_CHECKING

from shared.vin.items import MAKE, TYPE, Item
from shared.vin.parts import VALID_POSITIONS, WmiPart

if TYPE_CHECKING:
    from shared.vin.selection import Selection

Checks = tuple[tuple[int, str], ...]  # (index in the VIN, valid characters)
LIGHT_TYPES, TRUCK, LIGHT_TRUCK = (2, 7), 3, 1
_ELEMENT_TYPE, _ELEMENT_MANUFACTURER, _ELEMENT_MAKE = 39, 27, 26


class Manufacturer:
    """What is known before the model year is."""

    def __init__(self, wmi: str, part: WmiPart, type_name: str | None, live: bool) -> None:
        self.wmi, self.part = wmi, part
        self.exceptions = frozenset(part.exceptions)
        self.make_ids = frozenset([make for make, _ in part.makes])
        self._checks: dict[tuple[int, ...], Checks] = {}
        self.is_light = part.type_id in LIGHT_TYPES or (
            part.type_id == TRUCK and part.truck_id == LIGHT_TRUCK
        )
        self.items = self._items(type_name, "Manuf. Name" if live else "Manu. Name")
        self.claims = sum([1 << item.element for item in self.items])  # one bit an element
        self.only_make = self._only_make()
        self.without_patterns: dict[bool, Selection] = {}  # by whether there is a year

    def _items(self, type_name: str | None, source: str) -> list[Item]:
        """Return vehicle type and manufacturer."""
        part, items = self.part, []
        if part.type_id is not None:
            items.append(
                Item(
                    _ELEMENT_TYPE, str(part.type_id), type_name, TYPE,
                    keys=self.wmi, wmi=part.id, created=part.created,
                )
            )  # fmt: skip
        if part.manufacturer_id is not None:
            attribute = str(part.manufacturer_id)
            items.append(
                Item(_ELEMENT_MANUFACTURER, attribute, part.manufacturer, source, keys=self.wmi, wmi=part.id)
            )
        return items

    def _only_make(self) -> Item | None:
        if len(self.part.makes) != 1:
            return None
        make, name = self.part.makes[0]
        return Item(
            _ELEMENT_MAKE, str(make), name, MAKE,
            keys=self.wmi, wmi=self.part.id, created=self.part.created,
        )  # fmt: skip

    def is_published(self, now: int) -> bool:
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
        checks = self._checks.get(charsets)
        if checks is None:
            texts = self.part.charsets
            checks = self._checks[charsets] = self.checks_of([texts[number] for number in charsets])
        return checks

    def checks_of(self, valid: Sequence[str]) -> Checks:
        """Return valid characters of the valid positions as (index, characters)."""
        end = 11 if len(self.wmi) > 3 else 14  # a small manufacturer's VIN ends in its code
        positions = zip(VALID_POSITIONS, valid, strict=True)
        return tuple([(position - 1, text) for position, text in positions if text and position <= end])
