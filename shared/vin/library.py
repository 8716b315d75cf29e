"""What is shared by all decodings of one release, and the bounded memory of its parts."""

from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import NamedTuple, TypeVar

from shared.errors import DataError
from shared.vin import parts
from shared.vin.items import DEFAULT, SPECS, Item
from shared.vin.manufacturer import Manufacturer
from shared.vin.parts import VALID_POSITIONS, Named
from shared.vin.patternset import PatternSet
from shared.vin.values import group_rank

T = TypeVar("T")
ReadPart = Callable[[str], bytes | None]
_OBJECT_FACTOR = 6  # a part takes about this many times its stored size in memory


class Defaults(NamedTuple):
    """What holds for a vehicle type unless something else is known."""

    items: list[Item]
    elements: frozenset[int]


class StaleRelease(Exception):
    """A part of another release turned up: begin anew."""


class Library:
    """One release in memory: the common part always, others as they are asked for."""

    selections_a_cell = 512

    def __init__(self, read_part: ReadPart, *, live: bool, max_bytes: int) -> None:
        self._read_part, self.live = read_part, live
        data = read_part(parts.COMMON)
        if data is None:
            raise DataError(
                "the release has no compiled decoder tables: load it with `cronhouse vehicles load`"
            )
        self.token = parts.token_of(data)
        self.common = common = parts.unpack(data, parts.Common)
        self.elements = {element.id: element for element in common.elements}
        self.ranks = {element.id: group_rank(element.group) for element in common.elements}
        self.private = frozenset(element.id for element in common.elements if element.private)
        self.all_names = {element.id: element.name for element in common.elements if element.decode}
        self.public_names = {e.id: e.name for e in common.elements if e.decode and not e.private}
        self.weights = tuple((e.id, e.weight) for e in common.elements if e.weight is not None)
        self.errors = {code.id: code for code in common.errors}
        self.defaults = {type_id: self._defaults(rows) for type_id, rows in common.defaults.items()}
        self._wmis = frozenset(common.wmis)
        self._manufacturers = _Shelf(max_bytes // 4)
        self._sets = _Shelf(max_bytes // 2)
        self._specs = _Shelf(max_bytes // 4)

    def _defaults(self, rows: Iterable[Named]) -> "Defaults":
        items = [Item(r.element, r.attribute, self.value(r), DEFAULT, created=r.created) for r in rows]
        return Defaults(items, frozenset(item.element for item in items))

    def value(self, named: Named) -> str | None:
        """Return the value of an attribute; the live service shows the bare id where the name is missing."""
        return named.attribute if named.value is None and self.live else named.value

    def _part(self, name: str, kind: type[T]) -> tuple[T, int]:
        data = self._read_part(name)
        if data is None or parts.token_of(data) != self.token:
            raise StaleRelease(name)
        return parts.unpack(data, kind), len(data) * _OBJECT_FACTOR

    def manufacturer(self, wmi: str) -> Manufacturer | None:
        """Return a manufacturer code, None for one that the release does not have."""
        if wmi not in self._wmis:
            return None
        found = self._manufacturers.get(wmi)
        if found is None:
            part, size = self._part(f"w{wmi}", parts.WmiPart)
            type_name = self.common.types.get(part.type_id or -1)
            found = Manufacturer(wmi, part, type_name, self.live)
            self._manufacturers.put(wmi, found, size)
        return found  # type: ignore[return-value]

    def pattern_set(self, number: int) -> PatternSet | None:
        """Return a set of patterns; None for number 0."""
        if number == 0:
            return None
        found = self._sets.get(number)
        if found is None:
            part, size = self._part(f"s{number}", parts.SetPart)
            found = PatternSet(part, self.live)
            self._sets.put(number, found, size)
        return found  # type: ignore[return-value]

    def specs(self, model: str) -> Iterable[parts.SpecSchema]:
        """Return the vehicle specifications of a model."""
        found = self._specs.get(model)
        if found is None:
            found, size = self._part(f"m{model}", tuple[parts.SpecSchema, ...])
            self._specs.put(model, found, size)
        return found  # type: ignore[return-value]

    def computed_valid(self, patterns: PatternSet) -> dict[int, str]:
        """Return by position the characters that the keys of a set name."""
        texts = zip(VALID_POSITIONS, patterns.part.valid, strict=True)
        return {position: text for position, text in texts if text}

    def spec_item(self, row: Named, pattern: int, schema: int) -> Item:
        """Make the item of a vehicle specification."""
        return Item(
            row.element, row.attribute, self.value(row), SPECS, keys="", pattern=pattern, schema=schema,
            created=row.created, held_back=False,
        )  # fmt: skip

    def spec_rank(self, item: Item) -> tuple[bool, int, str]:
        """Return what decides between specifications of one element: the latest change, none first."""
        if self.live:
            return False, 0, item.attribute or ""
        return item.created is not None, -(item.created or 0), ""


class _Shelf:
    """Keeps what was used last, up to a size in bytes."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes, self._bytes = max_bytes, 0
        self._held: OrderedDict[object, tuple[object, int]] = OrderedDict()

    def get(self, key: object) -> object | None:
        entry = self._held.get(key)
        if entry is None:
            return None
        self._held.move_to_end(key)
        return entry[0]

    def put(self, key: object, value: object, size: int) -> None:
        self._held[key] = value, size
        self._bytes += size
        while self._bytes > self._max_bytes and len(self._held) > 1:
            _, (_, freed) = self._held.popitem(last=False)
            self._bytes -= freed
