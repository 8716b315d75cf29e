"""What is shared by all decodings of one release, and the bounded memory of its parts."""

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import NamedTuple, TypeVar
from weakref import WeakValueDictionary

from shared.errors import DataError
from shared.vin import parts
from shared.vin.items import DEFAULT, SPECS, Item
from shared.vin.manufacturer import Manufacturer
from shared.vin.parts import VALID_POSITIONS, Named
from shared.vin.patternset import PatternSet
from shared.vin.values import group_rank

T = TypeVar("T")
SpecRank = tuple[bool, int, str]
ReadPart = Callable[[str], bytes | None]
_OBJECT_FACTOR = 4  # a part takes about this many times its stored size in memory
_STEPS_A_CHECK = 256  # things taken into memory between two looks at how much it is
_MODELS = 600  # with vehicle specifications in memory


class Defaults(NamedTuple):
    """What holds for a vehicle type unless something else is known."""

    items: list[Item]
    elements: frozenset[int]


class StaleRelease(Exception):
    """A part of another release turned up: begin anew."""


class Library:
    """One release in memory: the common part always, others as they are asked for."""

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
        self._max_bytes, self._steps = max_bytes, 0
        self._makers: dict[str, Manufacturer] = {}
        self._sets: WeakValueDictionary[int, PatternSet] = WeakValueDictionary()
        self._specs = lru_cache(maxsize=_MODELS)(self._read_specs)

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
        maker = self._makers.pop(wmi, None)
        if maker is None:
            part, size = self._part(f"w{wmi}", parts.WmiPart)
            maker = Manufacturer(wmi, part, self.common.types.get(part.type_id or -1), self.live, size)
            self._make_room()
        self._makers[wmi] = maker  # last used, last in
        return maker

    def _make_room(self) -> None:
        """Forget the manufacturers that were used longest ago, until what is held is in bounds."""
        self._steps += 1
        if self._steps % _STEPS_A_CHECK == 0:
            held = sum(maker.bytes_held for maker in self._makers.values())
            for wmi in list(self._makers)[:-1]:  # the last is in use
                if held <= self._max_bytes:
                    break
                maker = self._makers.pop(wmi)
                held -= maker.bytes_held
                maker.forget()

    def hold(self, maker: Manufacturer, size: int) -> None:
        """Note that something more hangs on a manufacturer."""
        maker.bytes_held += size
        self._make_room()

    def close(self) -> None:
        """Let go of everything."""
        for maker in self._makers.values():
            maker.forget()

    def pattern_set(self, number: int, maker: Manufacturer) -> PatternSet | None:
        """Return a set of patterns; None for number 0. Manufacturers share it while one of them holds it."""
        if number == 0:
            return None
        found = self._sets.get(number)
        if found is None:
            part, size = self._part(f"s{number}", parts.SetPart)
            found = self._sets[number] = PatternSet(part, self.live)
            self.hold(maker, size)
        return found

    def specs(self, model: str) -> tuple[parts.SpecSchema, ...]:
        """Return the vehicle specifications of a model."""
        return self._specs(model)

    def _read_specs(self, model: str) -> tuple[parts.SpecSchema, ...]:
        return self._part(f"m{model}", tuple[parts.SpecSchema, ...])[0]

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

    def spec_rank(self, row: Named) -> SpecRank:
        """Return what decides between specifications of one element: the latest change, none first."""
        if self.live:
            return False, 0, row.attribute
        return row.created is not None, -(row.created or 0), ""
