"""What Square's API asks and answers: bodies that are checked, JSON, errors in its shape."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from flask import Response, request

from services.retailers import faults
from services.retailers.square_ids import to_number

TIMES = {"CREATED_AT": "sold_at", "UPDATED_AT": "updated_at", "CLOSED_AT": "sold_at"}
DIRECTIONS = {"ASC": ("ASC", ">"), "DESC": ("DESC", "<")}
MAX_LOCATIONS = 10


class Problem(Exception):
    """An answer in Square's shape of errors."""

    def __init__(self, status: int, code: str, detail: str, field: str | None = None) -> None:
        self.status, self.code, self.detail, self.field = status, code, detail, field
        super().__init__(detail)


def read_body() -> dict:
    """Read the body of the request."""
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        raise Problem(400, "EXPECTED_JSON_BODY", "Request body is not a JSON object.")
    return body


def read_locations(body: dict, known: Iterable[str]) -> list[str]:
    """Read which stores to search; all must be known."""
    ids = body.get("location_ids")
    if not ids or not isinstance(ids, list):
        raise Problem(
            400, "MISSING_REQUIRED_PARAMETER", "Must provide at least one location_id.", "location_ids"
        )
    if len(ids) > MAX_LOCATIONS:
        raise Problem(
            400, "BAD_REQUEST", f"Cannot provide more than {MAX_LOCATIONS} location_ids.", "location_ids"
        )
    if unknown := sorted(set(ids) - set(known)):
        raise Problem(400, "INVALID_LOCATION", f"Location not found: {unknown[0]}", "location_ids")
    return ids


def read_query(query: dict) -> tuple[str, str, dict]:
    """Read filter and sort: the field of time, the direction and the values of search_page."""
    sort, wishes = query.get("sort") or {}, query.get("filter") or {}
    field, direction = sort.get("sort_field", "CREATED_AT"), sort.get("sort_order", "DESC")
    if field not in TIMES or direction not in DIRECTIONS:
        raise Problem(400, "BAD_REQUEST", "sort_field or sort_order is none of the known ones.", "query.sort")
    start = end = None
    for name, span in (wishes.get("date_time_filter") or {}).items():
        if name.upper() != field:
            detail = "The sort_field must match the timestamp field used in date_time_filter."
            raise Problem(400, "BAD_REQUEST", detail, "query.sort.sort_field")
        start, end = (_moment(span, edge, name) for edge in ("start_at", "end_at"))
    if start and end and start > end:
        raise Problem(400, "INVALID_TIME_RANGE", "start_at is after end_at.", "query.filter.date_time_filter")
    customers = (wishes.get("customer_filter") or {}).get("customer_ids")
    states = (wishes.get("state_filter") or {}).get("states")
    wanted = {
        "start_at": start,
        "end_at": end,
        "customers": [to_number("customer", i) for i in customers] if customers else None,
        "nothing": bool(states) and "COMPLETED" not in states,
    }
    return field, direction, wanted


def _moment(span: dict, edge: str, name: str) -> datetime | None:
    if not span.get(edge):
        return None
    place = f"query.filter.date_time_filter.{name}.{edge}"
    try:
        moment = datetime.fromisoformat(span[edge])
    except (TypeError, ValueError) as exc:
        raise Problem(400, "INVALID_TIME", "Invalid RFC 3339 timestamp.", place) from exc
    if moment.tzinfo is None:
        raise Problem(400, "INVALID_TIME", "Invalid RFC 3339 timestamp: it has no offset.", place)
    return moment


def read_number(kind: str, cursor: str | None) -> int | None:
    """Read a cursor that is the id of the last thing shown; None on the first page."""
    if not cursor:
        return None
    number = to_number(kind, cursor)
    if number is None:
        raise Problem(400, "INVALID_CURSOR", "The pagination cursor is invalid.", "cursor")
    return number


def read_integer(values: Any, name: str, default: int, high: int) -> int:
    """Read a whole number from 1 to `high`."""
    value = values.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not str(value).lstrip("-").isdecimal():
        raise Problem(400, "EXPECTED_INTEGER", "Expected an integer value.", name)
    if int(value) < 1:
        raise Problem(400, "VALUE_TOO_LOW", f"`{name}` must be at least 1.", name)
    if int(value) > high:
        raise Problem(400, "VALUE_TOO_HIGH", f"`{name}` must not be greater than {high}.", name)
    return int(value)


def read_list(body: dict, name: str, most: int) -> list[str]:
    """Read a list of ids that must be there."""
    values = body.get(name)
    if not values or not isinstance(values, list):
        raise Problem(400, "MISSING_REQUIRED_PARAMETER", "Missing required parameter.", name)
    if len(values) > most:
        raise Problem(400, "VALUE_TOO_LONG", f"`{name}` must not hold more than {most} values.", name)
    return [str(value) for value in values]


CATEGORIES = {
    401: "AUTHENTICATION_ERROR",
    429: "RATE_LIMIT_ERROR",
    500: "API_ERROR",
    502: "API_ERROR",
    503: "API_ERROR",
}
CODES = {429: "RATE_LIMITED", 500: "INTERNAL_SERVER_ERROR", 502: "BAD_GATEWAY", 503: "SERVICE_UNAVAILABLE"}


def answer(value: Any, status: int = 200) -> Response:
    """Answer with JSON."""
    return Response(faults.dumps(value), status, mimetype="application/json")


def problem(code: str, detail: str, field: str | None = None, status: int = 400) -> dict:
    """Write one error."""
    document = {"category": CATEGORIES.get(status, "INVALID_REQUEST_ERROR"), "code": code, "detail": detail}
    return {**document, "field": field} if field else document


def error(status: int, code: str, detail: str, field: str | None = None) -> Response:
    """Answer with one error."""
    return answer({"errors": [problem(code, detail, field, status)]}, status)


def general_error(status: int, kind: str) -> Response:
    """Answer with an error that has nothing to do with the request."""
    detail = "The request was rate limited." if kind == "rate_limit" else "An internal error has occurred."
    return error(status, CODES.get(status, "INTERNAL_SERVER_ERROR"), detail)


def show_version(response: Response) -> Response:
    """Name the version of the API that answered, as asked for."""
    response.headers["Square-Version"] = request.headers.get("Square-Version", "2026-09-16")
    return response
