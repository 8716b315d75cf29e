"""A manufacturer code in memory, and its cells: one for each model year."""

from bisect import bisect_right
from typing import TYPE_CHECKING

from shared.vin.items import MAKE, TYPE, Item
from shared.vin.parts import VALID_POSITIONS, WmiPart

if TYPE_CHECKING:
    from shared.vin.selection import Cell, Selection
    from shared.vin.template import Template

LIGHT_TYPES, TRUCK, LIGHT_TRUCK = (2, 7), 3, 1
_ELEMENT_TYPE, _ELEMENT_MANUFACTURER, _ELEMENT_MAKE = 39, 27, 26


class Manufacturer:
    """What is known before the model year is; all that is remembered of the code hangs on it."""

    def __init__(self, wmi: str, part: WmiPart, type_name: str | None, live: bool, size: int) -> None:
        self.wmi, self.part = wmi, part
        self.bytes_held = size  # about what it takes in memory, with all that hangs on it
        self.cells: dict[tuple[int | None, bool], Cell] = {}
        self.templates: dict[tuple[str, int | None], Template] = {}
        self.exceptions = frozenset(part.exceptions)
        self.make_ids = frozenset(make for make, _ in part.makes)
        self.is_light = part.type_id in LIGHT_TYPES or (
            part.type_id == TRUCK and part.truck_id == LIGHT_TRUCK
        )
        self.items = self._items(type_name, "Manuf. Name" if live else "Manu. Name")
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

    def forget(self) -> None:
        """Let go of what was remembered: cells and templates refer back to here, and no collector sees it."""
        self.cells.clear()
        self.templates.clear()
        self.without_patterns.clear()

    def is_published(self, now: int) -> bool:
        """Tell whether the code is public at a time in microseconds."""
        return self.part.published is not None and self.part.published <= now

    def set_number(self, year: int | None) -> int:
        """Return the number of the set for a year, 0 when no link covers it."""
        if year is None:
            return self.part.every_set
        at = bisect_right(self.part.from_years, year)
        return self.part.set_ids[at - 1] if at else 0

    def valid_characters(self, year: int | None) -> dict[int, str] | None:
        """Return the release's own valid characters by position; None where it has none for the year."""
        if year is None:
            return {}
        charsets = self.part.valid.get(year)
        if charsets is None:
            return None
        texts = (self.part.charsets[number] for number in charsets)
        return {position: text for position, text in zip(VALID_POSITIONS, texts, strict=True) if text}
