"""Parks, rides and what they posted, as the collector and the importer would have written them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

import pytest

from shared import db
from shared.config import Settings
from shared.names import fold_name

NAMESPACE = UUID("00000000-0000-0000-0000-00000000cafe")
RESORT = str(uuid5(NAMESPACE, "resort"))
SEEN = datetime(2026, 4, 15, 12, tzinfo=UTC)


def uid(text: str) -> str:
    """Make a UUID of a word, the same every time."""
    return str(uuid5(NAMESPACE, text))


@dataclass
class World:
    """Writes into schema parks and reads it back."""

    settings: Settings
    conn: db.Connection

    def do(self, statement: str, **values: Any) -> int:
        with db.transaction(self.conn):
            return db.execute(self.conn, statement, values)

    def rows(self, query: str, **values: Any) -> list[dict[str, Any]]:
        try:
            return db.fetch_all(self.conn, query, values)
        finally:
            self.conn.rollback()

    def value(self, query: str, **values: Any) -> Any:
        return next(iter(self.rows(query, **values)[0].values()))

    def park(self, name: str, slug: str | None = None, zone: str = "UTC", park_id: str | None = None) -> str:
        """Make a park of the resort."""
        park_id = park_id or uid(name)
        self.do(
            "INSERT INTO parks.destinations (destination_id, name) VALUES (%(id)s, 'Resort') ON CONFLICT DO NOTHING",
            id=RESORT,
        )
        self.do(
            """WITH made AS (
                   INSERT INTO parks.parks (park_id, destination_id, name, slug, timezone)
                   VALUES (%(id)s, %(resort)s, %(name)s, %(slug)s, %(zone)s) RETURNING park_id, timezone)
               INSERT INTO parks.park_timezones (park_id, timezone) SELECT * FROM made""",
            id=park_id, resort=RESORT, name=name, slug=slug, zone=zone,
        )  # fmt: skip
        return park_id

    def rides(
        self, park_id: str | None, names: Iterable[tuple[str, str]], entity_type: str = "ATTRACTION",
        seen: datetime = SEEN,
    ) -> dict[str, int]:  # fmt: skip
        """Make rides known: (entity, name) pairs; return the short keys by entity."""
        from psycopg2.extras import Json

        given = [
            {"entity_id": entity, "park_id": park_id, "destination_id": RESORT, "name": name,
             "folded_name": fold_name(name), "entity_type": entity_type, "first_seen_at": seen.isoformat(),
             "last_seen_at": seen.isoformat()}
            for entity, name in names
        ]  # fmt: skip
        with db.transaction(self.conn):
            found = db.fetch_all(
                self.conn,
                "SELECT entity_id::text AS entity_id, ride_id FROM parks.register_rides(%(given)s)",
                {"given": Json(given)},
            )
        return {row["entity_id"]: row["ride_id"] for row in found}

    def post(
        self, ride_id: int, times: Iterable[datetime], wait: int | None = 20, status: str = "OPERATING",
        source: str = "LIVE",
    ) -> None:  # fmt: skip
        """Post a status at some instants, of which the ride is known since."""
        times = list(times)
        self.do(
            "UPDATE parks.rides SET first_seen_at = least(first_seen_at, %(first)s) WHERE ride_id = %(ride)s",
            first=min(times), ride=ride_id,
        )  # fmt: skip
        self.do(
            """SELECT parks.ensure_snapshot_partitions((%(first)s AT TIME ZONE 'UTC')::date,
                                                       (%(last)s AT TIME ZONE 'UTC')::date)""",
            first=min(times), last=max(times),
        )  # fmt: skip
        with db.transaction(self.conn):
            db.execute_many(
                self.conn,
                """INSERT INTO parks.ride_status_snapshots (ride_id, recorded_at, data_source, status,
                       wait_minutes, has_standby, origin_id) VALUES %s ON CONFLICT DO NOTHING""",
                [(ride_id, moment, source, status, wait, wait is not None, 1) for moment in times],
            )

    def hours(
        self, park_id: str, day: date, opens: datetime, closes: datetime, kind: str = "OPERATING"
    ) -> None:
        """Publish hours."""
        self.do(
            """INSERT INTO parks.opening_hours (park_id, local_date, kind, opens_at, closes_at, source)
               VALUES (%(park)s, %(day)s, %(kind)s, %(opens)s, %(closes)s, 'test')""",
            park=park_id, day=day, kind=kind, opens=opens, closes=closes,
        )  # fmt: skip

    def poll(self, times: Iterable[datetime], answered: bool = True, newest: datetime | None = None) -> None:
        """Put polls of the resort on record, each a cycle of its own."""
        for moment in times:
            self.do(
                """WITH cycle AS (
                       INSERT INTO parks.live_cycle (started_at, finished_at, status, asked, answered)
                       VALUES (%(at)s, %(at)s, 'COMPLETE', 1, 1) RETURNING cycle_id)
                   INSERT INTO parks.live_poll (cycle_id, destination_id, polled_at, is_answered, newest_at)
                   SELECT cycle_id, %(resort)s, %(at)s, %(answered)s, %(newest)s FROM cycle""",
                at=moment, resort=RESORT, answered=answered, newest=newest or moment,
            )  # fmt: skip

    def object(self, day: date, events: int, first: datetime | None, last: datetime | None) -> None:
        """Put an imported object of the archive into the ledger."""
        self.do(
            """INSERT INTO parks.archive_object (source, object_key, destination_id, file_date, size_bytes, etag,
                   status, imported_etag, events, imported, first_event_at, last_event_at, imported_at)
               VALUES ('s3://test', %(key)s, %(resort)s, %(day)s, 1000, 'x', 'IMPORTED', 'x', %(events)s,
                       %(events)s, %(first)s, %(last)s, clock_timestamp())""",
            key=f"{RESORT}/{day}.json.gz", resort=RESORT, day=day, events=events, first=first, last=last,
        )  # fmt: skip


def every(first: datetime, last: datetime, minutes: int) -> list[datetime]:
    """List instants from first to last, so many minutes apart."""
    return [
        first + timedelta(minutes=n) for n in range(0, int((last - first).total_seconds() // 60) + 1, minutes)
    ]


@pytest.fixture
def world(pg: Settings, conn: db.Connection) -> World:
    """An empty schema parks."""
    return World(pg, conn)
