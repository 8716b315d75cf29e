"""The one shape in which every error leaves: {"error": {code, message, request_id, details}}."""

import logging
from typing import Any, NoReturn

from flask import Flask, Response, abort, g, jsonify, make_response, render_template, request
from pydantic import BaseModel, Field, ValidationError
from werkzeug.exceptions import HTTPException

from shared.errors import ConfigError, CronhouseError, TransientError

log = logging.getLogger("cronhouse.api")
RETRY_SECONDS = 5  # after a 503 that does not know better
STATEMENT_CANCELLED, NOT_POPULATED = "57014", "55000"
MISSING_TABLE_OR_SCHEMA = ("42P01", "3F000")

_CODES = {
    400: ("bad_request", "The request cannot be read."),
    401: ("unauthorized", "This needs an API key."),
    403: ("forbidden", "This key may not do that."),
    404: ("not_found", "There is nothing at this address."),
    405: ("method_not_allowed", "This address does not take that method."),
    409: ("conflict", "It is there already."),
    413: ("too_large", "The request's body is too large."),
    415: ("unsupported_media_type", "Send the body as application/json."),
    422: ("invalid", "A value is not valid."),
    429: ("too_many_requests", "Too many requests: wait before the next one."),
    500: ("internal", "Something went wrong on our side; the log has the details under this request id."),
    501: ("not_implemented", "This service does not have that."),
    503: ("unavailable", "This cannot be answered at the moment; try again shortly."),
}
# pydantic's words for these are about Python.
_MESSAGES = {
    "extra_forbidden": "there is no such parameter here",
    "int_parsing": "expected a whole number",
    "int_type": "expected a whole number",
    "missing": "is needed",
    "model_type": "expected a JSON object",
    "model_attributes_type": "expected a JSON object",
    "string_too_short": "is empty",
}


class Detail(BaseModel):
    """One thing that is wrong with the request."""

    field: str | None = Field(
        None, description="The parameter or the place in the body, e.g. `from` or `jobs.0`."
    )
    message: str


class ErrorContent(BaseModel):
    code: str = Field(description="A word for programs, e.g. `invalid`.")
    message: str = Field(description="A sentence for people.")
    request_id: str = Field(description="Also in the header X-Request-ID and in the server's log.")
    details: list[Detail] = []


class ErrorAnswer(BaseModel):
    """The shape of every error."""

    error: ErrorContent


RESPONSES: dict[Any, Any] = dict.fromkeys((401, 403, 404, 422, 429, 503), ErrorAnswer)


def fail(
    status: int,
    message: str | None = None,
    details: list[dict[str, Any]] | None = None,
    headers: dict[str, str] | None = None,
) -> NoReturn:
    """End the request with an error."""
    abort(error_response(status, message, details, headers))


def fail_field(field: str, message: str) -> NoReturn:
    """End the request because one parameter is wrong."""
    fail(422, f"{field}: {message}", [{"field": field, "message": message}])


def error_response(
    status: int,
    message: str | None = None,
    details: list[dict[str, Any]] | None = None,
    headers: dict[str, str] | None = None,
) -> Response:
    """Build an error: JSON, or a page when a person looks at the console."""
    code, default = _CODES.get(status, ("error", "The request failed."))
    content = {
        "code": code,
        "message": message or default,
        "request_id": g.get("request_id", "-"),
        "details": details or [],
    }
    if wants_page():
        response = make_response(render_template("error.html", status=status, error=content), status)
    else:
        response = make_response(jsonify({"error": content}), status)
    response.headers.extend(headers or {})
    response.headers["Cache-Control"] = "no-store"
    return response


def wants_page() -> bool:
    """Tell whether the request is a browser's for the console."""
    if request.path.startswith(("/api", "/health", "/ready", "/metrics", "/docs")):
        return False
    return request.accept_mimetypes.best_match(["application/json", "text/html"]) == "text/html"


def on_invalid_request(exc: ValidationError) -> Response:
    """Turn pydantic's findings into our shape; each names its field."""
    if request.method in ("POST", "PATCH", "PUT"):
        if not request.is_json:
            return error_response(415)
        if request.get_json(silent=True) is None and request.get_data() != b"null":
            return error_response(400, "The body is not valid JSON.")
    details = []
    for error in exc.errors(include_url=False, include_context=False):
        message = _MESSAGES.get(error["type"]) or error["msg"].removeprefix("Value error, ")
        details.append({"field": ".".join(map(str, error["loc"])) or None, "message": message})
    first = details[0]
    return error_response(422, ": ".join(filter(None, (first["field"], first["message"]))), details)


def register(app: Flask) -> None:
    """Register the handlers; the catch-all comes last."""
    app.register_error_handler(HTTPException, _on_http)
    app.register_error_handler(CronhouseError, _on_ours)
    app.register_error_handler(RecursionError, _on_depth)
    app.register_error_handler(Exception, _on_unexpected)


def _on_http(exc: HTTPException) -> Response:
    if exc.response is not None:  # made by fail()
        return exc.response  # type: ignore[return-value]
    status = exc.code or 500
    if status < 400:  # a redirect
        return exc.get_response()  # type: ignore[return-value]
    headers = {name: value for name, value in exc.get_headers() if name in ("Allow", "Retry-After")}
    message = None
    if status == 429:
        message = f"Too many requests: the limit is {exc.description}. Wait before the next one."
    elif status not in _CODES:
        message = exc.description
    return error_response(status, message, headers=headers)


def _on_ours(exc: CronhouseError) -> Response:
    """Say what can be done; names of hosts and tables stay in the log."""
    cause = getattr(exc.__cause__, "pgcode", None)
    if isinstance(exc, TransientError):
        log.warning("unavailable: %s", exc)
        g.retry_after = int(exc.retry_after or RETRY_SECONDS)
        return error_response(503)
    if cause == STATEMENT_CANCELLED:
        log.warning("too slow: %s", request.path)
        return error_response(503, "The answer took too long: ask for fewer days or use a narrower filter.")
    if cause in MISSING_TABLE_OR_SCHEMA or cause == NOT_POPULATED:
        log.error("not ready: %s", exc)
        return error_response(
            503, "The tables for this are not there yet: migrate, then run the workflow once."
        )
    if isinstance(exc, ConfigError) and "database" in str(exc).lower():
        log.error("%s", exc)
        return error_response(503)
    log.error("%s: %s", type(exc).__name__, exc, exc_info=exc)
    return error_response(500)


def _on_depth(_exc: RecursionError) -> Response:
    """Python's reader of JSON gives up on a body of many thousand brackets in each other."""
    log.warning("nested too deep: %s %s", request.method, request.path)
    return error_response(400, "The body is nested too deep.")


def _on_unexpected(exc: Exception) -> Response:
    log.error("unexpected %s on %s %s", type(exc).__name__, request.method, request.path, exc_info=exc)
    return error_response(500)
