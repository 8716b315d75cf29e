"""What retail_quality expects of workflows/retail.yml: the section `quality`, one line a check."""

from collections.abc import Mapping
from typing import Any

from services.data_quality.retail.checks import CATALOGUE
from shared.quality import find_problems

SECTIONS = ("quality",)


def validate(params: Mapping[str, Any]) -> list[str]:
    """List the mistakes of the section, each as `quality.check.key: what is wrong`."""
    section = params.get("quality")
    problems = find_problems(section, CATALOGUE)
    volume = section.get("volume") if isinstance(section, Mapping) else None
    if not problems and isinstance(volume, Mapping) and volume["min_weeks"] > volume["weeks"]:
        problems.append("quality.volume.min_weeks: is above weeks: the check could never judge")
    return problems
