"""Year over year of a ride, a park and everything: posted waits of local days against those of a year before."""

from typing import Any, Literal
from uuid import UUID

from flask_openapi3 import APIBlueprint, Tag
from psycopg2 import sql
from pydantic import BaseModel, Field

from services.api import database
from services.api import ride_rows as rows
from services.api.answers import cached_json, csv_download, wants_csv
from services.api.errors import RESPONSES, fail
from services.api.parameters import MAX_LIMIT, MAX_OFFSET, Days, page_of
from services.api.rides import RidePath, find_ride, read_version

tag = Tag(
    name="year over year",
    description="Posted waits of a stretch of local days against those of a year before: by month, by day, or by "
    "hour of the local clock over the whole stretch. Without `to` it ends on the newest day with statistics, "
    "without `from` it is a year long, so that a month that has just begun is held against as many days.",
)
api = APIBlueprint(
    "yoy", __name__, url_prefix="/api", abp_tags=[tag], abp_responses=RESPONSES,
    abp_security=[{"bearer": []}, {"key": []}],
)  # fmt: skip
KEYS = {"month": "month_start", "day": "local_date", "hour": "local_hour"}


class ComparisonQuery(Days):
    by: Literal["month", "day", "hour"] = "month"
    align: Literal["date", "weekday"] = Field(
        "date",
        description="What a day is held against: the same date of the year before (29 February: nothing), or "
        "the day 364 days before, which is the same weekday.",
    )
    limit: int = Field(400, ge=1, le=MAX_LIMIT, description="Rows a page.")
    offset: int = Field(0, ge=0, le=MAX_OFFSET, description="Rows to leave out before the first one.")
    format: Literal["json", "csv"] | None = Field(None, description="Else the Accept header decides.")


class ParkPath(BaseModel):
    id: UUID = Field(description="UUID of the park.")


@api.get("/rides/<id>/yoy", responses={200: rows.ComparisonPage}, summary="Year over year of a ride")
def of_ride(path: RidePath, query: ComparisonQuery) -> Any:
    return answer(query, ride=path.id)


@api.get("/parks/<id>/yoy", responses={200: rows.ComparisonPage}, summary="Year over year of a park")
def of_park(path: ParkPath, query: ComparisonQuery) -> Any:
    return answer(query, park=path.id)


@api.get("/parks/yoy", responses={200: rows.ComparisonPage}, summary="Year over year of all parks together")
def of_everything(query: ComparisonQuery) -> Any:
    return answer(query)


def answer(query: ComparisonQuery, ride: UUID | None = None, park: UUID | None = None) -> Any:
    """Answer with a page of JSON from the cache, or with all rows as CSV."""
    if wants_csv():
        values = choose_days(query, find_scope(ride, park))
        everything = {**values, "limit": None, "offset": 0}
        return csv_download(f"year-over-year-by-{query.by}", comparison(query.by, values), everything)

    def build() -> dict[str, Any]:
        values = choose_days(query, find_scope(ride, park))
        found = database.fetch_all(comparison(query.by, values), {**values, "limit": query.limit + 1})
        period = {name: values[name] for name in rows.Period.model_fields}
        return {
            "period": period if values["last_day"] else None,
            **page_of(found, query.limit, query.offset),
        }

    return cached_json(read_version, build)


def find_scope(ride: UUID | None, park: UUID | None) -> dict[str, Any]:
    """Return the keys that narrow the answer, or end the request with 404."""
    if ride is not None:
        return {"ride_id": find_ride(ride)["ride_id"], "park_id": None}
    if park is None:
        return {"ride_id": None, "park_id": None}
    if database.fetch_one(database.query("yoy", "park"), {"park_id": str(park)}) is None:
        fail(404, f"There is no park {park}.")
    return {"ride_id": None, "park_id": str(park)}


def choose_days(query: ComparisonQuery, scope: dict[str, Any]) -> dict[str, Any]:
    """Return the values of a comparison: its days and those a year before, null while there is nothing."""
    values = {**query.model_dump(by_alias=True), **scope}
    if values["to"] is None:
        newest = sql.SQL(database.query("yoy", "newest_day")).format(**fragments(scope))
        values["to"] = database.fetch_value(newest, scope)
        if values["to"] and values["from"]:
            values["to"] = max(values["to"], values["from"])
    return {**values, **(database.fetch_one(database.query("yoy", "period"), values) or {})}


def comparison(by: str, values: dict[str, Any]) -> sql.Composed:
    """Return the statement that compares by month, day or hour."""
    held = sql.SQL(database.query("yoy", f"by_{by}")).format(**fragments(values))
    return sql.SQL(database.query("yoy", "comparison")).format(held=held, key=sql.Identifier(KEYS[by]))


def fragments(scope: dict[str, Any]) -> dict[str, sql.SQL]:
    """Return where days and hours are read: of a ride, or of parks."""
    what = "parks" if scope["ride_id"] is None else "ride"
    return {kind: sql.SQL(database.query("yoy", f"{kind}_of_{what}")) for kind in ("days", "hours")}
