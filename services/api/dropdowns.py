"""/api/vehicles/dropdown: what can be chosen, level by level, of the live release of vPIC.

An answer is looked for in the memory of the process, then in the cache, then in the database. While the
database is away the kept ones are given and say that they are stale.
"""

import hashlib
import re
import time
from typing import Any

from flask import Response, current_app, request
from flask_openapi3 import APIBlueprint, Tag
from pydantic import Field

from services.api import database
from services.api import dropdown_rows as rows
from services.api.answers import KEEP_SECONDS
from services.api.errors import ErrorAnswer, fail
from services.api.front import OFFERED, Front
from services.api.parameters import Strict, Text
from shared.cache import Cache
from shared.errors import ConfigError, CronhouseError, TransientError

PREFIX = "/api/vehicles/dropdown/"
MAX_AGE = 60  # seconds for which a browser or proxy need not ask again
_FRESH, _STALE = b'"Stale":false}', b'"Stale":true}'
_SORT_BY = {
    "makes": ("Make_Name",),
    "models": ("Make_Name", "Model_Name"),
    "trims": ("Trim",),
    "engines": ("Engine_Name",),
    "transmissions": ("TransmissionStyle", "TransmissionSpeeds"),
}
_NUMBER = re.compile(r"([0-9]+)")
_FILTERS = ("make", "model", "trim", "engine")
_CRITERIA = {"year": "ModelYear", "make": "Make", "model": "Model", "trim": "Trim", "engine": "Engine"}

tag = Tag(
    name="vehicle dropdowns",
    description="Open. Each level is filtered by those above it and holds only what some VIN can have. A make, "
    "model, trim or engine is given by its id or its name; a number is an id where there is one, else a name.",
)
api = APIBlueprint(
    "dropdowns",
    __name__,
    url_prefix=PREFIX.rstrip("/"),
    abp_tags=[tag],
    abp_responses=dict.fromkeys((404, 422, 429, 503), ErrorAnswer),
)


class YearsQuery(Strict):
    """Years have nothing above them."""


class MakesQuery(Strict):
    year: int | None = Field(None, ge=1900, le=2200, description="Model year.")


class ModelsQuery(MakesQuery):
    make: Text = Field(description="`Make_ID` or name.")


class TrimsQuery(MakesQuery):
    make: Text | None = Field(None, description="`Make_ID` or name.")
    model: Text = Field(description="`Model_ID` or name.")


class EnginesQuery(TrimsQuery):
    trim: Text | None = Field(None, description="`Trim_ID` or name.")


class TransmissionsQuery(EnginesQuery):
    engine: Text | None = Field(None, description="`Engine_ID` or name.")


class Swapped(Exception):
    """Another release came while an answer was read."""


@api.get("/years", responses={200: rows.Years}, summary="Model years, newest first")
def years(query: YearsQuery) -> Any:
    return answer("years", query)


@api.get("/makes", responses={200: rows.Makes}, summary="Makes of a year")
def makes(query: MakesQuery) -> Any:
    return answer("makes", query)


@api.get("/models", responses={200: rows.Models}, summary="Models of a make")
def models(query: ModelsQuery) -> Any:
    return answer("models", query)


@api.get("/trims", responses={200: rows.Trims}, summary="Trim levels of a model")
def trims(query: TrimsQuery) -> Any:
    return answer("trims", query)


@api.get("/engines", responses={200: rows.Engines}, summary="Engines of a model and trim level")
def engines(query: EnginesQuery) -> Any:
    return answer("engines", query)


@api.get("/transmissions", responses={200: rows.Transmissions}, summary="Transmissions of a model and engine")
def transmissions(query: TransmissionsQuery) -> Any:
    return answer("transmissions", query)


def answer(level: str, query: Strict) -> Response:
    """Answer from what is kept of the live release, else from the database.

    Raises:
        CronhouseError: the database is away and nothing is kept.
    """
    given = {name: str(value).strip() for name, value in query.model_dump().items() if value is not None}
    key = f"dropdown:{level}:{hashlib.sha256(repr(given).lower().encode()).hexdigest()}"
    for _ in range(3):  # a release comes once a week: twice within an answer is no accident
        try:
            return _fresh_answer(key, level, given)
        except Swapped:
            continue
        except (TransientError, ConfigError) as exc:
            return _stale_answer(key, exc)
    raise TransientError("the releases of vPIC change faster than they can be read")


def _fresh_answer(key: str, level: str, given: dict[str, str]) -> Response:
    version = read_version()
    _front().confirm(version)
    kept = _kept(key)
    found = "HIT"
    if kept is None or kept[0] != version:
        body = build(level, given)
        if read_version() != version:
            raise Swapped
        kept, found = (version, int(time.time()), body), "MISS"
        _cache().set(key, b"%s\n%d\n%s" % (version.encode(), kept[1], body), KEEP_SECONDS)
    request.environ[OFFERED] = kept
    response = Response(kept[2], mimetype="application/json")
    response.set_etag(hashlib.sha256(f"{key}:{version}".encode()).hexdigest()[:32], weak=True)
    response.headers["X-Cache"] = found
    response.headers["Cache-Control"] = f"public, max-age={MAX_AGE}"
    return response.make_conditional(request)


def _stale_answer(key: str, exc: CronhouseError) -> Response:
    """Give the last answer, marked, in place of an error of the database."""
    _front().doubt()
    kept = _kept(key)
    if kept is None or time.time() - kept[1] > KEEP_SECONDS:
        raise exc
    response = Response(kept[2].removesuffix(_FRESH) + _STALE, mimetype="application/json")
    response.headers["X-Cache"] = "STALE"
    response.headers["Warning"] = '110 cronhouse "Response is Stale"'
    response.headers["Age"] = str(max(0, int(time.time()) - kept[1]))
    response.headers["Cache-Control"] = "no-store"
    return response


def _front() -> Front:
    return current_app.extensions["front"]


def _cache() -> Cache:
    return current_app.extensions["cache"]


def _kept(key: str) -> tuple[str, int, bytes] | None:
    """Return release, time and body of the answer that the process or the cache keeps."""
    mine = _front().find(request.environ)
    if mine is not None and mine.version == _front().version:
        return mine.version, mine.made_at, mine.body
    value = _cache().get(key)
    if value is None or value.count(b"\n", 0, 200) < 2:
        return (mine.version, mine.made_at, mine.body) if mine is not None else None
    version, made_at, body = value.split(b"\n", 2)
    return version.decode(), int(made_at), body


def read_version() -> str:
    """Return which release is live."""
    return str(database.fetch_value(database.query("dropdowns", "version")))


def build(level: str, given: dict[str, str]) -> bytes:
    """Read a level: what was chosen above it is found first."""
    chosen: dict[str, Any] = dict.fromkeys(("year", *_FILTERS))
    if "year" in given:
        chosen["year"] = int(given["year"])
    if chosen["year"] is not None and not database.fetch_value(
        database.query("dropdowns", "has_year"), chosen
    ):
        _refuse("year", f"there are no vehicles of the model year {chosen['year']}")
    for name in _FILTERS:
        if name in given:
            chosen[name] = find(name, given[name], chosen)
    found = database.fetch_all(database.query("dropdowns", level), chosen)
    content = {
        "Count": len(found),
        "Message": "Response returned successfully",
        "SearchCriteria": " | ".join(f"{_CRITERIA[name]}:{value}" for name, value in given.items()) or None,
        "Results": sort_rows(level, found),
        "Stale": False,
    }
    return current_app.json.dumps(content, separators=(",", ":")).encode()


def find(name: str, wanted: str, chosen: dict[str, Any]) -> list[int]:
    """Return the ids of what a caller chose by id or name, within what was chosen above."""
    found = database.fetch_all(database.query("dropdowns", f"find_{name}"), {**chosen, "wanted": wanted})
    if not found:
        above = [_CRITERIA[each] for each, value in chosen.items() if value is not None]
        within = f" for this {', '.join(above)}" if above else ""
        _refuse(name, f"there is no {name} {wanted!r}{within}")
    by_id = [row["id"] for row in found if row["by_id"]]
    return by_id or [row["id"] for row in found]


def _refuse(field: str, message: str) -> None:
    fail(404, f"{field}: {message}", [{"field": field, "message": message}])


def sort_rows(level: str, found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Sort as people expect: years downwards, names without regard to case, numbers in them by their value."""
    if level == "years":
        return sorted(found, key=lambda row: -row["ModelYear"])
    columns = _SORT_BY[level]
    return sorted(found, key=lambda row: [natural(row[column] or "~") for column in columns])


def natural(text: str) -> list[tuple[int, int, str]]:
    """Return a key by which F-150 stands before F-1000."""
    parts = _NUMBER.split(text.casefold())
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts if part]
