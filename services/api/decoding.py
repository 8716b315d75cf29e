"""The VIN decoder of a worker: made at the first VIN, made anew when another release is live.

It answers as NHTSA's live service does. While the database is away it goes on with the patterns that it has in
memory.
"""

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from flask import Flask, current_app, g

from services.api import database
from services.api.front import CONFIRMED_SECONDS
from shared.errors import ConfigError, TransientError
from shared.vin import Decoded, Decoder
from shared.vin.store import ReleaseGone, read_parts, release_reader

MOST_VINS = 10_000
MAX_BODY_BYTES = 2 * 1024 * 1024  # of a batch, as the gateway: 10,000 VINs with years are half a megabyte
T = TypeVar("T")


@dataclass(frozen=True)
class Variable:
    """A variable of the release."""

    id: int
    code: str
    is_private: bool
    is_decoded: bool


@dataclass(frozen=True)
class Release:
    """What a worker holds of the live release."""

    number: int
    decoder: Decoder
    variables: tuple[Variable, ...]

    def shown(self, private: bool) -> frozenset[int]:
        """Return the ids of the variables that an answer has."""
        return frozenset(v.id for v in self.variables if v.is_decoded and (private or not v.is_private))


class Decoding:
    """Lets the threads of a worker take turns at its decoder."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._release: Release | None = None
        self._believed_until = 0.0

    def doubt(self) -> None:
        """Say that nobody knows whether the release in memory is live: the next request looks."""
        self._believed_until = 0.0

    def release(self) -> Release:
        """Return the live release, as of a few seconds ago; the one in memory while the database is away.

        Raises:
            CronhouseError: the database is away and none is in memory, or none was loaded.
        """
        held, now = self._release, time.monotonic()
        if held is not None and now < self._believed_until:
            return held
        try:
            number = database.fetch_value(database.query("vpic", "release"))
            if held is None or held.number != number:
                held = self._release = _open(number)
            self._believed_until = now + CONFIRMED_SECONDS
        except (TransientError, ConfigError):
            if held is None:
                raise
            g.is_stale = True
        return held

    def decode(
        self,
        release: Release,
        vins: Iterable[tuple[str, int | None]],
        describe: Callable[[Decoded], T],
        private: bool = False,
    ) -> list[T]:
        """Decode (VIN, model year) one after the other; a VIN that cannot be decoded carries its `failure`.

        Raises:
            TransientError: two other releases came meanwhile.
        """
        described = []
        for vin in vins:
            with self._lock:
                try:
                    decoded = next(release.decoder.decode_many([vin], include_private=private))
                except ReleaseGone as exc:
                    self._release = None
                    raise TransientError(str(exc)) from exc
                described.append(describe(decoded))
        return described


def _open(number: int) -> Release:
    rows = database.fetch_all(database.query("vpic", "variables"))
    # an answer, a whole batch too, is of one release
    decoder = Decoder(release_reader(_read_parts), reference="api")
    return Release(number, decoder, tuple(Variable(**row) for row in rows))


def _read_parts(parts: Sequence[str], schema: str) -> Mapping[str, bytes]:
    return database.read(lambda conn: read_parts(conn, parts, schema))


def init_app(app: Flask) -> None:
    """Give an application its decoding."""
    app.extensions["decoding"] = Decoding()


def decoding() -> Decoding:
    """Return the application's decoding."""
    return current_app.extensions["decoding"]


def mark_stale(response: Any) -> Any:
    """Say in the answer when it was made without asking which release is live."""
    if g.get("is_stale"):
        response.headers["Warning"] = '110 cronhouse "Response is Stale"'
        response.headers["Cache-Control"] = "no-store"
    return response
