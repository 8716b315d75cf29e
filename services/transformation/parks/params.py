"""The `statistics` section of workflows/parks.yml: what may stand in it."""

from collections.abc import Mapping
from typing import Any

SECTIONS = ("statistics",)
SOURCES = ("ARCHIVE", "LIVE")
MOST_DAYS = 5000  # a batch of more would hold its locks and work tables for minutes


def validate(params: Mapping[str, Any]) -> list[str]:
    """Name every mistake as `path: message`."""
    section = params.get("statistics")
    if not isinstance(section, Mapping):
        return ["statistics: expected a mapping with prefer and days_per_batch"]
    problems = [
        f"statistics.{key}: unknown key; known are prefer, days_per_batch"
        for key in section
        if key not in ("prefer", "days_per_batch")
    ]
    if section.get("prefer") not in SOURCES:
        problems.append(f"statistics.prefer: {section.get('prefer')!r} is not one of {', '.join(SOURCES)}")
    days = section.get("days_per_batch")
    if isinstance(days, bool) or not isinstance(days, int) or not 1 <= days <= MOST_DAYS:
        problems.append(f"statistics.days_per_batch: {days!r} is not a whole number from 1 to {MOST_DAYS}")
    return problems
