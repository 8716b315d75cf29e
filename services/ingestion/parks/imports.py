"""Imports of the archive: their states, and who may do what to them when.

    PENDING ──> IN_PROGRESS ──> COMPLETED
       │          │  ↑    └───> FAILED ──> IN_PROGRESS (resumed)
       │          ↓  │
       ├───────> PAUSED
       └─> CANCELLED <── from PENDING, IN_PROGRESS, PAUSED and FAILED; it is the end, as COMPLETED is

PAUSED and FAILED become PENDING again where somebody asks the API to resume. The table knows these rules too.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from shared import db
from shared.errors import CronhouseError, FatalError
from shared.sql import read_queries

_QUERIES = Path(__file__).parent / "sql" / "archive" / "imports.sql"
# state -> the states that it may follow
BEFORE = {
    "PENDING": ("PAUSED", "FAILED"),
    "IN_PROGRESS": ("PENDING", "IN_PROGRESS", "PAUSED", "FAILED"),
    "PAUSED": ("PENDING", "IN_PROGRESS"),
    "COMPLETED": ("IN_PROGRESS",),
    "FAILED": ("PENDING", "IN_PROGRESS"),
    "CANCELLED": ("PENDING", "IN_PROGRESS", "PAUSED", "FAILED"),
}
WAITING = ("PENDING", "IN_PROGRESS")  # what whoever only wants work done takes; IN_PROGRESS was cut off
OVER = ("COMPLETED", "CANCELLED")  # there is nothing to go on with
Import = dict[str, Any]


class Held(FatalError):
    """Another importer is at work on the destination."""


class Withdrawn(FatalError):
    """Somebody paused, cancelled or ended the import before its importer began."""


def query(name: str) -> str:
    """Return a statement of imports.sql."""
    return read_queries(_QUERIES)[name]


def begin(
    conn: db.Connection, source: str, destination_id: str, first: date | None, last: date | None,
    *, forced: bool = False, by: str,
) -> Import:  # fmt: skip
    """Write a new import down, PENDING; in a transaction of the caller's.

    Raises:
        FatalError: the same one is not over: it is to be resumed or cancelled.
    """
    values = {"source": source, "destination_id": destination_id, "first": first, "last": last}
    db.execute(conn, query("lock_new"))
    same = db.fetch_one(conn, query("find_open"), values)
    if same is not None:
        raise FatalError(
            f"import {same['import_id']} of the same destination and range is {same['status']}: "
            f"`cronhouse parks resume {same['import_id']}` goes on with it, `cronhouse parks cancel` ends it"
        )
    made = db.fetch_one(conn, query("create"), {**values, "forced": forced, "by": by})
    assert made is not None
    return made


def find(conn: db.Connection, import_id: int) -> Import:
    """Read one import.

    Raises:
        FatalError: there is none of that number.
    """
    found = db.fetch_one(conn, query("find"), {"import_id": import_id})
    if found is None:
        raise FatalError(f"there is no import {import_id}: `cronhouse parks imports` lists them")
    return found


def list_all(
    conn: db.Connection, *, import_id: int | None = None, status: str | None = None, before: int | None = None,
    limit: int = 20,
) -> list[Import]:  # fmt: skip
    """List imports, newest first; `held_by` says who is at work on one, `percent` how much of its bytes is done."""
    values = {"import_id": import_id, "status": status, "before": before, "limit": limit}
    return db.fetch_all(conn, query("list"), values)


def folder_of(source: str) -> str | None:
    """Return the folder that a source is; None for a bucket."""
    from urllib.parse import unquote, urlsplit

    return unquote(urlsplit(source).path) if source.startswith("file:") else None


def check_source(found: Mapping[str, Any], label: str) -> None:
    """Refuse to go on with an import from elsewhere.

    Raises:
        FatalError: its archive is not the one that is open.
    """
    if found["source"] not in (label, ""):
        raise FatalError(
            f"import {found['import_id']} is of {found['source']}, but the settings here name {label}: "
            f"`cronhouse parks resume {found['import_id']}` where ARCHIVE_S3_BUCKET names it goes on"
        )


def start(conn: db.Connection, import_id: int, source: str, *, resuming: bool) -> Import:
    """Bring an import to IN_PROGRESS; one that is PAUSED or FAILED only for somebody who resumes it.

    Raises:
        Withdrawn: it does not wait any more.
        FatalError: it is over.
    """
    if resuming:
        return move(conn, import_id, "IN_PROGRESS", source=source)
    values = {"import_id": import_id, "status": "IN_PROGRESS", "problem": None, "source": source,
              "before": list(WAITING)}  # fmt: skip
    started = db.fetch_one(conn, query("move"), values)
    if started is None:
        raise Withdrawn(f"import {import_id} is {find(conn, import_id)['status']} by now: it is left alone")
    return started


def move(
    conn: db.Connection, import_id: int, status: str, problem: str | None = None, source: str | None = None
) -> Import:
    """Bring an import into another state, and say where it reads if nobody has; in a transaction of the caller's.

    Raises:
        FatalError: it is in no state that this one may follow.
    """
    values = {"import_id": import_id, "status": status, "problem": problem, "source": source,
              "before": list(BEFORE[status])}  # fmt: skip
    moved = db.fetch_one(conn, query("move"), values)
    if moved is None:
        now = find(conn, import_id)["status"]
        raise FatalError(
            f"import {import_id} is {now}: it cannot become {status} (only {', '.join(BEFORE[status])} can)"
        )
    return moved


def leave(
    conn: db.Connection, import_id: int, status: str, before: Iterable[str] = ("IN_PROGRESS",),
    problem: str | None = None,
) -> str:  # fmt: skip
    """Bring an import that its importer ends into a state; return it, or the one that somebody gave it meanwhile.

    An import that was cut off can be paused or cancelled in the instant in which it goes on: that holds. Only one in
    a state of `before` is brought into another.
    """
    values = {"import_id": import_id, "status": status, "problem": problem, "source": None,
              "before": list(before)}  # fmt: skip
    left = db.fetch_one(conn, query("move"), values) or find(conn, import_id)
    return str(left["status"])


def read_wish(conn: db.Connection, import_id: int) -> str:
    """Return the state that an import is wanted in: IN_PROGRESS as long as it is to go on."""
    found = db.fetch_one(conn, query("wanted"), {"import_id": import_id})
    assert found is not None
    return {"pause": "PAUSED", "cancel": "CANCELLED"}.get(found["wanted"], str(found["status"]))


def ask(conn: db.Connection, import_id: int, wish: str) -> Import:
    """Pause or cancel: at once when nobody is at work on it, else its importer does so after the files in hand.

    Raises:
        FatalError: it is in no state for that.
    """
    status = {"pause": "PAUSED", "cancel": "CANCELLED"}[wish]
    found = find(conn, import_id)
    if found["status"] == "IN_PROGRESS" and is_held(conn, found["destination_id"]):
        asked = db.fetch_one(conn, query("want"), {"import_id": import_id, "wanted": wish})
        if asked is not None:
            return asked
    return move(conn, import_id, status)


def is_held(conn: db.Connection, destination_id: Any) -> bool:
    """Tell whether an importer is at work on a destination."""
    return db.fetch_one(conn, query("who_holds"), {"destination_id": str(destination_id)}) is not None


@contextmanager
def held(conn: db.Connection, found: Mapping[str, Any]) -> Iterator[None]:
    """Keep every other importer off the destination, as long as the connection lives.

    Raises:
        Held: one is at work; the message says which.
    """
    values = {"destination_id": str(found["destination_id"])}
    with db.transaction(conn):
        if not db.fetch_value(conn, query("lock_destination"), values):
            other = db.fetch_one(conn, query("who_holds"), values)
            raise Held(f"destination {values['destination_id']} is being imported {_describe(other)}")
    try:
        yield
    finally:
        if not conn.closed:
            try:
                with db.transaction(conn):
                    db.fetch_value(conn, query("unlock_destination"), values)
            except (
                CronhouseError
            ):  # the error that brought us here tells more; the lock goes with the session
                conn.close()


def holder_name(import_id: int, by: str) -> str:
    """Return the application name of an importer's connection, which tells others who it is."""
    return f"cronhouse:parks_import:{import_id}:{by}"


def _describe(other: Mapping[str, Any] | None) -> str:
    if other is None:
        return "by somebody who ended this moment: try again"
    _, _, rest = str(other["application_name"]).partition("parks_import:")
    number, _, by = rest.partition(":")
    since = other["backend_start"].strftime("%Y-%m-%d %H:%M:%S")
    return (
        f"by import {number or '?'} of {by or 'somebody'} since {since} UTC (server process {other['pid']})"
    )
