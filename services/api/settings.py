"""The API's own settings, read and checked before anything listens."""

from shared.config import Settings
from shared.errors import ConfigError

DEFAULT_LIMIT = "600 per minute"
MOST_PROXIES = 5


def read_limit(settings: Settings) -> str:
    """Return how many requests a key or an address may send.

    Raises:
        ConfigError: API_RATE_LIMIT is not a limit such as `600 per minute`.
    """
    from limits import parse_many

    text = settings.environ.get("API_RATE_LIMIT") or DEFAULT_LIMIT
    try:
        parse_many(text)
    except ValueError as exc:
        raise ConfigError(f"API_RATE_LIMIT: {text!r} is not a limit such as {DEFAULT_LIMIT!r}") from exc
    return text


def read_proxies(settings: Settings) -> int:
    """Return how many proxies stand in front, whose X-Forwarded-For and -Proto are believed.

    Raises:
        ConfigError: API_TRUSTED_PROXIES is no small number.
    """
    count = settings.environ.get("API_TRUSTED_PROXIES") or "0"
    if not count.isdecimal() or int(count) > MOST_PROXIES:
        raise ConfigError(f"API_TRUSTED_PROXIES: {count!r} is not a whole number from 0 to {MOST_PROXIES}")
    return int(count)


def find_problems(settings: Settings) -> list[str]:
    """List what is wrong with the API's own settings, one sentence each."""
    problems: list[str] = []
    for read in (read_limit, read_proxies):
        try:
            read(settings)
        except ConfigError as exc:
            problems += exc.problems
    return problems
