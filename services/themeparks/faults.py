"""Misbehave on demand. Only when started with --faults or THEMEPARKS_FAULTS=1; the names are in README.md.

POST /_faults {"fault": NAME, "times": N, "path": PART, ...} hits the next N requests whose path holds PART (default
one of any path); POST /_answers {"path": P, "body": B} answers B in the place of P from then on.
"""

import json
import threading
import time
from collections.abc import Iterator
from typing import Any

from flask import Flask, Response, jsonify, request

NAMES = ("latency", "rate_limit", "server_error", "html", "half_json", "cut_body")


class Faults:
    """The faults that are switched on, the answers that are replaced, and the requests that came."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._active: list[dict[str, Any]] = []
        self.answers: dict[str, Any] = {}
        self.requests: list[dict[str, Any]] = []

    def add(self, wish: dict[str, Any]) -> dict[str, Any]:
        """Switch a fault on.

        Raises:
            ValueError: there is no fault of that name.
        """
        if wish.get("fault") not in NAMES:
            raise ValueError(f"no fault is called {wish.get('fault')!r}; there are {', '.join(NAMES)}")
        fault = {"path": "", **wish, "times": int(wish.get("times", 1))}
        with self._lock:
            self._active.append(fault)
        return fault

    def take(self, name: str) -> dict[str, Any] | None:
        """Use a fault up once if it is on for this request."""
        with self._lock:
            for fault in self._active:
                if fault["fault"] == name and fault["path"] in request.path:
                    fault["times"] -= 1
                    if fault["times"] <= 0:
                        self._active.remove(fault)
                    return fault
        return None

    def note(self) -> None:
        """Remember who asked what when: tests look whether a client was polite."""
        agent = request.headers.get("User-Agent", "")
        with self._lock:
            self.requests.append({"path": request.path, "user_agent": agent, "at": time.time()})

    def clear(self) -> None:
        """Behave well again, and forget."""
        with self._lock:
            self._active.clear()
            self.requests.clear()
            self.answers.clear()


def install(app: Flask) -> None:
    """Let the app misbehave, and be told to."""
    faults = Faults()

    @app.post("/_faults")
    def add_fault() -> tuple[Response, int]:
        try:
            return jsonify(faults.add(request.get_json())), 201
        except (ValueError, TypeError) as exc:
            return jsonify(error=str(exc)), 400

    @app.delete("/_faults")
    def clear_faults() -> tuple[str, int]:
        faults.clear()
        return "", 204

    @app.post("/_answers")
    def replace_answer() -> tuple[str, int]:
        wish = request.get_json()
        faults.answers[wish["path"]] = wish["body"]
        return "", 204

    @app.get("/_requests")
    def list_requests() -> Response:
        return jsonify(faults.requests)

    @app.before_request
    def instead() -> Response | None:
        if _is_own():
            return None
        faults.note()
        if fault := faults.take("latency"):
            time.sleep(float(fault.get("seconds", 1)))
        if fault := faults.take("rate_limit"):
            return _rate_limit(fault)
        if fault := faults.take("server_error"):
            status = int(fault.get("status", 500))
            error = {"type": "Server error", "message": "plan unavailable", "code": status}
            return _json({"success": False, "error": error}, status)
        if faults.take("html"):
            return Response("<!doctype html><title>Down for maintenance</title>", mimetype="text/html")
        if request.path in faults.answers:
            body = faults.answers[request.path]
            return Response(body, mimetype="application/json") if isinstance(body, str) else _json(body, 200)
        return None

    @app.after_request
    def spoil_body(response: Response) -> Response:
        if _is_own() or response.status_code != 200:
            return response
        if faults.take("half_json"):
            body = response.get_data()
            response.set_data(body[: len(body) // 2])
        return _cut(response) if faults.take("cut_body") else response


def _is_own() -> bool:
    return request.path.startswith("/_") or request.path == "/health"


def _json(body: Any, status: int) -> Response:
    return Response(json.dumps(body, ensure_ascii=False), status, mimetype="application/json")


def _rate_limit(fault: dict[str, Any]) -> Response:
    wait = fault.get("retry_after", 1)
    body = {"error": "Too Many Requests", "message": "Too Many Requests", "retryAfter": wait}
    response = _json(body, 429)
    response.headers.update({"RateLimit-Remaining": "0", "RateLimit-Reset": str(wait)})
    if not fault.get("reset_only"):
        response.headers["Retry-After"] = str(wait)
    return response


def _cut(response: Response) -> Response:
    """Announce the whole body, send half and close the connection."""
    body = response.get_data()

    def half() -> Iterator[bytes]:
        yield body[: len(body) // 2]
        raise ConnectionResetError("the fault cut_body ends the connection here")

    cut = Response(half(), headers=response.headers)
    cut.headers["Content-Length"] = str(len(body))
    return cut
