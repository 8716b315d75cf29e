"""The daily description of destinations, parks and what is in them: versions, zones, hours, indoor or outdoor."""

import gzip
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from services.ingestion.parks import live_store
from services.ingestion.parks.hours import put_hours
from services.ingestion.parks.ids import read_uuid
from services.ingestion.parks.indoor import load_indoor_list
from services.ingestion.parks.live_params import MetadataParams, read_live_params, read_metadata_params
from services.ingestion.parks.live_store import DATASET, SQL, note_issues
from services.ingestion.sources.parks_live import Issue, read_lenient, read_name
from services.ingestion.sources.parks_metadata import Details, expect, read_details, read_schedule, read_text
from services.ingestion.sources.themeparks_api import Gate, ThemeParks, api_url
from shared import db
from shared.errors import CronhouseError, FatalError, Interrupted, TransientError
from shared.jobs import Counts, Run
from shared.names import fold_name
from shared.sql import read_queries
from shared.state import LoadedObject, register_objects

PATIENCE = 900.0  # seconds that the source may ask a daily job to wait
SOURCE = "api"
_QUERIES = Path(__file__).parent / "sql" / "metadata.sql"


def query(name: str) -> str:
    """Return a statement of metadata.sql."""
    return read_queries(_QUERIES)[name]


def describe(run: Run, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Counts:
    """Describe every destination of the workflow file; one that fails does not stop the others.

    Raises:
        TransientError, FatalError: the list of destinations, or some destination, could not be had.
    """
    api = ThemeParks(api_url(run.settings), Gate(run.wait, PATIENCE), run.check_stop, clock)
    try:
        return Description(run, api, read_metadata_params(run.params), clock).execute()
    finally:
        api.close()


class Description:
    """One run. Answers are kept in the store by logical date: a run that goes on does not ask again."""

    def __init__(
        self, run: Run, api: ThemeParks, params: MetadataParams, clock: Callable[[], datetime]
    ) -> None:
        self.run, self.api, self.params, self.clock = run, api, params, clock
        self.landed: list[LoadedObject] = []
        self.issues: list[Issue] = []

    def execute(self) -> Counts:
        run = self.run
        load_indoor_list(run, self.params.indoor)
        with run.stage("destinations"):
            known = self._destinations()
        wanted = read_live_params(run.params).destinations or tuple(known)
        failures: dict[str, CronhouseError] = {}
        for destination_id in wanted:
            try:
                with run.stage("describe"):
                    run.committed += self._describe(destination_id)
            except Interrupted:
                raise
            except CronhouseError as exc:
                failures[known.get(destination_id) or destination_id] = exc
            finally:
                self._write_issues()  # of a description that failed too
        share = db.fetch_value(run.conn, query("completeness"))
        with db.transaction(run.conn) as conn:
            days = read_live_params(run.params).keep_polls_days
            db.execute(conn, live_store.query("trim_polls"), {"days": days})
        run.log.info(
            "%d destinations described; attractions are %s %% complete", len(wanted) - len(failures), share
        )
        if failures:
            kind = (
                TransientError
                if all(isinstance(exc, TransientError) for exc in failures.values())
                else FatalError
            )
            said = " | ".join(f"{name}: {exc}" for name, exc in failures.items())
            raise kind(f"{len(failures)} of {len(wanted)} destinations failed: {said}")
        return run.committed

    def _get(self, path: str) -> Any:
        """Return the JSON of a path, from the store where this date has it already."""
        run, where = self.run, self.api.where(path)
        key = f"landing/parks/metadata/{run.date:%Y/%m/%d}/{path.replace('/', '-')}.json.gz"
        tell = lambda *said: self.issues.append(Issue(said[0], path, *said[1:]))  # noqa: E731
        if not run.force and run.store.head(key) is not None:
            return read_lenient(gzip.decompress(run.store.read(key)), where, tell)
        answer = self.api.get(path, lambda body: read_lenient(body, where, tell))
        info = run.store.put(key, gzip.compress(answer.body, 6, mtime=0))
        self.landed.append(LoadedObject(key, DATASET, path.split("/")[0], run.date, info, 1))
        self.api.gate.pause(self.params.pause)
        return answer.content

    def _destinations(self) -> dict[str, str | None]:
        """Write all destinations and the names of their parks; return the names."""
        found = []
        for item in expect(self._get("destinations"), "destinations", self.api.where("destinations")):
            destination_id = read_uuid(item.get("id"))
            if destination_id is not None:
                found.append((destination_id, item))
        rows = [
            {"destination_id": key, "name": read_name(item.get("name")), "slug": read_text(item.get("slug")),
             "external_id": read_text(item.get("externalId"))}
            for key, item in found
        ]  # fmt: skip
        parks = {
            park_id: {"park_id": park_id, "destination_id": key, "name": read_name(park.get("name"))}
            for key, item in found
            for park in item.get("parks") or ()
            if isinstance(park, dict) and (park_id := read_uuid(park.get("id")))
        }  # fmt: skip
        with db.transaction(self.run.conn) as conn:
            db.execute(conn, query("put_destinations"), {"rows": _encode(rows)})
            db.execute(conn, query("put_park_names"), {"rows": _encode(list(parks.values()))})
            db.execute(conn, query("put_first_zones"))
            self._register_landed(conn)
        return {row["destination_id"]: row["name"] for row in rows}

    def _describe(self, destination_id: str) -> Counts:
        """Describe one destination: its parks first, for where they are tells whether a place can be right."""
        path = f"entity/{destination_id}/children"
        children = expect(self._get(path), "children", self.api.where(path))
        parks = [
            child for child in children if child.get("entityType") == "PARK" and read_uuid(child.get("id"))
        ]
        if not parks:  # as an empty month takes no hours out, so this ends no version
            raise FatalError(
                f"{self.api.where(path)}: names no park among {len(children)} children; nothing is changed"
            )
        places = {}
        hours = 0
        for park in parks:
            park_id = str(read_uuid(park["id"]))
            details = self._details(park_id) or read_details(park)
            zone = self._write_park(destination_id, park_id, details)
            places[park_id] = details.place if details else None
            hours += self._write_hours(park_id, zone)
        described, failed = [], 0
        parents = {read_uuid(child.get("id")): read_uuid(child.get("parentId")) for child in children}
        for child in children:
            if child.get("entityType") == "PARK":
                continue
            park_id = _park_of(child, places, parents)
            details = read_details(child, places.get(park_id or ""))
            if details is None:
                continue
            if details.entity_type in self.params.details:
                more = self._details(details.entity_id, places.get(park_id or ""))
                failed += more is None
                if more is None:
                    continue  # what is known of it stays, rather than a version without its height
                more.place, details = more.place or details.place, more
            details.park_id = details.park_id or park_id
            self.issues += details.issues
            described.append(details)
        present = [entity_id for entity_id in parents if entity_id]
        versions = self._write_versions(destination_id, described, present)
        return Counts(len(children), versions + hours, failed)

    def _details(self, entity_id: str, near: tuple[float, float] | None = None) -> Details | None:
        """Return what an entity's own page says; None where there is none."""
        try:
            content = self._get(f"entity/{entity_id}")
        except FatalError as exc:
            self.issues.append(Issue("NO_DETAILS", entity_id, "", str(exc)))
            return None
        return read_details(content, near) if isinstance(content, dict) else None

    def _write_park(self, destination_id: str, park_id: str, details: Details | None) -> ZoneInfo:
        """Write a park down; return its zone. A zone that changed begins now, one that was guessed never was."""
        with db.transaction(self.run.conn) as conn:
            named = [
                {
                    "park_id": park_id,
                    "destination_id": destination_id,
                    "name": details.name if details else None,
                }
            ]
            db.execute(conn, query("put_park_names"), {"rows": _encode(named)})
            db.execute(conn, query("put_first_zones"))
            known = db.fetch_one(conn, query("park"), {"park_id": park_id})
            assert known is not None
            zone = self._zone(park_id, details.timezone if details else None, known["timezone"])
            if details is not None:
                if zone.key != known["timezone"]:
                    change = "correct_zone" if known["is_discovered"] else "change_zone"
                    values = {"park_id": park_id, "timezone": zone.key, "now": self.clock()}
                    db.execute(conn, query(change), values)
                    if known["is_discovered"]:
                        db.execute(conn, query("mark_all_days"), values)
                    else:
                        raw = f"{known['timezone']} to {zone.key}"
                        self.issues.append(
                            Issue("TIMEZONE_CHANGED", park_id, raw, "the park's time zone changed")
                        )
                latitude, longitude = details.place or (None, None)
                values = {"park_id": park_id, "name": details.name, "slug": details.slug, "timezone": zone.key,
                          "latitude": latitude, "longitude": longitude}  # fmt: skip
                db.execute(conn, query("put_park"), values)
                self.issues += details.issues
        return zone

    def _zone(self, park_id: str, named: str | None, known: str) -> ZoneInfo:
        try:
            return ZoneInfo(named or known)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            self.issues.append(
                Issue("INVALID_TIMEZONE", park_id, named or "", "no IANA time zone; the one before is kept")
            )
            return ZoneInfo(known)

    def _write_hours(self, park_id: str, zone: ZoneInfo) -> int:
        """Write the hours of this month and the next, as the park counts them; return how many dates changed."""
        changed = 0
        for first in _months(self.clock().astimezone(zone).date()):
            path = f"entity/{park_id}/schedule/{first:%Y}/{first:%m}"
            tell = lambda *said: self.issues.append(Issue(said[0], park_id, *said[1:]))  # noqa: E731
            found = list(read_schedule(expect(self._get(path), "schedule", self.api.where(path)), zone, tell))
            if not found:
                continue  # nothing is published (yet): an empty answer takes no hours out
            last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
            with db.transaction(self.run.conn) as conn:
                changed += put_hours(conn, ((park_id, one) for one in found), SOURCE, park_id, first, last)
        return changed

    def _write_versions(self, destination_id: str, described: list[Details], present: list[str]) -> int:
        """Write what changed as new versions; return how many."""
        now = self.clock()
        values = {"now": now, "destination_id": destination_id, "present": present}
        with db.transaction(self.run.conn) as conn:
            rides = [_identity(details, destination_id, now) for details in described]
            db.execute(conn, query("register"), {"entities": _encode(rides)})
            db.execute(conn, query("described"), {"ids": [details.entity_id for details in described]})
            db.execute(conn, SQL["metadata_make_given"])
            db.execute(
                conn, SQL["metadata_take_given"], {"rows": _encode([_row(details) for details in described])}
            )
            db.execute(conn, SQL["metadata_close_versions"], values)
            added = db.execute(conn, SQL["metadata_add_versions"], values)
            self._register_landed(conn)
        return added

    def _write_issues(self) -> None:
        """Write down what was odd, each oddity once."""
        if self.issues:
            with db.transaction(self.run.conn) as conn:
                note_issues(conn, self.issues)
            self.issues.clear()

    def _register_landed(self, conn: db.Connection) -> None:
        register_objects(conn, self.run.id, self.landed)
        self.landed.clear()


def _park_of(
    child: dict[str, Any], parks: dict[str, Any], parents: dict[str | None, str | None]
) -> str | None:
    """Return the park that a child is in, by its parkId or going up its parents."""
    found = read_uuid(child.get("parkId")) or read_uuid(child.get("parentId"))
    for _ in range(5):
        if found is None or found in parks:
            return found
        found = parents.get(found)
    return None


def _months(today: date) -> Iterator[date]:
    first = today.replace(day=1)
    yield first
    yield (first + timedelta(days=31)).replace(day=1)


def _identity(details: Details, destination_id: str, now: datetime) -> dict[str, Any]:
    return {
        "entity_id": details.entity_id, "park_id": details.park_id, "destination_id": destination_id,
        "timezone": details.timezone, "name": details.name,
        "folded_name": fold_name(details.name) if details.name else None, "entity_type": details.entity_type,
        "internal_id": details.external_id, "first_seen_at": now, "last_seen_at": now,
    }  # fmt: skip


def _row(details: Details) -> dict[str, Any]:
    latitude, longitude = details.place or (None, None)
    return {
        "entity_id": details.entity_id, "latitude": latitude, "longitude": longitude, **details.heights,
        "entity_type": details.entity_type, "attraction_type": details.attraction_type, "tags": details.tags,
        "attributes": details.attributes,
    }  # fmt: skip


def _encode(rows: list[dict[str, Any]]) -> str:
    return msgspec.json.encode(rows).decode()
