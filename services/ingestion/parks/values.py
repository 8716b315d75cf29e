"""Values as the archive and the live API post them, and what they become. Pure; the rules are in docs/parks.md."""

import math
import re
from datetime import datetime
from typing import Annotated, Any

import msgspec

STATUSES = {name: name for name in ("OPERATING", "DOWN", "CLOSED", "REFURBISHMENT")}
UNKNOWN = "UNKNOWN"
LONGEST_WAIT, EXTREME_WAIT = 600, 480  # minutes; 390 is real, the source itself flags from 480 on
AwareTime = Annotated[datetime, msgspec.Meta(tz=True)]
_NUMBER = re.compile(r"-?\d{1,9}(\.\d{1,9})?")
RAW_LENGTH = 200


def show_raw(value: Any) -> str:
    """Return a value as JSON, cut to what the log keeps; text that PostgreSQL can hold."""
    if isinstance(value, str):
        text = value
    else:
        try:
            text = msgspec.json.encode(value).decode("utf-8", "replace")
        except (UnicodeEncodeError, TypeError, ValueError, OverflowError, RecursionError):
            text = repr(value)
    return clean_text(text)[:RAW_LENGTH]


def clean_text(text: str) -> str:
    """Return text without NUL and without halves of surrogate pairs: PostgreSQL takes neither."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")


def read_instant(value: Any) -> datetime | None:
    """Return an RFC 3339 time that has an offset; None for anything else (naive, epoch, 24:00, :60)."""
    if isinstance(value, datetime):
        return value if value.tzinfo else None
    if not isinstance(value, str):
        return None
    try:
        return msgspec.convert(value.strip(), AwareTime)
    except (msgspec.ValidationError, ValueError, OverflowError):
        return None


def to_milliseconds(moment: datetime) -> int:
    """Return whole milliseconds since 1970 UTC, rounded down."""
    return int(moment.timestamp() * 1000 + 0.0005)  # a double holds 2026 to a quarter of a microsecond


def read_wait(value: Any) -> tuple[int | None, str | None]:
    """Return minutes 0 to 600 and what was odd: INVALID_WAIT (then None), COERCED_WAIT or EXTREME_WAIT."""
    odd = None
    if value is None:
        return None, None
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        value, odd = float(value), "COERCED_WAIT"
    if not _is_number(value) or not -1e9 < value < 1e9:
        return None, "INVALID_WAIT"
    minutes = math.floor(value + 0.5)
    if minutes != value:
        odd = "COERCED_WAIT"
    if value < 0 or minutes > LONGEST_WAIT:
        return None, "INVALID_WAIT"
    return minutes, odd or ("EXTREME_WAIT" if minutes >= EXTREME_WAIT else None)


def read_status(value: Any) -> tuple[str, bool]:
    """Return the status and whether it was understood; what is not stays UNKNOWN, never CLOSED."""
    known = STATUSES.get(value.strip().upper()) if isinstance(value, str) else None
    return (known, True) if known else (UNKNOWN, False)


def read_count(value: Any) -> int | None:
    """Return a whole number of 0 or more that fits a 32-bit column; None for anything else."""
    if not _is_number(value) or not 0 <= value < 2**31:
        return None
    return int(value) if value == int(value) else None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def tidy(value: Any) -> Any:
    """Return JSON content with every text and key in it as `clean_text` has it."""
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, list):
        return [tidy(item) for item in value]
    if isinstance(value, dict):
        return {clean_text(str(key)): tidy(item) for key, item in value.items()}
    return value
