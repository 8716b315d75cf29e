"""What one retailer's process needs to know, read from the environment, every mistake reported at once."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from shared.config import read_secret_from
from shared.errors import ConfigError

ZONE = ZoneInfo("Europe/London")
CURRENCY = "GBP"
DIALECTS = {"retailer_1": "woocommerce", "retailer_2": "square", "retailer_3": "csv_export"}
NAMES = {"retailer_1": "Harbour Gifts", "retailer_2": "Oak & Thistle", "retailer_3": "Paper Lane"}
# A clock that was given a date alone stands here: after the night, before the first sale of the day.
START_OF_WORK = time(2, 0, tzinfo=UTC)


class Clock:
    """The retailer's idea of now: the real one, or one that stands still until it is set."""

    def __init__(self, stands_at: datetime | None = None) -> None:
        self.stands_at = stands_at

    def now(self) -> datetime:
        """Return the time in UTC, whole seconds."""
        return (self.stands_at or datetime.now(UTC)).replace(microsecond=0)

    def today(self) -> date:
        """Return the day it is where the retailer is."""
        return self.now().astimezone(ZONE).date()


@dataclass(frozen=True)
class RetailerSettings:
    """One retailer: who it is, where its books are, who may ask."""

    retailer: str
    database: str
    credentials: str = field(repr=False)
    database_url: str = field(repr=False)
    database_password: str | None = field(default=None, repr=False)
    clock: Clock = field(default_factory=Clock)
    faults: bool = False

    @property
    def dialect(self) -> str:
        """Return which product the retailer speaks like."""
        return DIALECTS[self.retailer]

    @property
    def number(self) -> int:
        """Return 1, 2 or 3."""
        return int(self.retailer[-1])


def load_settings(
    retailers: list[str], environ: Mapping[str, str], today: str | None = None
) -> list[RetailerSettings]:
    """Read the settings of the named retailers.

    Raises:
        ConfigError: one line for each setting that is missing or wrong.
    """
    problems: list[str] = []

    def take(reader: Callable, *args: object) -> object:
        try:
            return reader(*args)
        except ConfigError as exc:
            problems.extend(exc.problems)
            return None

    url = take(_required, environ, "RETAILER_DATABASE_URL")
    password = take(read_secret_from, environ, "RETAILER_DATABASE_PASSWORD")
    stands_at = take(parse_today, today or environ.get("RETAILERS_TODAY"))
    credentials = {name: take(_credentials, environ, name) for name in retailers}
    if problems:
        raise ConfigError(*problems)
    return [
        RetailerSettings(
            retailer=name,
            database=name,
            credentials=credentials[name],
            database_url=url,
            database_password=password,
            clock=Clock(stands_at),
            faults=environ.get("RETAILER_FAULTS") == "1",
        )
        for name in retailers
    ]


def parse_today(text: str | None) -> datetime | None:
    """Read a day, or a moment in ISO 8601, at which the clock stands; None lets it run.

    Raises:
        ConfigError: the text is neither.
    """
    if not text:
        return None
    try:
        if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
            return datetime.combine(date.fromisoformat(text), START_OF_WORK)
        moment = datetime.fromisoformat(text)
    except ValueError as exc:
        raise ConfigError(f"RETAILERS_TODAY: {text!r} is neither a day like 2026-11-20 nor a time") from exc
    return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)


def _required(environ: Mapping[str, str], name: str) -> str:
    value = read_secret_from(environ, name)
    if value is None:
        raise ConfigError(f"{name} is missing: set it, or {name}_FILE")
    return value


def _credentials(environ: Mapping[str, str], retailer: str) -> str:
    name = f"{retailer.upper()}_CREDENTIALS"
    value = _required(environ, name)
    if DIALECTS[retailer] == "woocommerce" and not re.fullmatch(r"[^:\s]+:[^:\s]+", value):
        raise ConfigError(f"{name}: expected consumer_key:consumer_secret")
    return value
