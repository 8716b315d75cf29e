"""A cell: a manufacturer code in a model year, and what is known of it before a VIN is looked at."""

from collections.abc import Sequence

from shared.vin.items import ENGINE, FORMULA, PATTERN, Item
from shared.vin.library import Library
from shared.vin.manufacturer import Manufacturer
from shared.vin.parts import Formula, Named, SpecPattern
from shared.vin.patternset import PatternSet

_SHARED_INDEX = 10  # VINs of one descriptor are alike in what comes before, check digit apart


class Cell:
    """A manufacturer code in a model year."""

    __slots__ = ("_specs", "checks", "fails", "is_shallow", "library", "maker", "patterns", "year")

    def __init__(
        self, library: Library, maker: Manufacturer, year: int | None, patterns: PatternSet | None
    ) -> None:
        self.library, self.maker, self.year, self.patterns = library, maker, year, patterns
        checks = maker.checks(year)
        # the original fails when it must compute the characters from a key that it cannot read
        self.fails = checks is None and patterns is not None and patterns.part.broken and not library.live
        if checks is None:
            checks = () if patterns is None else maker.checks_of(patterns.part.valid)
        self.checks = checks
        # whether VINs alike in 1-8, 10 and 11 give the same selection and the same wrong characters
        self.is_shallow = patterns is None or (
            patterns.depth <= 7 and (not checks or checks[-1][0] <= _SHARED_INDEX)
        )
        self._specs: dict[str, list[tuple[int, SpecPattern]]] = {}

    def specs(self, model: str) -> Sequence[tuple[int, SpecPattern]]:
        """Return (schema, pattern) of the vehicle specifications of a model that can hold here."""
        if self.patterns is None or model not in self.patterns.part.with_specs:
            return ()
        found = self._specs.get(model)
        if found is None:
            part, year = self.maker.part, self.year
            found = self._specs[model] = [
                (schema.id, pattern)
                for schema in self.library.specs(model)
                if schema.make_id in self.maker.make_ids and schema.type_id == part.type_id
                if not schema.years or year in schema.years
                for pattern in schema.patterns
            ]
        return found


def entry_item(cell: Cell, entry: int) -> Item:
    """Make the item of a pattern."""
    patterns = cell.patterns
    assert patterns is not None
    return Item(
        patterns.elements[entry], patterns.attribute(entry), patterns.value(entry), PATTERN,
        keys=patterns.part.keys[patterns.key_of[entry]], pattern=patterns.ids[entry],
        schema=patterns.schema(entry), wmi=cell.maker.part.id, created=patterns.created(entry),
        held_back=False,
    )  # fmt: skip


def engine_item(cell: Cell, entry: int, named: Named) -> Item:
    """Make the item of what is known of an engine model, with pattern and keys of the entry that names it."""
    patterns = cell.patterns
    assert patterns is not None
    return Item(
        named.element, named.attribute, cell.library.value(named), ENGINE,
        keys=patterns.part.keys[patterns.key_of[entry]], pattern=patterns.ids[entry],
        schema=patterns.schema(entry), wmi=cell.maker.part.id, created=named.created,
    )  # fmt: skip


def formula_item(formula: Formula, value: str) -> Item:
    """Make the item of a formula pattern."""
    return Item(
        formula.element, formula.attribute, value, FORMULA, keys=formula.key, pattern=formula.id,
        schema=formula.schema, created=formula.created, held_back=formula.held_back,
    )  # fmt: skip
