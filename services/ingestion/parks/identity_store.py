"""Matchings in the database: read what there is, write a batch, take one back, settle what was uncertain."""

import csv
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from psycopg2.extras import Json

from services.ingestion.parks.identity import External, Matcher, Park, Ride, Verdict, split_queue
from shared import apikeys, db
from shared.errors import DataError, FatalError
from shared.names import fold_name
from shared.sql import read_queries

_Q = Path(__file__).parent / "sql" / "identity.sql"
QUEUE_TYPES = ("STANDBY", "SINGLE_RIDER", "RETURN_TIME", "PAID_RETURN_TIME", "BOARDING_GROUP", "PAID_STANDBY")
MANUAL_COLUMNS = ("external_id", "entity_id")


@dataclass(frozen=True)
class Columns:
    """What the columns of a file of rides are called; `uuid` is None where the file has no such column."""

    id: str
    name: str
    park: str
    uuid: str | None = None


@dataclass(frozen=True)
class Manual:
    """A line of the manual file: `entity_id` None says that the ride has no counterpart here."""

    external_id: str
    entity_id: UUID | None
    queue_type: str | None


@dataclass(frozen=True)
class Report:
    """What a matching found; `kept` are the rides that people decided before, `batch_id` None for a dry run."""

    verdicts: tuple[Verdict, ...]
    manual: tuple[Manual, ...]
    kept: tuple[str, ...]
    batch_id: int | None = None

    def counts(self) -> dict[str, int]:
        """Count the rides by what became of them; an unmatched one is `review`."""
        found = Counter(verdict.method or "review" for verdict in self.verdicts)
        manual = Counter("manual" if line.entity_id else "none by hand" for line in self.manual)
        return {**found, **manual, "decided before": len(self.kept)}


def read_rides(path: Path, columns: Columns) -> list[External]:
    """Read the rides of another system from CSV, UTF-8 with or without a byte order mark.

    Raises:
        DataError: a column is missing, an id is empty or stands twice; names the file and line.
    """
    found: dict[str, External] = {}
    for line, row in _rows(path, [name for name in vars(columns).values() if name]):
        external_id = row[columns.id].strip()
        if not external_id:
            raise DataError(f"{path}: line {line}: {columns.id} is empty")
        if external_id in found:
            raise DataError(f"{path}: line {line}: {columns.id} {external_id} stands twice")
        uuid = row[columns.uuid] if columns.uuid else ""
        found[external_id] = External(external_id, row[columns.name], row[columns.park], uuid)
    return list(found.values())


def read_manual(path: Path) -> list[Manual]:
    """Read decisions made by hand: external_id, entity_id (empty: there is none), optionally queue_type.

    Raises:
        DataError: a column is missing, or a value is not one; names the file and line.
    """
    found: dict[str, Manual] = {}
    for line, row in _rows(path, MANUAL_COLUMNS):
        external_id, entity = row["external_id"].strip(), row["entity_id"].strip()
        queue_type = (row.get("queue_type") or "").strip().upper() or None
        if queue_type is not None and queue_type not in QUEUE_TYPES:
            raise DataError(
                f"{path}: line {line}: queue_type {queue_type} is none of {', '.join(QUEUE_TYPES)}"
            )
        if not external_id or external_id in found:
            raise DataError(f"{path}: line {line}: external_id {external_id!r} is empty or stands twice")
        try:
            found[external_id] = Manual(external_id, UUID(entity) if entity else None, queue_type)
        except ValueError as exc:
            raise DataError(f"{path}: line {line}: entity_id {entity!r} is no UUID") from exc
    return list(found.values())


def _rows(path: Path, wanted: Iterable[str]) -> Iterable[tuple[int, dict[str, str]]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            missing = [name for name in wanted if name not in (reader.fieldnames or ())]
            if missing:
                there = ", ".join(reader.fieldnames or ()) or "none"
                raise DataError(f"{path}: there is no column {', '.join(missing)}; there are: {there}")
            for row in reader:
                yield reader.line_num, {name: row[name] or "" for name in row if name is not None}
    except UnicodeDecodeError as exc:
        raise DataError(f"{path}: is not UTF-8: {exc}") from exc


def match_rides(
    conn: db.Connection, system: str, rides: Sequence[External], manual: Sequence[Manual], *,
    source: str, actor: str, dry_run: bool = False,
) -> Report:  # fmt: skip
    """Match the rides of a system and write the batch, unless it is a dry run.

    What people decided before, by the manual file or the review queue, stays; the manual file given now wins over
    that too. An automatic match that no longer holds is taken out.

    Raises:
        DataError: the manual file names an entity that there is none of.
    """
    with db.transaction(conn):
        db.execute(conn, read_queries(_Q)["lock_system"], {"system": system})
        entities = _find_entities(conn, manual)
        by_hand = {line.external_id for line in manual}
        decided = {
            row["external_id"] for row in db.fetch_all(conn, read_queries(_Q)["decided"], {"system": system})
        }
        matcher = read_matcher(conn)
        open_rides = [ride for ride in rides if ride.external_id not in decided | by_hand]
        kept = tuple(ride.external_id for ride in rides if ride.external_id in decided - by_hand)
        verdicts = tuple(matcher.match(ride) for ride in open_rides)
        batch_id = None
        if not dry_run:
            values = {"system": system, "source": source, "actor": actor}
            batch_id = db.fetch_value(conn, read_queries(_Q)["new_batch"], values)
            _write(conn, {**values, "batch_id": batch_id}, verdicts)
            _write_manual(
                conn, {**values, "batch_id": batch_id}, manual, entities, {r.external_id: r for r in rides}
            )
    return Report(verdicts, tuple(manual), kept, batch_id)


def read_matcher(conn: db.Connection) -> Matcher:
    """Read all rides with all their names, and the parks."""
    rides = [
        Ride(
            row["ride_id"], UUID(row["entity_id"]), UUID(row["park_id"]) if row["park_id"] else None,
            row["name"] or "",
            tuple(name for name in map(fold_name, {*(row["names"] or ()), row["name"] or ""}) if name),
            row["entity_type"],
        )
        for row in db.fetch_all(conn, read_queries(_Q)["rides"])
    ]  # fmt: skip
    parks = [
        Park(UUID(row["park_id"]), row["name"], row["slug"])
        for row in db.fetch_all(conn, read_queries(_Q)["parks"])
    ]
    return Matcher(rides, parks)


def _find_entities(conn: db.Connection, manual: Sequence[Manual]) -> dict[UUID, int]:
    wanted = [str(line.entity_id) for line in manual if line.entity_id]
    rows = db.fetch_all(conn, read_queries(_Q)["entities"], {"entities": wanted})
    known = {UUID(row["entity_id"]): row["ride_id"] for row in rows}
    for line in manual:
        if line.entity_id and line.entity_id not in known:
            raise DataError(
                f"the manual file maps {line.external_id} to {line.entity_id}: there is no such ride"
            )
    return known


def _write(conn: db.Connection, values: dict[str, Any], verdicts: Sequence[Verdict]) -> None:
    ids = [verdict.external.external_id for verdict in verdicts]
    db.execute(conn, read_queries(_Q)["take_out"], {**values, "ids": ids})
    matched = [verdict for verdict in verdicts if verdict.ride_id is not None]
    system, batch_id = values["system"], values["batch_id"]
    rows = [
        (system, v.external.external_id, v.ride_id, v.method, v.score, v.queue_type, batch_id, "names")
        for v in matched
    ]
    db.execute_many(conn, read_queries(_Q)["write_mappings"], rows)
    found = [verdict.external.external_id for verdict in matched]
    db.execute(conn, read_queries(_Q)["drop_reviews"], {**values, "ids": found})
    for verdict in verdicts:
        if verdict.ride_id is None:
            candidates = Json([asdict(candidate) for candidate in verdict.candidates])
            park_id = str(verdict.park_id) if verdict.park_id else None
            review = {"external_id": verdict.external.external_id, "name": verdict.external.name,
                      "reason": verdict.reason, "candidates": candidates, "park_id": park_id}  # fmt: skip
            db.execute(conn, read_queries(_Q)["write_review"], {**values, **review})


def _write_manual(
    conn: db.Connection, values: dict[str, Any], manual: Sequence[Manual], entities: dict[UUID, int],
    rides: dict[str, External],
) -> None:  # fmt: skip
    ids = [line.external_id for line in manual]
    db.execute(conn, read_queries(_Q)["take_out"], {**values, "ids": ids})
    db.execute(conn, read_queries(_Q)["drop_reviews"], {**values, "ids": ids})
    rows = []
    for line in manual:
        name = rides[line.external_id].name if line.external_id in rides else ""
        queue_type = line.queue_type or split_queue(fold_name(name))[1]
        if line.entity_id is None:
            db.execute(
                conn,
                read_queries(_Q)["reject_by_hand"],
                {**values, "external_id": line.external_id, "name": name},
            )
        else:
            rows.append((values["system"], line.external_id, entities[line.entity_id], "manual", None, queue_type,
                         values["batch_id"], values["actor"]))  # fmt: skip
    db.execute_many(conn, read_queries(_Q)["write_mappings"], rows)


def undo_batch(conn: db.Connection, batch_id: int, actor: str) -> tuple[int, int]:
    """Take back all that a batch wrote; return how many mappings went and how many earlier ones came back.

    Questions that the batch answered are open, or decided, again as they were. What a batch wrote that was itself
    undone meanwhile stays away: what was there before that one comes back.

    Raises:
        FatalError: there is no such batch, or it was undone before.
    """
    values = {"batch_id": batch_id}
    with db.transaction(conn):
        batch = db.fetch_one(conn, read_queries(_Q)["lock_batch"], values)
        if batch is None:
            raise FatalError(f"there is no matching {batch_id}")
        if batch["undone_at"] is not None:
            raise FatalError(f"matching {batch_id} was undone at {batch['undone_at']:%Y-%m-%d %H:%M} UTC")
        db.execute(conn, read_queries(_Q)["lock_system"], {"system": batch["system"]})
        gone = db.execute(conn, read_queries(_Q)["undo_mappings"], values)
        db.execute(conn, read_queries(_Q)["undo_reviews"], values)
        back = db.fetch_value(conn, read_queries(_Q)["bring_back"], {**values, "system": batch["system"]})
        db.execute(conn, read_queries(_Q)["mark_undone"], values)
        apikeys.write_audit(
            conn, actor, "parks.match_undo", f"batch:{batch_id}", {"gone": gone, "back": back}
        )
    return gone, back


def list_reviews(conn: db.Connection, system: str | None, state: str | None) -> list[dict[str, Any]]:
    """List what people must look at, or did."""
    return db.fetch_all(conn, read_queries(_Q)["reviews"], {"system": system, "state": state})


def settle_review(conn: db.Connection, review_id: int, ride: str | None, actor: str) -> str:
    """Accept a review with the ride (ride_id or UUID), or reject it with None; return what it was about.

    Raises:
        FatalError: there is no such review, it is settled, or there is no such ride.
    """
    with db.transaction(conn):
        review = db.fetch_one(conn, read_queries(_Q)["lock_review"], {"review_id": review_id})
        if review is None:
            raise FatalError(f"there is no review {review_id}: `cronhouse parks review list`")
        if review["state"] != "open":
            raise FatalError(f"review {review_id} is {review['state']} already")
        queue_type = split_queue(fold_name(review["name"]))[1]
        values = {**review, "actor": actor, "state": "rejected" if ride is None else "accepted"}
        if ride is not None:
            chosen = find_ride(conn, ride)["ride_id"]
            db.execute(
                conn,
                read_queries(_Q)["accept_mapping"],
                {**values, "ride_id": chosen, "queue_type": queue_type},
            )
        db.execute(conn, read_queries(_Q)["settle_review"], values)
        apikeys.write_audit(
            conn, actor, "parks.review", f"review:{review_id}", {"state": values["state"], "ride": ride}
        )
    return f"{review['system']} {review['external_id']} ({review['name']})"


def find_ride(conn: db.Connection, ride: str) -> dict[str, Any]:
    """Find a ride by its ride_id or UUID.

    Raises:
        FatalError: there is none.
    """
    found = db.fetch_one(conn, read_queries(_Q)["find_ride"], {"ride": ride.strip()})
    if found is None:
        raise FatalError(f"there is no ride {ride!r}: give a ride_id or the UUID of the entity")
    return found


def link_successor(conn: db.Connection, old: str, new: str, actor: str) -> tuple[str, str]:
    """Say that a ride stands where another stood; each keeps its own history. Return both names.

    Raises:
        FatalError: there is no such ride, or the link would close a circle.
    """
    with db.transaction(conn):
        before, after = find_ride(conn, old), find_ride(conn, new)
        chain = [
            row["ride_id"]
            for row in db.fetch_all(conn, read_queries(_Q)["ancestors"], {"ride_id": before["ride_id"]})
        ]
        if after["ride_id"] in (before["ride_id"], *chain):
            raise FatalError(f"{after['name']} cannot follow {before['name']}: it stands before it")
        db.execute(
            conn, read_queries(_Q)["set_successor"], {"old": before["ride_id"], "new": after["ride_id"]}
        )
        detail = {"old": before["entity_id"], "new": after["entity_id"]}
        apikeys.write_audit(conn, actor, "parks.successor", f"ride:{after['ride_id']}", detail)
    return str(before["name"]), str(after["name"])
