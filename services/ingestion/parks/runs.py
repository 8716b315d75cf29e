"""Which imports are run: of the command line, of the daily job, and those that somebody asked the API for."""

import logging
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from services.ingestion.parks import imports
from services.ingestion.parks.ids import read_uuid
from services.ingestion.parks.importer import Importer, Report, Tell, log_odd_keys
from services.ingestion.sources.parks_archive import Archive
from shared import db
from shared.config import Settings
from shared.errors import CronhouseError, Interrupted
from shared.progress import show_seconds

log = logging.getLogger("cronhouse.parks_import")


@dataclass
class Ended:
    """How an import of the command line ended, in words."""

    lines: list[str] = field(default_factory=list)
    is_bad: bool = False
    is_interrupted: bool = False


def folders_of(conn: db.Connection, archive: Archive) -> list[str]:
    """List the destinations of an archive; what else it holds is noted."""
    names = archive.folders()
    odd = [f"{name}/" for name in names if read_uuid(name) != name]
    with db.transaction(conn):
        log_odd_keys(conn, odd)
    return [name for name in names if read_uuid(name) == name]


def begin_new(
    conn: db.Connection, archive: Archive, destination: str, first: date | None, last: date | None,
    *, forced: bool, by: str,
) -> int:  # fmt: skip
    """Write a new import down and return its number.

    Raises:
        FatalError: the same one is not over.
    """
    with db.transaction(conn):
        made = imports.begin(conn, archive.label, destination, first, last, forced=forced, by=by)
    return int(made["import_id"])


def resumable(conn: db.Connection, archive: Archive, destinations: list[str] | None) -> list[int]:
    """List the imports of an archive that can go on: paused, failed, cut off, or never begun."""
    values = {"source": archive.label, "destinations": destinations}
    with db.transaction(conn):
        rows = db.fetch_all(conn, imports.query("resumable"), values)
    return [row["import_id"] for row in rows if not imports.is_held(conn, row["destination_id"])]


def next_of(conn: db.Connection, archive: Archive, destination: str, *, forced: bool, by: str) -> int | None:
    """Return the import of all of a destination to run: the one not over, or a new one; None for a paused one."""
    values = {"source": archive.label, "destination_id": destination, "first": None, "last": None}
    with db.transaction(conn):
        if imports.is_held(conn, destination):
            return None
        same = db.fetch_one(conn, imports.query("find_open"), values)
        if same is None:
            same = imports.begin(conn, archive.label, destination, None, None, forced=forced, by=by)
    return None if same["status"] == "PAUSED" else int(same["import_id"])


def run_at_hand(
    settings: Settings, archive: Archive, import_id: int, by: str, tell: Tell, *, resuming: bool
) -> Ended:
    """Run an import for somebody who watches; Ctrl-C pauses it. `resuming` takes one that is paused or failed too."""
    importer = Importer(settings, archive, by, tell=tell)
    try:
        report = importer.run(import_id, resuming=resuming)
    except (KeyboardInterrupt, Interrupted):
        status = _pause(settings, import_id)
        more = "" if status in imports.OVER else f": `cronhouse parks resume {import_id}` goes on"
        return Ended([f"import {import_id} is {status}{more}"], is_bad=True, is_interrupted=True)
    except CronhouseError as exc:
        return Ended([f"import {import_id}: {exc}"], is_bad=True)
    return Ended(describe(import_id, report))


def _pause(settings: Settings, import_id: int) -> str:
    """Pause an import, unless it is paused, failed or over by now; return its state."""
    with closing(db.connect(settings, application_name="cronhouse:parks")) as conn, db.transaction(conn):
        return imports.leave(conn, import_id, "PAUSED", imports.BEFORE["PAUSED"])


def describe(import_id: int, report: Report) -> list[str]:
    """Say in a few lines what an import did."""
    rate = (
        f"{report.events / report.seconds:,.0f} events/s" if report.seconds and report.events else "no events"
    )
    if report.status == "COMPLETED" and not report.files:
        return [f"import {import_id} {report.status}: the archive has nothing new"]
    lines = [
        f"import {import_id} {report.status}: {report.files:,} files, {report.events:,} events: {report.imported:,} "
        f"imported, {report.duplicates:,} duplicates, {report.rejected:,} rejected, in {show_seconds(report.seconds)} "
        f"({rate})"
    ]
    lines += [f"cannot be read: {problem}" for problem in report.failed[:20]]
    if len(report.failed) > 20:
        lines.append(f"and {len(report.failed) - 20} more that cannot be read")
    return lines


def asked_for(conn: db.Connection, archive: Archive) -> list[Mapping[str, Any]]:
    """List the imports of an archive that wait, or were cut off, and that nobody is at work on."""
    with db.transaction(conn):
        rows = db.fetch_all(conn, imports.query("to_do"), {"source": archive.label})
        return [row for row in rows if not imports.is_held(conn, row["destination_id"])]
