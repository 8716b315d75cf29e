"""/api/rides: the history of a ride as it was posted, and its statistics by day and hour."""

import re
from collections import defaultdict
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from flask import Response, jsonify
from flask_openapi3 import APIBlueprint, Tag
from psycopg2 import sql
from pydantic import BaseModel, BeforeValidator, Field

from services.api import database
from services.api import ride_rows as rows
from services.api.answers import cached_json, csv_download, wants_csv
from services.api.errors import RESPONSES, fail
from services.api.parameters import MAX_LIMIT, Days, Paged, next_url, page_of
from services.api.retail import sorted_by

tag = Tag(
    name="rides",
    description="What a ride posted, and statistics of it, in its park's local days. With `Accept: text/csv` (or "
    "`format=csv`) all rows that match come as a file: paging is for JSON alone.",
)
api = APIBlueprint(
    "rides", __name__, url_prefix="/api/rides", abp_tags=[tag], abp_responses=RESPONSES,
    abp_security=[{"bearer": []}, {"key": []}],
)  # fmt: skip
_CURSOR = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z),(ARCHIVE|LIVE)")


def _cursor(value: Any) -> Any:
    match = _CURSOR.fullmatch(value) if isinstance(value, str) else None
    try:
        if match and datetime.fromisoformat(match[1]):
            return value
    except ValueError:
        pass  # a month 13: no cursor of ours either
    raise ValueError("take it from `page.next` of the page before")


Cursor = Annotated[str, BeforeValidator(_cursor)]


class RidePath(BaseModel):
    id: UUID = Field(description="UUID of the entity.")


class HistoryQuery(Days):
    data_source: rows.Source | None = Field(None, description="One source only.")
    sort: Literal["recorded_at", "-recorded_at"] = "-recorded_at"
    limit: int = Field(100, ge=1, le=MAX_LIMIT, description="Rows a page.")
    after: Cursor | None = Field(None, description="Where the page begins: see `page.next`.")
    format: Literal["json", "csv"] | None = Field(None, description="Else the Accept header decides.")


class StatisticsQuery(Days, Paged):
    by: Literal["day", "hour"] = "day"
    sort: Literal["time", "-time"] = "-time"
    format: Literal["json", "csv"] | None = Field(None, description="Else the Accept header decides.")


@api.get("/<id>/history", responses={200: rows.HistoryPage}, summary="Every snapshot, newest first")
def history(path: RidePath, query: HistoryQuery) -> Any:
    ride = find_ride(path.id)
    statement, values = history_of(ride, query)
    if wants_csv():
        return csv_download("history", statement, {**values, "limit": None})
    found = database.fetch_all(statement, {**values, "limit": query.limit + 1})
    data = add_queues(ride, found[: query.limit])
    more = len(found) > query.limit
    following = next_url(after=f"{data[-1]['recorded_at']},{data[-1]['data_source']}") if more else None
    response: Response = jsonify(ride=shown(ride), data=data, page={"limit": query.limit, "next": following})
    response.headers["Cache-Control"] = "private, no-cache"
    return response


def add_queues(ride: dict[str, Any], snapshots: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Put to each snapshot of a page the queues other than standby that it named."""
    if not snapshots:
        return []
    ends = sorted((snapshots[0]["recorded_at"], snapshots[-1]["recorded_at"]))
    values = {"ride_id": ride["ride_id"], "first_at": ends[0], "last_at": ends[1]}
    named: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for queue in database.fetch_all(database.query("rides", "queues"), values):
        named[queue.pop("recorded_at"), queue.pop("data_source")].append(queue)
    return [{**row, "queues": named.get((row["recorded_at"], row["data_source"]), [])} for row in snapshots]


def history_of(ride: dict[str, Any], query: HistoryQuery) -> tuple[sql.Composed, dict[str, Any]]:
    """Return the statement of a page and its values, `limit` apart.

    Bounds are instants by then, and a page begins at its cursor: months before and after are not touched.
    """
    days = {"park_id": ride["park_id"], "from": query.from_, "to": query.to}
    bounds = database.fetch_one(database.query("rides", "bounds"), days) or {}
    from_at = bounds["from_at"] if query.from_ else None
    to_at = bounds["to_at"] if query.to else None
    upwards = query.sort == "recorded_at"
    after_at, after_source = query.after.split(",") if query.after else (None, None)
    values = {
        **ride, "from_at": from_at, "to_at": to_at, "data_source": query.data_source, "after_at": after_at,
        "after_source": after_source,
    }  # fmt: skip
    statement = sql.SQL(database.query("rides", "history")).format(
        compare=sql.SQL(">" if upwards else "<"),
        bound=sql.SQL(">=" if upwards else "<="),
        order=sql.SQL("ASC" if upwards else "DESC"),
    )
    return statement, values


@api.get("/<id>/stats", responses={200: rows.StatisticsPage}, summary="Statistics by local day or hour")
def statistics(path: RidePath, query: StatisticsQuery) -> Any:
    name, column = ("daily", "local_date") if query.by == "day" else ("hourly", "hour_start")
    direction = "-" if query.sort.startswith("-") else ""
    statement = sorted_by(database.query("rides", name), direction + column)
    values = query.model_dump(by_alias=True)
    if wants_csv():
        ride = find_ride(path.id)
        return csv_download(f"{name}-statistics", statement, {**values, **ride, "limit": None, "offset": 0})

    def build() -> dict[str, Any]:
        ride = find_ride(path.id)
        found = database.fetch_all(statement, {**values, **ride, "limit": query.limit + 1})
        return {"ride": shown(ride), **page_of(found, query.limit, query.offset)}

    return cached_json(read_version, build)


def find_ride(entity_id: UUID) -> dict[str, Any]:
    """Find a ride or end the request with 404."""
    ride = database.fetch_one(database.query("rides", "ride"), {"entity_id": str(entity_id)})
    if ride is None:
        fail(404, f"There is no ride {entity_id}.")
    return ride


def shown(ride: dict[str, Any]) -> dict[str, Any]:
    """Return what answers say of a ride: its short key is nobody's business."""
    return {name: value for name, value in ride.items() if name != "ride_id"}


def read_version() -> Any:
    """Return when statistics were written last: answers hold until then."""
    return database.fetch_value(database.query("rides", "version"))
