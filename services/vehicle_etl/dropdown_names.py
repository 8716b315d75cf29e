"""How values of patterns become trims, engines and transmissions that people can choose."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from hashlib import blake2b
from typing import NamedTuple

# Numbers of vPIC's elements.
MODEL, TRIM, ENGINE_MODEL, LITRES, CUBIC_CM, CUBIC_INCHES = 28, 38, 18, 13, 11, 12
CYLINDERS, FUEL, STYLE, SPEEDS = 9, 24, 37, 63
ELEMENTS = (MODEL, TRIM, ENGINE_MODEL, LITRES, CUBIC_CM, CUBIC_INCHES, CYLINDERS, FUEL, STYLE, SPEEDS)
OF_ENGINE = (ENGINE_MODEL, LITRES, CUBIC_CM, CUBIC_INCHES, CYLINDERS, FUEL)
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
    """Gives each name a number that is the same in every release: people keep them in bookmarks.

    Two names of one release that want the same number are rare; the second one gets the next.
    """

    def __init__(self) -> None:
        self.by_name: dict[str, int] = {}
        self._taken: set[int] = set()

    def of(self, name: str) -> int | None:
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
            if value is not None:
                self._by_engine_model[name.strip().casefold()].setdefault(element, value)

    def read(self, element: int, attribute: str) -> str | None:
        """Return what a pattern says, None when it says nothing that anybody could choose."""
        names = self.lookups.get(element)
        value = names.get(attribute, "") if names is not None else attribute
        value = " ".join(value.split())
        return None if value in NOTHING else value

    def engine(self, said: Mapping[int, str | None]) -> Engine:
        """Put an engine together: what the engine model implies counts where no pattern says otherwise."""
        model = said[ENGINE_MODEL]
        implied = self._by_engine_model.get(model.casefold(), {}) if model else {}
        known = {element: said[element] or implied.get(element) for element in OF_ENGINE}
        litres = litres_of(known[LITRES], known[CUBIC_CM], known[CUBIC_INCHES])
        return Engine(model, litres, known[CYLINDERS], known[FUEL])


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
