"""What is shared by all decodings of one release, and the bounded memory of its parts."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from msgspec import Struct, msgpack

from shared.errors import DataError
from shared.vin import parts
from shared.vin.items import BODY_CLASS, CORRECTED, DEFAULT, ENGINE_MODEL, MODEL, SPECS, Item, join_values
from shared.vin.layouts import Reading
from shared.vin.manufacturer import Manufacturer, new_manufacturer
from shared.vin.parts import Named, ReadParts
from shared.vin.patternset import PatternSet, new_pattern_set
from shared.vin.values import group_rank

if TYPE_CHECKING:
    from shared.vin.cell import Cell
    from shared.vin.template import Template

T = TypeVar("T")
SpecRank = tuple[bool, int, str]
_OBJECT_FACTOR = 4  # a part takes about this many times its stored size in memory
_TEMPLATE_BYTES = 5_000  # about what the answer of a descriptor takes with its values
_LEFT = 0.75  # of the memory after room was made
_MODELS = 1_500  # with vehicle specifications in memory: about as many as a release has
_AROUND = 12  # sets read with another one, before and behind it
_LACKING = 1_000  # combinations of defaults in memory
_WEIGHTS = 4_000  # of sets of elements in memory


class Lacking(NamedTuple):
    """Defaults of the elements of which nothing else is known, and their values by name."""

    items: tuple[Item, ...]
    values: dict[str, str | None]


class Defaults:
    """What holds for a vehicle type unless something else is known."""

    def __init__(self, items: list[Item], names: Mapping[int, str]) -> None:
        self._items, self._names = items, names
        self.elements = sum({1 << item.element for item in items})  # one bit an element
        self._lacking = lru_cache(maxsize=_LACKING)(self._read_lacking)

    def lacking(self, claimed: int) -> Lacking:
        """Return the defaults of elements that are not among the claimed ones."""
        return self._lacking(self.elements & ~claimed)

    def _read_lacking(self, elements: int) -> Lacking:
        items = tuple([item for item in self._items if elements >> item.element & 1])
        values: dict[str, str | None] = {}
        join_values(values, self._names, [(item.element, item.value) for item in items])
        return Lacking(items, values)


class Remembered(Struct, gc=False):
    """A manufacturer code, and what hangs on it."""

    maker: Manufacturer
    cells: dict[int, "Cell"]  # see cell_key
    # dicts of nothing but keys: unlike lists, no garbage collection looks at them
    templates: dict[str, None]
    sets: dict[int, None]  # of its cells, as keys of `_sets`
    ahead: dict[int, bytes]  # sets that were read with another one, by their numbers
    bytes_held: int = 0  # about what all of it takes in memory
    last_use: int = 0  # which use it was, those of templates left out


class Shared(Struct, gc=False):
    """A set of patterns, and how many cells hold it."""

    patterns: PatternSet
    size: int  # about what it takes in memory
    holders: int = 0


class StaleRelease(Exception):
    """A part of another release turned up: begin anew."""


class Library:
    """One release in memory: the common part always, others as they are asked for."""

    def __init__(self, read_parts: ReadParts, *, live: bool, max_bytes: int) -> None:
        self._read_parts, self.live = read_parts, live
        data = read_parts([parts.COMMON]).get(parts.COMMON)
        if data is None:
            raise DataError(
                "the release has no compiled decoder tables: load it with `cronhouse vehicles load`"
            )
        self.token = parts.token_of(data)
        if not self.token.startswith(parts.FORMAT):
            raise DataError(
                "the release's decoder tables were compiled by another version of Cronhouse: compile them once more "
                "with `cronhouse vehicles compile`; the job vehicles_load does it too at its next start"
            )
        self.common = common = parts.unpack(data, parts.Common)
        self.elements = {element.id: element for element in common.elements}
        self.ranks = {element.id: group_rank(element.group) for element in common.elements}
        self.private = frozenset(element.id for element in common.elements if element.private)
        self.all_names = {element.id: element.name for element in common.elements if element.decode}
        self.public_names = {e.id: e.name for e in common.elements if e.decode and not e.private}
        self.corrected_names = tuple([self.public_names.get(element) for element in CORRECTED])
        self._weights = [(e.id, e.weight) for e in common.elements if e.weight is not None]
        self._weighed = sum([1 << element for element, _ in self._weights])
        self._weight_of = lru_cache(maxsize=_WEIGHTS)(self._weigh)
        self.sources = sum({1 << conversion.source for conversion in common.conversions})
        self.targets = sum({1 << conversion.target for conversion in common.conversions})
        self._defaults = {type_id: self._read_defaults(rows) for type_id, rows in common.defaults.items()}
        self._no_defaults = Defaults([], {})
        self._max_bytes, self._held = max_bytes, 0
        # how often a manufacturer code was looked at: what was used longest ago is forgotten first
        self.uses = 0
        self._remembered: dict[str, Remembered] = {}
        # of all manufacturers: one look finds the answer of a descriptor
        self.templates: dict[str, Template] = {}
        # before that one of their manufacturer codes was not public; microseconds since 1970
        self.known_from = 0
        self._sets: dict[int, Shared] = {}
        marked = {BODY_CLASS, ENGINE_MODEL, MODEL, *(found.source for found in common.conversions)}
        self._readings = [
            Reading(live, names, hidden, marked)
            for names, hidden in ((self.public_names, self.private), (self.all_names, frozenset[int]()))
        ]
        self._specs = lru_cache(maxsize=_MODELS)(self._read_specs)

    def _read_defaults(self, rows: Iterable[Named]) -> Defaults:
        items = [Item(r.element, r.attribute, self.value(r), DEFAULT, created=r.created) for r in rows]
        return Defaults(items, self.public_names)

    def defaults_of(self, type_id: int | None) -> Defaults:
        """Return what holds for a vehicle type unless something else is known."""
        return self._no_defaults if type_id is None else self._defaults.get(type_id, self._no_defaults)

    def weight(self, elements: int) -> int | None:
        """Return what elements count when passes compete, given one bit an element; None without any."""
        return self._weight_of(elements & self._weighed)

    def _weigh(self, elements: int) -> int | None:
        weights = [weight for element, weight in self._weights if elements >> element & 1]
        return sum(weights) if weights else None

    def value(self, named: Named) -> str | None:
        """Return the value of an attribute; the live service shows the bare id where the name is missing."""
        return named.attribute if named.value is None and self.live else named.value

    def _unpack(self, name: str, data: bytes | None, kind: type[T]) -> T:
        if data is None or parts.token_of(data) != self.token:
            raise StaleRelease(name)
        return parts.unpack(data, kind)

    def manufacturer(self, wmi: str) -> Remembered | None:
        """Return a manufacturer code, None for one that the release does not have."""
        found = self._remembered.get(wmi)
        if found is None:
            packed = self.common.makers.get(wmi)
            if packed is None:
                return None
            part = msgpack.decode(packed, type=parts.WmiPart)
            maker = new_manufacturer(wmi, part, self.common.types.get(part.type_id or -1), self.live)
            found = self._in_use = self._remembered[wmi] = Remembered(maker, {}, {}, {}, {})
            self.hold(len(memoryview(packed)) * _OBJECT_FACTOR)
        self._in_use = found
        self.uses += 1
        found.last_use = self.uses
        return found

    def keep_template(self, key: str, template: "Template", published: int) -> None:
        """Keep a template of the manufacturer code in use, which became public then."""
        self.known_from = max(self.known_from, published)
        self.templates[key] = template
        if key not in self._in_use.templates:
            self._in_use.templates[key] = None
            self.hold(_TEMPLATE_BYTES)

    def forget_templates(self, known: Remembered) -> None:
        """Forget the templates of a manufacturer code."""
        for key in known.templates:
            del self.templates[key]
        size = len(known.templates) * _TEMPLATE_BYTES
        known.templates.clear()
        known.bytes_held -= size
        self._held -= size

    def hold(self, size: int) -> None:
        """Note that something more hangs on the manufacturer in use."""
        self._in_use.bytes_held += size
        self._grow(size)

    def _grow(self, size: int) -> None:
        self._held += size
        if self._held > self._max_bytes:
            self._make_room()

    def _make_room(self) -> None:
        """Forget the manufacturers that were used longest ago: more than need be, it takes a while to find them."""
        by_use = sorted(self._remembered.items(), key=lambda item: self._last_use(item[1]))
        for wmi, oldest in by_use:
            if self._held <= self._max_bytes * _LEFT:
                break
            if oldest is not self._in_use:
                self._forget(self._remembered.pop(wmi))

    def _last_use(self, known: Remembered) -> int:
        """Return when a manufacturer code was used: now, if a template of it was since room was last made."""
        for key in known.templates:
            template = self.templates[key]
            if template.is_used:  # noted there alone, where a VIN has to look anyway
                template.is_used, known.last_use = False, self.uses
        return known.last_use

    def _forget(self, known: Remembered) -> None:
        self.forget_templates(known)
        self._held -= known.bytes_held
        for key in known.sets:
            found = self._sets[key]
            found.holders -= 1
            if not found.holders:
                self._held -= self._sets.pop(key).size

    def pattern_set(self, known: Remembered, number: int, private: bool) -> PatternSet | None:
        """Return a set of patterns for a cell of a manufacturer code, which holds it from now on; None for number 0."""
        if number == 0:
            return None
        key = 2 * number + private
        found = self._sets.get(key)
        if found is None:
            data = self._read_set(known, number, private)
            part = self._unpack(f"s{number}", data, parts.SetPart)
            size = len(data or b"") * _OBJECT_FACTOR
            found = self._sets[key] = Shared(new_pattern_set(part, self._readings[private]), size)
            self._grow(size)
        if key not in known.sets:
            known.sets[key] = None
            found.holders += 1
        self.hold(-len(known.ahead.pop(number, b"")))  # also when another manufacturer code brought the set
        return found.patterns

    def _read_set(self, known: Remembered, number: int, private: bool) -> bytes | None:
        """Read a set. Who asks for a second one of a manufacturer code may ask for more: years around come along."""
        if number not in known.ahead:
            numbers = [number]
            if known.sets:
                several = list(dict.fromkeys([each for each in known.maker.part.set_ids if each]))
                at = several.index(number) if number in several else len(several)
                around = set(several[max(at - _AROUND, 0) : at + _AROUND + 1]) - {number} - known.ahead.keys()
                numbers += sorted(each for each in around if 2 * each + private not in self._sets)
            found = self._read_parts([f"s{each}" for each in numbers])
            read = {each: found[f"s{each}"] for each in numbers if f"s{each}" in found}
            known.ahead |= read
            self.hold(sum(map(len, read.values())))
        return known.ahead.get(number)

    def specs(self, model: str) -> tuple[parts.SpecSchema, ...]:
        """Return the vehicle specifications of a model."""
        return self._specs(model)

    def _read_specs(self, model: str) -> tuple[parts.SpecSchema, ...]:
        return msgpack.decode(self.common.specs[model], type=tuple[parts.SpecSchema, ...])

    def spec_item(self, row: Named, pattern: int, schema: int) -> Item:
        """Make the item of a vehicle specification."""
        return Item(
            row.element, row.attribute, self.value(row), SPECS, keys="", pattern=pattern, schema=schema,
            created=row.created, held_back=False,
        )  # fmt: skip

    def spec_rank(self, row: Named) -> SpecRank:
        """Return what decides between specifications of one element: the latest change, none first.

        In the live service it is the lowest text, whose collation knows no case.
        """
        if self.live:
            return False, 0, row.attribute.lower()
        return row.created is not None, -(row.created or 0), ""
