"""The sections of workflows/parks.yml that the ingestion reads."""

from collections.abc import Mapping
from typing import Any

from services.ingestion.parks import archive_params, live_params

SECTIONS = (*archive_params.SECTIONS, *live_params.SECTIONS)


def validate(params: Mapping[str, Any]) -> list[str]:
    """Name every mistake as `path: message`."""
    return [*archive_params.validate_archive(params), *live_params.validate_live(params)]
