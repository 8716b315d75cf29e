"""A history of the test's own: parks, rides and postings written as rows, and the statistics job over them."""

import csv
import io
import json
import zlib
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

from services.transformation.parks.jobs import make_statistics
from shared import db
from shared.config import ROOT, Settings
from shared.jobs import Counts, Run
from shared.jobs.workflows import Workflow
from shared.jobs.yamlfile import read_yaml

DATA = ROOT / "tests" / "data" / "parks"
SHARED = ROOT.parent / "shared" / "data" / "parks"
SHIPPED = ROOT / "services" / "ingestion" / "data" / "parks" / "archive"
PARK = UUID(int=1)
Posting = tuple[int, str, str, str, int | None]  # ride_id, recorded_at, data_source, status, wait

NEW_RIDE = """
INSERT INTO parks.rides (entity_id, park_id, name, entity_type)
VALUES (%(entity_id)s, %(park_id)s, %(name)s, 'ATTRACTION') RETURNING ride_id
"""
MARK = """
INSERT INTO parks.dirty_day (park_id, local_date)
SELECT DISTINCT ride.park_id, (given.at AT TIME ZONE parks.zone_at(ride.park_id, given.at))::date
FROM unnest(%(rides)s::integer[], %(instants)s::timestamptz[]) AS given (ride_id, at)
JOIN parks.rides AS ride USING (ride_id)
WHERE ride.park_id IS NOT NULL
ON CONFLICT (park_id, local_date) DO UPDATE SET marked_at = clock_timestamp()
"""


class History:
    """A database with a history, and the job that makes statistics of it."""

    def __init__(self, settings: Settings, conn: db.Connection) -> None:
        self.settings, self.conn = settings, conn
        self.params: dict[str, Any] = dict(read_yaml(ROOT / "workflows" / "parks.yml")[0])

    def add_park(self, park_id: UUID = PARK, timezone: str = "America/New_York") -> UUID:
        """Make a park that was always in its zone."""
        values = {"park": str(park_id), "zone": timezone, "name": f"Park {park_id.int}"}
        self.do(
            "INSERT INTO parks.parks (park_id, name, timezone) VALUES (%(park)s, %(name)s, %(zone)s)",
            **values,
        )
        self.do("INSERT INTO parks.park_timezones (park_id, timezone) VALUES (%(park)s, %(zone)s)", **values)
        return park_id

    def add_ride(self, number: int = 1, park_id: UUID | None = PARK) -> int:
        """Make a ride whose entity is UUID(int=100 + number); return its short key."""
        values = {
            "entity_id": str(UUID(int=100 + number)),
            "park_id": park_id and str(park_id),
            "name": f"Ride {number}",
        }
        with db.transaction(self.conn):
            return int(db.fetch_value(self.conn, NEW_RIDE, values))

    def add_hours(
        self, local_date: str, opens_at: str, closes_at: str, kind: str = "OPERATING", park_id: UUID = PARK
    ) -> None:
        """Publish a stretch of hours; mark the day."""
        row = {"park": str(park_id), "day": local_date, "kind": kind, "open": opens_at, "close": closes_at}
        self.do(
            "INSERT INTO parks.opening_hours (park_id, local_date, kind, opens_at, closes_at, source) "
            "VALUES (%(park)s, %(day)s, %(kind)s, %(open)s, %(close)s, 'test')",
            **row,
        )
        self.mark(local_date, park_id)

    def post(self, postings: Iterable[Posting]) -> None:
        """Write snapshots and mark their days, as importers do: in one transaction."""
        rows = list(postings)
        instants = [row[1] for row in rows]
        with db.transaction(self.conn):
            for instant in sorted({text[:7] for text in instants}):
                day = f"{instant}-01"
                db.execute(
                    self.conn,
                    "SELECT parks.ensure_snapshot_partitions(%(day)s::date - 1, %(day)s::date + 32)",
                    {"day": day},
                )
            copy(self.conn, "ride_status_snapshots", ([*row, row[4] is not None, 1] for row in rows))
            db.execute(self.conn, MARK, {"rides": [row[0] for row in rows], "instants": instants})

    def mark(self, local_date: str, park_id: UUID = PARK) -> None:
        """Mark a park-day as changed."""
        self.do(
            "INSERT INTO parks.dirty_day (park_id, local_date) VALUES (%(park)s, %(day)s) "
            "ON CONFLICT (park_id, local_date) DO UPDATE SET marked_at = clock_timestamp()",
            park=str(park_id), day=local_date,
        )  # fmt: skip

    def make_statistics(self, *, force: bool = False, **section: Any) -> Counts:
        """Run the job, with other settings if given."""
        params = {**self.params, "statistics": {**self.params["statistics"], **section}}
        workflow = Workflow("parks", "", {}, params, Path("parks.yml"))
        run = Run(700, "parks_stats", workflow, date(2026, 1, 1), self.settings, force=force)
        try:
            return make_statistics(run)
        finally:
            run.close()

    def do(self, statement: str, **params: Any) -> int:
        """Run a statement and commit it."""
        with db.transaction(self.conn):
            return db.execute(self.conn, statement, params)

    def rows(self, query: str, **params: Any) -> list[dict[str, Any]]:
        """Run a query in a transaction of its own."""
        try:
            return db.fetch_all(self.conn, query, params)
        finally:
            self.conn.rollback()


def copy(conn: db.Connection, table: str, rows: Iterable[Iterable[Any]]) -> None:
    """COPY rows (ride_id, recorded_at, data_source, status, wait[, has_standby], origin_id) into a table."""
    buffer = io.StringIO()
    csv.writer(buffer).writerows([["" if value is None else value for value in row] for row in rows])
    buffer.seek(0)
    standby = ", has_standby" if table == "ride_status_snapshots" else ""
    columns = f"ride_id, recorded_at, data_source, status, wait_minutes{standby}, origin_id"
    with conn.cursor() as cursor:
        cursor.copy_expert(f"COPY parks.{table} ({columns}) FROM STDIN WITH (FORMAT csv)", buffer)


def read_events(folder: Path) -> Iterator[list[dict[str, Any]]]:
    """Read the archive's objects, one list of events each."""
    for path in sorted(folder.glob("*/*/*/*.json.gz")):
        content = json.loads(zlib.decompress(path.read_bytes()))
        yield content["events"] if isinstance(content, dict) else content


def load_archive(history: History, folder: Path) -> int:
    """Write the archive's events as rows, without the importer; return how many events there were.

    Of two contents of one ride and instant in an object the last is the snapshot, as the importer does it.
    """
    entities: dict[str, dict[str, Any]] = {}
    snapshots: dict[tuple[str, str], tuple[str, int | None]] = {}
    same_instants: list[tuple[str, str, str, int | None]] = []
    events = 0
    for event in (event for listed in read_events(folder) for event in listed):
        events += 1
        key = (event["entityId"], event["eventTime"])
        standby = (event["data"].get("queue") or {}).get("STANDBY") or {}
        posted = (event["data"]["status"], standby.get("waitTime"))
        if key in snapshots and snapshots[key] != posted:
            same_instants.append((*key, *snapshots[key]))
        snapshots[key] = posted
        entities.setdefault(key[0], entity_of(event))
    write_archive(history, list(entities.values()), snapshots, same_instants)
    return events


def entity_of(event: dict[str, Any]) -> dict[str, Any]:
    """Return what parks.register_rides takes."""
    return {
        "entity_id": event["entityId"], "park_id": event["parkId"],
        "destination_id": event["data"]["destinationId"], "timezone": event["timezone"],
        "name": event["name"], "folded_name": event["name"].casefold(), "internal_id": event["internalId"],
        "first_seen_at": event["eventTime"], "last_seen_at": event["eventTime"],
    }  # fmt: skip


def write_archive(
    history: History,
    entities: list[dict[str, Any]],
    snapshots: dict[tuple[str, str], tuple[str, int | None]],
    same_instants: list[tuple[str, str, str, int | None]],
) -> None:
    """Write rides, snapshots and marks in one transaction."""
    conn = history.conn
    with db.transaction(conn):
        registered = db.fetch_all(conn, "SELECT * FROM parks.register_rides(%s)", (json.dumps(entities),))
        keys = {row["entity_id"]: row["ride_id"] for row in registered}
        for month in sorted({instant[:7] for _, instant in snapshots}):
            day = f"{month}-01"
            db.execute(conn, "SELECT parks.ensure_snapshot_partitions(%s, %s)", (day, day))
        copy(
            conn, "ride_status_snapshots",
            ((keys[entity], at, "ARCHIVE", status, wait, wait is not None, 1)
             for (entity, at), (status, wait) in snapshots.items()),
        )  # fmt: skip
        copy(
            conn, "same_instant_postings",
            ((keys[entity], at, "ARCHIVE", status, wait, 1) for entity, at, status, wait in same_instants),
        )  # fmt: skip
        stretches = {(keys[entity], f"{at[:13]}:00Z") for entity, at in snapshots}  # full hours will do
        db.execute(
            conn, MARK, {"rides": [ride for ride, _ in stretches], "instants": [at for _, at in stretches]}
        )


def load_published_hours(history: History, path: Path) -> None:
    """Write park_hours.csv (park_slug, date, open_local, close_local) for the two parks of the sample."""
    parks = {
        "magickingdompark": "75ea578a-adc8-4116-a54d-dccb60765ef9",
        "disneyshollywoodstudios": "288747d1-8b4f-4a64-867e-ea7c9b27bad8",
    }
    with path.open(newline="") as file:
        rows = [
            (parks[row["park_slug"]], row["date"], "OPERATING", row["open_local"], row["close_local"], "csv")
            for row in csv.DictReader(file)
            if row["close_local"]
        ]
    with db.transaction(history.conn):
        db.execute_many(
            history.conn,
            "INSERT INTO parks.opening_hours (park_id, local_date, kind, opens_at, closes_at, source) VALUES %s",
            rows,
        )
