"""What the patterns of a cell say about a key string: one winner for each element, and what follows from it.

A cell is a manufacturer code in a model year. A selection depends on the matched keys alone, so it is kept:
VINs that differ only where no key looks share it.
"""

from functools import cached_property

from msgspec import Struct
from msgspec.structs import replace

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
from shared.vin.library import Defaults, Library, SpecRank
from shared.vin.manufacturer import Manufacturer
from shared.vin.parts import Formula, Named, SpecPattern
from shared.vin.patternset import PatternSet

_BODY_CLASS, _ENGINE_MODEL, _MAKE, _MODEL, _YEAR = 5, 18, 26, 28, 29
_DISPLACEMENT = (11, 12, 13)
_ENGINE_PRIORITY, _FORMULA_PRIORITY = 50, 100
SELECTION_BYTES = 1_500  # about what one takes
_NO_DEFAULTS = Defaults([], frozenset())


class Selection(Struct, frozen=True, gc=False):
    """Findings of one pass that do not depend on the rest of the VIN."""

    entries: tuple[int, ...]  # of the set, what is left
    formulas: tuple[Formula, ...]
    items: tuple[Item, ...]  # everything else but year and corrections
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
        self._memory: dict[object, Selection] = {}
        self._specs: dict[str, list[tuple[int, SpecPattern]]] = {}

    @cached_property
    def own_valid(self) -> dict[int, str] | None:
        """The release's own valid characters by position, None where they must be computed."""
        return self.maker.valid_characters(self.year)

    @cached_property
    def valid(self) -> dict[int, str]:
        """The valid characters by position."""
        valid = self.own_valid
        if valid is None:
            valid = {} if self.patterns is None else self.library.computed_valid(self.patterns)
        end = 11 if len(self.maker.wmi) > 3 else 14  # a small manufacturer's VIN ends in its code
        return {position: text for position, text in valid.items() if position <= end}

    @cached_property
    def checks(self) -> tuple[tuple[int, str], ...]:
        """The same by index in the VIN."""
        return tuple([(position - 1, text) for position, text in self.valid.items()])

    @cached_property
    def is_shallow(self) -> bool:
        """Whether VINs alike in 1-8, 10 and 11 give the same selection and the same wrong characters."""
        if self.patterns is None:
            return True
        return self.patterns.depth <= 7 and max(self.valid, default=0) <= 11

    @property
    def fails(self) -> bool:
        """Tell whether the original fails when it looks for wrong characters here."""
        computed = self.own_valid is None and self.patterns is not None and self.patterns.part.broken
        return computed and not self.library.live

    def select(self, key_string: str) -> Selection:
        """Return what is found for a key string."""
        patterns = self.patterns
        bits = patterns.match(key_string) if patterns is not None else 0
        formulas = patterns.match_formulas(key_string) if patterns is not None else ()
        return self._remember(bits, formulas) if bits or formulas else self._select_nothing()

    def specs(self, model: str) -> list[tuple[int, SpecPattern]]:
        """Return (schema, pattern) of the vehicle specifications of a model that can hold here."""
        if self.patterns is None or model not in self.patterns.with_specs:
            return []
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

    def _select_nothing(self) -> Selection:
        """Return what is known without patterns: the same for all years."""
        known, has_year = self.maker.without_patterns, self.year is not None
        if has_year not in known:
            known[has_year] = _Selecting(self, 0, ()).result()
        return known[has_year]

    def _remember(self, bits: int, formulas: tuple[int, ...]) -> Selection:
        memory_key = (bits, formulas) if formulas else bits
        selection = self._memory.get(memory_key)
        if selection is None:
            self.maker.bytes_held += SELECTION_BYTES
            selection = self._memory[memory_key] = _Selecting(self, bits, formulas).result()
        return selection


class _Selecting:
    """Makes one selection, in the order of the original."""

    def __init__(self, cell: Cell, bits: int, formulas: tuple[int, ...]) -> None:
        self.cell, self.library, self.patterns = cell, cell.library, cell.patterns
        self.entries: list[int] = []
        self.entry_of: dict[int, int] = {}  # by element
        self.formulas: list[Formula] = []
        self.engine_items: list[Item] = []
        self.items = list(cell.maker.items)
        self.others: dict[int, Item] = {}  # by element, what is no entry
        self.lowered: dict[int, list[str]] = {}  # by element, attributes in lower case
        self.claimed = {item.element for item in self.items}
        self.used = 0
        if cell.year is not None:
            self.claimed.add(_YEAR)
        if self.patterns is not None and (bits or formulas):
            self._take(self.patterns, bits, formulas)

    def _take(self, patterns: PatternSet, bits: int, formulas: tuple[int, ...]) -> None:
        """Keep the first entry of each element, then formulas, then what the engine model says."""
        elements, kept, hidden = patterns.elements, self.entries, self.cell.hidden
        matched, entry_of = patterns.entries(bits), self.entry_of
        for entry in matched:
            element = elements[entry]
            if element not in entry_of and element not in hidden:
                kept.append(entry)
                if element in SEVERAL:
                    self.claimed.add(element)
                else:
                    entry_of[element] = entry
        self.claimed.update(entry_of)
        for number in formulas:
            self._take_formula(patterns.formulas[number][1])
        if _ENGINE_MODEL in entry_of:
            engine = patterns.engine_entry([entry for entry in matched if elements[entry] == _ENGINE_MODEL])
            self._take_engine(patterns, engine)
        keys = {patterns.key_of[entry] for entry in kept}
        for key in keys:
            self.used |= patterns.used_by(key)

    def _take_formula(self, formula: Formula) -> None:
        assert self.patterns is not None
        if formula.element not in self.claimed or formula.element in SEVERAL:
            self.formulas.append(formula)
            self._claim(formula_item(formula, ""))
            self.used |= self.patterns.used_by_text(formula.key)

    def _take_engine(self, patterns: PatternSet, engine: int) -> None:
        """Add what is known of the engine model, with pattern and keys of the entry that names it."""
        name = patterns.attribute(engine).strip().lower()
        key = patterns.key_of[engine]
        for named in self.library.common.engines.get(name, ()):
            if named.element in self.claimed and named.element not in SEVERAL:
                continue
            item = Item(
                named.element, named.attribute, self.library.value(named), ENGINE,
                keys=patterns.part.keys[key], pattern=patterns.ids[engine],
                schema=patterns.schema(engine), wmi=self.cell.maker.part.id, created=named.created,
            )  # fmt: skip
            self.engine_items.append(item)
            self._add(item)
            self.used |= patterns.used_by(key)

    def _add(self, item: Item) -> None:
        self.items.append(item)
        self._claim(item)

    def _claim(self, item: Item) -> None:
        self.others.setdefault(item.element, item)
        self.claimed.add(item.element)

    def _attribute(self, element: int) -> str | None:
        """Return the attribute of an element's item."""
        entry = self.entry_of.get(element)
        if entry is not None and self.patterns is not None:
            return self.patterns.attribute(entry)
        item = self.others.get(element)
        return None if item is None else item.attribute

    def _item(self, element: int) -> Item:
        """Return the item of an element that has one."""
        entry = self.entry_of.get(element)
        return self.others[element] if entry is None else entry_item(self.cell, entry)

    def result(self) -> Selection:
        """Return what was found, with all that follows from it."""
        maker = self.cell.maker
        model = self._attribute(_MODEL)
        self._add_make(model)
        if not self.claimed.isdisjoint(_DISPLACEMENT):
            self._add_conversions()
        if model is not None and maker.part.type_id is not None:
            self._add_specs(model)
        body = self._attribute(_BODY_CLASS)
        claimed = self.claimed
        defaults = self.library.defaults.get(maker.part.type_id or -1, _NO_DEFAULTS)
        self.items += [item for item in defaults.items if item.element not in claimed]
        return self._selection(body, defaults.elements)

    def _selection(self, body: str | None, defaults: frozenset[int]) -> Selection:
        claimed, live = self.claimed, self.library.live
        found = len(self.entries) + len(self.engine_items)
        counted = found if live else found + len(self.formulas)
        weighed = [
            weight for element, weight in self.library.weights if element in claimed or element in defaults
        ]
        return Selection(
            entries=tuple(self.entries),
            formulas=tuple(self.formulas),
            items=tuple(self.items),
            used=self.used,
            weight=sum(weighed) if weighed else None,
            patterns=counted or None,
            body=body,
            has_pattern=bool(found or self.formulas),
            has_model=_MODEL in claimed or _MODEL in defaults,
            is_incomplete=self.cell.maker.part.type_id == INCOMPLETE_TYPE or body in INCOMPLETE_BODIES,
        )

    def _add_make(self, model: str | None) -> None:
        if model is None:
            if self.cell.maker.only_make is not None:
                self._add(self.cell.maker.only_make)
            return
        makes = self.patterns.part.models.get(model, ()) if self.patterns is not None else ()
        if makes:
            item = self._item(_MODEL)
            for make, name in makes:
                self._add(
                    Item(
                        _MAKE, str(make), name, MAKE_OF_MODEL, keys=item.keys, pattern=item.pattern,
                        schema=item.schema, held_back=item.held_back,
                    )
                )  # fmt: skip

    def _add_conversions(self) -> None:
        """Add the displacement in the units that nobody gave."""
        live = self.library.live
        sources = [
            (self._priority(conversion.source), self._item(conversion.source), conversion)
            for conversion in self.library.common.conversions
            if conversion.source in self.claimed and conversion.target not in self.claimed
        ]
        sources.sort(key=lambda s: (-s[0], (s[1].created is None) == live, -(s[1].created or 0), s[2].id))
        for _, item, conversion in sources:
            if conversion.target not in self.claimed:
                attribute = item.attribute or ""
                result = convert(conversion.formula, attribute, live)
                source = f"Conversion {conversion.id}: {fill_in(conversion.formula, attribute)}"[:50]
                self._add(
                    replace(
                        item,
                        element=conversion.target,
                        attribute=result,
                        value=result,
                        source=source,
                        created=None,
                    )
                )

    def _priority(self, element: int) -> int:
        entry = self.entry_of.get(element)
        if entry is not None and self.patterns is not None:
            return self.patterns.first_year(entry)
        return _FORMULA_PRIORITY if self.others[element].source == FORMULA else _ENGINE_PRIORITY

    def _add_specs(self, model: str) -> None:
        """Add vehicle specifications whose keys are all found, for elements without an item."""
        rows = [
            (row, pattern.id, schema)
            for schema, pattern in self.cell.specs(model)
            if self._is_met(pattern)
            for row in pattern.rows
        ]
        claimed = self.claimed - SPECS_ADD
        best: dict[int, tuple[SpecRank, Named, int, int]] = {}
        for row, pattern_id, schema in rows:
            if row.element not in claimed:
                rank = self.library.spec_rank(row)
                if row.element not in best or rank < best[row.element][0]:
                    best[row.element] = rank, row, pattern_id, schema
        for _, row, pattern_id, schema in best.values():
            self._add(self.library.spec_item(row, pattern_id, schema))

    def _is_met(self, pattern: SpecPattern) -> bool:
        """Tell whether each key row finds an item of its own: joined rows and found items must be as many."""
        joined, found = 0, set()
        for element, attribute in pattern.keys:
            texts = self.lowered.get(element)
            if texts is None:
                texts = self.lowered[element] = [text.lower() for text in self._attributes(element)]
            items = [(element, number) for number, text in enumerate(texts) if text == attribute]
            if not items:
                return False  # a row without partner counts as joined, and finds nothing
            joined += len(items)
            found.update(items)
        return joined == len(found)

    def _attributes(self, element: int) -> list[str]:
        """Return the attributes of all items of an element."""
        if element == _YEAR:
            return [] if self.cell.year is None else [str(self.cell.year)]
        if element in self.entry_of:
            return [self._attribute(element) or ""]
        found = [item.attribute or "" for item in self.items if item.element == element]
        found += [formula.attribute for formula in self.formulas if formula.element == element]
        if self.patterns is not None and element in SEVERAL:
            elements, attribute = self.patterns.elements, self.patterns.attribute
            found += [attribute(entry) for entry in self.entries if elements[entry] == element]
        return found


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
