"""How fast raw Parquet becomes the star, against what PostgreSQL can do with the same rows at all.

    python -m bench.star_load [--rows 1000000 4000000] [--repeat 3]

Four ways, taken in turns on an embedded server of its own:
  raw copy       COPY of a ready CSV file into one table without an index
  copy + key     the same with the unique index on the business key
  hand-written   COPY of the file -> staging -> dimensions -> set-based insert with the unique index alone
  cronhouse      the load of retail_transform: from Parquet objects, with partitions, versions, ledger
Reading, rendering and writing the CSV file counts for nobody; decoding Parquet counts for Cronhouse.
"""

import argparse
import json
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from bench import retail_rows
from shared import db, state
from shared.config import ROOT, Settings, load_settings
from shared.local.postgres import EmbeddedPostgres
from shared.migrations import migrate
from shared.objectstore import FolderStore
from shared.sql import read_queries

TARGET_RATIO, TARGET_MB, TARGET_GROWTH = 0.9, 250, 1.15
QUERIES = read_queries(Path(__file__).parent / "sql" / "star_load.sql")
RETAILERS = {
    f"retailer_{n}": {"name": f"Shop {n}", "source": "bench", "timezone": "Europe/London", "currency": "GBP"}
    for n in (1, 2, 3)
}
WAYS = ("raw copy", "copy + key", "hand-written", "cronhouse")


class Bench:
    """A server, the rows as objects and as one CSV file, and the four ways to load them."""

    def __init__(self, folder: Path, server: EmbeddedPostgres, rows: int) -> None:
        self.folder, self.server = folder / str(rows), server
        self.objects = retail_rows.make(self.folder, rows)
        self.rows = sum(item.rows for item in self.objects)
        self.csv = self.folder / "rows.csv"
        self._write_csv()

    def _write_csv(self) -> None:
        from services.transformation.retail.raw import read_batches, render_csv

        store = FolderStore(self.folder)
        with self.csv.open("wb") as out:
            for item in self.objects:
                row = {"object_key": item.key, "size_bytes": item.info.size, "row_count": item.rows}
                for batch in read_batches(store, row):
                    out.write(render_csv([batch]))

    def settings(self, name: str) -> Settings:
        return load_settings(
            {"DATABASE_URL": self.server.url(name), "OBJECT_STORE_URL": f"file://{self.folder}"}
        )

    @contextmanager
    def database(self, template: str = "template1") -> Iterator[str]:
        """A fresh database; the server rests before and after."""
        conn = db.connect(self.settings("postgres"), autocommit=True)
        db.execute(conn, f"CREATE DATABASE bench TEMPLATE {template}")
        db.execute(conn, "CHECKPOINT")
        yield "bench"
        db.execute(conn, "DROP DATABASE bench WITH (FORCE)")
        conn.close()

    def measure(self, way: str) -> tuple[float, float]:
        """Load once; return seconds, and the process's memory in MB for the way that is ours."""
        if way == "cronhouse":
            with self.database("migrated") as name:
                return self._load_in_process(name)
        work: dict[str, Callable[[db.Connection], None]] = {
            "raw copy": self._copy,
            "copy + key": self._copy,
            "hand-written": self._hand_written,
        }
        with self.database() as name:
            conn = db.connect(self.settings(name))
            db.execute(conn, QUERIES["lines_table"] + (QUERIES["lines_key"] if way == "copy + key" else ""))
            db.execute(conn, QUERIES["star_tables"])
            conn.commit()
            started = time.perf_counter()
            work[way](conn)
            conn.commit()
            seconds = time.perf_counter() - started
            conn.close()
        return seconds, 0.0

    def _copy(self, conn: db.Connection) -> None:
        with self.csv.open("rb") as file, conn.cursor() as cursor:
            cursor.copy_expert(QUERIES["copy_lines"], file, size=1 << 18)

    def _hand_written(self, conn: db.Connection) -> None:
        db.execute(conn, "SET LOCAL work_mem = '128MB'")
        self._copy(conn)
        db.execute(conn, QUERIES["fill_dimensions"])
        count = db.execute(conn, QUERIES["fill_sales"])
        assert count == self.rows, f"{count} of {self.rows} rows"

    def _load_in_process(self, name: str) -> tuple[float, float]:
        """Load in a process of its own, so that its memory is known."""
        conn = db.connect(self.settings(name))
        with db.transaction(conn):
            state.register_objects(conn, 1, self.objects)
        conn.close()
        command = [sys.executable, "-m", "bench.star_load", "--load", self.server.url(name), str(self.folder)]
        output = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
        answer = json.loads(output.splitlines()[-1])
        assert answer["inserted"] == self.rows, f"{answer['inserted']} of {self.rows} rows"
        return answer["seconds"], answer["megabytes"]


def load_here(url: str, folder: str) -> dict[str, Any]:
    """Load all registered objects in this process; seconds run from the first statement to the commit."""
    from services.transformation.retail import star

    settings = load_settings({"DATABASE_URL": url, "OBJECT_STORE_URL": f"file://{folder}"})
    conn = db.connect(settings)
    stages: dict[str, float] = {}

    @contextmanager
    def stage(name: str) -> Iterator[None]:
        begun = time.perf_counter()
        yield
        stages[name] = round(time.perf_counter() - begun, 2)

    started = time.perf_counter()
    with db.transaction(conn):
        objects = state.read_pending_objects(conn, "retail/raw", date(2100, 1, 1))
        loaded = star.load(
            conn, FolderStore(Path(folder)), objects, run_id=1, retailers=RETAILERS, stage=stage
        )
    seconds = time.perf_counter() - started
    return {"seconds": seconds, "megabytes": peak_megabytes(), "inserted": loaded.inserted, "stages": stages}


def peak_megabytes() -> float:
    """Return the most memory that this process had: VmHWM, since ru_maxrss remembers its parent too."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(status.read_text().split("VmHWM:")[1].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20)  # macOS counts bytes


def measure_size(bench: Bench, repeat: int) -> dict[str, tuple[float, float]]:
    """Return for each way its median seconds and its most memory, over interleaved repetitions."""
    seconds: dict[str, list[float]] = {way: [] for way in WAYS}
    memory: dict[str, float] = dict.fromkeys(WAYS, 0.0)
    for number in range(repeat):
        for way in WAYS if number % 2 == 0 else reversed(WAYS):
            took, used = bench.measure(way)
            seconds[way].append(took)
            memory[way] = max(memory[way], used)
            print(f"  {number + 1}/{repeat} {way:<13} {took:7.2f} s", file=sys.stderr)
    return {way: (statistics.median(seconds[way]), memory[way]) for way in WAYS}


def report(found: dict[int, dict[str, tuple[float, float]]]) -> None:
    """Print the figures and whether each target is met."""
    for rows, ways in found.items():
        print(f"\n{rows:,} rows")
        for way in WAYS:
            took, used = ways[way]
            memory = f"   {used:4.0f} MB of Python memory at most" if used else ""
            print(f"  {way:<13} {took:7.2f} s  {rows / took:9,.0f} rows/s{memory}")
    print("\nratios")
    for rows, ways in found.items():
        took, used = ways["cronhouse"]
        _say(
            f"cronhouse / hand-written, {rows:,} rows",
            ways["hand-written"][0] / took,
            TARGET_RATIO,
            "at least",
        )
        print(f"  cronhouse / copy + key    {ways['copy + key'][0] / took:5.2f}")
        print(f"  cronhouse / raw copy      {ways['raw copy'][0] / took:5.2f}   (the limit: 1)")
        _say(f"Python memory in MB, {rows:,} rows", used, TARGET_MB, "at most")
    if len(found) > 1:
        (few, small), *_, (many, large) = sorted(found.items())
        growth = (large["cronhouse"][0] / many) / (small["cronhouse"][0] / few)
        _say(f"time a row, {many:,} against {few:,} rows", growth, TARGET_GROWTH, "at most")
    print(
        "\nHow to read it: a ratio of speeds taken in turns on one machine, so another machine, or company on this\n"
        "one, moves both sides. Below the target something in services/transformation/retail/sql has become slower\n"
        "than the same work by hand: run `explain (analyze)` on the statement of the longest stage."
    )


def _say(what: str, value: float, target: float, kind: str) -> None:
    is_met = value >= target if kind == "at least" else value <= target
    print(f"  {what}: {value:.2f}   (target {kind} {target}: {'met' if is_met else 'MISSED'})")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000, 4_000_000])
    parser.add_argument(
        "--repeat", type=int, default=3, help="repetitions of the smallest size; others run once"
    )
    parser.add_argument("--load", nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.load:
        print(json.dumps(load_here(*args.load)))
        return
    folder = Path(tempfile.mkdtemp(prefix="cronhouse-bench-"))
    folder.chmod(0o755)
    server = EmbeddedPostgres(folder)
    found = {}
    try:
        server.start()
        server.create_database("migrated")
        migrate(load_settings({"DATABASE_URL": server.url("migrated")}))
        for size in sorted(args.rows):
            print(f"making {size:,} rows", file=sys.stderr)
            bench = Bench(folder, server, size)
            found[bench.rows] = measure_size(bench, args.repeat if size == min(args.rows) else 1)
        report(found)
    finally:
        server.remove()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
