"""The memory of a process in front of Flask: answers of open addresses that hold until the next release.

A kept answer is given without asking Flask, Redis or the database, as long as the release was looked at in the
last seconds. It is not counted by the rate limit: counting would cost more than the answer does. It is logged.
"""

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from flask import Flask

from services.api.request_log import read_request_id, write_line

CONFIRMED_SECONDS = 5.0  # how old an answer may be after another release came
ENTRIES = 2000
TOTAL_BYTES = 16 * 1024 * 1024
OFFERED = "cronhouse.front"  # where a view puts what may be kept, in the request's environment
# What belongs to one request alone.
_OWN = (
    "x-request-id",
    "x-cache",
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
    "retry-after",
)

Start = Callable[..., Any]
Headers = list[tuple[str, str]]


@dataclass(frozen=True)
class Kept:
    """An answer: of which release, when it was made (Unix time), and what was sent."""

    version: str
    made_at: int
    body: bytes
    etag: str
    headers: Headers
    headers_unchanged: Headers


class Front:
    """Wraps the WSGI application; `prefix` is the beginning of the addresses whose answers are kept."""

    def __init__(self, application: Callable[[Any, Start], Iterable[bytes]], prefix: str) -> None:
        self.application, self.prefix = application, prefix
        self._entries: dict[tuple[str, str], Kept] = {}
        self._bytes = 0
        self._lock = threading.Lock()
        self._confirmed: tuple[str, float] = ("", 0.0)  # the live release, and until when that is believed

    def __call__(self, wsgi: dict[str, Any], start_response: Start) -> Iterable[bytes]:
        path = wsgi["PATH_INFO"]
        if not path.startswith(self.prefix) or wsgi["REQUEST_METHOD"] != "GET":
            return self.application(wsgi, start_response)
        kept = self._entries.get((path, wsgi["QUERY_STRING"]))
        if kept is not None:
            version, until = self._confirmed
            now = time.monotonic()
            if kept.version == version and now < until:
                return _give(kept, wsgi, start_response, now)
        return self._ask(wsgi, start_response)

    @property
    def version(self) -> str:
        """The release that was live when somebody looked last, empty when nobody knows."""
        return self._confirmed[0]

    def find(self, wsgi: dict[str, Any]) -> Kept | None:
        """Return what is kept for a request, of whatever release."""
        return self._entries.get((wsgi["PATH_INFO"], wsgi["QUERY_STRING"]))

    def confirm(self, version: str) -> None:
        """Say that this release is live: answers of it hold for a few seconds from now."""
        self._confirmed = (version, time.monotonic() + CONFIRMED_SECONDS)

    def doubt(self) -> None:
        """Say that nobody knows which release is live: every request is asked anew."""
        self._confirmed = ("", 0.0)

    def _ask(self, wsgi: dict[str, Any], start_response: Start) -> Iterable[bytes]:
        sent: list[Any] = []

        def start(status: str, headers: Headers, exc_info: Any = None) -> Any:
            sent[:] = [status, headers]
            return start_response(status, headers, exc_info)

        answer = self.application(wsgi, start)
        offered = wsgi.get(OFFERED)
        if offered is not None and sent and sent[0].startswith("200"):
            self._keep((wsgi["PATH_INFO"], wsgi["QUERY_STRING"]), *offered, sent[1])
        return answer

    def _keep(self, key: tuple[str, str], version: str, made_at: int, body: bytes, headers: Headers) -> None:
        shared = [(name, value) for name, value in headers if name.lower() not in _OWN]
        shared.append(("X-Cache", "HIT"))
        unchanged = [each for each in shared if each[0].lower() not in ("content-length", "content-type")]
        etag = next((value for name, value in headers if name.lower() == "etag"), "")
        with self._lock:
            self._drop(key)
            self._entries[key] = Kept(version, made_at, body, etag, shared, unchanged)
            self._bytes += len(body)
            while len(self._entries) > ENTRIES or self._bytes > TOTAL_BYTES:
                self._drop(next(iter(self._entries)))

    def _drop(self, key: tuple[str, str]) -> None:
        kept = self._entries.pop(key, None)
        if kept is not None:
            self._bytes -= len(kept.body)


def install(app: Flask, prefix: str) -> None:
    """Put a front before an application; views find it in app.extensions."""
    front = Front(app.wsgi_app, prefix)
    app.extensions["front"] = front
    app.wsgi_app = front  # type: ignore[method-assign]


def _give(kept: Kept, wsgi: dict[str, Any], start_response: Start, started: float) -> Iterable[bytes]:
    request_id = read_request_id(wsgi.get("HTTP_X_REQUEST_ID", ""))
    has_it = kept.etag and kept.etag in wsgi.get("HTTP_IF_NONE_MATCH", "")
    status = 304 if has_it else 200
    headers = kept.headers_unchanged if has_it else kept.headers
    start_response("304 NOT MODIFIED" if has_it else "200 OK", [*headers, ("X-Request-ID", request_id)])
    path, remote = wsgi["PATH_INFO"], wsgi.get("REMOTE_ADDR")
    write_line("GET", path, status, time.monotonic() - started, request_id, None, remote)
    return () if has_it else (kept.body,)
