"""Who is asking, and what they may do.

A program sends its key as `Authorization: Bearer ch_...` or `X-API-Key: ch_...`. A browser trades its key for a
cookie that opens reading, and the few forms of our own pages. On an embedded house, a browser on the same machine
needs no key for reading. See docs/decisions/api-access.md.
"""

import hashlib
import hmac
import ipaddress
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

from flask import Flask, current_app, g, redirect, request, url_for
from werkzeug.wrappers import Response

from services.api import database
from services.api.errors import fail, wants_page
from services.api.open_endpoints import OPEN_ENDPOINTS
from shared import apikeys
from shared.apikeys import ApiKey
from shared.config import Settings
from shared.errors import CronhouseError, DataError

log = logging.getLogger("cronhouse.api")
COOKIE = "cronhouse_console"
COOKIE_SECONDS = 12 * 3600
KNOWN_SECONDS = 15 * 60  # how long a key seen before still opens cached answers without the database
READING = ("GET", "HEAD", "OPTIONS")
_HOW_TO_SEND = "send a key as `Authorization: Bearer ch_...` or `X-API-Key: ch_...`"
F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Principal:
    """Who is asking. `may_write` is false for a cookie and for the machine's own browser."""

    name: str
    role: str
    may_write: bool
    key: ApiKey | None = None

    def signed_in(self) -> "Principal":
        """Return who is behind a cookie with all that their key may do; anybody else as they are."""
        return Principal(self.name, self.key.role, True, self.key) if self.key else self

    def is_at_least(self, role: str) -> bool:
        """Tell whether the key behind it has this role or a higher one: whether to show its buttons."""
        return self.key is not None and apikeys.ROLES.index(self.key.role) >= apikeys.ROLES.index(role)


class KnownKeys:
    """Keys this process saw, by the SHA-256 of what was presented, for when the database is away."""

    def __init__(self) -> None:
        self._keys: dict[str, tuple[float, ApiKey]] = {}

    def remember(self, token: str, key: ApiKey) -> None:
        if len(self._keys) > 1000:
            self._keys.clear()
        self._keys[apikeys.hash_key(token)] = (time.monotonic() + KNOWN_SECONDS, key)

    def forget(self, token: str) -> None:
        self._keys.pop(apikeys.hash_key(token), None)

    def recall(self, token: str) -> ApiKey | None:
        until, key = self._keys.get(apikeys.hash_key(token), (0.0, None))
        return key if until > time.monotonic() else None


def init_app(app: Flask, settings: Settings) -> None:
    """Ask who it is before the rate limit counts, and decide after it: see `decide`."""
    app.extensions["known_keys"] = KnownKeys()
    app.config["OPEN_TO_THIS_MACHINE"] = settings.embedded
    app.before_request(_identify)


def requires(role: str) -> Callable[[F], F]:
    """Let only keys of this role or a higher one call the endpoint."""

    def mark(view: F) -> F:
        view.required_role = role  # type: ignore[attr-defined]
        return view

    return mark


def form(role: str) -> Callable[[F], F]:
    """Let a form of our own pages call the endpoint: the cookie of a key of this role or a higher one is enough.

    The cookie is SameSite=Strict, and the browser must name our own address as the page that the form stood in.
    """

    def mark(view: F) -> F:
        view.is_form = True  # type: ignore[attr-defined]
        return requires(role)(view)

    return mark


def role_of(endpoint: str) -> str:
    """Return the role that an endpoint asks for."""
    return getattr(current_app.view_functions[endpoint], "required_role", "reader")


def decide() -> Response | None:
    """Refuse what the caller may not do. Registered after the rate limit."""
    if request.endpoint is None or request.endpoint in OPEN_ENDPOINTS:
        return None
    if g.refusal is not None:
        raise g.refusal
    principal: Principal | None = g.principal
    if principal is None:
        if wants_page():
            return redirect(url_for("console.sign_in_form", next=request.full_path.rstrip("?")), 303)
        reason = g.bad_key or _HOW_TO_SEND
        fail(
            401, f"This needs an API key: {reason}.", headers={"WWW-Authenticate": 'Bearer realm="cronhouse"'}
        )
    role = role_of(request.endpoint)
    if getattr(current_app.view_functions[request.endpoint], "is_form", False) and _is_from_our_page():
        principal = g.principal = principal.signed_in()
    enough = apikeys.ROLES.index(principal.role) >= apikeys.ROLES.index(role)
    writes = request.method not in READING
    if not enough:
        fail(403, f"This needs a key of role {role}; {principal.name} has the role {principal.role} here.")
    if writes and not principal.may_write:
        fail(403, f"Here {principal.name} may only look; to change something {_HOW_TO_SEND}.")
    return None


def make_cookie(key: ApiKey, now: float | None = None) -> str:
    """Return `prefix.expiry.signature`. It is signed with the key's hash, so it dies with the key, and
    there is no further secret to keep: who can read the hashes can read all that the cookie opens."""
    expiry = int((now or time.time()) + COOKIE_SECONDS)
    return f"{key.prefix}.{expiry}.{_signature(key, expiry)}"


def _signature(key: ApiKey, expiry: int) -> str:
    text = f"console|{key.prefix}|{expiry}".encode()
    return hmac.new(key.key_hash.encode(), text, hashlib.sha256).hexdigest()


def _identify() -> None:
    g.principal, g.bad_key, g.refusal = None, None, None
    if request.endpoint in OPEN_ENDPOINTS or request.endpoint is None:
        return
    token, from_cookie = _presented()
    try:
        if token:
            key = find(token, from_cookie)
            g.principal = Principal(key.name, "reader" if from_cookie else key.role, not from_cookie, key)
    except DataError as exc:
        g.bad_key = exc.reason
    except CronhouseError as exc:
        g.refusal = exc  # the database is away: the rate limit still counts, then this is raised
    if g.principal is None and (token is None or from_cookie) and is_this_machine():
        g.principal, g.refusal = Principal("this machine", "reader", False), None


def find(token: str, from_cookie: bool = False) -> ApiKey:
    """Find the key behind a token: in the database, else among the keys seen lately.

    Raises:
        DataError: it is unknown, revoked or expired.
        CronhouseError: the database is away and the key was not seen lately.
    """
    known: KnownKeys = current_app.extensions["known_keys"]
    try:
        key = database.read(lambda conn: _check(conn, token, from_cookie))
    except DataError:
        known.forget(token)
        raise
    except CronhouseError:
        seen = known.recall(token)
        if seen is None:
            raise
        return seen
    known.remember(token, key)
    return key


def _check(conn: Any, token: str, from_cookie: bool) -> ApiKey:
    if not from_cookie:
        return apikeys.find_key(conn, token)
    prefix, _, rest = token.partition(".")
    expiry, _, signature = rest.partition(".")
    if not expiry.isdecimal() or int(expiry) < time.time():
        raise DataError("the sign-in has expired")
    key = apikeys.find_prefix(conn, prefix)
    if not hmac.compare_digest(signature.encode(), _signature(key, int(expiry)).encode()):
        raise DataError("the sign-in is not valid")
    return key


def note_use() -> None:
    """Write down that the key was used, at most once a minute. Telling it may never fail a request."""
    principal: Principal | None = g.get("principal")
    if principal is None or principal.key is None or not principal.key.use_is_news:
        return
    try:
        with database.writing() as conn:
            apikeys.note_use(conn, principal.key)
    except CronhouseError as exc:
        log.warning("could not note the use of key %s: %s", principal.name, exc)


def _presented() -> tuple[str | None, bool]:
    """Return what the caller shows and whether it is a cookie."""
    kind, _, value = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() == "bearer" and value:
        return value.strip(), False
    if request.headers.get("X-API-Key"):
        return request.headers["X-API-Key"].strip(), False
    return request.cookies.get(COOKIE), True


def _is_from_our_page() -> bool:
    """Tell whether the browser says that one of our own pages sent this (browsers add Origin to every POST)."""
    return urlsplit(request.headers.get("Origin", "")).netloc == request.host


def is_this_machine() -> bool:
    """Tell whether an embedded house is asked from its own machine, by its own name.

    The Host header is looked at too: else a page of any web site could reach us by pointing its name here.
    """
    if not current_app.config["OPEN_TO_THIS_MACHINE"] or "X-Forwarded-For" in request.headers:
        return False
    host = request.host.rpartition(":")[0] if request.host.rpartition(":")[2].isdecimal() else request.host
    try:
        is_near = ipaddress.ip_address(request.remote_addr or "").is_loopback
    except ValueError:
        return False
    return is_near and host in ("localhost", "127.0.0.1", "[::1]")
