"""A cache that may be lost at any moment: Redis when REDIS_URL is set, the process's memory otherwise.

It never raises: while Redis is away every `get` finds nothing and every `set` is dropped, and after a
failure it is left alone for a few seconds, so that a dead Redis costs one short timeout, not one a request.
"""

import logging
import threading
import time
from collections import OrderedDict
from typing import Any, Protocol

from shared.config import Settings

log = logging.getLogger("cronhouse.cache")
REST_SECONDS = 5.0
TIMEOUT_SECONDS = 0.3
MEMORY_ENTRIES = 500
MEMORY_BYTES = 16 * 1024 * 1024


class Cache(Protocol):
    """What the services need of a cache. Times to live are in seconds."""

    def get(self, key: str) -> bytes | None: ...
    def set(self, key: str, value: bytes, ttl: int) -> None: ...
    def delete(self, key: str) -> None: ...
    def is_alive(self) -> bool: ...


def open_cache(settings: Settings, prefix: str = "cronhouse:") -> Cache:
    """Open the cache that the settings name."""
    return RedisCache(settings.redis_url, prefix) if settings.redis_url else MemoryCache()


class MemoryCache:
    """Entries of this process alone, the least recently used ones dropped first."""

    def __init__(self, entries: int = MEMORY_ENTRIES, total_bytes: int = MEMORY_BYTES) -> None:
        self.entries, self.total_bytes, self.used = entries, total_bytes, 0
        self._values: OrderedDict[str, tuple[float, bytes]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: str) -> bytes | None:
        with self._lock:
            entry = self._values.get(key)
            if entry is None:
                return None
            if entry[0] < time.monotonic():
                self._drop(key)
                return None
            self._values.move_to_end(key)
            return entry[1]

    def set(self, key: str, value: bytes, ttl: int) -> None:
        with self._lock:
            self._drop(key)
            self._values[key] = (time.monotonic() + ttl, value)
            self.used += len(value)
            while len(self._values) > self.entries or self.used > self.total_bytes:
                self._drop(next(iter(self._values)))

    def delete(self, key: str) -> None:
        with self._lock:
            self._drop(key)

    def is_alive(self) -> bool:
        return True

    def _drop(self, key: str) -> None:
        entry = self._values.pop(key, None)
        if entry is not None:
            self.used -= len(entry[1])


class RedisCache:
    """Entries that all processes share, under a prefix."""

    def __init__(self, url: str, prefix: str) -> None:
        from redis import Redis
        from redis.backoff import NoBackoff
        from redis.exceptions import ConnectionError
        from redis.retry import Retry

        self.prefix = prefix
        self._rest_until = 0.0
        self._client: Any = Redis.from_url(
            url,
            socket_timeout=TIMEOUT_SECONDS,
            socket_connect_timeout=TIMEOUT_SECONDS,
            # one try more, for the pool may hand out a connection that died; none after a silence
            retry=Retry(NoBackoff(), 1, supported_errors=(ConnectionError,)),
            health_check_interval=30,
        )

    def get(self, key: str) -> bytes | None:
        value = self._call("get", self.prefix + key)
        return value if isinstance(value, bytes) else None

    def set(self, key: str, value: bytes, ttl: int) -> None:
        self._call("set", self.prefix + key, value, ex=ttl)

    def delete(self, key: str) -> None:
        self._call("delete", self.prefix + key)

    def is_alive(self) -> bool:
        """Ask Redis, whether it is being left alone or not."""
        return bool(self._call("ping", even_if_resting=True))

    def _call(self, command: str, *arguments: Any, even_if_resting: bool = False, **options: Any) -> Any:
        from redis.exceptions import RedisError

        if not even_if_resting and time.monotonic() < self._rest_until:
            return None
        try:
            result = getattr(self._client, command)(*arguments, **options)
        except (RedisError, OSError) as exc:
            if time.monotonic() >= self._rest_until:
                log.warning("Redis is away, going on without it: %s", type(exc).__name__)
            self._rest_until = time.monotonic() + REST_SECONDS
            return None
        self._rest_until = 0.0
        return result
