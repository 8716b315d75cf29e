"""The hourly quality of parks over 100 destinations that are polled every five minutes.

Prints the seconds of the work over two local days of 2,100 rides, beside one plain scan of the same snapshots that
counts them, and how much longer it takes with six times as many snapshots of other months in the table. Read: the
first ratio says what the comparing costs, the second that an hour's work does not grow with the archive.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from services.data_quality.parks.watch import Watch
from shared import db
from shared.config import load_settings
from shared.local.postgres import EmbeddedPostgres
from shared.migrations import migrate

MAX_SECONDS = 60.0  # it is due once an hour
MAX_GROWTH = 1.3  # with an archive of five times the rows beside it
DESTINATIONS, RIDES = 100, 21
WINDOW = {"recent_days": 2, "objects_a_run": 500}

_WORLD = """
INSERT INTO parks.destinations (destination_id) SELECT gen_random_uuid() FROM generate_series(1, %(destinations)s);
INSERT INTO parks.parks (park_id, destination_id, name, timezone)
SELECT gen_random_uuid(), destination_id, 'Park',
       CASE WHEN random() < 0.5 THEN 'America/New_York' ELSE 'Europe/Paris' END
FROM parks.destinations;
INSERT INTO parks.park_timezones (park_id, timezone) SELECT park_id, timezone FROM parks.parks;
INSERT INTO parks.rides (entity_id, park_id, name, folded_name, entity_type)
SELECT gen_random_uuid(), park_id, 'Ride ' || n, 'ride ' || n, 'ATTRACTION'
FROM parks.parks, generate_series(1, %(rides)s) AS n;
INSERT INTO parks.opening_hours (park_id, local_date, kind, opens_at, closes_at, source)
SELECT park_id, d::date, 'OPERATING', (d::date + time '09:00') AT TIME ZONE timezone,
       (d::date + time '22:00') AT TIME ZONE timezone, 'bench'
FROM parks.parks, generate_series(now() - interval '10 days', now() + interval '10 days', interval '1 day') AS d;
INSERT INTO parks.live_cycle (started_at)
SELECT generate_series(now() - interval '3 days', now(), interval '5 minutes');
INSERT INTO parks.live_poll (cycle_id, destination_id, polled_at, is_answered)
SELECT cycle_id, destination_id, started_at, true FROM parks.live_cycle, parks.destinations;
"""
_SNAPSHOTS = """
INSERT INTO parks.ride_status_snapshots
    (ride_id, recorded_at, data_source, status, wait_minutes, has_standby, origin_id)
SELECT ride_id, date_trunc('second', at), %(source)s, 'OPERATING', (random() * 60)::integer, true, 1
FROM parks.rides, generate_series(now() - %(from)s::interval, now() - %(to)s::interval, %(step)s::interval) AS at
"""
_PLAIN = """
SELECT count(*), count(*) FILTER (WHERE wait_minutes = 0), count(DISTINCT ride_id)
FROM parks.ride_status_snapshots WHERE recorded_at >= now() - interval '2 days'
"""


def main() -> int:
    """Measure, print, and return 1 when a limit is missed."""
    with tempfile.TemporaryDirectory() as folder:
        server = EmbeddedPostgres(Path(folder), durable=False)
        server.start()
        try:
            server.create_database("bench")
            settings = load_settings(
                {"DATABASE_URL": server.url("bench"), "CRONHOUSE_LOCAL_DIR": f"{folder}/local"}
            )
            migrate(settings)
            conn = db.connect(settings)
            return _report(conn)
        finally:
            server.remove()


def _report(conn: db.Connection) -> int:
    with db.transaction(conn):
        db.execute(
            conn, "SELECT parks.ensure_snapshot_partitions((now() - interval '100 days')::date, now()::date)"
        )
        db.execute(conn, _WORLD, {"destinations": DESTINATIONS, "rides": RIDES})
    live = _fill(conn, "LIVE", "3 days", "0 days", "12 minutes")
    _work(conn)  # the first reads everything from the disk
    alone, plain = _median(conn, _work), _median(conn, _scan)
    beside = _fill(conn, "ARCHIVE", "100 days", "65 days", "24 minutes")
    grown = _median(conn, _work)
    print(f"{live:,} live snapshots of {DESTINATIONS * RIDES:,} rides: two days of them in {alone:.1f} s,")
    print(
        f"  {alone / plain:.0f} times one plain scan ({plain:.2f} s), {alone / MAX_SECONDS:.2f} of the limit"
    )
    print(
        f"with {beside:,} of other months beside them {grown / alone:.2f} times as long (limit {MAX_GROWTH})"
    )
    return int(alone > MAX_SECONDS or grown / alone > MAX_GROWTH)


def _fill(conn: db.Connection, source: str, first: str, last: str, step: str) -> int:
    with db.transaction(conn):
        values = {"source": source, "from": first, "to": last, "step": step}
        count = db.execute(conn, _SNAPSHOTS, values)
    conn.autocommit = True
    db.execute(conn, "VACUUM ANALYZE parks.ride_status_snapshots")
    conn.autocommit = False
    return count


def _median(conn: db.Connection, work: Callable[[db.Connection], None]) -> float:
    seconds = []
    for _ in range(3):
        start = time.monotonic()
        work(conn)
        seconds.append(time.monotonic() - start)
    return statistics.median(seconds)


def _work(conn: db.Connection) -> None:
    watch = Watch(conn, [], WINDOW, datetime.now(UTC))
    for month in watch.choose_days():
        watch.look_at(month)
    watch.note_stale()


def _scan(conn: db.Connection) -> None:
    with db.transaction(conn):
        db.fetch_one(conn, _PLAIN)


if __name__ == "__main__":
    sys.exit(main())
