"""Rate limits: per key, else per address. Counted in Redis when there is one, and in the process while it
is away; a limit that cannot be counted never fails a request."""

import time

from flask import Flask, g, request
from flask_limiter import Limiter
from limits.storage import RedisStorage

from services.api.settings import read_limit
from shared.cache import TIMEOUT_SECONDS
from shared.config import Settings

SIGN_IN = "10 per minute"
EXEMPT = ("health.health", "health.ready", "metrics.metrics", "docs.assets", "static", "console.favicon")

# Counts and tells how long the window still lasts; the package's own script does not tell.
_COUNT = """
local count = redis.call('incrby', KEYS[1], ARGV[2])
if count == tonumber(ARGV[2]) then redis.call('expire', KEYS[1], ARGV[1]) end
return {count, redis.call('ttl', KEYS[1])}
"""


class OneQuestion(RedisStorage):
    """Counts in Redis, and remembers in the request what Redis said: the headers would ask two questions more."""

    STORAGE_SCHEME = ("cronhouse+redis", "cronhouse+rediss", "cronhouse+redis+unix")

    def __init__(self, uri: str, **options: float | str | bool) -> None:
        super().__init__(uri.removeprefix("cronhouse+"), **options)
        self._count = self.get_connection().register_script(_COUNT)

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count, in a window that lasts `expiry` seconds; return how many there were."""
        count, seconds = self._count([self.prefixed_key(key)], [expiry, amount])
        g.setdefault("counted", {})[key] = (count, time.time() + max(seconds, 0))
        return int(count)

    def get(self, key: str) -> int:
        """Return how many there were."""
        counted = g.get("counted", {}).get(key)
        return super().get(key) if counted is None else int(counted[0])

    def get_expiry(self, key: str) -> float:
        """Return when the window ends, in Unix time."""
        counted = g.get("counted", {}).get(key)
        return super().get_expiry(key) if counted is None else float(counted[1])


def init_app(app: Flask, settings: Settings) -> Limiter:
    """Start counting.

    Raises:
        ConfigError: API_RATE_LIMIT is not a limit such as `600 per minute`.
    """
    limit = read_limit(settings)
    timeouts = {"socket_timeout": TIMEOUT_SECONDS, "socket_connect_timeout": TIMEOUT_SECONDS}
    limiter = Limiter(
        _who,
        app=app,
        default_limits=[limit],
        headers_enabled=True,
        storage_uri=_storage(settings.redis_url),
        storage_options=timeouts if settings.redis_url else {},
        in_memory_fallback=[limit],
        in_memory_fallback_enabled=True,
        swallow_errors=True,
        key_prefix="cronhouse",
        strategy="fixed-window",
    )
    limiter.request_filter(lambda: request.endpoint in EXEMPT)
    return limiter


def _storage(redis_url: str | None) -> str:
    """Return the address as the package `limits` takes it, for the storage above."""
    return "cronhouse+" + redis_url.replace("unix://", "redis+unix://") if redis_url else "memory://"


def _who() -> str:
    principal = g.get("principal")
    if principal is not None and principal.key is not None:
        return f"key:{principal.key.key_id}"
    return f"address:{request.remote_addr}"
