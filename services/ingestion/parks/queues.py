"""What an event or a live entry posts: STANDBY's wait, the five other queues as rows of parks.queue_postings, shows."""

from collections.abc import Callable
from typing import Any, NamedTuple

from services.ingestion.parks.values import (
    clean_text,
    read_count,
    read_instant,
    read_wait,
    show_raw,
    tidy,
    to_milliseconds,
)

Tell = Callable[[str, str, str], None]  # kind, raw value, message


class Posting(NamedTuple):
    """A queue of an event. Times are milliseconds since 1970 UTC; a price is in the smallest unit of its currency."""

    queue_type: str
    wait: int | None = None
    state: str | None = None
    return_start: int | None = None
    return_end: int | None = None
    price: int | None = None
    currency: str | None = None
    group_start: int | None = None
    group_end: int | None = None
    next_allocation: int | None = None


def read_queue(queue_type: str, value: Any, tell: Tell) -> Posting:
    """Read one queue; what cannot be used is told and left null. Null inside is null here too."""
    if value is None:
        return Posting(queue_type)
    if not isinstance(value, dict):
        tell(
            "INVALID_QUEUE",
            f"{queue_type} {show_raw(value)}",
            f"{queue_type} is no object; kept without content",
        )
        return Posting(queue_type)
    return _READERS[queue_type](queue_type, value, tell)


def read_standby(value: Any, tell: Tell) -> int | None:
    """Return the minutes of a STANDBY queue; null where it has none, or none that can be used."""
    if value is None:
        return None
    if not isinstance(value, dict):
        tell("INVALID_QUEUE", f"STANDBY {show_raw(value)}", "STANDBY is no object; kept without a wait")
        return None
    minutes, odd = read_wait(value.get("waitTime"))
    if odd:
        tell(odd, show_raw(value["waitTime"]), WAIT_MESSAGES[odd])
    return minutes


def read_unknown(queue: dict[str, Any], tell: Tell) -> dict[str, Any] | None:
    """Return the queues of types that nobody knows, as they came; None where there are none."""
    found = {name: value for name, value in queue.items() if name not in OTHER_TYPES and name != "STANDBY"}
    for name, value in found.items():
        message = f"a queue type that we do not know, kept as it came: {show_raw(value)}"
        tell("UNKNOWN_QUEUE", clean_text(name)[:100], message)
    return tidy(found) or None


def read_showtimes(value: Any, tell: Tell) -> list[Any] | None:
    """Return a list of showtimes as it came: objects or texts, nulls inside, an end that is the start."""
    if value is None or value == []:
        return None
    if not isinstance(value, list):
        tell("INVALID_SHOWTIMES", show_raw(value), "showtimes are no list; left out")
        return None
    return tidy(value)  # type: ignore[no-any-return]


def _waiting(queue_type: str, value: dict[str, Any], tell: Tell) -> Posting:
    return Posting(queue_type, wait=_wait(queue_type, value.get("waitTime"), tell))


def _returning(queue_type: str, value: dict[str, Any], tell: Tell) -> Posting:
    price, currency = _price(value.get("price"), tell)
    return Posting(
        queue_type,
        state=_state(value.get("state")),
        return_start=_time(queue_type, "returnStart", value, tell),
        return_end=_time(queue_type, "returnEnd", value, tell),
        price=price,
        currency=currency,
    )


def _boarding(queue_type: str, value: dict[str, Any], tell: Tell) -> Posting:
    return Posting(
        queue_type,
        wait=_wait(queue_type, value.get("estimatedWait"), tell),
        state=_state(value.get("allocationStatus")),
        group_start=_group(value, "currentGroupStart", tell),
        group_end=_group(value, "currentGroupEnd", tell),
        next_allocation=_time(queue_type, "nextAllocationTime", value, tell),
    )


_READERS: dict[str, Callable[[str, dict[str, Any], Tell], Posting]] = {
    "SINGLE_RIDER": _waiting,
    "PAID_STANDBY": _waiting,
    "RETURN_TIME": _returning,
    "PAID_RETURN_TIME": _returning,
    "BOARDING_GROUP": _boarding,
}
OTHER_TYPES = frozenset(_READERS)


def _wait(queue_type: str, value: Any, tell: Tell) -> int | None:
    minutes, odd = read_wait(value)
    if odd:
        tell(odd, show_raw(value), f"{WAIT_MESSAGES[odd]} ({queue_type})")
    return minutes


WAIT_MESSAGES = {
    "INVALID_WAIT": "the wait is no number of minutes from 0 to 600; kept as unknown",
    "COERCED_WAIT": "the wait came as text or with a fraction; read as minutes, rounded half up",
    "EXTREME_WAIT": "a wait of 480 minutes or more; kept",
}


def _time(queue_type: str, name: str, value: dict[str, Any], tell: Tell) -> int | None:
    given = value.get(name)
    if given is None:
        return None
    moment = read_instant(given)
    if moment is None:
        tell(
            "INVALID_QUEUE",
            f"{name} {show_raw(given)}",
            f"{name} of {queue_type} is no time with an offset; left out",
        )
        return None
    return to_milliseconds(moment)


def _group(value: dict[str, Any], name: str, tell: Tell) -> int | None:
    given = value.get(name)
    if given is None:
        return None
    number = read_count(given)
    if number is None:
        tell("INVALID_QUEUE", f"{name} {show_raw(given)}", f"{name} is no number of a group; left out")
    return number


def _price(value: Any, tell: Tell) -> tuple[int | None, str | None]:
    """Return amount and currency: null is unknown, 0 is free; the source counts in the smallest unit already."""
    if value is None:
        return None, None
    amount = value.get("amount") if isinstance(value, dict) else None
    currency = value.get("currency") if isinstance(value, dict) else None
    number = read_count(amount)
    if not isinstance(value, dict) or (amount is not None and number is None):
        tell(
            "INVALID_PRICE",
            show_raw(value),
            "the price is no whole number of the currency's smallest unit; left out",
        )
    name = clean_text(currency).strip().upper()[:10] if isinstance(currency, str) else None
    return number, name or None


def _state(value: Any) -> str | None:
    return clean_text(value).strip().upper()[:50] or None if isinstance(value, str) else None
