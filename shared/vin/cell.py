"""A cell: a manufacturer code in a model year, and what is known of it before a VIN is looked at."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from shared.vin.items import ENGINE, FORMULA, MAKE_OF_MODEL, PATTERN, Item
from shared.vin.manufacturer import Checks, Manufacturer
from shared.vin.parts import Formula, SpecPattern, SpecSchema
from shared.vin.patternset import PatternSet

# VINs of one descriptor are alike up to here, check digit apart
_SHARED_INDEX, _SHARED_PLACE = 10, 7


class Look(NamedTuple):
    """A character of the serial number that keys or valid characters speak of."""

    at: int  # index in the VIN
    chars: str
    groups: bytes  # for each of `chars` a number: the keys that accept it are those of all with this number
    valid: str  # empty where every character is

    def class_of(self, vin: str) -> str:
        """Return what VINs have in common whose character is the same to all keys, and right or wrong in both."""
        char = vin[self.at]
        place = self.chars.find(char)
        number = 2 * (self.groups[place] + 1) if place >= 0 else 0
        return chr(number + 1) if self.valid and char not in self.valid else chr(number)


class Cell(Struct, gc=False):
    """A manufacturer code in a model year."""

    maker: Manufacturer
    year: int | None
    patterns: PatternSet | None
    checks: Checks
    fails: bool  # the original does when it looks for wrong characters
    # VINs alike in 1-8, 10, 11 and in what these tell of them give the same selection and the same wrong characters;
    # None where a formula copies from the serial number
    looks: tuple[Look, ...] | None
    _specs: dict[str, tuple[tuple[int, SpecPattern], ...]]

    def specs(
        self, model: str, schemas: Callable[[str], Iterable[SpecSchema]]
    ) -> tuple[tuple[int, SpecPattern], ...]:
        """Return (schema, pattern) of the vehicle specifications of a model that can hold here."""
        found = self._specs.get(model)
        if found is None:
            part, year = self.maker.part, self.year
            makes = {make for make, _ in part.makes}
            found = self._specs[model] = tuple(
                [
                    (schema.id, pattern)
                    for schema in schemas(model)
                    if schema.make_id in makes and part.type_id is not None and schema.type_id == part.type_id
                    if not schema.years or year in schema.years
                    for pattern in schema.patterns
                ]
            )
        return found


def cell_key(year: int | None, private: bool) -> int:
    """Return the number of a manufacturer's cell: by year, and whether private elements count."""
    return 2 * (year or 0) + private


def new_cell(maker: Manufacturer, year: int | None, patterns: PatternSet | None, live: bool) -> Cell:
    """Make the cell of a year."""
    if patterns is None:  # nothing can be wrong where nothing is known
        return Cell(maker, year, None, (), False, (), {})
    checks, fails = maker.checks(year), False
    if checks is None:
        checks = maker.checks_of(patterns.part.valid)
        fails = patterns.part.broken and not live
    return Cell(maker, year, patterns, checks, fails, _looks(patterns, checks), {})


def _looks(patterns: PatternSet, checks: Checks) -> tuple[Look, ...] | None:
    if patterns.depth <= _SHARED_PLACE and (not checks or checks[-1][0] <= _SHARED_INDEX):
        return ()
    if any(len(formula.key) - 1 > _SHARED_PLACE for formula in patterns.formulas):
        return None
    valid = {index: text for index, text in checks if index > _SHARED_INDEX}
    places = {test.index: test.place for test in patterns.tests if test.index > _SHARED_INDEX}
    return tuple(
        [
            Look(index, place.chars, place.groups, valid.get(index, ""))
            if (place := places.get(index))
            else Look(index, "", b"", valid[index])
            for index in sorted(valid.keys() | places.keys())
        ]
    )


def entry_item(cell: Cell, entry: int) -> Item:
    """Make the item of a pattern."""
    patterns = cell.patterns
    assert patterns is not None
    return Item(
        patterns.element(entry), patterns.attribute(entry), patterns.value(entry), PATTERN,
        keys=patterns.key(entry), pattern=patterns.id(entry),
        schema=patterns.link(entry)[0], wmi=cell.maker.part.id, created=patterns.created(entry),
        held_back=False,
    )  # fmt: skip


def located(cell: Cell, item: Item) -> Item:
    """Put in where an item comes from, if that is a pattern."""
    if item.entry is None:
        return item
    origin = entry_item(cell, item.entry)
    wmi = None if item.source == MAKE_OF_MODEL else origin.wmi
    held_back = None if item.source == ENGINE else False
    return replace(
        item, keys=origin.keys, pattern=origin.pattern, schema=origin.schema, wmi=wmi, held_back=held_back
    )


def formula_item(formula: Formula, value: str) -> Item:
    """Make the item of a formula pattern."""
    return Item(
        formula.element, formula.attribute, value, FORMULA, keys=formula.key, pattern=formula.id,
        schema=formula.schema, created=formula.created, held_back=formula.held_back,
    )  # fmt: skip
