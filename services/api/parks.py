"""/api/parks and /api/attractions: parks, what their rides post now, and attractions near a point."""

import math
from typing import Any, Literal
from uuid import UUID

from flask_openapi3 import APIBlueprint, Tag
from pydantic import BaseModel, Field

from services.api import database
from services.api import parks_rows as rows
from services.api.answers import cached_json, csv_download, wants_csv
from services.api.errors import RESPONSES, fail
from services.api.parameters import Paged, page_of
from services.api.retail import sorted_by

EARTH = 6_371_008.8  # metres, mean radius; queries/parks.sql has the same
SLACK = 1.000001  # what a box is larger than the circle in it, for the last digit of a float

tag = Tag(
    name="parks",
    description="Theme parks now. Times are UTC. With `Accept: text/csv` (or `format=csv`) all rows come as a file.",
)
api = APIBlueprint(
    "parks",
    __name__,
    url_prefix="/api",
    abp_tags=[tag],
    abp_responses=RESPONSES,
    abp_security=[{"bearer": []}, {"key": []}],
)


class Listed(Paged):
    format: Literal["json", "csv"] | None = Field(None, description="Else the Accept header decides.")


class ParksQuery(Listed):
    destination: UUID | None = Field(None, description="Parks of one destination only.")
    sort: Literal["name", "-name"] = "name"


class ParkPath(BaseModel):
    park_id: UUID


class LiveQuery(Listed):
    entity_type: Literal["ATTRACTION", "SHOW", "RESTAURANT", "HOTEL", "PARK"] | None = None
    status: Literal["OPERATING", "DOWN", "CLOSED", "REFURBISHMENT", "UNKNOWN"] | None = None
    sort: Literal["name", "-name", "wait_minutes", "-wait_minutes"] = "name"


class NearQuery(Listed):
    lat: float = Field(
        ge=-90, le=90, allow_inf_nan=False, description="Latitude of the point, degrees (WGS 84)."
    )
    lon: float = Field(ge=-180, le=180, allow_inf_nan=False, description="Longitude of the point, degrees.")
    radius: float = Field(
        500, gt=0, le=100_000, allow_inf_nan=False, description="Metres, as the crow flies."
    )
    indoor: bool | None = Field(
        None, description="Indoors only, or outdoors only; what is not known is in neither."
    )
    max_height_cm: int | None = Field(
        None, ge=0, le=300,
        description="Only what somebody so tall may ride. Attractions without a known limit are in the answer.",
    )  # fmt: skip


@api.get("/parks", responses={200: rows.ParksPage}, summary="Parks with today's hours")
def parks(query: ParksQuery) -> Any:
    return _answer("parks", query, _version, ("name", "park_id"))


@api.get(
    "/parks/<string:park_id>/live",
    responses={200: rows.LivePage},
    summary="What everything in a park posts now",
)
def live(path: ParkPath, query: LiveQuery) -> Any:
    return _answer("live", query, _version, ("name", "entity_id"), str(path.park_id))


@api.get(
    "/attractions/near",
    responses={200: rows.NearbyPage},
    summary="Attractions within a radius of a point, nearest first",
)
def near(query: NearQuery) -> Any:
    return _answer("near", query, _near_version, ())


def _answer(name: str, query: Any, version: Any, key: tuple[str, ...], park_id: str | None = None) -> Any:
    """Answer a query of queries/parks.sql with a page of JSON from the cache, or with all rows as CSV."""
    values = {**query.model_dump(), "park_id": park_id}
    values = {field: str(value) if isinstance(value, UUID) else value for field, value in values.items()}
    statement = database.query("parks", name)
    ordered = sorted_by(statement, values.pop("sort"), *key) if key else statement
    if name == "near":
        values |= boxes(query.lat, query.lon, query.radius)
    if wants_csv():
        _find_park(park_id)
        return csv_download(name, ordered, {**values, "limit": None, "offset": 0})

    def build() -> dict[str, Any]:
        head = _find_park(park_id)
        found = database.fetch_all(ordered, {**values, "limit": query.limit + 1})
        return {**head, **page_of(found, query.limit, query.offset)}

    return cached_json(version, build)


def _find_park(park_id: str | None) -> dict[str, Any]:
    if park_id is None:
        return {}
    park = database.fetch_one(database.query("parks", "park"), {"park_id": park_id})
    if park is None:
        fail(404, f"There is no park {park_id}; /api/parks lists them.")
    return park


def boxes(lat: float, lon: float, radius: float) -> dict[str, float | None]:
    """Return the box in degrees that holds the circle; two where it crosses the 180th meridian.

    The widest place of a circle on a sphere is not at its centre's latitude: asin(sin(r) / cos(lat)), and all
    around where a pole is inside (J. P. Matuschek, "Finding points within a distance of a latitude/longitude").
    """
    angle = radius / EARTH * SLACK
    south, north = lat - math.degrees(angle), lat + math.degrees(angle)
    if south <= -90 or north >= 90:
        return {
            "south": max(south, -90),
            "north": min(north, 90),
            "west": -180,
            "east": 180,
            "west2": None,
            "east2": None,
        }
    width = math.degrees(math.asin(math.sin(angle) / math.cos(math.radians(lat))))
    west, east = lon - width, lon + width
    found: dict[str, float | None] = {"south": south, "north": north, "west2": None, "east2": None}
    if west < -180:
        return {**found, "west": -180, "east": east, "west2": west + 360, "east2": 180}
    if east > 180:
        return {**found, "west": west, "east": 180, "west2": -180, "east2": east - 360}
    return {**found, "west": west, "east": east}


def _version() -> Any:
    return database.fetch_value(database.query("parks", "version"))


def _near_version() -> Any:
    return database.fetch_value(database.query("parks", "near_version"))
