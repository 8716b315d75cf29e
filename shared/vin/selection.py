"""What the patterns of a cell say about a VIN: one winner for each element, and what follows from it."""

from msgspec import Struct

from shared.vin.cell import Cell, formula_item, located
from shared.vin.conversions import conversion_source, convert
from shared.vin.items import (
    BODY_CLASS,
    ENGINE,
    ENGINE_MODEL,
    INCOMPLETE_BODIES,
    INCOMPLETE_TYPE,
    MAKE_OF_MODEL,
    MAKES,
    MODEL,
    MODEL_YEAR,
    SEVERAL,
    SPECS_ADD,
    Item,
)
from shared.vin.keys import key_string
from shared.vin.library import Lacking, Library, SpecRank
from shared.vin.parts import Conversion, Formula, Named, SpecPattern
from shared.vin.patternset import PatternSet, Said

_ENGINE_PRIORITY, _FORMULA_PRIORITY = 50, 100
_YEAR_BIT = 1 << MODEL_YEAR
_SAID_BYTES = 400  # about what one takes


class Selection(Struct, frozen=True, gc=False):
    """Findings of one pass. They do not depend on the check digit; on the serial number as `Cell.looks` says."""

    said: tuple[Said, ...]  # what the patterns say, each element once
    formulas: tuple[Formula, ...]
    items: tuple[Item, ...]  # everything else but year, defaults and corrections
    defaults: Lacking
    elements: int  # of all of it, one bit an element
    unused: tuple[int, ...]  # VIN positions whose character no key names
    fails: bool  # the original does when it looks for them
    patterns: int | None  # how many, for choosing between passes
    body: str | None  # attribute of the body class
    has_pattern: bool
    has_model: bool
    is_incomplete: bool


def select(library: Library, cell: Cell, vin: str) -> Selection:
    """Return what is found for a VIN."""
    patterns = cell.patterns
    if patterns is not None:
        bits = patterns.match(vin)
        formulas = patterns.match_formulas(key_string(vin)) if patterns.formulas else []
        if bits or formulas:
            return _Selecting(library, cell, patterns).result(vin, bits, formulas)
    known, has_year = cell.maker.without_patterns, cell.year is not None  # the same for all years
    if has_year not in known:
        known[has_year] = _Selecting(library, cell, None).result(vin, 0, [])
    return known[has_year]


class _Selecting:
    """Makes one selection, in the order of the original."""

    __slots__ = ("cell", "claimed", "formulas", "from_engine", "items", "library", "lowered", "marked", "others",
                 "patterns", "said")  # fmt: skip

    def __init__(self, library: Library, cell: Cell, patterns: PatternSet | None) -> None:
        self.library, self.cell, self.patterns = library, cell, patterns
        self.said: list[Said] = []
        self.marked: dict[int, int] = {}  # by element, entries on which other findings hang
        self.formulas: list[Formula] = []
        self.items = list(cell.maker.items)
        self.others: dict[int, Item | Formula] = {}  # by element, what is no entry
        self.from_engine = 0  # how many items
        self.lowered: dict[int, list[str]] = {}  # by element, attributes in lower case
        self.claimed = cell.maker.claims if cell.year is None else cell.maker.claims | _YEAR_BIT

    def result(self, vin: str, bits: int, formulas: list[Formula]) -> Selection:
        """Return what was found, with all that follows from it."""
        maker, library, unused, fails = self.cell.maker, self.library, [], False
        if self.patterns is not None:
            used = self._take(self.patterns, bits, formulas)
            unused = self.patterns.unused(vin, used, self.formulas)
            fails = self.patterns.fails(used, self.formulas)
        model = self._attribute(MODEL)
        self._add_make(model)
        if self.claimed & library.sources and library.targets & ~self.claimed:
            self._add_conversions()
        if self.patterns is not None and model in self.patterns.part.with_specs:
            self._add_specs(model or "")
        body = self._attribute(BODY_CLASS)
        defaults = library.defaults_of(maker.part.type_id)
        found = self.from_engine
        for said in self.said:
            found += len(said.layout.kept)
        return Selection(
            tuple(self.said),
            tuple(self.formulas),
            tuple(self.items),
            defaults.lacking(self.claimed),
            self.claimed | defaults.elements,
            tuple(unused),
            fails,
            (found if library.live else found + len(self.formulas)) or None,
            body,
            bool(found or self.formulas),
            bool((self.claimed | defaults.elements) >> MODEL & 1),
            maker.part.type_id == INCOMPLETE_TYPE or body in INCOMPLETE_BODIES,
        )

    def _take(self, patterns: PatternSet, bits: int, formulas: list[Formula]) -> int:
        """Take what the keys say, then formulas, then what the engine model says; return the keys used."""
        used = self._take_keys(patterns, bits)
        for formula in formulas:
            if not self.claimed >> formula.element & 1 or formula.element in SEVERAL:
                self.formulas.append(formula)
                self._claim(formula.element, formula)
        if ENGINE_MODEL in self.marked:
            used |= self._take_engine(patterns)
        return used

    def _take_keys(self, patterns: PatternSet, bits: int) -> int:
        """Take what each key says; when several speak of one element, what they say together."""
        known, said, used, single, claimed, new, rest = patterns.said, self.said, 0, 0, self.claimed, 0, bits
        while rest:
            bit = rest & -rest
            rest ^= bit
            one = known.get(bit)
            if one is None:
                one, new = patterns.say(bit), new + 1
            layout = one.layout
            if single & layout.single:
                one = patterns.say_together(bits)
                said[:], used, claimed, rest, layout = (), 0, self.claimed, 0, one.layout
                self.marked.clear()
            single |= layout.single
            claimed |= layout.elements
            used |= one.keys
            said.append(one)
            for element, place in layout.marked:
                self.marked[element] = one.entries[place]
        if new:
            self.library.hold(new * _SAID_BYTES)
        self.claimed = claimed
        return used

    def _take_engine(self, patterns: PatternSet) -> int:
        """Take what is known of the engine model; return the key that names it, if there is something."""
        engine = patterns.engine_entry(
            [said.entries[place] for said in self.said for place in said.layout.engines]
        )
        known = self.library.common.engines.get(patterns.attribute(engine).strip().lower(), ())
        before = self.from_engine
        for named in known:
            if not self.claimed >> named.element & 1 or named.element in SEVERAL:
                value = self.library.value(named)
                self._add(
                    Item(
                        named.element, named.attribute, value, ENGINE, created=named.created, entry=engine
                    )
                )  # fmt: skip
                self.from_engine += 1
        return patterns.key_bit(engine) if self.from_engine > before else 0

    def _add(self, item: Item) -> None:
        self.items.append(item)
        self._claim(item.element, item)

    def _claim(self, element: int, found: Item | Formula) -> None:
        self.others.setdefault(element, found)
        self.claimed |= 1 << element

    def _attribute(self, element: int) -> str | None:
        """Return the attribute of a marked element's item."""
        entry = self.marked.get(element)
        if entry is not None and self.patterns is not None:
            return self.patterns.attribute(entry)
        found = self.others.get(element)
        return None if found is None else found.attribute

    def _add_make(self, model: str | None) -> None:
        if model is None:
            if self.cell.maker.only_make is not None:
                self._add(self.cell.maker.only_make)
            return
        makes = self.patterns.part.models.get(model, ()) if self.patterns is not None else ()
        if makes:
            for make, name in makes:
                self._add(self._following(MODEL, MAKES, str(make), name, MAKE_OF_MODEL))

    def _following(self, element: int, target: int, attribute: str, value: str | None, source: str) -> Item:
        """Make an item that follows from the one of a marked element."""
        entry = self.marked.get(element)
        if entry is not None:
            return Item(target, attribute, value, source, entry=entry)
        found = self.others[element]
        if isinstance(found, Formula):
            wmi, origin = None, formula_item(found, "")
        else:
            origin = located(self.cell, found)
            wmi = None if source == MAKE_OF_MODEL else origin.wmi
        return Item(
            target, attribute, value, source, origin.keys, origin.pattern, origin.schema, wmi, None,
            origin.held_back,
        )  # fmt: skip

    def _add_conversions(self) -> None:
        """Add the displacement in the units that nobody gave."""
        live, claimed = self.library.live, self.claimed
        found = [
            conversion
            for conversion in self.library.common.conversions
            if claimed >> conversion.source & 1 and not claimed >> conversion.target & 1
        ]
        if len({conversion.source for conversion in found}) > 1:
            found.sort(key=self._precedence)
        for conversion in found:
            if not self.claimed >> conversion.target & 1:
                attribute = self._attribute(conversion.source) or ""
                result = convert(conversion.formula, attribute, live)
                source = conversion_source(conversion.id, conversion.formula, attribute)
                self._add(self._following(conversion.source, conversion.target, result, result, source))

    def _precedence(self, conversion: Conversion) -> tuple[int, bool, int, int]:
        """Return what decides between conversions from several elements: priority and latest change."""
        entry, created = self.marked.get(conversion.source), None
        if entry is not None and self.patterns is not None:
            priority, created = self.patterns.link(entry)[1], self.patterns.created(entry)
        else:
            found = self.others[conversion.source]
            created = found.created
            priority = _FORMULA_PRIORITY if isinstance(found, Formula) else _ENGINE_PRIORITY
        return -priority, (created is None) == self.library.live, -(created or 0), conversion.id

    def _add_specs(self, model: str) -> None:
        """Add vehicle specifications whose keys are all found, for elements without an item."""
        rows = [
            (row, pattern.id, schema)
            for schema, pattern in self.cell.specs(model, self.library.specs)
            if self._is_met(pattern)
            for row in pattern.rows
        ]
        best: dict[int, tuple[SpecRank, Named, int, int]] = {}
        for row, pattern_id, schema in rows:
            if not self.claimed >> row.element & 1 or row.element in SPECS_ADD:
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
        if element == MODEL_YEAR:
            return [] if self.cell.year is None else [str(self.cell.year)]
        found = [item.attribute or "" for item in self.items if item.element == element]
        found += [formula.attribute for formula in self.formulas if formula.element == element]
        if self.patterns is not None:
            patterns = self.patterns
            entries = [
                said.entries[place]
                for said in self.said
                if said.layout.elements >> element & 1
                for place in said.layout.kept
            ]
            found += [patterns.attribute(entry) for entry in entries if patterns.element(entry) == element]
        return found
