"""What parks_storage expects of workflows/parks.yml: the section `storage`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.sizes import UNITS

SECTIONS = ("storage",)
_UNITS = {"": 1, **UNITS}
KEYS = (
    "capacity", "warn_share", "alert_share", "window_days", "growth_change", "growth_floor", "import_day_events",
    "horizons",
)  # fmt: skip
SHORTEST_FIT = 7


@dataclass(frozen=True)
class Storage:
    """The section, read. Sizes are bytes; `capacity` None: nobody said how much there is."""

    capacity: int | None
    warn_share: float
    alert_share: float
    window_days: int
    growth_change: float
    growth_floor: int
    import_day_events: int
    horizons: tuple[int, ...]


def parse_size(text: Any) -> int:
    """Turn `100GB`, `1.5TB` or a number of bytes into bytes; units are decimal.

    Raises:
        ValueError: it is none of these.
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(kB|MB|GB|TB|)\s*", str(text))
    if match is None or isinstance(text, bool):
        raise ValueError(f"{text!r} is not a size such as 500MB, 100GB or 2TB")
    return int(float(match.group(1)) * _UNITS[match.group(2)])


def read_section(section: Any) -> tuple[Storage | None, list[str]]:
    """Return the section and its mistakes, each as `key: what is wrong`."""
    if not isinstance(section, Mapping):
        return None, [f"expected a mapping with {', '.join(KEYS)}"]
    problems = [f"{key}: no such key; known are {', '.join(KEYS)}" for key in section if key not in KEYS]
    values: dict[str, Any] = {}
    readers = {
        "capacity": lambda value: None if value is False else parse_size(value),
        "growth_floor": parse_size, "warn_share": _share, "alert_share": _share, "growth_change": _share,
        "window_days": lambda value: _whole(value, SHORTEST_FIT), "import_day_events": lambda value: _whole(value, 1),
        "horizons": _horizons,
    }  # fmt: skip
    for key in KEYS:
        try:
            values[key] = readers[key](section.get(key))
        except ValueError as exc:
            problems.append(f"{key}: {exc}")
    if not problems and values["warn_share"] >= values["alert_share"]:
        problems.append("warn_share: is not below alert_share")
    return (None, problems) if problems else (Storage(**values), [])


def validate(params: Mapping[str, Any]) -> list[str]:
    """List the mistakes of the section, each as `storage.key: what is wrong`."""
    problems = read_section(params.get("storage"))[1]
    return [f"storage.{text}" if ": " in text else f"storage: {text}" for text in problems]


def _share(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 1:
        raise ValueError(f"{value!r} is not a share above 0, up to 1")
    return float(value)


def _whole(value: Any, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ValueError(f"{value!r} is not a whole number from {least} up")
    return value


def _horizons(value: Any) -> tuple[int, ...]:
    if not isinstance(value, list) or not value:
        raise ValueError("expected a list of days such as [7, 30, 90]")
    return tuple(_whole(days, 1) for days in value)
