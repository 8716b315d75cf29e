"""How the console writes numbers, times and words."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from shared.sizes import in_largest_unit

SYMBOLS = {"GBP": "£", "EUR": "€", "USD": "$"}


def number(value: Any) -> str:
    """Write 1234567 as 1,234,567."""
    return f"{value:,.0f}" if value is not None else "–"


def money(value: float | Decimal, currency: str = "") -> str:
    """Write an amount without pence."""
    symbol = SYMBOLS.get(currency, f"{currency} " if currency else "")
    return f"{'−' if value < 0 else ''}{symbol}{abs(value):,.0f}"


def duration(seconds: Any) -> str:
    """Write seconds as a person would say them."""
    if seconds is None:
        return "–"
    value = float(seconds)
    if value < 60:
        return f"{value:.1f} s"
    if value < 3600:
        return f"{value // 60:.0f} min {value % 60:.0f} s"
    return f"{value // 3600:.0f} h {value % 3600 // 60:.0f} min"


def ago(at: datetime | None) -> str:
    """Write how long ago a time was."""
    if at is None:
        return "never"
    seconds = (datetime.now(UTC) - at).total_seconds()
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            count = int(seconds // size)
            return f"{count} {unit}{'s' if count > 1 else ''} ago"
    return "just now"


def moment(at: datetime | None) -> str:
    """Write a time in UTC."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}" if at else "–"


def day(value: date) -> str:
    """Write a day with its weekday."""
    return f"{value:%a} {value.day} {value:%b %Y}"


def percent(value: Any) -> str:
    """Write 98.50 as 98.5."""
    return f"{float(value):.4g}" if value is not None else "–"


def two_digits(value: float) -> str:
    """Write 0.4829 as 0.48, 5.37 as 5.4 and 53.7 as 54."""
    return f"{value:.0f}" if abs(value) >= 10 else f"{value:.2g}"


def size(value: float) -> str:
    """Write bytes in the largest unit that they fill: 482,900,000 as 482.9 MB, 100,000,000,000 as 100 GB."""
    number, unit = in_largest_unit(value)
    return f"{round(number, 1):,g} {unit}"


FILTERS = {
    "number": number,
    "money": money,
    "duration": duration,
    "ago": ago,
    "moment": moment,
    "day": day,
    "percent": percent,
    "two_digits": two_digits,
    "size": size,
}
