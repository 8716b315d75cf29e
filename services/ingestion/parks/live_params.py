"""The sections `live` and `metadata` of workflows/parks.yml: what may stand in them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from services.ingestion.parks.ids import read_uuid
from shared.jobs.registry import parse_duration

SECTIONS = ("live", "metadata")
ENTITY_TYPES = ("ATTRACTION", "SHOW", "RESTAURANT", "HOTEL")


@dataclass(frozen=True)
class LiveParams:
    """`destinations` empty: all that are known. `patience` in seconds."""

    destinations: tuple[str, ...] = ()
    workers: int = 4
    patience: float = 120.0
    keep_polls_days: int = 400


@dataclass(frozen=True)
class MetadataParams:
    """`details`: types of entities whose own page is asked for. `pause` in seconds between two questions.

    `indoor`: the maintained list, relative to the checkout.
    """

    details: tuple[str, ...] = ("ATTRACTION",)
    pause: float = 0.1
    indoor: str = "services/ingestion/data/parks/indoor.csv"


def read_live_params(params: Mapping[str, Any]) -> LiveParams:
    """Return the section `live`, which `validate` has checked."""
    checked, _ = _read(params.get("live"), "live", _LIVE)
    return LiveParams(**checked)


def read_metadata_params(params: Mapping[str, Any]) -> MetadataParams:
    """Return the section `metadata`, which `validate` has checked."""
    checked, _ = _read(params.get("metadata"), "metadata", _METADATA)
    return MetadataParams(**checked)


def validate_live(params: Mapping[str, Any]) -> list[str]:
    """Name every mistake as `path: message`."""
    return [
        *_read(params.get("live"), "live", _LIVE)[1],
        *_read(params.get("metadata"), "metadata", _METADATA)[1],
    ]


def _read(
    section: Any, where: str, readers: Mapping[str, tuple[str, Callable[[Any], Any]]]
) -> tuple[Any, list[str]]:
    if section is None:
        return {}, []
    known = ", ".join(readers)
    if not isinstance(section, Mapping):
        return {}, [f"{where}: expected a mapping with {known}"]
    checked, problems = {}, []
    for key, value in section.items():
        if key not in readers:
            problems.append(f"{where}.{key}: unknown key; known are {known}")
            continue
        name, reader = readers[key]
        try:
            checked[name] = reader(value)
        except ValueError as exc:
            problems.append(f"{where}.{key}: {exc}")
    return checked, problems


def _destinations(value: Any) -> tuple[str, ...]:
    if value == "all":
        return ()
    if not isinstance(value, list) or not value:
        raise ValueError("expected `all`, or a list of UUIDs of destinations")
    found = [read_uuid(item) for item in value]
    bad = [item for item, read in zip(value, found, strict=True) if read is None]
    if bad:
        raise ValueError(f"{bad[0]!r} is not the UUID of a destination (GET /destinations lists them)")
    return tuple(dict.fromkeys(item for item in found if item))


def _workers(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 16:
        raise ValueError(f"{value!r} is not a whole number from 1 to 16")
    return value


def _days(value: Any) -> int:
    days = int(parse_duration(value) // 86400)
    if days < 1:
        raise ValueError(f"{value!r} is less than a day")
    return days


def _file(value: Any) -> str:
    if not isinstance(value, str) or not value.endswith(".csv"):
        raise ValueError(f"{value!r} is not the path of a CSV file")
    return value


def _details(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or any(item not in ENTITY_TYPES for item in value):
        raise ValueError(f"expected a list out of {', '.join(ENTITY_TYPES)}")
    return tuple(value)


_LIVE: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "destinations": ("destinations", _destinations),
    "workers": ("workers", _workers),
    "patience": ("patience", parse_duration),
    "keep_polls": ("keep_polls_days", _days),
}
_METADATA: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "details": ("details", _details),
    "pause": ("pause", parse_duration),
    "indoor": ("indoor", _file),
}
