"""Answers of reading endpoints: JSON that is kept in the cache and revalidated, and CSV that is streamed.

Numbers of PostgreSQL leave as JSON numbers, days as YYYY-MM-DD, times as RFC 3339 in UTC.
"""

import csv
import hashlib
import io
import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from flask import Response, current_app, request
from flask.json.provider import DefaultJSONProvider

from services.api import database
from shared import db
from shared.cache import Cache
from shared.errors import ConfigError, TransientError

KEEP_SECONDS = 24 * 3600  # how long an answer may still be shown, as stale, while the database is away
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


class JsonProvider(DefaultJSONProvider):
    """JSON as our clients expect it."""

    sort_keys = False
    compact = True
    mimetype = "application/json"

    @staticmethod
    def default(value: Any) -> Any:
        """Turn what json does not know into what it does."""
        if isinstance(value, Decimal):
            return int(value) if value == value.to_integral_value() else float(value)
        if isinstance(value, datetime):
            return value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        if isinstance(value, date):
            return value.isoformat()
        return DefaultJSONProvider.default(value)


def cached_json(read_version: Callable[[], Any], build: Callable[[], Any]) -> Response:
    """Answer with what `build` gives as JSON, kept until the version changes; see `cached_body`."""
    return cached_body(
        read_version,
        lambda: current_app.json.dumps(build(), separators=(",", ":")).encode(),
        "application/json",
    )


def cached_body(read_version: Callable[[], Any], build: Callable[[], bytes], mimetype: str) -> Response:
    """Answer with the body that `build` gives, kept until the version changes.

    While the database is away, the kept answer is given and marked as stale.

    Raises:
        CronhouseError: the database is away and nothing is kept.
    """
    cache: Cache = current_app.extensions["cache"]
    key = _key(mimetype)
    kept = _unpack(cache.get(key))
    try:
        version = str(read_version())
        if kept is None or kept[0] != version:
            body = build()
            cache.set(key, _pack(version, body), KEEP_SECONDS)
            return _answer(key, version, body, "MISS", mimetype)
    except (TransientError, ConfigError):
        if kept is None:
            raise
        return _stale(_answer(key, kept[0], kept[2], "STALE", mimetype), kept[1])
    return _answer(key, version, kept[2], "HIT", mimetype)


def _key(mimetype: str) -> str:
    query = sorted((name, value) for name, value in request.args.items(multi=True))
    return f"answer:{request.path}:{hashlib.sha256(json.dumps([mimetype, query]).encode()).hexdigest()}"


def _pack(version: str, body: bytes) -> bytes:
    return f"{version}\n{int(time.time())}\n".encode() + body


def _unpack(value: bytes | None) -> tuple[str, int, bytes] | None:
    if value is None or value.count(b"\n", 0, 200) < 2:
        return None
    version, at, body = value.split(b"\n", 2)
    return version.decode(), int(at), body


def _answer(key: str, version: str, body: bytes, found: str, mimetype: str) -> Response:
    response = Response(body, mimetype=mimetype)
    response.set_etag(hashlib.sha256(f"{key}:{version}".encode()).hexdigest()[:32], weak=True)
    response.headers["X-Cache"] = found
    response.headers["Cache-Control"] = "private, no-cache"  # keep it, but ask whether it still holds
    response.vary.update(("Accept", "Authorization", "X-API-Key", "Cookie"))
    return response.make_conditional(request)


def _stale(response: Response, kept_at: int) -> Response:
    response.headers["Warning"] = '110 cronhouse "Response is Stale"'
    response.headers["Age"] = str(max(0, int(time.time()) - kept_at))
    return response


def wants_csv() -> bool:
    """Tell whether the caller asks for CSV, by the Accept header or `format=csv`."""
    if request.args.get("format"):
        return request.args["format"] == "csv"
    return request.accept_mimetypes.best_match(["application/json", "text/csv"]) == "text/csv"


def csv_download(name: str, statement: Any, params: db.Params) -> Response:
    """Stream all rows of a statement as CSV with a header line, whatever their number."""
    batches = database.stream(statement, params)
    header = next(batches)[0]  # a mistake in the query is still an ordinary error here
    response = Response(_csv_lines(header, batches), mimetype="text/csv")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    response.headers["Cache-Control"] = "private, no-store"
    response.vary.update(("Accept", "Authorization", "X-API-Key", "Cookie"))
    response.call_on_close(batches.close)  # type: ignore[attr-defined]
    return response


def _csv_lines(header: tuple[Any, ...], batches: Iterator[list[tuple[Any, ...]]]) -> Iterator[str]:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(header)
    for rows in batches:
        writer.writerows([tuple(map(csv_cell, row)) for row in rows])
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
    yield buffer.getvalue()


def csv_cell(value: Any) -> Any:
    """Return what stands in a cell. Text that a spreadsheet would run as a formula gets an apostrophe in
    front; numbers are never touched (docs/decisions/csv-formulas.md)."""
    if isinstance(value, str):
        return f"'{value}" if value.startswith(FORMULA_STARTS) else value
    if isinstance(value, datetime):
        return JsonProvider.default(value)
    return value
