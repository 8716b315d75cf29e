"""How fast year over year is answered from five years of 42 rides: 5.5 million snapshots.

    .venv/bin/python bench/parks_yoy.py [--years 5] [--rounds 5]

Makes the history in an embedded server of its own, its statistics with the real job's code (printed as a rate), then
asks each endpoint through the application, key and JSON included, and never out of the cache. Beside it the same
comparison from the snapshots themselves, each read once and other months not at all, and the naive query, which asks
every row for its local time. Each for a year against the year before, the default, and for all years at once.
Behind each time stands the processor time of it, server and Python together, which company does not move much; the
query from the snapshots runs in several processes, and over all years it may use more than it takes by the clock.
Exit 1 when an endpoint takes more than 300 ms, or the query from the snapshots more than 1 s, for a year or all years.
"""

import argparse
import itertools
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from flask.testing import FlaskClient
from psycopg2 import sql

from services.api.app import create_app
from services.transformation.parks import statistics as parks_statistics
from shared import apikeys, db
from shared.config import Settings, load_settings
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
How to read it: medians; below a ratio of 1.00 the limit (300 ms, 1 s) is met. The naive query says what statistics
and bounds are worth. With company on the machine look at the processor time, and at the ways against each other."""


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


def make_statistics(conn: db.Connection, server: EmbeddedPostgres, rows: int) -> None:
    """Make all statistics as the job does, and print the rate."""
    cpu, started = read_cpu(server), time.perf_counter()
    while True:
        with db.transaction(conn):
            if parks_statistics.rebuild(conn, prefer="ARCHIVE", days=200) is None:
                break
    seconds, cpu = time.perf_counter() - started, read_cpu(server) - cpu
    with db.transaction(conn):
        db.execute(conn, "ANALYZE")
    print(
        f"statistics of {rows:,} snapshots: {seconds:.0f} s, {rows / seconds:,.0f} snapshots/s; "
        f"{cpu:.0f} s of a processor"
    )


class Figure(NamedTuple):
    """Medians of some rounds: elapsed seconds, and seconds of a processor in the server and here."""

    seconds: float
    cpu: float

    def __str__(self) -> str:
        return f"{self.seconds * 1000:6.0f} ms, {self.cpu * 1000:5.0f} of a processor"


def median(rounds: int, server: EmbeddedPostgres, work: Callable[[], Any]) -> Figure:
    """Do some rounds."""
    times, cpus = [], []
    for _ in range(rounds):
        cpu, started = read_cpu(server) + time.process_time(), time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
        cpus.append(read_cpu(server) + time.process_time() - cpu)
    return Figure(statistics.median(times), statistics.median(cpus))


def read_cpu(server: EmbeddedPostgres) -> float:
    """Return the seconds of a processor that all processes of the server have used; 0 where there is no /proc."""
    postmaster = (server.data / "postmaster.pid").read_text().split()[0]
    ticks = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it has just ended
        if path.parent.name == postmaster:
            ticks += sum(map(int, fields[11:15]))  # with its children that are gone
        elif fields[1] == postmaster:
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def compare_raw(conn: db.Connection, way: str, by: str, scope: dict[str, Any], days: dict[str, str]) -> int:
    """Run the comparison from the snapshots; return the number of its rows."""
    name, key = KEYS[by]
    now = key.replace("held_on", "local_time")
    before = now if by == "hour" else now.replace("local_time", "(local_time + interval '1 year')")
    statement = sql.SQL(RAW[way]).format(
        name=sql.Identifier(name), key=sql.SQL(key), now=sql.SQL(now), before=sql.SQL(before)
    )
    if way == "raw":
        db.execute(conn, RAW["session"])
    found = len(db.fetch_all(conn, statement, {**scope, **days}))
    conn.rollback()
    return found


def measure(
    client: FlaskClient, conn: db.Connection, server: EmbeddedPostgres, days: dict[str, str], rounds: int
) -> list[tuple[Figure, Figure]]:
    """Print a line an endpoint and its three ways; return the figures of endpoint and query from the snapshots."""
    figures = []
    for label, (address, scope) in SCOPES.items():
        for by in KEYS:
            url = f"{address}?by={by}&from={days['first_day']}&to={days['last_day']}"

            def ask(url: str = url) -> None:
                answer = client.get(f"{url}&limit={next(LIMITS)}")  # another address: never from the cache
                assert (
                    answer.status_code == 200 and answer.headers["X-Cache"] == "MISS" and answer.json["data"]
                )

            rollup = median(rounds, server, ask)
            raw, naive = (
                median(count, server, partial(compare_raw, conn, way, by, scope, days))
                for way, count in (("raw", 3), ("naive", 1))
            )
            print(
                f"  {label} by {by}\n    endpoint        {rollup}   ratio {rollup.seconds / ROLLUP_LIMIT:4.2f}"
                f"\n    from snapshots  {raw}   ratio {raw.seconds / RAW_LIMIT:4.2f}"
                f"\n    naive           {naive}",
                flush=True,
            )
            figures.append((rollup, raw))
    return figures


def run(settings: Settings, server: EmbeddedPostgres, years: int, rounds: int) -> bool:
    """Make everything and measure; tell whether every limit is met."""
    conn = db.connect(settings)
    first = LAST.replace(year=LAST.year - years) + timedelta(days=1)
    started = time.perf_counter()
    rows = make_history(conn, first)
    print(
        f"{rows:,} snapshots of {RIDES} rides, {first} to {LAST}, made in {time.perf_counter() - started:.0f} s"
    )
    make_statistics(conn, server, rows)
    with db.transaction(conn):
        key = apikeys.create_key(conn, "bench", "reader")
    app = create_app(settings)
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {key}"
    worst: dict[str, float] = {}
    for label, start in (("a year", LAST.replace(month=1, day=1)), ("all years", first)):
        days = {
            "first_day": str(start), "last_day": str(LAST), "previous_first": str(start.replace(year=start.year - 1)),
            "previous_last": str(LAST.replace(year=LAST.year - 1)),
        }  # fmt: skip
        print(f"\n{label}, {start} to {LAST}, against the year before")
        figures = measure(client, conn, server, days, rounds)
        worst[f"endpoints, {label}"] = max(rollup.seconds for rollup, _ in figures) / ROLLUP_LIMIT
        worst[f"endpoints, {label}, processor time"] = max(rollup.cpu for rollup, _ in figures) / ROLLUP_LIMIT
        worst[f"from snapshots, {label}"] = max(raw.seconds for _, raw in figures) / RAW_LIMIT
        if label == "a year":
            worst["from snapshots, a year, processor time"] = max(raw.cpu for _, raw in figures) / RAW_LIMIT
    app.extensions["pool"].forget_idle()
    conn.close()
    print("\nworst ratio to its limit")
    for name, ratio in worst.items():
        print(f"  {name:<42} {ratio:.2f} {'met' if ratio <= 1 else 'MISSED'}")
    print(HOW_TO_READ)
    return all(ratio <= 1 for ratio in worst.values())


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
        return 0 if run(settings, server, args.years, args.rounds) else 1
    finally:
        server.remove()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
