"""What requests may carry: bases and types shared by the blueprints. Unknown parameters are refused, so
that a misspelt filter never looks like an answer to the question."""

from datetime import date, timedelta
from functools import cache
from typing import Annotated, Any

from flask import Response, request
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from werkzeug.urls import iri_to_uri

from services.api.errors import error_response

MAX_LIMIT = 1000
MAX_OFFSET = 1_000_000
FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2200, 12, 31)


def _day(value: Any) -> Any:
    """Take YYYY-MM-DD only: pydantic alone would read 1704067200 as a date too."""
    if isinstance(value, date):
        return value
    try:
        day = date.fromisoformat(value) if isinstance(value, str) and len(value) == 10 else None
    except ValueError:
        day = None
    if day is None or not FIRST_DAY <= day <= LAST_DAY:
        raise ValueError("expected a day such as 2026-01-31")
    return day


def _storable(value: Any) -> Any:
    """Refuse what PostgreSQL cannot keep; JSON can write both, as \\u0000 and \\ud800."""
    if isinstance(value, str) and "\x00" in value:
        raise ValueError("a NUL character cannot be part of it")
    if isinstance(value, str) and not value.isascii() and any("\ud800" <= char <= "\udfff" for char in value):
        raise ValueError("half of a surrogate pair cannot be part of it")
    return value


Day = Annotated[date, BeforeValidator(_day)]
Text = Annotated[str, Field(min_length=1, max_length=200), BeforeValidator(_storable)]
Id = Annotated[int, Field(ge=1, le=2**63 - 1)]


def refuse_repeated() -> Response | None:
    """Refuse a parameter that stands twice: every one of ours has one value, and the others would be dropped."""
    names = [name for name, values in request.args.lists() if len(values) > 1]
    if not names or request.endpoint is None:
        return None
    details = [{"field": name, "message": "stands more than once; give one value"} for name in names]
    return error_response(422, f"{names[0]}: {details[0]['message']}", details)


@cache
def _schema_of(model: type[BaseModel]) -> dict[str, Any]:
    return super(Parameters, model).model_json_schema()


class Parameters(BaseModel):
    """Parameters of an address.

    flask_openapi3 asks for their JSON schema with every request, which takes longer to make than most answers: it is
    made once. Nobody may change it.
    """

    @classmethod
    def model_json_schema(cls, *args: Any, **options: Any) -> dict[str, Any]:
        """Return the schema; one that is asked for in another form is made anew."""
        return super().model_json_schema(*args, **options) if args or options else _schema_of(cls)


class Strict(Parameters):
    """Refuses what it does not know."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class Days(Strict):
    """A range of days, both ends included."""

    from_: Day | None = Field(None, alias="from", description="First day, YYYY-MM-DD.")
    to: Day | None = Field(None, description="Last day, YYYY-MM-DD.")

    @model_validator(mode="after")
    def _in_order(self) -> "Days":
        if self.from_ and self.to and self.from_ > self.to:
            raise ValueError("`from` is after `to`")
        return self


class Paged(Strict):
    """A page of rows by offset."""

    limit: int = Field(100, ge=1, le=MAX_LIMIT, description="Rows a page.")
    offset: int = Field(0, ge=0, le=MAX_OFFSET, description="Rows to leave out before the first one.")


def page_of(rows: list[dict[str, Any]], limit: int, offset: int) -> dict[str, Any]:
    """Return a page from limit + 1 rows: `next` is the address of the next page, null at the end."""
    more = len(rows) > limit
    return {
        "data": rows[:limit],
        "page": {"limit": limit, "offset": offset, "next": next_url(offset=offset + limit) if more else None},
    }


def next_url(**changes: Any) -> str:
    """Return this request's address with some parameters changed."""
    from urllib.parse import urlencode

    values = {**request.args.to_dict(), **{name: str(value) for name, value in changes.items()}}
    return iri_to_uri(f"{request.path}?{urlencode(values)}")


def days_between(first: date, last: date) -> list[date]:
    """List the days from first to last, both included."""
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]
