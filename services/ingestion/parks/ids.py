"""UUIDs as sources and people write them. The standard library alone: every image checks workflow files with it."""

import re
from typing import Any
from uuid import UUID

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_NIL = "00000000-0000-0000-0000-000000000000"


def read_uuid(value: Any) -> str | None:
    """Return a UUID in lower case without blanks around it; None for anything else and for all zeros."""
    if not isinstance(value, str):
        return str(value) if isinstance(value, UUID) else None
    text = value.strip().lower()
    return text if _UUID.fullmatch(text) and text != _NIL else None
