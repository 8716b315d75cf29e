"""What the import of the archive expects of workflows/parks.yml: the section `archive`."""

from collections.abc import Mapping
from typing import Any

from services.ingestion.parks.ids import read_uuid

SECTIONS = ("archive",)


def validate_archive(params: Mapping[str, Any]) -> list[str]:
    """List the mistakes of the section, each as `archive.key: what is wrong`."""
    section = params.get("archive")
    if not isinstance(section, Mapping):
        return ["archive: expected a mapping with destinations"]
    problems = [
        f"archive.{key}: unknown key; known is destinations" for key in section if key != "destinations"
    ]
    given = section.get("destinations")
    if given == "all":
        return problems
    if not isinstance(given, list):
        return [*problems, "archive.destinations: expected `all` or a list of UUIDs"]
    problems += [
        f"archive.destinations.{number}: {value!r} is no UUID in lower case"
        for number, value in enumerate(given)
        if read_uuid(value) != value
    ]
    return problems
