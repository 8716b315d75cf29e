"""What the patterns of a cell say about a key string: one winner for each element, and what follows from it.

A cell is a manufacturer code in a model year. A selection depends on the matched keys alone, so it is kept:
VINs that differ only where no key looks share it.
"""

from collections.abc import Iterator

from shared.vin.conversions import convert, fill_in
from shared.vin.items import (
    ENGINE,
    FORMULA,
    GLIDER_BODIES,
    INCOMPLETE_BODIES,
    INCOMPLETE_TYPE,
    MAKE_OF_MODEL,
    OFF_ROAD_BODIES,
    SEVERAL,
    SPECS_ADD,
    Item,
)
from shared.vin.library import Library
from shared.vin.manufacturer import Manufacturer
from shared.vin.parts import Formula, Named, SpecPattern
from shared.vin.patternset import PatternSet

_BODY_CLASS, _MAKE, _MODEL, _YEAR = 5, 26, 28, 29
_DISPLACEMENT = (11, 12, 13)
_ENGINE_PRIORITY, _FORMULA_PRIORITY = 50, 100


class Selection:
    """Findings of one pass that do not depend on the rest of the VIN."""

    __slots__ = (
        "body", "entries", "formulas", "has_model", "has_pattern", "is_incomplete", "items", "patterns", "used",
        "weight",
    )  # fmt: skip

    entries: list[int]  # of the set, what is left
    formulas: list[Formula]
    items: list[Item]  # everything else but year and corrections
    used: int  # characters that the keys name; -1: the original fails
    weight: int | None
    patterns: int | None  # how many, for choosing between passes
    body: str | None  # attribute of the body class
    has_pattern: bool
    has_model: bool
    is_incomplete: bool


class Cell:
    """A manufacturer code in a model year."""

    def __init__(
        self,
        library: Library,
        maker: Manufacturer,
        year: int | None,
        patterns: PatternSet | None,
        private: bool,
    ) -> None:
        self.library, self.maker, self.year, self.patterns = library, maker, year, patterns
        self.hidden = frozenset() if private else library.private
        self.own_valid = maker.valid_characters(year)
        self.valid = self._valid()
        self._memory: dict[object, Selection] = {}

    def _valid(self) -> dict[int, str]:
        if self.own_valid is not None or self.patterns is None:
            return self.own_valid or {}
        return self.library.computed_valid(self.patterns)

    @property
    def fails(self) -> bool:
        """Tell whether the original fails when it looks for wrong characters here."""
        computed = self.own_valid is None and self.patterns is not None and self.patterns.part.broken
        return computed and not self.library.live

    def select(self, key_string: str) -> Selection:
        """Return what is found for a key string."""
        if self.patterns is None:
            return self._remember(0, ())
        return self._remember(self.patterns.match(key_string), self.patterns.match_formulas(key_string))

    def _remember(self, bits: int, formulas: tuple[int, ...]) -> Selection:
        memory_key = (bits, formulas) if formulas else bits
        selection = self._memory.get(memory_key)
        if selection is None:
            if len(self._memory) >= self.library.selections_a_cell:
                self._memory.clear()
            selection = self._memory[memory_key] = _Selecting(self, bits, formulas).result()
        return selection


class _Selecting:
    """Makes one selection, in the order of the original."""

    def __init__(self, cell: Cell, bits: int, formulas: tuple[int, ...]) -> None:
        self.cell, self.library, self.patterns = cell, cell.library, cell.patterns
        self.items: list[Item] = []
        self.used = 0
        self.entries: list[int] = []
        self.formulas: list[Formula] = []
        self.engine_items: list[Item] = []
        if self.patterns is not None and (bits or formulas):
            self._take(self.patterns, bits, formulas)

    def _take(self, patterns: PatternSet, bits: int, formulas: tuple[int, ...]) -> None:
        """Keep the first entry of each element, then formulas, then what the engine model says."""
        elements, seen, kept = patterns.elements, set(self.cell.hidden), self.entries
        hidden = self.cell.hidden
        matched = patterns.entries(bits)
        for entry in matched:
            element = elements[entry]
            if element not in seen:
                kept.append(entry)
                if element not in SEVERAL:
                    seen.add(element)
        seen -= hidden
        for number in formulas:
            formula = patterns.formulas[number][1]
            if formula.element not in seen:
                self.formulas.append(formula)
                if formula.element not in SEVERAL:
                    seen.add(formula.element)
        engine = patterns.engine_entry([entry for entry in matched if elements[entry] == 18])
        if engine is not None:
            self._take_engine(patterns, engine, seen)
        self._mark_used(patterns, engine)

    def _take_engine(self, patterns: PatternSet, engine: int, seen: set[int]) -> None:
        name = patterns.attribute(engine).strip().lower()
        for named in self.library.common.engines.get(name, ()):
            if named.element not in seen:
                if named.element not in SEVERAL:
                    seen.add(named.element)
                self.engine_items.append(
                    Item(
                        named.element, named.attribute, self.library.value(named), ENGINE,
                        keys=patterns.part.keys[patterns.key_of[engine]], pattern=patterns.ids[engine],
                        schema=patterns.schema(engine), wmi=self.cell.maker.part.id, created=named.created,
                    )
                )  # fmt: skip

    def _mark_used(self, patterns: PatternSet, engine: int | None) -> None:
        """Join the characters that the surviving keys name."""
        used, key_of = 0, patterns.key_of
        keys = {key_of[entry] for entry in self.entries}
        if self.engine_items and engine is not None:
            keys.add(key_of[engine])
        for key in keys:
            used |= patterns.used_by(key)
        for formula in self.formulas:
            used |= patterns.used_by_text(formula.key)
        self.used = used

    def result(self) -> Selection:
        maker, items = self.cell.maker, self.items
        items.extend(maker.items)
        items.extend(self.engine_items)
        model = self._first(_MODEL)
        self._add_make(model)
        self._add_conversions()
        if model is not None and maker.part.type_id is not None:
            self._add_specs(model.attribute or "", maker.part.type_id)
        body = self._first(_BODY_CLASS)
        claimed = self._claimed()
        for item in self.library.defaults.get(maker.part.type_id or -1, ()):
            if item.element not in claimed:
                items.append(item)
        return self._selection(body.attribute if body else None, claimed)

    def _selection(self, body: str | None, claimed: set[int]) -> Selection:
        selection = Selection()
        selection.entries, selection.formulas, selection.items = self.entries, self.formulas, self.items
        selection.used = self.used
        found = len(self.entries) + len(self.engine_items)
        counted = found if self.library.live else found + len(self.formulas)
        selection.patterns = counted or None
        selection.has_pattern = bool(found or self.formulas)
        selection.body = body
        claimed.update(item.element for item in self.items if item.value != "")
        selection.has_model = _MODEL in claimed
        weights = self.library.weights
        weighed = [weights[element] for element in claimed if element in weights]
        selection.weight = sum(weighed) if weighed else None
        is_incomplete_type = self.cell.maker.part.type_id == INCOMPLETE_TYPE
        selection.is_incomplete = is_incomplete_type or body in INCOMPLETE_BODIES
        return selection

    def _claimed(self) -> set[int]:
        """Return the elements that have an item."""
        claimed = {item.element for item in self.items}
        claimed.update(formula.element for formula in self.formulas)
        if self.patterns is not None:
            elements = self.patterns.elements
            claimed.update([elements[entry] for entry in self.entries])
        if self.cell.year is not None:
            claimed.add(_YEAR)
        return claimed

    def _first(self, element: int) -> Item | None:
        """Return the item of an element."""
        return next(self._all(element), None)

    def _all(self, element: int) -> Iterator[Item]:
        """Give the items of an element, entries and formulas made into items."""
        if self.patterns is not None:
            elements = self.patterns.elements
            for entry in self.entries:
                if elements[entry] == element:
                    yield entry_item(self.cell, entry)
        for formula in self.formulas:
            if formula.element == element:
                yield formula_item(formula, "")
        for item in self.items:
            if item.element == element:
                yield item

    def _add_make(self, model: Item | None) -> None:
        if model is None:
            if self.cell.maker.only_make is not None:
                self.items.append(self.cell.maker.only_make)
            return
        makes = self.patterns.part.models if self.patterns is not None else {}
        for make, name in makes.get(model.attribute or "", ()):
            self.items.append(
                Item(
                    _MAKE, str(make), name, MAKE_OF_MODEL, keys=model.keys, pattern=model.pattern,
                    schema=model.schema, held_back=model.held_back,
                )
            )  # fmt: skip

    def _add_conversions(self) -> None:
        """Add the displacement in the units that nobody gave."""
        sources = [
            (priority, item, conversion)
            for conversion in self.library.common.conversions
            for priority, item in self._prioritised(conversion.source)
        ]
        live = self.library.live
        sources.sort(key=lambda s: (-s[0], (s[1].created is None) == live, -(s[1].created or 0), s[2].id))
        present = {element for element in _DISPLACEMENT if self._first(element)}
        for _, item, conversion in sources:
            if conversion.target not in present:
                present.add(conversion.target)
                attribute = item.attribute or ""
                result = convert(conversion.formula, attribute, live)
                source = f"Conversion {conversion.id}: {fill_in(conversion.formula, attribute)}"[:50]
                self.items.append(
                    item._replace(
                        element=conversion.target, attribute=result, value=result, source=source, created=None
                    )
                )

    def _prioritised(self, element: int) -> Iterator[tuple[int, Item]]:
        if self.patterns is not None:
            elements = self.patterns.elements
            for entry in self.entries:
                if elements[entry] == element:
                    yield self.patterns.first_year(entry), entry_item(self.cell, entry)
        for formula in self.formulas:
            if formula.element == element:
                yield _FORMULA_PRIORITY, formula_item(formula, "")
        for item in self.engine_items:
            if item.element == element:
                yield _ENGINE_PRIORITY, item

    def _add_specs(self, model: str, type_id: int) -> None:
        """Add vehicle specifications whose keys are all found, for elements without an item."""
        if self.patterns is None or model not in self.patterns.part.with_specs:
            return
        maker, year = self.cell.maker, self.cell.year
        rows: list[tuple[Named, int, int]] = []
        attributes: dict[tuple[int, str], list[int]] | None = None
        for schema in self.library.specs(model):
            if schema.make_id not in maker.make_ids or schema.type_id != type_id:
                continue
            if schema.years and year not in schema.years:
                continue
            if attributes is None:
                attributes = self._attributes()
            for pattern in schema.patterns:
                if _is_met(pattern, attributes):
                    rows += [(row, pattern.id, schema.id) for row in pattern.rows]
        if rows:
            self._keep_specs(rows)

    def _attributes(self) -> dict[tuple[int, str], list[int]]:
        """Return the items by element and lower-case attribute, as numbers that tell them apart."""
        found: dict[tuple[int, str], list[int]] = {}
        pairs = [(item.element, item.attribute) for item in self.items]
        pairs += [(formula.element, formula.attribute) for formula in self.formulas]
        if self.patterns is not None:
            elements, attribute = self.patterns.elements, self.patterns.attribute
            pairs += [(elements[entry], attribute(entry)) for entry in self.entries]
        if self.cell.year is not None:
            pairs.append((_YEAR, str(self.cell.year)))
        for number, (element, text) in enumerate(pairs):
            found.setdefault((element, (text or "").lower()), []).append(number)
        return found

    def _keep_specs(self, rows: list[tuple[Named, int, int]]) -> None:
        claimed = self._claimed() - SPECS_ADD
        best: dict[int, tuple[tuple[bool, int, str], Item]] = {}
        for row, pattern, schema in rows:
            if row.element in claimed:
                continue
            item = self.library.spec_item(row, pattern, schema)
            rank = self.library.spec_rank(item)
            if item.element not in best or rank < best[item.element][0]:
                best[item.element] = (rank, item)
        self.items.extend(item for _, item in best.values())


def _is_met(pattern: SpecPattern, attributes: dict[tuple[int, str], list[int]]) -> bool:
    """Tell whether each key row finds an item of its own: joined rows and found items must be as many."""
    joined, found = 0, set()
    for key in pattern.keys:
        items = attributes.get(key)
        if items is None:
            return False  # a row without partner counts as joined, and finds nothing
        joined += len(items)
        found.update(items)
    return joined == len(found)


def entry_item(cell: Cell, entry: int) -> Item:
    """Make the item of a pattern."""
    patterns = cell.patterns
    assert patterns is not None
    return Item(
        patterns.elements[entry], patterns.attribute(entry), patterns.value(entry), "Pattern",
        keys=patterns.part.keys[patterns.key_of[entry]], pattern=patterns.ids[entry],
        schema=patterns.schema(entry), wmi=cell.maker.part.id, created=patterns.created(entry),
        held_back=False,
    )  # fmt: skip


def formula_item(formula: Formula, value: str) -> Item:
    """Make the item of a formula pattern."""
    return Item(
        formula.element, formula.attribute, value, FORMULA, keys=formula.key, pattern=formula.id,
        schema=formula.schema, created=formula.created, held_back=formula.held_back,
    )  # fmt: skip


def body_codes(body: str | None) -> tuple[bool, bool]:
    """Return whether a body class is a glider's, and whether it is an off-road vehicle's."""
    return body in GLIDER_BODIES, body in OFF_ROAD_BODIES
