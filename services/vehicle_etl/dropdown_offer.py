"""What people can choose, of what the patterns of a group of vehicles say."""

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from services.vehicle_etl.combinations import Automaton, Pattern
from services.vehicle_etl.dropdown_names import (
    CYLINDERS,
    ENGINE_MODEL,
    FUEL,
    LITRES,
    MODEL,
    OF_ENGINE,
    SPEEDS,
    STYLE,
    TRIM,
    Engine,
    Numbers,
    Transmission,
    Values,
    litres_of,
)
from services.vehicle_etl.dropdown_specs import Spec, fill


class Group(NamedTuple):
    """Vehicles that the same patterns are about; a pattern's element is a place in `elements`."""

    patterns: list[Pattern]
    elements: tuple[int, ...]
    allowed: Mapping[int, str]
    specs: tuple[Spec, ...]


Row = tuple[int | None, ...]


class Offer:
    """What can be chosen: gives trims, engines and transmissions their numbers."""

    def __init__(self, values: Values) -> None:
        self.values = values
        self.trims, self.engines, self.transmissions = Numbers(), Numbers(), Numbers()
        self._engines: dict[tuple[str | None, ...], tuple[int | None, Engine]] = {}  # by what was said
        self._transmissions: dict[tuple[str | None, ...], tuple[int | None, Transmission]] = {}

    def rows(self, group: Group) -> set[Row]:
        """Return the numbers of model, trim, engine and transmission of each combination.

        What a vehicle has of one of the four mostly depends on few of its values: each such part of a combination is
        looked at once. The others are those that specifications fill.
        """
        automaton = Automaton(group.patterns, len(group.elements), group.allowed)
        combinations = automaton.run()
        specs = _Known(lambda model: _specs_of(_said(automaton, model, group)[MODEL], group.specs))
        of_model = automaton.mask_of([group.elements.index(MODEL)])
        if self.values.implies_others:
            filled = combinations
        else:
            filled = {each for each in combinations if specs[each & of_model]} if group.specs else set()
        rows = {self.row(_said(automaton, each, group), specs[each & of_model]) for each in filled}
        return rows | self._parts(automaton, combinations - filled, group)

    def _parts(self, automaton: Automaton, combinations: set[int], group: Group) -> set[Row]:
        """Return the rows of combinations that no specification fills: the four have nothing to do with each other."""
        masks, parts = [], []
        for place, elements in enumerate(((MODEL,), (TRIM,), OF_ENGINE, (STYLE, SPEEDS))):
            masks.append(automaton.mask_of([group.elements.index(element) for element in elements]))
            parts.append(_Known(lambda each, place=place: self.row(_said(automaton, each, group), ())[place]))
        (model, trim, engine, transmission), (models, trims, engines, transmissions) = masks, parts
        return {
            (
                models[each & model],
                trims[each & trim],
                engines[each & engine],
                transmissions[each & transmission],
            )
            for each in combinations
        }

    def row(self, said: dict[int, Any], specs: Iterable[Spec]) -> tuple[int | None, ...]:
        """Return the numbers of one combination. `said` is completed on the way."""
        self.values.complete(said)
        if specs:
            fill(said, said[MODEL], specs)
        engine_id = self._engine(said[ENGINE_MODEL], said[LITRES], said[CYLINDERS], said[FUEL])
        transmission_id = self._transmission(said[STYLE], said[SPEEDS])
        return _model_id(said[MODEL]), self.trims.of(said[TRIM]), engine_id, transmission_id

    def _engine(self, *said: str | None) -> int | None:
        if said not in self._engines:
            model, litres, cylinders, fuel = said
            engine = Engine(model or None, litres_of(litres, None, None), cylinders or None, fuel or None)
            self._engines[said] = self.engines.of(_content(engine)), engine
        return self._engines[said][0]

    def _transmission(self, *said: str | None) -> int | None:
        if said not in self._transmissions:
            transmission = Transmission(*(each or None for each in said))
            self._transmissions[said] = self.transmissions.of(_content(transmission)), transmission
        return self._transmissions[said][0]

    def tables(self) -> dict[str, Iterable[tuple[Any, ...]]]:
        """Return the rows of the tables that say what the numbers mean."""
        return {
            "dropdown_trim": ((number, name) for name, number in self.trims.by_name.items()),
            "dropdown_engine": _rows(self._engines.values()),
            "dropdown_transmission": _rows(self._transmissions.values()),
        }


def _rows(made: Iterable[tuple[int | None, Engine | Transmission]]) -> Iterable[tuple[Any, ...]]:
    by_number = {number: each for number, each in made if number is not None}
    return ((number, each.name, *each) for number, each in by_number.items())


def _content(made: Engine | Transmission) -> str:
    """Return what the number is made of: two may be called the same and differ, `3.6L` by size or by model."""
    return "\t".join(each or "" for each in made).rstrip("\t")


class _Known(dict[int, Any]):
    """Answers by a part of a combination, each found out once."""

    def __init__(self, find: Callable[[int], Any]) -> None:
        self.find = find

    def __missing__(self, part: int) -> Any:
        found = self[part] = self.find(part)
        return found


def _said(automaton: Automaton, combination: int, group: Group) -> dict[int, Any]:
    return dict(zip(group.elements, automaton.read(combination), strict=True))


def _specs_of(model: str | None, specs: Iterable[Spec]) -> tuple[Spec, ...]:
    return tuple(spec for spec in specs if model in spec.models)


@lru_cache(maxsize=100_000)
def _model_id(text: str | None) -> int | None:
    """Return a model's number; one that cannot be the number of any model becomes 0."""
    if text is None:
        return None
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0
