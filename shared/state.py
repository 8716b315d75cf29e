"""What jobs remember in schema ops. Every function takes the caller's connection and never commits:
a watermark is written in the transaction that writes the data it speaks of."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from shared import db
from shared.objectstore import ObjectInfo
from shared.sql import read_queries

_Q = Path(__file__).parent / "queries" / "state.sql"
MAX_PAYLOAD_CHARS = 64_000


@dataclass(frozen=True)
class Watermark:
    """How far a pipeline came with a source. `updated_at` in UTC."""

    processed_date: date | None = None
    transaction_id: str | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True)
class DeadLetter:
    """A record that could not be used. `rows` source lines are lost with it until it is replayed."""

    source: str
    position: str
    payload: str
    reason: str
    field: str | None = None
    rows: int = 1


@dataclass(frozen=True)
class LoadedObject:
    """An object of the store as the ledger knows it."""

    key: str
    dataset: str
    source: str
    logical_date: date
    info: ObjectInfo
    rows: int
    min_business_date: date | None = None
    max_business_date: date | None = None


@dataclass(frozen=True)
class VoidTransaction:
    """A transaction that came in a version without lines. `version` in UTC."""

    source: str
    transaction_id: str
    version: datetime
    business_date: date


@dataclass(frozen=True)
class Reconciled:
    """What became of the lines of one source and business day in one run."""

    source: str
    business_date: date
    source_rows: int
    fact_rows: int
    duplicate_rows: int
    rejected_rows: int


def read_watermark(conn: db.Connection, pipeline: str, source: str) -> Watermark:
    """Read the watermark, an empty one when there is none yet."""
    row = db.fetch_one(conn, read_queries(_Q)["read_watermark"], {"pipeline": pipeline, "source": source})
    return Watermark(**row) if row else Watermark()


def write_watermark(conn: db.Connection, pipeline: str, source: str, mark: Watermark, run_id: int) -> None:
    """Write the watermark; it never moves back."""
    values = {"pipeline": pipeline, "source": source, "run_id": run_id, **vars(mark)}
    db.execute(conn, read_queries(_Q)["write_watermark"], values)


def write_dead_letters(
    conn: db.Connection,
    pipeline: str,
    job: str,
    logical_date: date,
    run_id: int,
    letters: Iterable[DeadLetter],
) -> None:
    """Keep the letters. The same payload delivered again only renews its open letter."""
    rows = {}
    for letter in letters:
        fingerprint = hashlib.sha256(letter.payload.encode()).hexdigest()
        size = len(letter.payload.encode())
        payload = letter.payload.replace("\x00", "\ufffd")[:MAX_PAYLOAD_CHARS]
        rows[(letter.source, fingerprint)] = (
            pipeline, job, letter.source, logical_date, letter.position, payload, size,
            letter.reason, letter.field, letter.rows, fingerprint, run_id,
        )  # fmt: skip
    db.execute_many(conn, read_queries(_Q)["write_dead_letters"], list(rows.values()))


def register_objects(conn: db.Connection, run_id: int, objects: Iterable[LoadedObject]) -> None:
    """Write down objects that are whole in the store; one written again counts as not loaded yet."""
    rows = [
        (o.key, o.dataset, o.source, o.logical_date, o.info.etag, o.info.size, o.rows,
         o.min_business_date, o.max_business_date, run_id)
        for o in objects
    ]  # fmt: skip
    db.execute_many(conn, read_queries(_Q)["register_objects"], rows)


def read_pending_objects(
    conn: db.Connection, dataset: str, up_to: date, force_date: date | None = None
) -> list[dict[str, Any]]:
    """List the objects that no run has loaded, oldest first; with `force_date` that day's again."""
    values = {"dataset": dataset, "up_to": up_to, "force_date": force_date}
    return db.fetch_all(conn, read_queries(_Q)["read_pending_objects"], values)


def mark_loaded(conn: db.Connection, keys: list[str], run_id: int) -> None:
    """Say that the rows of these objects are in the warehouse."""
    db.execute(conn, read_queries(_Q)["mark_loaded"], {"keys": keys, "run_id": run_id})


def write_voids(conn: db.Connection, pipeline: str, run_id: int, voids: Iterable[VoidTransaction]) -> None:
    """Say which transactions hold nothing any more, each of them once; what is known already changes nothing."""
    rows = [(pipeline, v.source, v.transaction_id, v.version, v.business_date, run_id) for v in voids]
    db.execute_many(conn, read_queries(_Q)["write_voids"], rows)


def has_pending_voids(conn: db.Connection, pipeline: str) -> bool:
    """Tell whether no load has looked yet at some transaction that holds nothing any more."""
    return bool(db.fetch_value(conn, read_queries(_Q)["has_pending_voids"], {"pipeline": pipeline}))


def write_arrival(
    conn: db.Connection, pipeline: str, source: str, logical_date: date, run_id: int, *,
    source_rows: int | None, landed_rows: int, rejected_rows: int, late_rows: int = 0,
    corrected_rows: int = 0,
) -> None:  # fmt: skip
    """Say that a source's logical date arrived whole."""
    db.execute(conn, read_queries(_Q)["write_arrival"], {
        "pipeline": pipeline, "source": source, "logical_date": logical_date, "run_id": run_id,
        "source_rows": source_rows, "landed_rows": landed_rows, "rejected_rows": rejected_rows,
        "late_rows": late_rows, "corrected_rows": corrected_rows,
    })  # fmt: skip


def write_reconciliation(conn: db.Connection, pipeline: str, run_id: int, rows: Iterable[Reconciled]) -> None:
    """Add what became of lines to the ledger; the same run, source and day adds up."""
    values = [
        (
            pipeline,
            r.source,
            r.business_date,
            run_id,
            r.source_rows,
            r.fact_rows,
            r.duplicate_rows,
            r.rejected_rows,
        )
        for r in rows
    ]
    db.execute_many(conn, read_queries(_Q)["write_reconciliation"], values)
