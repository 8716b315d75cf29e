"""What the stand-in knows: all destinations by name, and one of them, Walt Disney World, with what is inside."""

import csv
import json
import re
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from services.themeparks.clock import Clock

DATA = Path(__file__).parent / "data"
RESORT = "e957da41-3552-4cf6-b636-5babc5cbc4e5"
KINGDOM, STUDIOS = "75ea578a-adc8-4116-a54d-dccb60765ef9", "288747d1-8b4f-4a64-867e-ea7c9b27bad8"
SLUGS = {KINGDOM: "magickingdompark", STUDIOS: "disneyshollywoodstudios"}
ZONE = "America/New_York"
FIRST_POLL = datetime(2019, 7, 4, 17, 0, tzinfo=UTC)
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
Entity = dict[str, Any]


def read(name: str) -> Any:
    """Return a captured answer."""
    return json.loads((DATA / name).read_text(encoding="utf-8"))


class World:
    """The entities, and the recorded polls."""

    @cached_property
    def destinations(self) -> Entity:
        """The answer of /destinations."""
        answer: Entity = read("destinations.json")
        return answer

    @cached_property
    def polls(self) -> list[str]:
        """The times in the names of the recorded polls, in order."""
        return sorted({path.name.split("_")[0] for path in (DATA / "live_sequence").glob("*.json")})

    @cached_property
    def children(self) -> dict[str, list[Entity]]:
        """The children of each park: those of the Magic Kingdom as captured."""
        kingdom: list[Entity] = read("children_75ea578a.json")["children"]
        studios = [
            {
                "id": row["themeparks_wiki_id"], "name": row["name"], "slug": None, "parentId": STUDIOS,
                "entityType": "SHOW" if row["ride_type"] == "show" else "ATTRACTION",
                "location": {"longitude": float(row["longitude"]), "latitude": float(row["latitude"])},
            }
            for row in self.facts.values()
            if row["park"] == SLUGS[STUDIOS]
        ]  # fmt: skip
        return {KINGDOM: kingdom, STUDIOS: studios}

    @cached_property
    def facts(self) -> dict[str, dict[str, str]]:
        """Heights and places of the best known attractions, by entity."""
        with open(DATA / "attractions.csv", encoding="utf-8", newline="") as file:
            return {row["themeparks_wiki_id"]: row for row in csv.DictReader(file)}

    @cached_property
    def entities(self) -> dict[str, Entity]:
        """What /entity/{id} answers, by id."""
        resort = next(item for item in self.destinations["destinations"] if item["id"] == RESORT)
        names = {park["id"]: park["name"] for park in resort["parks"]}
        found = {
            RESORT: {"id": RESORT, "name": resort["name"], "slug": resort["slug"], "entityType": "DESTINATION",
                     "timezone": ZONE, "externalId": resort["externalId"], "location": None},
            KINGDOM: read("entity_75ea578a.json"),
            STUDIOS: {"id": STUDIOS, "name": names[STUDIOS], "slug": SLUGS[STUDIOS], "parentId": RESORT,
                      "location": {"latitude": 28.3575294, "longitude": -81.5582714, "pointsOfInterest": []},
                      "timezone": ZONE, "entityType": "PARK", "destinationId": RESORT},
        }  # fmt: skip
        for park_id, children in self.children.items():
            for child in children:
                extra = {"parkId": park_id, "destinationId": RESORT, "timezone": ZONE}
                found[child["id"]] = {**child, **extra, **self._height(child["id"])}
        return found

    def _height(self, entity_id: str) -> Entity:
        """Return the height in one of the two shapes of the real API: as an attribute, or as a tag."""
        row = self.facts.get(entity_id)
        if row is None or not row["min_height_cm"]:
            return {}
        if row["park"] == SLUGS[KINGDOM]:
            return {"attractionType": "RIDE", "minimumHeight": int(row["min_height_cm"])}
        value = {"height": int(row["min_height_in"]), "unit": "in"}
        return {"tags": [{"tag": "MINIMUM_HEIGHT", "tagName": "Minimum Height", "value": value}]}

    def find(self, name: str) -> Entity | None:
        """Find an entity by its UUID, slug, or a destination's externalId."""
        if name in self.entities:
            return self.entities[name]
        for entity in self.entities.values():
            if name in (
                entity.get("slug"),
                entity["entityType"] == "DESTINATION" and entity.get("externalId"),
            ):
                return entity
        return None

    def below(self, entity: Entity) -> list[Entity]:
        """Return the children of an entity, their children too."""
        if entity["id"] == RESORT:
            parks = [self.entities[park] for park in SLUGS]
            keys = ("id", "name", "entityType", "slug", "parentId", "externalId", "location")
            shown = [{key: park[key] for key in keys if key in park} for park in parks]
            return [*shown, *(child for park in SLUGS for child in self.children[park])]
        return self.children.get(entity["id"], [])

    def live(self, entity: Entity, clock: Clock) -> list[Entity]:
        """Return the entries of the poll that is shown, with its times moved as the clock says."""
        moment = self.polls[clock.poll()]
        entries = [
            entry
            for park in SLUGS
            if entity["id"] in (RESORT, park) or entity.get("parkId") == park
            for entry in read(f"live_sequence/{moment}_{park[:8]}.json")["liveData"]
            if entity["entityType"] in ("DESTINATION", "PARK") or entry["id"] == entity["id"]
        ]
        by = clock.shift()
        return _moved(entries, by) if by else entries


def _moved(value: Any, by: timedelta) -> Any:
    if isinstance(value, list):
        return [_moved(item, by) for item in value]
    if isinstance(value, dict):
        return {key: _moved(item, by) for key, item in value.items()}
    if isinstance(value, str) and _TIME.fullmatch(value):
        return f"{datetime.fromisoformat(value) + by:%Y-%m-%dT%H:%M:%SZ}"
    return value
