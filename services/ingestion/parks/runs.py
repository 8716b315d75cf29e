"""Which imports are run: of the command line, of the daily job, and those that somebody asked the API for."""

import logging
import os
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from services.ingestion.parks import imports
from services.ingestion.parks.ids import read_uuid
from services.ingestion.parks.importer import Importer, Report, Tell, log_odd_keys
from services.ingestion.sources import parks_archive
from services.ingestion.sources.parks_archive import Archive
from shared import db
from shared.config import Settings
from shared.errors import CronhouseError, FatalError, Interrupted
from shared.progress import show_seconds

log = logging.getLogger("cronhouse.parks_import")
LAYOUT = "<destination uuid>/<YYYY>/<MM>/<DD>.json.gz"


@dataclass
class Ended:
    """How an import of the command line ended, in words."""

    lines: list[str] = field(default_factory=list)
    is_bad: bool = False
    is_interrupted: bool = False


def folders_of(conn: db.Connection, archive: Archive) -> list[str]:
    """List the destinations of an archive; what else it holds is noted.

    Raises:
        FatalError: it has none, and is laid out otherwise than an archive.
    """
    names = archive.folders()
    destinations = [name for name in names if read_uuid(name) == name]
    if not destinations:
        raise FatalError(
            f"{archive.label} has no destinations: expected are objects {LAYOUT} in it. Of a folder name the one that "
            "holds the destinations, neither one of them nor the one above"
        )
    with db.transaction(conn):
        log_odd_keys(conn, [f"{name}/" for name in names if read_uuid(name) != name])
    return destinations


def open_source(settings: Settings, found: imports.Import) -> Archive:
    """Open the archive that an import reads: the folder on record, or what the settings name.

    Raises:
        FatalError: it cannot be opened here; the message names it, and the command that goes on elsewhere.
        ConfigError: a setting of the archive is wrong.
    """
    number, folder = found["import_id"], imports.folder_of(found["source"])
    if folder is not None:
        # an empty place where another machine has the archive must not pass for it
        place = Path(folder, str(found["destination_id"]))
        if not (os.access(place, os.R_OK | os.X_OK) and place.is_dir()):
            raise FatalError(
                f"import {number} is of {found['source']}, and here is no folder {place} that can be read: "
                f"`cronhouse parks resume {number}` where it is goes on"
            )
    archive = parks_archive.open_archive(settings, folder)
    imports.check_source(found, archive.label)
    return archive


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


def resumable(
    conn: db.Connection, archive: Archive, destinations: list[str] | None
) -> tuple[list[int], list[str]]:
    """List the imports of an archive that can go on: paused, failed, cut off, or never begun.

    The second list has a line for each import of another archive that could, with the command that does.
    """
    with db.transaction(conn):
        rows = db.fetch_all(conn, imports.query("resumable"), {"destinations": destinations})
        rows = [row for row in rows if not imports.is_held(conn, row["destination_id"])]
    ours = [row["import_id"] for row in rows if row["source"] in (archive.label, "")]
    others = [
        f"import {row['import_id']} is of {row['source']}: `cronhouse parks resume {row['import_id']}`"
        for row in rows
        if row["import_id"] not in ours
    ]
    return ours, others


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
        said, name = str(exc), f"import {import_id}"
        return Ended([said if said.startswith(f"{name} ") else f"{name}: {said}"], is_bad=True)
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
        f"import {import_id} {report.status}: {_count(report.files, 'file')}, {_count(report.events, 'event')}: "
        f"{report.imported:,} imported, {_count(report.duplicates, 'duplicate')}, {report.rejected:,} rejected, in "
        f"{show_seconds(report.seconds)} ({rate})"
    ]
    if report.failed:  # the importer has warned of each by its name
        lines.append(f"{_count(len(report.failed), 'file')} cannot be read: see the warnings")
    return lines


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def asked_for(conn: db.Connection, archive: Archive) -> list[Mapping[str, Any]]:
    """List the imports that wait, or were cut off, and that nobody is at work on; `archive` is our own.

    Those of other archives are among them, so that none waits for ever for somebody who does not come.
    """
    with db.transaction(conn):
        rows = db.fetch_all(conn, imports.query("to_do"), {"source": archive.label})
        return [row for row in rows if not imports.is_held(conn, row["destination_id"])]


def decline(conn: db.Connection, found: Mapping[str, Any], problem: str) -> None:
    """Bring an import that cannot be done here to FAILED, with the reason, unless it is taken or withdrawn by now.

    Raises:
        Held: somebody works on its destination.
        Withdrawn: somebody paused, cancelled or ended it.
    """
    number = found["import_id"]
    with imports.held(conn, found), db.transaction(conn):
        status = imports.leave(conn, number, "FAILED", imports.WAITING, problem[:1000])
    if status != "FAILED":
        raise imports.Withdrawn(f"import {number} is {status} by now: it is left alone")
