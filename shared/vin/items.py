"""Items: what a pass finds out, before it becomes rows."""

from collections.abc import Iterable, Mapping

import msgspec

PATTERN, ENGINE, FORMULA = "Pattern", "EngineModelPattern", "Formula Pattern"
MAKE_OF_MODEL, MAKE, TYPE, YEAR = "pattern - model", "Make", "VehType", "ModelYear"
SPECS, DEFAULT, CORRECTIONS = "Vehicle Specs", "Default", "Corrections"

# elements on which other findings hang
BODY_CLASS, ENGINE_MODEL, MAKES, MODEL, MODEL_YEAR = 5, 18, 26, 28, 29
# elements of which an answer may hold several
SEVERAL = frozenset((114, 121, 129, 150, 154, 155, 169, 186))
SPECS_ADD = SEVERAL | {1}  # vehicle specifications add to these whatever is there
REPEATED = SPECS_ADD | {MAKES}  # other items can stand beside these: a model has had several makes
# suggested VIN, error codes, possible characters, additional text, what the codes mean, descriptor
CORRECTED = (142, 143, 144, 156, 191, 196)

GLIDER_BODIES = frozenset(("64",))
OFF_ROAD_BODIES = frozenset(["69", "84", "86", "88", "97", "105", "113", "124", "126", "127"])
INCOMPLETE_BODIES = frozenset(
    ("62", "63", "64", "65", "67", "70", "71", "72", "74", "75", "76", "77", "78", "107", "112", "116")
)
INCOMPLETE_TYPE = 10


class Item(msgspec.Struct, frozen=True, gc=False):
    """One finding; `created` in microseconds since 1970.

    `entry` is the pattern it follows from, which has its keys, pattern, schema and manufacturer code.
    """

    element: int
    attribute: str | None
    value: str | None
    source: str
    keys: str | None = None
    pattern: int | None = None
    schema: int | None = None
    wmi: int | None = None
    created: int | None = None
    held_back: bool | None = None
    entry: int | None = None


def join_values(
    values: dict[str, str | None], names: Mapping[int, str], found: Iterable[tuple[int, str | None]]
) -> None:
    """Put values under the names of their elements, as far as they have one; several are joined with "; "."""
    for element, value in found:
        name = names.get(element)
        if name is not None:
            both = values.get(name)
            values[name] = f"{both}; {value}" if both else value
