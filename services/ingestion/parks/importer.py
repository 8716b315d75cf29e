"""An import from listing to end: bundles of files in parallel, a transaction a file, stopped between bundles."""

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Any

from services.ingestion.parks import imports, work
from services.ingestion.parks.archive_load import SQL, Object, Outcome
from services.ingestion.parks.batch import Issue
from services.ingestion.parks.workers import open_executor
from services.ingestion.sources.parks_archive import Archive, read_key
from shared import db
from shared.config import Settings
from shared.errors import CronhouseError, FatalError, Interrupted
from shared.jobs import Counts
from shared.objectstore import ObjectInfo

log = logging.getLogger("cronhouse.parks_import")
POLL_SECONDS = 1.0  # how often the checkpoint is asked whether somebody wants a pause
LISTED_AT_ONCE = 1000
BUNDLE_FILES, BUNDLE_BYTES = 4, 4 << 20  # few enough that a pause comes soon; a worker has all in memory


@dataclass
class Report:
    """What an import did since it was started or resumed."""

    status: str = "IN_PROGRESS"
    files: int = 0
    failed: list[str] = field(default_factory=list)
    events: int = 0
    imported: int = 0
    duplicates: int = 0
    rejected: int = 0
    seconds: float = 0.0

    def add(self, outcome: Outcome) -> None:
        """Count a file."""
        if outcome.status == "SKIPPED":
            return
        self.files += 1
        if outcome.status == "FAILED":
            self.failed.append(f"{outcome.object_key}: {outcome.problem}")
        for name in ("events", "imported", "duplicates", "rejected"):
            setattr(self, name, getattr(self, name) + getattr(outcome, name))

    @property
    def counts(self) -> Counts:
        return Counts(self.events, self.imported, self.rejected)


class Tell:
    """Hears of an import's progress; this one hears nothing."""

    def totals(self, done: int, total: int) -> None:
        """Bytes done before and in all."""

    def done(self, outcome: Outcome) -> None:
        """A file is done."""


@dataclass
class Importer:
    """Imports of one archive. `by` says who imports; `workers` is for tests and benchmarks: as a rule it depends."""

    settings: Settings
    archive: Archive
    by: str
    workers: int | None = None
    check_stop: Callable[[], None] = lambda: None
    tell: Tell = field(default_factory=Tell)

    def run(self, import_id: int, *, resuming: bool = True) -> Report:
        """Do an import, or the rest of it, to its end or until somebody wants a pause.

        `resuming` takes one that is paused or failed too; without it that one is left alone.

        Raises:
            Held: another importer is at work on the destination.
            Withdrawn: the import was paused, cancelled or ended since it was chosen.
            Interrupted: this process was asked to stop; the import can be resumed.
            CronhouseError: the archive or the warehouse failed; the import is FAILED and can be resumed.
        """
        name = imports.holder_name(import_id, self.by)
        with closing(db.connect(self.settings, application_name=name)) as conn:
            found = imports.find(conn, import_id)
            with imports.held(conn, found):
                imports.check_source(found, self.archive.label)
                with db.transaction(conn):
                    found = imports.start(conn, import_id, self.archive.label, resuming=resuming)
                return self._guarded(conn, found)

    def _guarded(self, conn: db.Connection, found: imports.Import) -> Report:
        report, started = Report(), time.monotonic()
        try:
            self._list(conn, found)
            self._import_all(conn, found, report)
        except (Interrupted, KeyboardInterrupt):
            raise
        except Exception as exc:
            self._note_failure(conn, found, exc)
            raise
        status = report.status if report.status != "IN_PROGRESS" else "COMPLETED"
        with db.transaction(conn):
            # the end is on disk before anybody hears of it, and with it all files, which did not wait for the disk
            db.execute(conn, "SET LOCAL synchronous_commit = on")
            report.status = imports.leave(conn, found["import_id"], status)
        report.seconds = time.monotonic() - started
        return report

    def _note_failure(self, conn: db.Connection, found: imports.Import, exc: Exception) -> None:
        """Write down why; where even that cannot be written the import stays IN_PROGRESS, and can be resumed too."""
        reason = str(exc) if isinstance(exc, CronhouseError) else f"{type(exc).__name__}: {exc}"
        try:
            with db.transaction(conn):
                imports.move(conn, found["import_id"], "FAILED", reason[:1000])
        except CronhouseError as second:
            log.error(
                "import %d failed (%s), and that could not be written down: %s",
                found["import_id"],
                reason,
                second,
            )

    def _list(self, conn: db.Connection, found: imports.Import) -> None:
        """Bring the ledger up to date with what the archive has."""
        listed = self._objects(found)
        while page := list(islice(listed, LISTED_AT_ONCE)):
            self.check_stop()
            odd = [info.key for info in page if read_key(info.key) is None]
            rows = _ledger_rows(self.archive.label, page)
            values = {"source": self.archive.label, "keys": [row[1] for row in rows]}
            with db.transaction(conn):
                known = {
                    (row["object_key"], row["size_bytes"], row["etag"])
                    for row in db.fetch_all(conn, imports.query("known_objects"), values)
                }
                new = [row for row in rows if (row[1], row[4], row[5]) not in known]
                db.execute_many(conn, imports.query("list_objects"), new)
                log_odd_keys(conn, odd, found["import_id"])

    def _objects(self, found: imports.Import) -> Iterator[ObjectInfo]:
        first, last = found["first_date"], found["last_date"]
        destination = str(found["destination_id"])
        if first is None or last is None:
            yield from self.archive.list(f"{destination}/")
            return
        for year in range(first.year, last.year + 1):
            yield from self.archive.list(f"{destination}/{year:04}/")

    def _import_all(self, conn: db.Connection, found: imports.Import, report: Report) -> None:
        values = {
            "source": self.archive.label, "destination_id": found["destination_id"], "first": found["first_date"],
            "last": found["last_date"], "import_id": found["import_id"], "forced": found["forced"],
        }  # fmt: skip
        with db.transaction(conn):
            todo = [Object(**row) for row in db.fetch_all(conn, imports.query("open_objects"), values)]
            size = sum(item.size_bytes for item in todo)
            totals = {"import_id": found["import_id"], "files": len(todo), "bytes": size}
            now = db.fetch_one(conn, imports.query("set_totals"), totals)
        assert now is not None
        self.tell.totals(now["bytes_done"], now["bytes_total"])
        if todo:
            with suppress(FatalError):  # the worker that fetches it tells what is wrong with it
                self.archive.read(
                    todo[0].object_key
                )  # a bucket of another region says so here, before any worker
            with open_executor(self.settings, len(todo), self.workers) as (executor, count):
                bundles = _bundles(todo, min(BUNDLE_FILES, max(1, len(todo) // (2 * count))))
                self._drive(conn, found["import_id"], executor, count, bundles, report)

    def _drive(
        self,
        conn: db.Connection,
        import_id: int,
        executor: Executor,
        count: int,
        bundles: Iterator[list[Object]],
        report: Report,
    ) -> None:
        """Keep the workers busy with two bundles each; on any stop wait for the bundles in hand."""
        waiting: set[Future[list[Outcome]]] = set()
        settings = self.settings if isinstance(executor, ThreadPoolExecutor) else None
        take = partial(work.import_objects, import_id=import_id, settings=settings)
        asked_at = 0.0
        try:
            while True:
                if report.status == "IN_PROGRESS":
                    self.check_stop()
                    if time.monotonic() - asked_at >= POLL_SECONDS:
                        with db.transaction(conn):
                            report.status = imports.read_wish(conn, import_id)
                        asked_at = time.monotonic()
                if report.status == "IN_PROGRESS":
                    waiting |= {
                        executor.submit(
                            take, [(item, self.archive.address(item.object_key)) for item in bundle]
                        )
                        for bundle in islice(bundles, 2 * count - len(waiting))
                    }
                if not waiting:
                    return
                done, waiting = wait(waiting, timeout=POLL_SECONDS, return_when=FIRST_COMPLETED)
                for future in done:
                    for outcome in future.result():
                        self._count(outcome, report)
        except BrokenProcessPool as exc:
            raise FatalError("a worker process died (out of memory?): resume the import") from exc
        finally:
            for future in waiting:
                future.cancel()
            wait(waiting)

    def _count(self, outcome: Outcome, report: Report) -> None:
        report.add(outcome)
        self.tell.done(outcome)
        if outcome.status == "FAILED":
            log.warning("%s cannot be read: %s", outcome.object_key, outcome.problem)


def _bundles(todo: Iterable[Object], most: int) -> Iterator[list[Object]]:
    """Put objects together that a worker gets in one go: it fetches the next ones while it writes one."""
    bundle: list[Object] = []
    size = 0
    for item in todo:
        size += item.size_bytes
        if bundle and (len(bundle) == most or size > BUNDLE_BYTES):
            yield bundle
            bundle, size = [], item.size_bytes
        bundle.append(item)
    if bundle:
        yield bundle


def _ledger_rows(label: str, page: list[ObjectInfo]) -> list[tuple[Any, ...]]:
    rows = []
    for info in page:
        key = read_key(info.key)
        if key is not None:
            rows.append((label, info.key, str(key.destination_id), key.file_date, info.size, info.etag))
    return rows


def log_odd_keys(conn: db.Connection, keys: list[str], import_id: int | None = None) -> None:
    """Note keys that are not of the archive's shape, or of a day that never was; each once, however often listed."""
    from psycopg2.extras import Json

    known = {row["subject"] for row in db.fetch_all(conn, imports.query("known_odd_keys"), {"keys": keys})}
    keys = [key for key in keys if key not in known]

    message = "not <destination uuid>/<YYYY>/<MM>/<DD>.json.gz of a day that there was; left out"
    issues = [{**Issue("ODD_KEY", "info", key[:500], "", message)._asdict(), "seen": 1} for key in keys]
    if issues:
        db.execute(conn, SQL["log_issues"], {"issues": Json(issues), "import_id": import_id})
