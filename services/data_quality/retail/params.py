"""What retail_quality expects of workflows/retail.yml: the section `quality`, one line a check."""

from collections.abc import Mapping
from typing import Any

from services.data_quality.retail.checks import CATALOGUE
from shared.quality_rules import find_problems

SECTIONS = ("quality",)


def validate(params: Mapping[str, Any]) -> list[str]:
    """List the mistakes of the section, each as `quality.check.key: what is wrong`."""
    section = params.get("quality")
    problems = find_problems(section, CATALOGUE)
    retailers = params.get("retailers")
    if not problems and isinstance(section, Mapping) and isinstance(retailers, Mapping):
        for name, entry in section.items():
            strange = [retailer for retailer in (entry or {}).get("except", ()) if retailer not in retailers]
            problems += [f"quality.{name}.except: there is no retailer {retailer!r}" for retailer in strange]
    volume = section.get("volume") if isinstance(section, Mapping) else None
    if not problems and isinstance(volume, Mapping) and volume["min_weeks"] > volume["weeks"]:
        problems.append("quality.volume.min_weeks: is above weeks: the check could never judge")
    return problems
