"""What parks_quality expects of workflows/parks.yml: the sections `quality` and `quality_window`."""

from collections.abc import Mapping
from typing import Any

from services.data_quality.parks.checks import CATALOGUE
from shared.quality_rules import find_problems

SECTIONS = ("quality", "quality_window")
WINDOW = ("recent_days", "objects_a_run")


def validate(params: Mapping[str, Any]) -> list[str]:
    """List the mistakes of the sections, each as `section.key: what is wrong`."""
    problems = find_problems(params.get("quality"), CATALOGUE)
    window = params.get("quality_window")
    if not isinstance(window, Mapping):
        return [*problems, f"quality_window: expected a mapping with {' and '.join(WINDOW)}"]
    for key in (*WINDOW, *(key for key in window if key not in WINDOW)):
        if key not in WINDOW:
            problems.append(f"quality_window.{key}: no such key; known are {', '.join(WINDOW)}")
        elif isinstance(window.get(key), bool) or not isinstance(window.get(key), int) or window[key] < 1:
            problems.append(f"quality_window.{key}: {window.get(key)!r} is not a whole number from 1 up")
    return problems
