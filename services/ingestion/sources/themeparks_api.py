"""The public API of ThemeParks.wiki, https://api.themeparks.wiki/v1, asked politely.

    one gate for all workers   after a 429 or a spent budget (RateLimit-Remaining: 0) everybody waits, once; after a 429
                               that names no time as long as before any retry
    patience                   nobody waits past 120 s after the first question; what is left is missed this time
    retries                    429, 5xx and broken answers three times, 0.25 s doubling to 5 s, with jitter
    timeouts                   10 s

RateLimit headers are believed only where an answer is fresh: one that a cache gave (Age above 0) carries those of
its own time, and most cached answers carry none, which means nothing. Practice of the official client libraries.
"""

import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from shared.config import Settings
from shared.errors import ConfigError, TransientError
from shared.http import Client, Headers, TooManyRequests

T = TypeVar("T")
PUBLIC_URL = "https://api.themeparks.wiki/v1"
USER_AGENT = "cronhouse/0.1.0 (data warehouse, workflow parks)"
TIMEOUTS = (10.0, 10.0)
TRIES = 4
FIRST_WAIT, LONGEST_WAIT = 0.25, 5.0
PATIENCE = 120.0
LARGEST_ANSWER = 32 * 1024 * 1024


def api_url(settings: Settings) -> str:
    """Return the address to ask: THEMEPARKS_API_URL; embedded the local stand-in, else the real one.

    Raises:
        ConfigError: it is no address, or embedded and the stand-in has not been started.
    """
    environ: Mapping[str, str] = settings.environ
    if settings.embedded:
        from shared.local.stack import local_environ

        environ = local_environ(settings)
    url = environ.get("THEMEPARKS_API_URL")
    if url is None and settings.embedded:
        raise ConfigError(
            "THEMEPARKS_API_URL is not set and the local stand-in of the API is not running: start it with "
            f"`cronhouse local up`, or set THEMEPARKS_API_URL={PUBLIC_URL}"
        )
    if url is not None and not url.startswith(("http://", "https://")):
        raise ConfigError("THEMEPARKS_API_URL: expected an address that begins with http:// or https://")
    return url or PUBLIC_URL


class Impatient(TransientError):
    """The source wants a longer wait than a run has."""


class Gate:
    """Where all workers wait together. `pause(seconds)` waits, and raises when the run is stopped meanwhile."""

    def __init__(self, pause: Callable[[float], Any] = time.sleep, patience: float = PATIENCE) -> None:
        self.pause, self.patience = pause, patience
        self._lock = threading.Lock()
        self._started: float | None = None
        self._opens_at = 0.0
        self.waits = 0

    def close_for(self, seconds: float) -> None:
        """Let nobody through for so long."""
        with self._lock:
            opens = time.monotonic() + seconds
            if opens > self._opens_at:
                self._opens_at, self.waits = opens, self.waits + 1

    def wait(self) -> None:
        """Wait until the gate is open.

        Raises:
            Impatient: it opens after the patience of this run.
        """
        while True:
            with self._lock:
                now = time.monotonic()
                self._started = self._started if self._started is not None else now
                left, allowed = self._opens_at - now, self._started + self.patience - now
            if left <= 0:
                return
            if left > allowed:
                raise Impatient(f"the source asks to wait {left:.0f} s more: not asked again this time", left)
            self.pause(left)

    def read(self, headers: Headers) -> None:
        """Close where a fresh answer says that the budget is spent."""
        if (_number(headers.get("Age")) or 0) > 0:
            return
        if _number(headers.get("RateLimit-Remaining")) == 0:
            self.close_for(_number(headers.get("RateLimit-Reset")) or 1.0)


@dataclass(frozen=True)
class Answer(Generic[T]):
    """A body as it came, what it says, and when it came by our clock (UTC, whole seconds)."""

    body: bytes
    content: T
    received_at: datetime


class ThemeParks:
    """The API behind a gate. May be used by several threads: each has its own connections."""

    def __init__(
        self, url: str, gate: Gate, check_stop: Callable[[], None] = lambda: None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:  # fmt: skip
        self.url, self.gate, self.check_stop, self.clock = url, gate, check_stop, clock
        self._local = threading.local()
        self._clients: list[Client] = []
        self._lock = threading.Lock()

    def get(self, path: str, read: Callable[[bytes], T]) -> Answer[T]:
        """GET a path and read its body; one that `read` finds to be broken is asked for again.

        Raises:
            TransientError: it failed as often as may be tried, or the source asks for too long a wait.
            FatalError: the source refuses it for good, e.g. NotFound, or `read` cannot use what it says.
        """
        for attempt in range(1, TRIES + 1):
            self.check_stop()
            self.gate.wait()
            try:
                body, headers = self._client().get_once(path, LARGEST_ANSWER)
                self.gate.read(headers)
                return Answer(body, read(body), self.clock().replace(microsecond=0))
            except TransientError as exc:
                wait = exc.retry_after if exc.retry_after is not None else _backoff(attempt)
                everybody = exc.retry_after is not None or isinstance(exc, TooManyRequests)
                if everybody:
                    self.gate.close_for(wait)
                if attempt == TRIES:
                    raise
                if not everybody:
                    self.gate.pause(wait)
        raise AssertionError("the last try returns or raises")

    def where(self, path: str) -> str:
        """Say whom a message is about."""
        return self._client().where(path)

    def close(self) -> None:
        """Close the connections of all threads."""
        for client in self._clients:
            client.close()

    def _client(self) -> Client:
        client: Client | None = getattr(self._local, "client", None)
        if client is None:
            headers = {"User-Agent": USER_AGENT, "Accept": "application/json"}
            client = Client("the ThemeParks API", self.url, headers=headers, timeouts=TIMEOUTS,
                            credentials_hint="it is open: is a proxy in between?")  # fmt: skip
            self._local.client = client
            with self._lock:
                self._clients.append(client)
        return client


def _backoff(attempt: int) -> float:
    """Return seconds before the next try; jitter, so that workers that failed together do not come back together."""
    return min(LONGEST_WAIT, FIRST_WAIT * 2**attempt) * random.uniform(1, 1.25)  # noqa: S311


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text is not None else None
    except ValueError:
        return None
