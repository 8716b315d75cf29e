"""How fast raw Parquet becomes the star, against what PostgreSQL can do with the same rows at all.

    python -m bench.star_load [--rows 1000000 4000000] [--repeat 3]

Six ways, taken in turns on an embedded server of its own:
  raw copy       COPY of a ready CSV file into one table without an index
  copy + key     the same with the unique index on the business key
  plain insert   COPY of the file -> staging -> dimensions -> set-based insert with the unique index alone;
                 loading a line twice is an error
  hand-written   the same with ON CONFLICT DO NOTHING, so that it can run again
  cronhouse      the load of retail_transform: from Parquet objects, with partitions, versions, ledger
  months there   the same into months that are there, so that their indexes are kept line by line, as on most nights
The target is the ratio to the plain insert, the stricter of the two loads by hand.
Reading, rendering and writing the CSV file counts for nobody; decoding Parquet counts for Cronhouse.
"""

import argparse
import json
import os
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
from typing import Any, NamedTuple

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
WAYS = ("raw copy", "copy + key", "plain insert", "hand-written", "cronhouse", "months there")
HOW_TO_READ = """
How to read it: ratios of speeds taken in turns on one machine, so that another machine, or company on this one,
moves both sides; with much company look at the processor time. Below the target something in
services/transformation/retail/sql has become slower than the same work by hand: run `explain (analyze)` on the
statement of the longest stage."""


class Figure(NamedTuple):
    """One load: elapsed seconds, seconds of a processor in the server and here, and MB of Python memory if ours."""

    seconds: float
    cpu: float
    megabytes: float


class Bench:
    """A server, the rows as objects and as one CSV file, and the ways to load them."""

    def __init__(self, folder: Path, server: EmbeddedPostgres, rows: int) -> None:
        self.folder, self.server = folder / str(rows), server
        self.objects = retail_rows.make(self.folder, rows)
        self.rows = sum(item.rows for item in self.objects)
        self.csv = self.folder / "rows.csv"
        self._write_csv()

    def _write_csv(self) -> None:
        import pyarrow as pa

        from services.transformation.retail.raw import read_batches, render_csv

        store = FolderStore(self.folder)
        with self.csv.open("wb") as out:
            for item in self.objects:
                row = {"object_key": item.key, "size_bytes": item.info.size, "row_count": item.rows}
                for batch in read_batches(store, row):
                    out.write(render_csv(pa.Table.from_batches([batch])))

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

    def measure(self, way: str) -> Figure:
        """Load once."""
        if way in ("cronhouse", "months there"):
            with self.database("migrated") as name:
                return self._load_in_process(name, make_months=way == "months there")
        work: dict[str, Callable[[db.Connection], None]] = {
            "raw copy": self._copy,
            "copy + key": self._copy,
            "hand-written": lambda conn: self._hand_written(conn, QUERIES["unless_known"]),
            "plain insert": self._hand_written,
        }
        with self.database() as name:
            conn = db.connect(self.settings(name))
            db.execute(conn, QUERIES["lines_table"] + (QUERIES["lines_key"] if way == "copy + key" else ""))
            db.execute(conn, QUERIES["star_tables"])
            conn.commit()
            before, python = self._server_cpu(), time.process_time()
            started = time.perf_counter()
            work[way](conn)
            conn.commit()
            seconds = time.perf_counter() - started
            python = time.process_time() - python
            conn.close()
            return Figure(seconds, self._server_cpu() - before + python, 0.0)

    def _server_cpu(self) -> float:
        """Return the seconds of a processor that the server's sessions have used, once they are over."""
        pid = (self.server.data / "postmaster.pid").read_text().split()[0]
        time.sleep(0.2)  # the server notices that a session and its workers are gone
        stat = Path(f"/proc/{pid}/stat")
        if not stat.exists():  # no /proc on macOS
            return 0.0
        return sum(map(int, stat.read_text().rpartition(")")[2].split()[11:15])) / os.sysconf("SC_CLK_TCK")

    def _copy(self, conn: db.Connection) -> None:
        with self.csv.open("rb") as file, conn.cursor() as cursor:
            cursor.copy_expert(QUERIES["copy_lines"], file, size=1 << 18)

    def _hand_written(self, conn: db.Connection, unless_known: str = "") -> None:
        db.execute(conn, "SET LOCAL work_mem = '48MB'")
        self._copy(conn)
        db.execute(conn, QUERIES["fill_dimensions"])
        count = db.execute(conn, QUERIES["fill_sales"] + "\n" + unless_known)
        assert count == self.rows, f"{count} of {self.rows} rows"

    def _load_in_process(self, name: str, make_months: bool) -> Figure:
        """Load in a process of its own, so that its memory is known."""
        conn = db.connect(self.settings(name))
        with db.transaction(conn):
            state.register_objects(conn, 1, self.objects)
            if make_months:
                days = [item.logical_date for item in self.objects]
                db.execute(conn, QUERIES["make_months"], {"first": min(days), "last": max(days)})
        conn.close()
        before = self._server_cpu()
        command = [sys.executable, "-m", "bench.star_load", "--load", self.server.url(name), str(self.folder)]
        output = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
        answer = json.loads(output.splitlines()[-1])
        assert answer["inserted"] == self.rows, f"{answer['inserted']} of {self.rows} rows"
        print(f"      {answer['stages']}", file=sys.stderr)
        return Figure(answer["seconds"], self._server_cpu() - before + answer["python"], answer["megabytes"])


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

    started, python = time.perf_counter(), time.process_time()
    with db.transaction(conn):
        objects = state.read_pending_objects(conn, "retail/raw", date(2100, 1, 1))
        loaded = star.load(
            conn, FolderStore(Path(folder)), objects, run_id=1, retailers=RETAILERS, stage=stage
        )
    seconds = time.perf_counter() - started
    return {
        "seconds": seconds, "python": time.process_time() - python, "megabytes": peak_megabytes(),
        "inserted": loaded.inserted, "stages": stages,
    }  # fmt: skip


def peak_megabytes() -> float:
    """Return the most memory that this process had: VmHWM, since ru_maxrss remembers its parent too."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(status.read_text().split("VmHWM:")[1].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20)  # macOS counts bytes


def measure_size(bench: Bench, repeat: int) -> dict[str, Figure]:
    """Return for each way its median time and its most memory, over interleaved repetitions."""
    figures: dict[str, list[Figure]] = {way: [] for way in WAYS}
    for number in range(repeat):
        for way in WAYS if number % 2 == 0 else reversed(WAYS):
            figure = bench.measure(way)
            figures[way].append(figure)
            print(
                f"  {number + 1}/{repeat} {way:<13} {figure.seconds:7.2f} s {figure.cpu:7.2f} cpu",
                file=sys.stderr,
            )
    return {way: middle(figures[way]) for way in WAYS}


def middle(figures: list[Figure]) -> Figure:
    """Return the medians of the times and the maximum of the memory."""
    return Figure(
        statistics.median(figure.seconds for figure in figures),
        statistics.median(figure.cpu for figure in figures),
        max(figure.megabytes for figure in figures),
    )


def report(found: dict[int, dict[str, Figure]]) -> None:
    """Print the figures and whether each target is met."""
    for rows, ways in found.items():
        print(f"\n{rows:,} rows")
        for way in WAYS:
            seconds, cpu, megabytes = ways[way]
            memory = f"   {megabytes:4.0f} MB of Python memory at most" if megabytes else ""
            print(
                f"  {way:<13} {seconds:7.2f} s  {rows / seconds:9,.0f} rows/s  {cpu:7.2f} s of a processor{memory}"
            )
    print("\nratios")
    for rows, ways in found.items():
        ours, reference = ways["cronhouse"], ways["plain insert"]
        speed = reference.seconds / ours.seconds
        _say(f"cronhouse / plain insert, {rows:,} rows", speed, TARGET_RATIO, "at least")
        if ours.cpu and reference.cpu:
            print(
                f"    the same in processor time    {reference.cpu / ours.cpu:5.2f}   (Parquet decoding included)"
            )
        for limit in ("hand-written", "copy + key", "raw copy"):
            print(f"    cronhouse / {limit:<17} {ways[limit].seconds / ours.seconds:5.2f}")
        print(f"    months there / plain insert   {reference.seconds / ways['months there'].seconds:5.2f}")
        _say(f"Python memory in MB, {rows:,} rows", ours.megabytes, TARGET_MB, "at most")
    if len(found) > 1:
        (few, small), *_, (many, large) = sorted(found.items())
        growth = (large["cronhouse"].seconds / many) / (small["cronhouse"].seconds / few)
        _say(f"time a row, {many:,} against {few:,} rows", growth, TARGET_GROWTH, "at most")
    print(HOW_TO_READ)


def _say(what: str, value: float, target: float, kind: str) -> None:
    is_met = value >= target if kind == "at least" else value <= target
    print(f"  {what}: {value:.2f}   (target {kind} {target}: {'met' if is_met else 'MISSED'})")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--rows", type=int, nargs="+", default=[1_000_000, 4_000_000], help="sizes to measure"
    )
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
