"""What the public API says about destinations, parks and what is in them, and their published hours.

    GET /destinations                        all destinations with their parks
    GET /entity/{destination}/children       parks and all that is in them, places included
    GET /entity/{id}                         one entity: height, tags, attributes
    GET /entity/{park}/schedule/2026/05      opening hours of a month

Heights come in two shapes, both read: an attribute in centimetres (`minimumHeight`), or a tag with its unit
(`MINIMUM_HEIGHT`: {height: 44, unit: in}). Indoor or outdoor is in none of them.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from services.ingestion.parks.ids import read_uuid
from services.ingestion.parks.values import show_raw, tidy
from services.ingestion.sources.parks_live import Issue, read_name
from shared.errors import FatalError

INCH = 2.54  # centimetres
LOWEST, HIGHEST = 30, 250  # heights that a rule of a ride can mean, cm
BOX = 0.2  # degrees of latitude (22 km) that an attraction may be away from its park, east and west likewise
LONGEST_DAY = timedelta(hours=36)
KINDS = ("OPERATING", "TICKETED_EVENT", "PRIVATE_EVENT", "EXTRA_HOURS", "INFO")
_OWN = {"id", "name", "entityType", "timezone", "slug", "parentId", "destinationId", "parkId", "location",
        "externalId", "attractionType", "tags", "children"}  # fmt: skip
_HEIGHTS = {
    "min_height_cm": ("minimumHeight", "MINIMUM_HEIGHT"),
    "min_height_unaccompanied_cm": ("minimumHeightUnaccompanied", "MINIMUM_HEIGHT_UNACCOMPANIED"),
    "max_height_cm": ("maximumHeight", "MAXIMUM_HEIGHT"),
}
Tell = Callable[[str, str, str], None]
Place = tuple[float, float]  # latitude, longitude


@dataclass
class Details:
    """What is known of an entity. Heights in cm, rounded once."""

    entity_id: str
    name: str | None
    slug: str | None
    entity_type: str | None
    attraction_type: str | None
    park_id: str | None
    external_id: str | None
    timezone: str | None
    place: Place | None
    heights: dict[str, int | None]
    tags: list[Any]
    attributes: dict[str, Any]
    issues: list[Issue] = field(default_factory=list)


@dataclass(frozen=True)
class Hours:
    """A stretch of published hours; instants in UTC."""

    local_date: date
    kind: str
    opens_at: datetime
    closes_at: datetime
    description: str


def expect(content: Any, name: str, where: str) -> list[Any]:
    """Return the list that an answer must hold.

    Raises:
        FatalError: it does not.
    """
    found = content.get(name) if isinstance(content, dict) else None
    if not isinstance(found, list):
        raise FatalError(f"{where}: answered JSON of another shape than documented: no list `{name}`")
    return [item for item in found if isinstance(item, dict)]


def read_details(item: dict[str, Any], near: Place | None = None) -> Details | None:
    """Read an entity, or a child in a list of children; None where it has no UUID.

    `near` is where its park is: a place far from it is no place.
    """
    entity_id = read_uuid(item.get("id"))
    if entity_id is None:
        return None
    issues: list[Issue] = []

    def tell(kind: str, raw: str, message: str) -> None:
        issues.append(Issue(kind, entity_id, raw, message))

    tags = (
        [tag for tag in item.get("tags") or () if isinstance(tag, dict)]
        if isinstance(item.get("tags"), list)
        else []
    )
    by_name = {str(tag.get("tag")): tag.get("value") for tag in tags}
    attributes = {key: value for key, value in item.items() if key not in _OWN}
    heights = {
        name: read_height(attributes.pop(attribute, None), by_name.get(tag), tell)
        for name, (attribute, tag) in _HEIGHTS.items()
    }
    return Details(
        entity_id, read_name(item.get("name")), read_text(item.get("slug")), read_text(item.get("entityType")),
        read_text(item.get("attractionType")), read_uuid(item.get("parkId")), read_text(item.get("externalId")),
        read_text(item.get("timezone")), read_place(item.get("location"), near, tell), heights,
        sorted(tidy(tags), key=show_raw), tidy(attributes), issues,
    )  # fmt: skip


def read_place(value: Any, near: Place | None, tell: Tell) -> Place | None:
    """Return latitude and longitude; None where they are none, are 0/0, or lie far from the park."""
    if not isinstance(value, dict):
        return None
    given = (value.get("latitude"), value.get("longitude"))
    if given == (None, None):
        return None
    latitude, longitude = (_degrees(part) for part in given)
    if any(isinstance(part, str) for part in given) and None not in (latitude, longitude):
        tell("COERCED_PLACE", show_raw(given), "coordinates came as text; read as numbers")
    if latitude is None or longitude is None or (latitude, longitude) == (0, 0):
        tell("INVALID_PLACE", show_raw(given), "no coordinates of a place; left out")
        return None
    if _fits((latitude, longitude), near):
        return latitude, longitude
    if _fits((longitude, latitude), near) and near is not None:
        tell(
            "SWAPPED_PLACE",
            show_raw(given),
            "latitude and longitude stood in each other's place; turned round",
        )
        return longitude, latitude
    tell("INVALID_PLACE", show_raw(given), "outside the world, or over 22 km from its park; left out")
    return None


def _fits(place: Place, near: Place | None) -> bool:
    latitude, longitude = place
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        return False
    if near is None:
        return True
    east = abs((longitude - near[1] + 180) % 360 - 180) * math.cos(math.radians(near[0]))
    return abs(latitude - near[0]) <= BOX and east <= BOX


def read_height(attribute: Any, tag: Any, tell: Tell) -> int | None:
    """Return a height in whole cm from an attribute (cm) or a tag ({height, unit}); 0 and null are no limit."""
    found = []
    if attribute is not None:
        found.append(_height(attribute, "cm", tell))
    if isinstance(tag, dict):
        found.append(_height(tag.get("height"), tag.get("unit"), tell))
    elif tag is not None:
        tell("INVALID_HEIGHT", show_raw(tag), "the tag of a height is no object; left out")
    known = [height for height in found if height is not None]
    if len(known) == 2 and abs(known[0] - known[1]) > 1:  # 1 cm: one of them may be rounded already
        tell(
            "CONFLICT",
            f"{known[0]} cm, {known[1]} cm",
            "attribute and tag give different heights; the attribute counts",
        )
    return known[0] if known else None


def _height(value: Any, unit: Any, tell: Tell) -> int | None:
    number = _degrees(value)
    if value is None or number == 0:
        return None
    factor = {"cm": 1.0, "in": INCH}.get(str(unit).strip().lower())
    centimetres = None if number is None or factor is None else math.floor(number * factor + 0.5)
    if centimetres is None or not LOWEST <= centimetres <= HIGHEST:
        tell(
            "INVALID_HEIGHT",
            f"{show_raw(value)} {unit}",
            f"no height from {LOWEST} to {HIGHEST} cm; left out",
        )
        return None
    return centimetres


def _degrees(value: Any) -> float | None:
    """Return a finite number, also out of text; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def read_text(value: Any) -> str | None:
    """Return text but for what PostgreSQL cannot hold; None where there is no letter at all."""
    return tidy(value)[:500] if isinstance(value, str) and value.strip() else None


def read_schedule(entries: list[dict[str, Any]], zone: ZoneInfo, tell: Tell) -> Iterator[Hours]:
    """Yield the stretches of a schedule; one that cannot be used is told and left out."""
    for entry in entries:
        try:
            day = date.fromisoformat(str(entry.get("date")))
        except ValueError:
            tell("INVALID_HOURS", show_raw(entry), "the entry of a schedule has no date; left out")
            continue
        given = (entry.get("openingTime"), entry.get("closingTime"))
        if None in given:
            if given != (None, None):
                tell("INVALID_HOURS", f"{day} {show_raw(given)}", "opens or closes at no time; left out")
            continue
        opens, closes = (read_local(value, zone, tell) for value in given)
        if opens is None or closes is None:
            tell("INVALID_HOURS", f"{day} {show_raw(given)}", "hours that are no times; left out")
            continue
        if closes < opens:
            closes += timedelta(days=1)
            tell("INVALID_HOURS", f"{day} {show_raw(given)}", "closes before it opens; read as the next day")
        if not timedelta() <= closes - opens <= LONGEST_DAY:
            tell("INVALID_HOURS", f"{day} {show_raw(given)}", "longer than 36 hours; left out")
            continue
        kind = entry.get("type") if entry.get("type") in KINDS else "INFO"
        yield Hours(day, str(kind), opens, closes, read_text(entry.get("description")) or "")


def read_local(value: Any, zone: ZoneInfo, tell: Tell) -> datetime | None:
    """Return the instant of a time of a schedule, UTC; one without an offset is in the park's zone.

    A local time that the clock change leaves out is shifted forward by what it leaves out: 02:30 becomes 03:30,
    whether no offset is written behind it, the one before the change or the one after it. With any other offset,
    such as Z, it is no local time, and right as it stands.
    """
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    if moment is None:
        return None
    wall = moment.replace(tzinfo=zone, fold=0)
    back = wall.astimezone(UTC).astimezone(zone)
    offsets = (
        None,
        wall.utcoffset(),
        wall.replace(fold=1).utcoffset(),
    )  # in a gap: before the change, after it
    if back.replace(tzinfo=None) != wall.replace(tzinfo=None) and moment.utcoffset() in offsets:
        tell("DST_GAP", str(value), f"a local time that the clock change leaves out; read as {back:%H:%M}")
        return wall.astimezone(UTC)
    return (moment if moment.tzinfo else wall).astimezone(UTC)
