"""What vehicles_load expects of workflows/vehicles.yml: the section `quality`, one line a check."""

from collections.abc import Mapping
from typing import Any

from services.vehicle_etl.vehicles.checks import CATALOGUE
from shared.quality_rules import find_problems

SECTIONS = ("quality",)


def validate(params: Mapping[str, Any]) -> list[str]:
    """List the mistakes of the section, each as `quality.check.key: what is wrong`."""
    return find_problems(params.get("quality"), CATALOGUE)
