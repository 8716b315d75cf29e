"""Rate limits: per key, else per address. Counted in Redis when there is one, and in the process while it
is away; a limit that cannot be counted never fails a request."""

from flask import Flask, g, request
from flask_limiter import Limiter

from services.api.settings import read_limit
from shared.cache import TIMEOUT_SECONDS
from shared.config import Settings

SIGN_IN = "10 per minute"
EXEMPT = ("health.health", "health.ready", "metrics.metrics", "docs.assets", "static", "console.favicon")


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
    """Return the address as the package `limits` writes it."""
    return (redis_url or "memory://").replace("unix://", "redis+unix://")


def _who() -> str:
    principal = g.get("principal")
    if principal is not None and principal.key is not None:
        return f"key:{principal.key.key_id}"
    return f"address:{request.remote_addr}"
