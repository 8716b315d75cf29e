"""The `retailers` section of workflows/retail.yml: what may stand in it."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from shared.jobs.registry import parse_duration

SECTIONS = ("retailers",)
LARGEST_PAGE = {"woocommerce": 100, "square": 1000, "csv_export": 1000}
KEYS = ("name", "source", "page_size", "timezone", "currency", "overlap", "max_rejected_share")


def validate(params: Mapping[str, Any]) -> list[str]:
    """Name every mistake as `path: message`; what settings say does not matter here."""
    section = params.get("retailers")
    if not isinstance(section, Mapping) or not section:
        return ["retailers: expected a mapping with at least one retailer"]
    return [problem for key, values in section.items() for problem in read_section(str(key), values)[1]]


def read_section(retailer_id: str, values: Any) -> tuple[dict[str, Any], list[str]]:
    """Return the checked values of one retailer by their Python names, and its mistakes."""
    where = f"retailers.{retailer_id}"
    if not isinstance(values, Mapping):
        return {}, [f"{where}: expected a mapping with {', '.join(KEYS)}"]
    problems = [
        f"{where}.{key}: unknown key; known are {', '.join(KEYS)}" for key in values if key not in KEYS
    ]
    source = values.get("source")
    if source not in LARGEST_PAGE:
        problems.append(f"{where}.source: {source!r} is not one of {', '.join(LARGEST_PAGE)}")
    checked: dict[str, Any] = {"name": str(values.get("name") or retailer_id), "source": source}
    readers = {
        "zone": ("timezone", "Europe/London", _zone),
        "currency": ("currency", None, _currency),
        "overlap": ("overlap", "2h", lambda value: timedelta(seconds=parse_duration(value))),
        "page_size": ("page_size", 100, lambda value: _page_size(value, LARGEST_PAGE.get(str(source), 1000))),
        "max_rejected_share": ("max_rejected_share", 0.2, _share),
    }
    for name, (key, default, reader) in readers.items():
        try:
            checked[name] = reader(values.get(key, default))
        except ValueError as exc:
            problems.append(f"{where}.{key}: {exc}")
    return checked, problems


def _zone(value: Any) -> ZoneInfo:
    try:
        return ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, TypeError, OSError) as exc:
        raise ValueError(f"{value!r} is not a time zone such as Europe/London") from exc


def _currency(value: Any) -> str:
    if not (isinstance(value, str) and len(value) == 3 and value.isalpha() and value.isupper()):
        raise ValueError(f"{value!r} is not a currency of ISO 4217 such as GBP")
    return value


def _page_size(value: Any, largest: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= largest:
        raise ValueError(f"{value!r} is not a whole number from 1 to {largest}")
    return value


def _share(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ValueError(f"{value!r} is not a share from 0 to 1")
    return float(value)
