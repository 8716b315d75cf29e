"""How fast an archive of theme parks becomes history: from an S3 endpoint into partitioned tables with their keys.

    python -m bench.archive_import [--repeat 3]

Ways, taken in turns on an embedded server of its own and an S3 server (moto) in a process of its own:
  unpack + parse    every object decompressed and decoded into typed structs, in one process, nothing else
  copy + insert     ready rows: COPY to a staging table, then insert on conflict, a transaction a file, one connection
  fetch             every object from the S3 server, nothing else
  folder            the import with two processes from a folder: no S3
  cronhouse         the import with two processes from the S3 server: what the limit is for
  one process       the same with one
  Dask, 1 and 2     the same on a Dask cluster of this machine
The sample archive is read where it lies beside the checkout, else the three months that come with Cronhouse.
"""

import argparse
import io
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple
from urllib.error import URLError
from urllib.request import urlopen

import psycopg2

from services.ingestion.parks import imports
from services.ingestion.parks.batch import MOMENT, MOMENT_BITS, Batch
from services.ingestion.parks.events import _file, _list, read_events
from services.ingestion.parks.importer import Importer, Report
from services.ingestion.parks.unpack import unpack
from services.ingestion.sources.parks_archive import SAMPLE, S3Archive, open_archive
from shared import db
from shared.config import ROOT, Settings, load_settings
from shared.local.postgres import EmbeddedPostgres
from shared.migrations import migrate
from shared.sql import read_queries

TARGET_SPEED, TARGET_MB = 100_000, 250
LARGE = ROOT.parent / "shared" / "data" / "parks" / "archive"
RESORT = "e957da41-3552-4cf6-b636-5babc5cbc4e5"
BUCKET = "archive"
QUERIES = read_queries(Path(__file__).parent / "sql" / "archive_import.sql")
WAYS = ("unpack + parse", "copy + insert", "fetch", "folder", "cronhouse", "one process")
DASK = ("Dask, 1 worker", "Dask, 2 workers")
HOW_TO_READ = """
How to read it: events a second by the clock; the processor time is that of everything that took part (importer,
workers, PostgreSQL, S3 server), so that company on the machine shows as clock above half the processor time of two
processes. "unpack + parse" and "copy + insert" use one processor each: together they are the work that no import can
do without, and what is above them is listing, fetching, checking each event, identity, ledger and days to rebuild.
The S3 server is Python too and uses the same two processors; "folder" is the import without it."""


class Figure(NamedTuple):
    """A measurement: seconds, seconds of a processor by all that took part, of these the S3 server's, MB a worker."""

    seconds: float
    cpu: float
    s3: float = 0.0
    megabytes: float = 0.0


class Bench:
    """An archive in a folder and in a bucket, and a server to import it into."""

    def __init__(self, folder: Path, server: EmbeddedPostgres, s3: "S3Server", source: Path) -> None:
        self.folder, self.server, self.s3, self.source = folder, server, s3, source
        self.objects = {
            str(path.relative_to(source)): path.read_bytes() for path in sorted(source.rglob("*.json.gz"))
        }
        s3.fill(self.objects)
        self.batches = list(_render_all(self.objects))
        self.events = sum(events for events, _ in self.batches)
        self.databases = 0

    def settings(self, name: str) -> Settings:
        """Return settings for a database of the server, and the bucket."""
        return load_settings({
            "DATABASE_URL": self.server.url(name), "CRONHOUSE_LOCAL_DIR": str(self.folder / "local"),
            "ARCHIVE_S3_BUCKET": BUCKET, "ARCHIVE_S3_ENDPOINT_URL": self.s3.url, "ARCHIVE_S3_REGION": "us-east-1",
            "ARCHIVE_S3_SIGNED": "1", "AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "bench",
        })  # fmt: skip

    @contextmanager
    def database(self) -> Iterator[str]:
        """A migrated database for one measurement."""
        self.databases += 1
        name = f"bench_{self.databases}"
        with closing(psycopg2.connect(self.server.url("postgres"))) as conn:
            conn.autocommit = True
            with conn.cursor() as cursor:
                cursor.execute(f"CREATE DATABASE {name} TEMPLATE migrated")
                cursor.execute("CHECKPOINT")
            yield name
            with conn.cursor() as cursor:
                cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def measure(self, way: str) -> Figure:
        """Do it once."""
        if way == "unpack + parse":
            return _timed(lambda: _parse_all(self.objects))
        if way == "fetch":
            archive = S3Archive(self.settings("postgres"))
            before = self.s3.cpu()
            figure = _timed(lambda: [archive.read(key) for key in self.objects])
            spent = self.s3.cpu() - before
            return Figure(figure.seconds, figure.cpu + spent, spent)
        with self.database() as name:
            if way == "copy + insert":
                return self._copy_and_insert(name)
            workers = 1 if way in ("one process", DASK[0]) else 2
            return self._import(name, workers, from_folder=way == "folder", on_dask=way in DASK)

    def _copy_and_insert(self, name: str) -> Figure:
        with closing(db.connect(self.settings(name))) as conn:
            cursor = conn.cursor()
            cursor.execute("SET synchronous_commit = off")
            cursor.execute(QUERIES["months"], (date(2016, 12, 1), date(2020, 2, 1)))
            cursor.execute(QUERIES["months"], (date(2026, 4, 1), date(2026, 4, 30)))
            cursor.execute(QUERIES["staging"])
            conn.commit()
            before = self.server_cpu()

            def work() -> None:
                for _, text in self.batches:
                    cursor.copy_expert(QUERIES["copy"], io.StringIO(text), size=1 << 17)
                    cursor.execute(QUERIES["insert"])
                    conn.commit()

            figure = _timed(work)
            return Figure(figure.seconds, figure.cpu + self.server_cpu() - before)

    def _import(self, name: str, workers: int, *, from_folder: bool, on_dask: bool) -> Figure:
        settings = self.settings(name)
        folder = str(self.source) if from_folder else None
        archive = open_archive(settings, folder)
        with closing(db.connect(settings)) as conn, db.transaction(conn):
            number = imports.begin(conn, archive.label, RESORT, None, None, by="bench")["import_id"]
        with _dask(settings, workers) if on_dask else _nothing() as address:
            if address:
                settings = load_settings({**settings.environ, "DASK_SCHEDULER": address})
            importer = Importer(settings, archive, "bench", workers=workers)
            report = Report()

            def work() -> None:
                nonlocal report
                report = importer.run(number)

            before, s3 = self.server_cpu(), self.s3.cpu()
            with Watch() as watch:
                figure = _timed(work)
            spent = self.s3.cpu() - s3
            cpu = figure.cpu + watch.cpu + self.server_cpu() - before + spent
        assert report.events == self.events and report.events == report.imported + report.duplicates, report
        return Figure(figure.seconds, cpu, spent, watch.megabytes)

    def server_cpu(self) -> float:
        """Return the seconds of a processor that the database server and its sessions have used."""
        time.sleep(0.2)  # the server notices that a session is gone
        pid = int((self.server.data / "postmaster.pid").read_text().split()[0])
        return _cpu_of(pid, with_ended=True) + sum(_cpu_of(child) for child in _children(pid))


class S3Server:
    """moto in a process of its own, with one bucket."""

    def __init__(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + 60
        while True:
            try:
                urlopen(self.url, timeout=1).close()
                return
            except (URLError, OSError):
                assert time.monotonic() < end and self.process.poll() is None, "moto did not start"
                time.sleep(0.05)

    def fill(self, objects: dict[str, bytes]) -> None:
        import boto3

        client: Any = boto3.client(
            "s3", endpoint_url=self.url, region_name="us-east-1", aws_access_key_id="b", aws_secret_access_key="b"
        )  # fmt: skip
        client.create_bucket(Bucket=BUCKET)
        for key, body in objects.items():
            client.put_object(Bucket=BUCKET, Key=key, Body=body)

    def cpu(self) -> float:
        return _cpu_of(self.process.pid)

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


class Watch:
    """Most memory and processor time of the processes that this one starts meanwhile, looked at 20 times a second."""

    def __enter__(self) -> "Watch":
        self.megabytes, self._cpu, self._stop = 0.0, dict[int, float](), threading.Event()
        self._others = set(_family(os.getpid()))
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()
        return self

    def _look(self) -> None:
        while not self._stop.wait(0.05):
            for pid in set(_family(os.getpid())) - self._others:
                self._cpu[pid] = max(self._cpu.get(pid, 0.0), _cpu_of(pid))
                self.megabytes = max(self.megabytes, _peak_megabytes(pid))

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    @property
    def cpu(self) -> float:
        return sum(self._cpu.values())


def _family(pid: int) -> Iterator[int]:
    for child in _children(pid):
        yield child
        yield from _family(child)


def _children(pid: int) -> list[int]:
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        return [int(child) for task in tasks for child in (task / "children").read_text().split()]
    except OSError:  # it ended, or there is no /proc
        return []


def _cpu_of(pid: int, with_ended: bool = False) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11 : 15 if with_ended else 13])) / os.sysconf("SC_CLK_TCK")


def _peak_megabytes(pid: int) -> float:
    try:
        return int(Path(f"/proc/{pid}/status").read_text().split("VmHWM:")[1].split()[0]) / 1024
    except (OSError, IndexError):
        return 0.0


@contextmanager
def _nothing() -> Iterator[None]:
    yield None


@contextmanager
def _dask(settings: Settings, workers: int) -> Iterator[str]:
    """A cluster on this machine whose workers have the settings, as each container of a real one has."""
    from distributed import LocalCluster

    before = dict(os.environ)
    os.environ.update({**settings.environ, "PYTHONPATH": str(ROOT), "CRONHOUSE_ENV_FILE": "/dev/null"})
    try:
        with LocalCluster(
            n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster:
            os.environ.clear()
            os.environ.update(before)
            yield cluster.scheduler_address
    finally:
        os.environ.clear()
        os.environ.update(before)


def _timed(work: Callable[[], Any]) -> Figure:
    started, cpu = time.perf_counter(), time.process_time()
    work()
    return Figure(time.perf_counter() - started, time.process_time() - cpu)


def _parse_all(objects: dict[str, bytes]) -> None:
    for body in objects.values():
        data = unpack(body).data
        (_list if data[:1] == b"[" else _file).decode(data)


def _render_all(objects: dict[str, bytes]) -> Iterator[tuple[int, str]]:
    """Return the rows of each object as COPY text; rides are numbered as they come."""
    numbers: dict[str, int] = {}
    for key, body in objects.items():
        batch = Batch(key)
        read_events(unpack(body).data, batch)
        for entity in batch.entities:
            numbers.setdefault(entity, len(numbers) + 1)
        names = [numbers[entity] for entity in batch.entities]
        lines = [
            f"{names[key >> MOMENT_BITS]}\t{key & MOMENT}\t{row.status}\t"
            f"{chr(92) + 'N' if row.wait is None else row.wait}\t{row.has_standby}\n"
            for key, row in batch.rows.items()
        ]
        yield batch.events, "".join(lines)


def report(bench: Bench, found: dict[str, list[Figure]]) -> None:
    """Print the figures and whether each target is met."""
    print(
        f"\n{bench.events:,} events in {len(bench.objects):,} objects, medians of {len(found['cronhouse'])}"
    )
    middle = {way: statistics.median(figure.seconds for figure in figures) for way, figures in found.items()}
    for way, figures in found.items():
        cpu, s3 = (statistics.median(getattr(f, name) for f in figures) for name in ("cpu", "s3"))
        memory = max(figure.megabytes for figure in figures)
        print(
            f"  {way:<16} {middle[way]:7.2f} s {bench.events / middle[way]:10,.0f} events/s {cpu:7.2f} s of a processor"
            + (f", {s3:.2f} of it the S3 server" if s3 else "") + (f"; {memory:.0f} MB a worker" if memory else "")
        )  # fmt: skip
    cpu = statistics.median(figure.cpu for figure in found["cronhouse"])
    print("\nlimits")
    _say(
        "events a second, two processes, from S3",
        bench.events / middle["cronhouse"],
        TARGET_SPEED,
        "at least",
    )
    print(f"    if nothing else used the two processors, by processor time: {bench.events / cpu * 2:,.0f}")
    _say("MB a worker", max(f.megabytes for figures in found.values() for f in figures), TARGET_MB, "at most")
    parts = middle["unpack + parse"] + middle["copy + insert"]
    print(f"  import with one process / its parts alone: {middle['one process'] / parts:.2f}")
    print(f"  one process / two processes: {middle['one process'] / middle['cronhouse']:.2f}")
    if DASK[0] in middle:
        print(f"  Dask, one worker / two workers: {middle[DASK[0]] / middle[DASK[1]]:.2f}")
    print(HOW_TO_READ)


def _say(what: str, value: float, target: float, kind: str) -> None:
    is_met = value >= target if kind == "at least" else value <= target
    print(f"  {what}: {value:,.0f}   (limit {kind} {target:,}: {'met' if is_met else 'MISSED'})")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeat", type=int, default=3, help="repetitions of each way")
    parser.add_argument("--no-dask", action="store_true", help="leave the Dask cluster out")
    args = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="cronhouse-bench-"))
    folder.chmod(0o755)
    server, s3 = EmbeddedPostgres(folder), S3Server()
    ways = WAYS if args.no_dask else (*WAYS, *DASK)
    found: dict[str, list[Figure]] = {way: [] for way in ways}
    try:
        server.start()
        server.create_database("migrated")
        migrate(load_settings({"DATABASE_URL": server.url("migrated")}))
        bench = Bench(folder, server, s3, LARGE if LARGE.is_dir() else SAMPLE)
        for number in range(args.repeat):
            for way in ways if number % 2 == 0 else reversed(ways):
                figure = bench.measure(way)
                found[way].append(figure)
                print(f"  {number + 1}/{args.repeat} {way:<16} {figure.seconds:7.2f} s {figure.cpu:7.2f} cpu",
                      file=sys.stderr)  # fmt: skip
        report(bench, found)
    finally:
        s3.stop()
        server.remove()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
