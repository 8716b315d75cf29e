"""How values of patterns become trims, engines and transmissions that people can choose."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple

# Numbers of vPIC's elements.
MODEL, TRIM, ENGINE_MODEL, LITRES, CUBIC_CM, CUBIC_INCHES = 28, 38, 18, 13, 11, 12
CYLINDERS, FUEL, STYLE, SPEEDS = 9, 24, 37, 63
ELEMENTS = (MODEL, TRIM, ENGINE_MODEL, LITRES, CUBIC_CM, CUBIC_INCHES, CYLINDERS, FUEL, STYLE, SPEEDS)
OF_ENGINE = (ENGINE_MODEL, LITRES, CUBIC_CM, CUBIC_INCHES, CYLINDERS, FUEL)
FILLED = (TRIM, ENGINE_MODEL, LITRES, CYLINDERS, FUEL, STYLE, SPEEDS)  # what vehicle specifications may add
LOOKUPS = {FUEL: "fueltype", STYLE: "transmission"}
NOTHING = ("", "0", "Not Applicable", "Not Available")
LITRES_PER_CUBIC_INCH = Decimal("0.016387064")


class Engine(NamedTuple):
    """An engine as a VIN tells it; what is not known is None."""

    engine_model: str | None
    displacement_litres: str | None
    cylinders: str | None
    fuel_type: str | None

    @property
    def name(self) -> str:
        """Say it in a line, such as `2.4L 4-cylinder Gasoline K24Z7`."""
        parts = (
            f"{self.displacement_litres}L" if self.displacement_litres else None,
            f"{self.cylinders}-cylinder" if self.cylinders else None,
            self.fuel_type,
            self.engine_model,
        )
        return " ".join(filter(None, parts))


class Transmission(NamedTuple):
    """A transmission as a VIN tells it; what is not known is None."""

    style: str | None
    speeds: str | None

    @property
    def name(self) -> str:
        """Say it in a line, such as `6-speed Manual/Standard`."""
        return " ".join(filter(None, (f"{self.speeds}-speed" if self.speeds else None, self.style)))


class Numbers:
    """Gives each text a number that is the same in every release: people keep them in bookmarks.

    Two texts of one release that want the same number are rare; the second one gets the next.
    """

    def __init__(self) -> None:
        self.by_name: dict[str, int] = {}
        self._taken: set[int] = set()

    def of(self, name: str | None) -> int | None:
        """Return the number of a name, None for no name."""
        if not name:
            return None
        number = self.by_name.get(name)
        if number is None:
            number = int.from_bytes(blake2b(name.encode(), digest_size=4).digest()) >> 1 or 1
            while number in self._taken:
                number += 1
            self.by_name[name] = number
            self._taken.add(number)
        return number


class Values:
    """Reads the attributes of patterns, with the lookup tables and engine models of a release."""

    def __init__(
        self, lookups: Mapping[int, Mapping[str, str]], engine_models: Iterable[tuple[str, int, str]]
    ) -> None:
        """`lookups` gives names by id as text, by element; `engine_models` are rows of name, element,
        attribute, the latest changed ones first."""
        self.lookups = lookups
        self._by_engine_model: dict[str, dict[int, str]] = defaultdict(dict)
        for name, element, attribute in engine_models:
            value = self.read(element, attribute)
            if value:
                self._by_engine_model[name.strip().casefold()].setdefault(element, value)
        implied = {element for values in self._by_engine_model.values() for element in values}
        self.implies_others = not implied <= set(OF_ENGINE)  # more than engines: no release does so far

    def read(self, element: int, attribute: str) -> str:
        """Return what a pattern says; nothing when it says what nobody could choose, such as Not Applicable."""
        names = self.lookups.get(element)
        value = names.get(attribute, "") if names is not None else attribute
        value = " ".join(value.split())
        return "" if value in NOTHING else value

    def complete(self, said: dict[int, str | None]) -> None:
        """Add what follows from what patterns say, where they leave it open: by the engine model, by arithmetic."""
        model = said[ENGINE_MODEL]
        implied = self._by_engine_model.get(model.casefold()) if model else None
        for element, value in implied.items() if implied else ():
            if said[element] is None:
                said[element] = value
        if said[LITRES] is None and (said[CUBIC_CM] is not None or said[CUBIC_INCHES] is not None):
            said[LITRES] = litres_of(None, said[CUBIC_CM], said[CUBIC_INCHES]) or ""


@lru_cache(maxsize=10_000)
def litres_of(litres: str | None, cubic_cm: str | None, cubic_inches: str | None) -> str | None:
    """Write a displacement in litres without zeros at the end: `3.0`, `1.34`; None when nothing tells it.

    Cubic inches are nominal, one decimal of a litre is what they can tell.
    """
    for text, factor, step in (
        (litres, Decimal(1), Decimal("0.001")),
        (cubic_cm, Decimal("0.001"), Decimal("0.001")),
        (cubic_inches, LITRES_PER_CUBIC_INCH, Decimal("0.1")),
    ):
        try:
            value = (Decimal(text or "") * factor).quantize(step)
        except InvalidOperation:
            continue
        if 0 < value < 1000:
            whole, _, decimals = f"{value:f}".partition(".")
            return f"{whole}.{decimals.rstrip('0') or '0'}"
    return None
