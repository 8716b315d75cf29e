"""An answer of the live API into the warehouse, in one transaction a destination, and the cycle it belongs to."""

import gzip
import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from services.ingestion.sources.parks_live import Entry, Issue, Live, posted
from services.ingestion.sources.themeparks_api import Answer
from shared import db
from shared.jobs import Run
from shared.names import fold_name
from shared.sql import SqlFolder, read_queries
from shared.state import LoadedObject, register_objects

_FOLDER = Path(__file__).parent / "sql"
SQL = SqlFolder(_FOLDER)
DATASET = "parks/landing"
HEARTBEAT = timedelta(hours=1)
SEEN_EVERY = timedelta(hours=6)  # how old `last_seen_at` of a ride may get while nothing about it changes
_STEPS = ("live_insert_snapshots", "live_clear_postings", "live_insert_postings", "live_insert_extras",
          "live_keep_state", "live_mark_absent", "live_mark_dirty")  # fmt: skip


def query(name: str) -> str:
    """Return a statement of live.sql."""
    return read_queries(_FOLDER / "live.sql")[name]


@dataclass(frozen=True)
class Written:
    """What became of an answer: entries in it, snapshots written, entries that could not be used."""

    entities: int
    changed: int
    rejected: int


def land(run: Run, destination_id: str, answer: Answer[Any]) -> LoadedObject:
    """Put an answer into the landing zone as it came, gzip.

    Its key is landing/parks/live/2026/11/29/120000-<destination>.json.gz, in UTC.
    """
    at = answer.received_at
    key = f"landing/parks/live/{at:%Y/%m/%d/%H%M%S}-{destination_id}.json.gz"
    info = run.store.put(key, gzip.compress(answer.body, 6, mtime=0))
    return LoadedObject(key, DATASET, destination_id, at.date(), info, 1)


def write_answer(
    run: Run, cycle_id: int, destination_id: str, answer: Answer[Live], landed: LoadedObject
) -> Written:
    """Write what a destination posts: snapshots of what changed, what stands now, the poll, and what was odd."""
    live, polled_at = answer.content, answer.received_at
    values = {
        "cycle_id": cycle_id,
        "destination_id": destination_id,
        "polled_at": polled_at,
        "heartbeat": HEARTBEAT,
    }
    with db.transaction(run.conn) as conn:
        moved = _register(conn, destination_id, live, polled_at)
        db.execute(conn, SQL["live_make_entries"])
        rows = _encode([_row(entry) for entry in live.entries.values()])
        taken = db.fetch_all(conn, SQL["live_take_entries"], {**values, "entries": rows})
        for name in _STEPS:
            db.execute(conn, SQL[name], values)
        written = [live.entries[row["entity_id"]] for row in taken if row["is_written"]]
        # an oddity is told with the snapshot that has it: the same answer again is not the same oddity again
        note_issues(conn, [*live.issues, *moved, *(issue for entry in written for issue in entry.issues)])
        newest = max((entry.updated_at for entry in live.entries.values() if entry.updated_at), default=None,
                     key=datetime.fromisoformat)  # fmt: skip
        poll = {**values, "is_answered": True, "entities": live.count, "newest_at": newest, "problem": None}
        db.execute(conn, query("write_poll"), poll)
        register_objects(conn, run.id, [landed])
    return Written(live.count, len(written), live.rejected)


def note_issues(conn: db.Connection, issues: Iterable[Issue]) -> None:
    """Write oddities to parks.data_quality_log, in the caller's transaction."""
    counted = Counter(issues)
    if counted:
        rows = [
            {**issue._asdict(), "severity": issue.severity, "seen": seen} for issue, seen in counted.items()
        ]
        db.execute(conn, SQL["note_issues"], {"issues": _encode(rows)})


def _register(conn: db.Connection, destination_id: str, live: Live, seen_at: datetime) -> list[Issue]:
    """Make known what is new or has changed; return the moves of an entity to another park."""
    known = {
        row["entity_id"]: row
        for row in db.fetch_all(conn, query("known_rides"), {"ids": list(live.entries)})
    }  # fmt: skip
    changed = [
        entry for entry in live.entries.values() if _is_news(entry, known.get(entry.entity_id), seen_at)
    ]
    if changed:
        rows = [_identity(entry, destination_id, live.timezone, seen_at) for entry in changed]
        db.execute(conn, SQL["learn_zones"], {"entities": _encode(rows)})
        db.execute(conn, query("register"), {"entities": _encode(rows)})
    message = "the entity moved to another park"
    return [
        Issue("PARK_CHANGED", entry.entity_id, f"{before['park_id']} to {entry.park_id}", message)
        for entry in changed
        if (before := known.get(entry.entity_id)) and entry.park_id and before["park_id"] not in (None, entry.park_id)
    ]  # fmt: skip


def _is_news(entry: Entry, row: dict[str, Any] | None, seen_at: datetime) -> bool:
    if row is None or row["last_seen_at"] is None or row["last_seen_at"] < seen_at - SEEN_EVERY:
        return True
    said = {"name": entry.name, "park_id": entry.park_id, "internal_id": entry.internal_id,
            "entity_type": entry.entity_type}  # fmt: skip
    return any(value is not None and value != row[name] for name, value in said.items())


def _identity(entry: Entry, destination_id: str, zone: str | None, seen_at: datetime) -> dict[str, Any]:
    return {
        "entity_id": entry.entity_id, "park_id": entry.park_id, "destination_id": destination_id, "timezone": zone,
        "name": entry.name, "folded_name": fold_name(entry.name) if entry.name else None,
        "entity_type": entry.entity_type, "internal_id": entry.internal_id,
        "first_seen_at": seen_at, "last_seen_at": seen_at,
    }  # fmt: skip


def _row(entry: Entry) -> dict[str, Any]:
    fingerprint = hashlib.sha256(msgspec.json.encode(posted(entry), order="sorted")).hexdigest()[:32]
    return {
        "entity_id": entry.entity_id, "status": entry.status, "wait": entry.wait, "has_standby": entry.has_standby,
        "fingerprint": fingerprint, "updated_at": entry.updated_at,
        "postings": [posting._asdict() for posting in entry.postings] or None,
        "showtimes": entry.showtimes, "unknown": entry.unknown,
    }  # fmt: skip


def _encode(rows: list[dict[str, Any]]) -> str:
    return msgspec.json.encode(rows).decode()
