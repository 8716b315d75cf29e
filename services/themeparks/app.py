"""The Flask app: paths, errors and RateLimit headers of api.themeparks.wiki/v1."""

import re
import threading
import time
from typing import Any
from zoneinfo import ZoneInfo

from flask import Flask, Response, current_app, jsonify, request

from services.themeparks import faults
from services.themeparks.clock import Clock
from services.themeparks.hours import Hours
from services.themeparks.world import FIRST_POLL, SLUGS, Entity, World

DAYS_AHEAD = 31
WINDOW = 60  # seconds


def create_app(poll: int | None = None, with_faults: bool = False, limit: int = 300) -> Flask:
    """Build the app. `poll` is where its clock stands, `limit` the requests a minute that an address may make."""
    app = Flask("services.themeparks", static_folder=None)
    app.json.sort_keys = False  # type: ignore[attr-defined]
    world = World()
    clock = Clock(FIRST_POLL, len(world.polls), poll)
    app.extensions.update(world=world, clock=clock, hours=Hours(), budget=Budget(limit))
    app.before_request(_refuse_too_many)
    app.after_request(_tell_budget)
    app.register_error_handler(404, lambda exc: problem(404, "Not found", "Not found"))
    app.get("/health", endpoint="health")(
        lambda: jsonify(status="ok", now=clock.now().isoformat(), poll=clock.poll())
    )
    app.get("/v1/destinations", endpoint="destinations")(lambda: jsonify(world.destinations))
    app.get("/v1/entity/<name>")(_entity)
    app.get("/v1/entity/<name>/children")(_children)
    app.get("/v1/entity/<name>/live")(_live)
    app.get("/v1/entity/<name>/schedule")(_schedule)
    app.get("/v1/entity/<name>/schedule/<year>/<month>")(_month)
    app.post("/_clock")(_set_clock)
    if with_faults:
        faults.install(app)
    return app


class Budget:
    """Requests that are left in the running minute."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._lock = threading.Lock()
        self._window, self._used = 0, 0

    def spend(self) -> bool:
        """Take one; False when none is left."""
        with self._lock:
            window = int(time.time() // WINDOW)
            if window != self._window:
                self._window, self._used = window, 0
            self._used += 1
            return self._used <= self.limit

    def headers(self) -> dict[str, str]:
        """Return the RateLimit headers."""
        left = max(0, self.limit - self._used)
        return {
            "RateLimit-Limit": str(self.limit), "RateLimit-Policy": f"{self.limit};w={WINDOW}",
            "RateLimit-Remaining": str(left), "RateLimit-Reset": str(WINDOW - int(time.time()) % WINDOW),
        }  # fmt: skip


def problem(status: int, kind: str, message: str) -> tuple[Response, int]:
    """Answer with an error of the API's shape."""
    return jsonify(success=False, error={"type": kind, "message": message, "code": status}), status


def _refuse_too_many() -> Any:
    if not request.path.startswith("/v1/") or current_app.extensions["budget"].spend():
        return None
    wait = WINDOW - int(time.time()) % WINDOW
    answer = jsonify(error="Too Many Requests", message="Too Many Requests", retryAfter=wait)
    answer.headers["Retry-After"] = str(wait)
    return answer, 429


def _tell_budget(response: Response) -> Response:
    if request.path.startswith("/v1/"):
        for name, value in current_app.extensions["budget"].headers().items():
            response.headers.setdefault(name, value)
    return response


def _set_clock() -> Any:
    """POST /_clock {"poll": 3} stands at a poll, {"poll": null} follows the real time."""
    try:
        current_app.extensions["clock"].stand_at(request.get_json().get("poll"))
    except ValueError as exc:
        return jsonify(error=str(exc)), 400
    return jsonify(now=current_app.extensions["clock"].now().isoformat())


def _found(name: str) -> Entity | None:
    world: World = current_app.extensions["world"]
    return world.find(name)


def _missing(name: str) -> tuple[Response, int]:
    return problem(404, "Not found", f"Entity {name} not found")


def _entity(name: str) -> Any:
    entity = _found(name)
    return _missing(name) if entity is None else jsonify(entity)


def _head(entity: Entity) -> Entity:
    return {key: entity[key] for key in ("id", "name", "entityType", "timezone")}


def _children(name: str) -> Any:
    entity = _found(name)
    if entity is None:
        return _missing(name)
    return jsonify({**_head(entity), "children": current_app.extensions["world"].below(entity)})


def _live(name: str) -> Any:
    entity = _found(name)
    if entity is None:
        return _missing(name)
    world, clock = current_app.extensions["world"], current_app.extensions["clock"]
    return jsonify({**_head(entity), "liveData": world.live(entity, clock)})


def _schedule(name: str) -> Any:
    entity = _found(name)
    if entity is None:
        return _missing(name)
    now = current_app.extensions["clock"].now()
    today = now.astimezone(ZoneInfo(entity["timezone"])).date()
    hours: Hours = current_app.extensions["hours"]
    shown = {park: hours.days(slug, today, DAYS_AHEAD) for park, slug in SLUGS.items()}
    return jsonify(_with_schedule(entity, shown))


def _month(name: str, year: str, month: str) -> Any:
    entity = _found(name)
    if entity is None:
        return _missing(name)
    if not re.fullmatch(r"20\d\d", year) or not re.fullmatch(r"0[1-9]|1[0-2]", month):
        return problem(400, "Bad request", "year and month must be numbers like 2026/05")
    hours: Hours = current_app.extensions["hours"]
    shown = {park: hours.month(park, slug, int(year), int(month)) for park, slug in SLUGS.items()}
    return jsonify(_with_schedule(entity, shown))


def _with_schedule(entity: Entity, shown: dict[str, list[Entity]]) -> Entity:
    if entity["entityType"] != "DESTINATION":
        return {**_head(entity), "schedule": shown.get(entity["id"], [])}
    world: World = current_app.extensions["world"]
    parks = [{**_head(world.entities[park]), "schedule": entries} for park, entries in shown.items()]
    return {**_head(entity), "schedule": [], "parks": parks}
