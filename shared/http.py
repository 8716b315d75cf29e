"""HTTP out: one client for every source. What an answer means is decided here and nowhere else.

    2xx                         the answer
    404                         NotFound
    401, 403, other 4xx         FatalError, never retried
    408, 425, 429, 5xx          TransientError, retried; Retry-After is honoured
    no or half an answer        TransientError, retried

Messages name the source, host and path; query strings and headers stay out, they may hold keys.
"""

import logging
import random
import re
import tempfile
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar
from urllib.parse import urlsplit

from shared.errors import ConfigError, CronhouseError, FatalError, TransientError

if TYPE_CHECKING:
    import requests

T = TypeVar("T")
Headers = Mapping[str, str]

TRIES = 4
FIRST_WAIT = 1.0  # seconds; doubles with each try
LONGEST_WAIT = 60.0  # a source that wants more patience gets it from the runner
CONNECT_TIMEOUT, READ_TIMEOUT = 10.0, 60.0
DEADLINE = 600.0  # seconds for one whole answer: a body that trickles must end too
MAX_JSON_BYTES = 64 * 1024 * 1024
MAX_FILE_BYTES = 8 * 1024 * 1024 * 1024
_LATER = {408, 425, 429}
_HALF_A_PAIR = re.compile(
    rb"\\u[dD][89aAbB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89aAbB][0-9a-fA-F]{2})\\u[dD][c-fC-F][0-9a-fA-F]{2}"
)
_log = logging.getLogger("cronhouse.http")


class NotFound(FatalError):
    """There is nothing at the address."""


class TooManyRequests(TransientError):
    """The source answered 429, with or without saying how long to wait."""


class Client:
    """A session with one source; not for several threads at once.

    `name` and `credentials_hint` go into messages: "retailer_1 (Harbour Gifts)", "check RETAILER_1_..."
    """

    def __init__(
        self,
        name: str,
        base_url: str,
        *,
        headers: Headers | None = None,
        auth: tuple[str, str] | None = None,
        credentials_hint: str = "check its credentials",
        sleep: Callable[[float], Any] = time.sleep,
        timeouts: tuple[float, float] | None = None,
    ) -> None:
        """`timeouts` are seconds for a connection and for the next bytes, where the usual ones do not fit."""
        parts = urlsplit(base_url)
        self.name = name
        self.base_url = base_url.rstrip("/")
        self.is_address = parts.scheme in ("http", "https") and bool(parts.hostname)
        self.host = (parts.hostname or "") + (f":{parts.port}" if parts.port else "")
        self.credentials_hint = credentials_hint
        self.sleep = sleep
        self.headers, self.auth = headers or {}, auth
        self._timeouts = timeouts

    @property
    def timeouts(self) -> tuple[float, float]:
        """Return the seconds for a connection and for the next bytes."""
        return self._timeouts or (CONNECT_TIMEOUT, READ_TIMEOUT)

    @cached_property
    def session(self) -> "requests.Session":
        """Open the session on first use: nothing asks of a client that only reads what came before."""
        if not self.is_address:
            raise ConfigError(f"{self.name}: {self.base_url!r} is not an http:// or https:// address")
        return _session(self.headers, self.auth)

    def get_json(
        self, path: str, answer_type: type[T], params: Mapping[str, Any] | None = None
    ) -> tuple[T, Headers]:
        """GET a path and decode its JSON; a page that came in half is asked for again."""
        return self._retried(lambda: self._json("GET", path, answer_type, params=params))

    def post_json(self, path: str, answer_type: type[T], body: Any) -> tuple[T, Headers]:
        """POST a JSON body to a path that only reads, and decode the JSON that comes back."""
        return self._retried(lambda: self._json("POST", path, answer_type, json=body))

    def download(self, path: str, max_bytes: int = MAX_FILE_BYTES) -> tuple[BinaryIO, Headers]:
        """GET a path into a temporary file, which is whole and stands at its start."""

        def fetch() -> tuple[BinaryIO, Headers]:
            out = tempfile.TemporaryFile()  # noqa: SIM115 (handed out)
            try:
                headers = self._fetch("GET", path, out.write, max_bytes)
            except BaseException:
                out.close()
                raise
            out.seek(0)
            return out, headers  # type: ignore[return-value]

        return self._retried(fetch)

    def get_once(self, path: str, max_bytes: int = MAX_JSON_BYTES) -> tuple[bytes, Headers]:
        """GET a path once and return its body as it came, for a caller that has rules of its own for retries."""
        body = bytearray()
        headers = self._fetch("GET", path, body.extend, max_bytes)
        return bytes(body), headers

    def check(self, path: str) -> None:
        """Ask once whether a path can be read, by HEAD; raises what reading it would."""
        self._fetch("HEAD", path, lambda chunk: None, 0)

    def close(self) -> None:
        """Close the connections."""
        if "session" in vars(self):
            self.session.close()

    def where(self, path: str) -> str:
        """Say whom a message is about."""
        return f"{self.name} at {self.host}, /{path.lstrip('/').partition('?')[0]}"

    def _json(self, method: str, path: str, answer_type: type[T], **arguments: Any) -> tuple[T, Headers]:
        body = bytearray()
        headers = self._fetch(method, path, body.extend, MAX_JSON_BYTES, **arguments)
        return decode_json(bytes(body), answer_type, self.where(path)), headers

    def _fetch(
        self, method: str, path: str, write: Callable[[bytes], Any], max_bytes: int, **arguments: Any
    ) -> Headers:
        import requests

        url, timeout = f"{self.base_url}/{path.lstrip('/')}", self.timeouts
        deadline = time.monotonic() + DEADLINE
        try:
            with self.session.request(method, url, stream=True, timeout=timeout, **arguments) as response:
                if not response.ok:
                    raise self._map_answer(path, response)
                size = 0
                for chunk in response.iter_content(65536):
                    size += len(chunk)
                    if size > max_bytes:
                        raise FatalError(f"{self.where(path)}: the answer is larger than {max_bytes} bytes")
                    if time.monotonic() > deadline:
                        raise TransientError(
                            f"{self.where(path)}: no end of the answer after {DEADLINE:.0f} s"
                        )
                    write(chunk)
                return response.headers
        except requests.RequestException as exc:
            raise self._map_failure(path, exc) from exc

    def _map_answer(self, path: str, response: "requests.Response") -> CronhouseError:
        status, where = response.status_code, self.where(path)
        if status in (401, 403):
            return FatalError(f"{where}: refused the credentials ({status}): {self.credentials_hint}")
        if status in _LATER or status >= 500:
            wait = read_retry_after(response.headers.get("Retry-After"))
            if (
                wait is None and status == 429
            ):  # seconds too: the RateLimit header fields of the IETF's httpapi drafts
                wait = read_retry_after(response.headers.get("RateLimit-Reset"))
            advice = f", asks to wait {wait:.0f} s" if wait is not None else ""
            kind = TooManyRequests if status == 429 else TransientError
            return kind(f"{where}: answered {status}{advice}", retry_after=wait)
        said = _excerpt(response.raw.read(2000, decode_content=True))
        message = f"{where}: answered {status}{f': {said}' if said else ''}"
        return NotFound(message) if status == 404 else FatalError(message)

    def _map_failure(self, path: str, exc: "requests.RequestException") -> CronhouseError:
        import requests

        where = self.where(path)
        if isinstance(exc, requests.exceptions.SSLError):
            return FatalError(f"{where}: its certificate cannot be trusted")
        if isinstance(exc, requests.exceptions.InvalidURL | requests.exceptions.InvalidHeader):
            return ConfigError(f"{where}: the address or a header is malformed")
        if isinstance(exc, requests.exceptions.TooManyRedirects):
            return FatalError(f"{where}: redirects without end")
        if isinstance(exc, requests.exceptions.ConnectTimeout):
            return TransientError(f"{where}: no connection within {self.timeouts[0]:.0f} s")
        if isinstance(exc, requests.exceptions.Timeout) or "Read timed out" in str(exc):
            return TransientError(f"{where}: nothing came for {self.timeouts[1]:.0f} s")
        if isinstance(
            exc, requests.exceptions.ChunkedEncodingError | requests.exceptions.ContentDecodingError
        ):
            return TransientError(f"{where}: the answer was cut off")
        return TransientError(f"{where}: cannot be reached ({_cause(exc)})")

    def _retried(self, call: Callable[[], T]) -> T:
        import tenacity

        def before_sleep(state: tenacity.RetryCallState) -> None:
            problem = state.outcome.exception() if state.outcome else None
            seconds = state.next_action.sleep if state.next_action else 0.0
            _log.warning("%s; try %d of %d in %.1f s", problem, state.attempt_number + 1, TRIES, seconds)

        return tenacity.Retrying(
            retry=tenacity.retry_if_exception(_worth_retrying),
            stop=tenacity.stop_after_attempt(TRIES),
            wait=_wait,
            sleep=self.sleep,
            before_sleep=before_sleep,
            reraise=True,
        )(call)


def decode_json(body: bytes, answer_type: type[T], where: str) -> T:
    """Decode an answer.

    Raises:
        TransientError: it is no JSON, or half of it: the same call may give a whole one.
        FatalError: it is JSON of another shape.
    """
    import msgspec

    try:
        return msgspec.json.decode(body, type=answer_type)
    except msgspec.ValidationError as exc:
        raise FatalError(f"{where}: answered JSON of another shape than documented: {exc}") from exc
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        repaired = _HALF_A_PAIR.sub(rb"\\ufffd", body)
        if repaired != body:  # an emoji that was cut in two; one such name must not cost the whole page
            return decode_json(repaired, answer_type, where)
        if body.lstrip()[:1] == b"<":
            title = re.search(rb"<title[^>]*>(.*?)</title>", body[:20_000], re.IGNORECASE | re.DOTALL)
            named = f' titled "{_excerpt(title[1])}"' if title else ""
            raise TransientError(f"{where}: answered an HTML page{named} instead of JSON") from exc
        raise TransientError(f"{where}: answered {len(body)} bytes that are not whole JSON: {exc}") from exc


def read_retry_after(value: str | None) -> float | None:
    """Return the seconds that a Retry-After header asks for; it holds seconds or a date."""
    if not value:
        return None
    if value.strip().isdecimal():
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, (moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds())


def _session(headers: Headers, auth: tuple[str, str] | None) -> "requests.Session":
    import requests
    from requests.adapters import HTTPAdapter
    from urllib3.util import Retry

    session = requests.Session()
    retries = Retry(total=None, connect=1, read=0, status=0, other=0, redirect=5, backoff_factor=0.2)
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(max_retries=retries))
    session.headers.update({"User-Agent": "cronhouse", "Accept": "application/json, */*;q=0.5", **headers})
    session.auth = auth or _headers_as_they_are  # without one, requests takes what a ~/.netrc says
    return session


def _headers_as_they_are(request: "requests.PreparedRequest") -> "requests.PreparedRequest":
    return request


def _worth_retrying(exc: BaseException) -> bool:
    return isinstance(exc, TransientError) and (exc.retry_after or 0) <= LONGEST_WAIT


def _wait(state: Any) -> float:
    exc = state.outcome.exception()
    if getattr(exc, "retry_after", None) is not None:
        return float(exc.retry_after)
    # jitter, so that jobs that failed together do not come back together
    backoff: float = FIRST_WAIT * 2 ** (state.attempt_number - 1)
    return min(LONGEST_WAIT, backoff) * random.uniform(1, 1.25)  # noqa: S311


def _excerpt(body: bytes) -> str:
    return " ".join(body.decode("utf-8", "replace").split())[:200]


def _cause(exc: BaseException) -> str:
    """Name the innermost reason without the URL that urllib3 puts into its messages."""
    text = str(exc)
    for sign in ("Connection refused", "Name or service not known", "Temporary failure in name resolution",
                 "No route to host", "Network is unreachable", "Connection reset", "RemoteDisconnected",
                 "Connection aborted"):  # fmt: skip
        if sign in text:
            return (
                "the connection was cut"
                if sign in ("RemoteDisconnected", "Connection aborted")
                else sign.lower()
            )
    return type(exc).__name__
