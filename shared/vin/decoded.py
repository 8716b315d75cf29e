"""An answer: rows made when somebody asks for them."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from msgspec import Struct

from shared.errors import DataError
from shared.vin.cell import entry_item, formula_item, located
from shared.vin.items import CORRECTED, CORRECTIONS, MODEL_YEAR, REPEATED, YEAR, Item, join_values
from shared.vin.keys import descriptor_of, key_string, upper
from shared.vin.library import Library
from shared.vin.parts import Element
from shared.vin.passes import Pass
from shared.vin.patternset import formula_value
from shared.vin.values import clean

Row = dict[str, Any]
Values = MappingProxyType[str, str | None]  # by the name of the variable
_NOTHING: Values = MappingProxyType({})
_TIMES = 20_000  # in memory as text: a release has many patterns of the same moment
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TEXT_TOO_LONG, _BAD_REGEX = "22001", "2201B"


class VinError(DataError):
    """A VIN that the original does not decode; `sqlstate` is the error it raises, if it is the one who does."""

    def __init__(self, reason: str, field: str = "vin", sqlstate: str | None = None) -> None:
        self.sqlstate = sqlstate
        super().__init__(reason, field)


class Decoded(Struct, eq=False, gc=False):
    """The vehicle of a VIN: `values` to look at, `rows()` with all that the original says of each."""

    _library: Library | None
    vin: str | None
    found: Pass | None
    _include_private: bool = False
    failure: VinError | None = None

    @property
    def error_codes(self) -> list[int]:
        """The error codes, ascending."""
        return list(self.found.told.numbers) if self.found else []

    @property
    def error_text(self) -> str:
        """What the codes mean; the reason when there is no answer at all."""
        return self.found.told.text if self.found else str(self.failure)

    @property
    def suggested_vin(self) -> str:
        """The VIN with its errors corrected or marked; empty when there are none."""
        return self.found.suggested if self.found else ""

    @property
    def possible_values(self) -> str:
        """The characters that could stand at the wrong positions."""
        return self.found.correction.possible if self.found else ""

    @property
    def descriptor(self) -> str | None:
        """The part of the VIN that tells the vehicle."""
        return None if self.vin is None else descriptor_of(self.vin)

    @property
    def model_year(self) -> int | None:
        """The model year of the answer."""
        return self.found.attempt.year if self.found and self.found.cell else None

    @property
    def values(self) -> Values:
        """The value of each variable; several values of one variable are joined with "; ".

        To be read only: VINs alike share it. `values.copy()` is a dict to change, or for `json`.
        """
        found = self.found
        if found is None:
            return _NOTHING
        if found.values is None:
            found.values = self._make_values(found)
        return MappingProxyType(
            found.values
        )  # made anew: kept ones would be looked at by each garbage collection

    def _make_values(self, found: Pass) -> dict[str, str | None]:
        assert self._library is not None
        values = self._all_values(found)
        if self._library.live:
            return {name: _trimmed(value) for name, value in values.items()}
        return values

    def _all_values(self, found: Pass) -> dict[str, str | None]:
        formulas = () if found.selection is None else found.selection.formulas
        if self._include_private or any(formula.held_back for formula in formulas):
            values: dict[str, str | None] = {}
            join_values(values, self._names, [(item.element, item.value) for item in self._items()])
            return values
        values = self._plain_values(found)
        if formulas:
            keys = key_string(self.vin or "")
            pairs = [(formula.element, clean(formula_value(formula, keys))) for formula in formulas]
            join_values(values, self._names, pairs)
        return values

    @property
    def _names(self) -> dict[int, str]:
        assert self._library is not None
        return self._library.all_names if self._include_private else self._library.public_names

    def rows(self, include_all: bool = False) -> list[Row]:
        """Return the rows of the original's result; by rank of the group, element and pattern.

        `include_all` adds an empty row for each variable without an answer. Times are UTC.
        """
        if self.found is None:
            return []
        items = self._shown()
        if include_all:
            present = {item.element for item in items}
            items += [Item(element, None, None, "") for element in self._names if element not in present]
        return [self._row(item) for item in self._in_order(items)]

    def variables(self) -> Iterator[tuple[Element, str | None]]:
        """Give (variable, value) in the order of `rows()`: what most callers want of them, at half the cost."""
        library = self._library
        if library is None or self.found is None:
            return
        elements, is_live = library.elements, library.live
        for item in self._in_order(self._shown()):
            yield elements[item.element], _trimmed(item.value) if is_live else item.value

    def _in_order(self, items: list[Item]) -> list[Item]:
        assert self._library is not None
        ranks = self._library.ranks
        # the live service sorts by element inside a rank; the procedure leaves it open
        items.sort(key=lambda item: (ranks[item.element], item.element, item.pattern or 0))
        return items

    def _row(self, item: Item) -> Row:
        assert self._library is not None
        element = self._library.elements[item.element]
        return {
            "group_name": element.group,
            "variable": element.name,
            "value": _trimmed(item.value) if self._library.live else item.value,
            "pattern_id": item.pattern,
            "vin_schema_id": item.schema,
            "keys": None if item.keys is None else upper(item.keys),
            "element_id": item.element,
            "attribute_id": item.attribute,
            "created_on": None if item.created is None else timestamp(item.created),
            "wmi_id": item.wmi,
            "code": element.code,
            "data_type": element.data_type,
            "decode": element.decode,
            "source": item.source or None,  # none: nothing was found
            "to_be_qced": item.held_back,
        }

    def _shown(self) -> list[Item]:
        names = self._names
        return [item for item in self._items() if item.element in names]

    def _items(self) -> Iterator[Item]:
        """Give the items of the winning pass."""
        found, library = self.found, self._library
        assert found is not None and library is not None
        items = list(self._findings())
        if any(item.held_back for item in items):
            if not library.live:
                return  # one schema held back empties the whole answer: the original's update lacks a join
            items = [item for item in items if not item.held_back]
        yield from items
        yield from self._corrections()

    def _findings(self) -> Iterator[Item]:
        found = self.found
        assert found is not None
        cell, selection = found.cell, found.selection
        if cell is None or selection is None:
            return
        for said in selection.said:
            for place in said.layout.kept:
                yield entry_item(cell, said.entries[place])
        if selection.formulas:
            keys = key_string(self.vin or "")
            for formula in selection.formulas:
                yield formula_item(formula, clean(formula_value(formula, keys)) or "")
        yield from [located(cell, item) for item in selection.items]
        yield from selection.defaults.items
        if found.attempt.year is not None:
            year = str(found.attempt.year)
            yield Item(MODEL_YEAR, year, year, YEAR, keys=found.attempt.year_key)

    def _corrections(self) -> Iterator[Item]:
        for element, text in zip(CORRECTED, self._corrected(), strict=True):
            yield Item(element, text, clean(text), CORRECTIONS, keys="")

    def _corrected(self) -> tuple[str | None, ...]:
        found = self.found
        assert found is not None
        told, correction = found.told, found.correction
        return found.suggested, told.codes, correction.possible, found.additional, told.text, self.descriptor

    def _plain_values(self, found: Pass) -> dict[str, str | None]:
        """Return the values of all but formulas, without the trouble of making items."""
        assert self._library is not None
        cell, selection, names = found.cell, found.selection, self._library.public_names
        values: dict[str, str | None] = {}
        if cell is not None and selection is not None:
            values, patterns = selection.defaults.values.copy(), cell.patterns
            if patterns is not None and patterns.put_values(values, selection.said):
                join_values(values, names, patterns.several(selection.said))
            for item in selection.items:
                name = names.get(item.element)
                if name is not None:
                    if name in values and item.element in REPEATED:
                        join_values(values, names, [(item.element, item.value)])
                    else:
                        values[name] = item.value
            if found.attempt.year is not None and MODEL_YEAR in names:
                values[names[MODEL_YEAR]] = str(found.attempt.year)
        for name, text in zip(self._library.corrected_names, self._corrected(), strict=True):
            if name is not None:
                values[name] = clean(text)
        return values


def _trimmed(value: str | None) -> str | None:
    """Take blanks off both ends: of 373 recorded answers of the live service one has any there, of the data nine."""
    return value and value.strip(" ")


@lru_cache(maxsize=_TIMES)
def timestamp(microseconds: int) -> str:
    """Write a time as PostgreSQL does, without trailing zeros."""
    text = (_EPOCH + timedelta(microseconds=microseconds)).strftime("%Y-%m-%d %H:%M:%S.%f")
    return text.rstrip("0").rstrip(".")


def too_long(vin: str) -> VinError:
    """Return the error for a VIN of more than 17 characters."""
    return VinError(f"a VIN has at most 17 characters, this one has {len(vin)}", sqlstate=_TEXT_TOO_LONG)


def broken_pattern(reason: str) -> VinError:
    """Return the error for a pattern that the original cannot compute."""
    return VinError(
        f"NHTSA's procedure fails on a pattern of this manufacturer: {reason}", sqlstate=_BAD_REGEX
    )
