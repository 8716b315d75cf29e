"""How fast year over year is answered from five years of 42 rides: 5.5 million snapshots.

    .venv/bin/python bench/parks_yoy.py [--years 5] [--rounds 5]

Makes the history in an embedded server of its own, its statistics with the real job's code (printed as a rate), then
asks each endpoint through the application, key and JSON included, and never out of the cache. Beside it the same
comparison from the snapshots themselves with bounds that leave other months out, and the naive query, which asks
every row for its local time. Each for a year against the year before, the default, and for all years at once.
Exit 1 when an endpoint takes more than 300 ms, or the query from the snapshots more than 1 s for a year.
"""

import argparse
import itertools
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from flask.testing import FlaskClient
from psycopg2 import sql

from services.api.app import create_app
from services.transformation.parks import statistics as parks_statistics
from shared import apikeys, db
from shared.config import load_settings
from shared.local.postgres import EmbeddedPostgres
from shared.migrations import migrate
from shared.sql import read_queries

ROLLUP_LIMIT, RAW_LIMIT = 0.3, 1.0
RIDES = 42
LAST = date(2025, 12, 31)
QUERIES = Path(__file__).parent / "sql"
RAW, HISTORY = read_queries(QUERIES / "parks_yoy.sql"), read_queries(QUERIES / "parks_history.sql")
RIDE, PARK = "00000000-0000-0000-0001-000000000001", "00000000-0000-0000-0000-000000000002"
SCOPES: dict[str, tuple[str, dict[str, Any]]] = {
    "a ride": (f"/api/rides/{RIDE}/yoy", {"ride_id": 1, "park_id": None}),
    "a park": (f"/api/parks/{PARK}/yoy", {"ride_id": None, "park_id": PARK}),
    "everything": ("/api/parks/yoy", {"ride_id": None, "park_id": None}),
}
KEYS = {
    "month": ("month_start", "date_trunc('month', held_on)::date"),
    "day": ("local_date", "held_on::date"),
    "hour": ("local_hour", "extract(hour FROM local_time)::integer"),
}
LIMITS = itertools.count(400)
HOW_TO_READ = """
How to read it: medians in milliseconds against their limits; below 1.00 the limit is met. The naive query says what
statistics and bounds are worth. With company on the machine only the ratios between the columns hold."""


def make_history(conn: db.Connection, first: date) -> int:
    """Write the history, month by month; return the number of snapshots."""
    with db.transaction(conn):
        db.execute(conn, HISTORY["places"], {"rides": RIDES, "first": first, "last": LAST})
    rows, day = 0, first
    while day <= LAST:
        last = min((day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1), LAST)
        with db.transaction(conn):
            rows += db.execute(conn, HISTORY["history"], {"first": day, "last": last})
        day = last + timedelta(days=1)
    with db.transaction(conn):
        db.execute(conn, "ANALYZE parks.ride_status_snapshots")
    return rows


def make_statistics(conn: db.Connection, rows: int) -> None:
    """Make all statistics as the job does, and print the rate."""
    started = time.perf_counter()
    while True:
        with db.transaction(conn):
            if parks_statistics.rebuild(conn, prefer="ARCHIVE", days=200) is None:
                break
    seconds = time.perf_counter() - started
    with db.transaction(conn):
        db.execute(conn, "ANALYZE")
    print(f"statistics of {rows:,} snapshots: {seconds:.0f} s, {rows / seconds:,.0f} snapshots/s")


def median(rounds: int, work: Callable[[int], Any]) -> float:
    """Return the median seconds of some rounds."""
    times = []
    for number in range(rounds):
        started = time.perf_counter()
        work(number)
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def compare_raw(conn: db.Connection, way: str, by: str, scope: dict[str, Any], days: dict[str, str]) -> int:
    """Run the comparison from the snapshots; return the number of its rows."""
    name, key = KEYS[by]
    now = key.replace("held_on", "local_time")
    before = now if by == "hour" else now.replace("local_time", "(local_time + interval '1 year')")
    statement = sql.SQL(RAW[way]).format(
        name=sql.Identifier(name), key=sql.SQL(key), now=sql.SQL(now), before=sql.SQL(before)
    )
    instants = {
        "first_at": f"{days['first_day']} 04:00Z", "last_at": f"{days['last_day']} 23:59Z",
        "previous_first_at": f"{days['previous_first']} 04:00Z", "previous_last_at": f"{days['previous_last']} 23:59Z",
    }  # fmt: skip
    found = len(db.fetch_all(conn, statement, {**scope, **days, **instants}))
    conn.rollback()
    return found


def measure(client: FlaskClient, conn: db.Connection, days: dict[str, str], rounds: int) -> list[float]:
    """Print a line an endpoint and the three ways; return the ratios to the limits."""
    ratios = []
    for label, (address, scope) in SCOPES.items():
        for by in KEYS:
            url = f"{address}?by={by}&from={days['first_day']}&to={days['last_day']}"

            def ask(_number: int, url: str = url) -> None:
                answer = client.get(f"{url}&limit={next(LIMITS)}")  # another address: never from the cache
                assert (
                    answer.status_code == 200 and answer.headers["X-Cache"] == "MISS" and answer.json["data"]
                )

            rollup = median(rounds, ask)
            raw = median(3, lambda _, by=by, scope=scope: compare_raw(conn, "raw", by, scope, days))
            naive = median(1, lambda _, by=by, scope=scope: compare_raw(conn, "naive", by, scope, days))
            ratios += [rollup / ROLLUP_LIMIT, raw / RAW_LIMIT]
            print(
                f"  {label:<10} by {by:<5} {rollup * 1000:7.0f} ms ({rollup / ROLLUP_LIMIT:4.2f})"
                f"   from snapshots {raw * 1000:6.0f} ms ({raw / RAW_LIMIT:4.2f})   naive {naive * 1000:7.0f} ms"
            )
            sys.stdout.flush()
    return ratios


def run(settings: Any, years: int, rounds: int) -> bool:
    """Make everything and measure; tell whether every limit of a year is met."""
    conn = db.connect(settings)
    first = LAST.replace(year=LAST.year - years) + timedelta(days=1)
    started = time.perf_counter()
    rows = make_history(conn, first)
    print(
        f"{rows:,} snapshots of {RIDES} rides, {first} to {LAST}, made in {time.perf_counter() - started:.0f} s"
    )
    make_statistics(conn, rows)
    with db.transaction(conn):
        key = apikeys.create_key(conn, "bench", "reader")
    app = create_app(settings)
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {key}"
    ratios: list[float] = []
    for label, start in (
        ("a year against the year before", LAST.replace(month=1, day=1)),
        ("all years", first),
    ):
        days = {
            "first_day": str(start), "last_day": str(LAST), "previous_first": str(start.replace(year=start.year - 1)),
            "previous_last": str(LAST.replace(year=LAST.year - 1)),
        }  # fmt: skip
        print(f"\n{label}: {start} to {LAST}; in brackets the share of the limit of 300 ms and of 1 s")
        found = measure(client, conn, days, rounds)
        ratios += found if not ratios else found[::2]
    app.extensions["pool"].forget_idle()
    conn.close()
    worst = max(ratios)
    print(f"\nworst ratio to its limit: {worst:.2f} ({'met' if worst <= 1 else 'MISSED'}; all years from snapshots "
          "have no limit)")  # fmt: skip
    print(HOW_TO_READ)
    return worst <= 1


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--years", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=5, help="requests an endpoint; the median counts")
    args = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="cronhouse-bench-"))
    folder.chmod(0o755)
    server = EmbeddedPostgres(folder)
    try:
        server.start()
        server.create_database("bench")
        settings = load_settings(
            {
                "DATABASE_URL": server.url("bench"), "CRONHOUSE_LOCAL_DIR": str(folder / "local"),
                "API_RATE_LIMIT": "100000 per minute",
            }
        )  # fmt: skip
        migrate(settings)
        return 0 if run(settings, args.years, args.rounds) else 1
    finally:
        server.remove()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
