"""The sections of workflows/parks.yml that the ingestion reads."""

from collections.abc import Mapping
from typing import Any

from services.ingestion.parks import live_params

SECTIONS = (*live_params.SECTIONS,)


def validate(params: Mapping[str, Any]) -> list[str]:
    """Name every mistake as `path: message`."""
    return [*live_params.validate_live(params)]
