"""Replay of dead letters: the same code as the first try, from the letter's payload alone.

What can be read now becomes a raw object that the next transformation loads; the ledger takes the lines out
of `rejected`, since the load counts them again. A letter that fails again stays open with its new reason.
"""

import hashlib
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex
from typing import Any

from services.ingestion.retail.intake import PIPELINE
from services.ingestion.retail.landing import read_lines
from services.ingestion.retail.raw import RawWriter
from services.ingestion.retail.retailers import Retailer, describe_retailers
from services.ingestion.sources import Parsed, Source, open_source, parse
from shared import db, state
from shared.config import Settings
from shared.errors import CronhouseError, DataError, FatalError
from shared.jobs.workflows import find_workflow
from shared.objectstore import ObjectStore, open_store
from shared.sql import read_queries

QUERIES = Path(__file__).parent / "sql" / "queries.sql"


@dataclass(frozen=True)
class Replayed:
    """What became of one letter. `rows` raw rows were written; none, with `is_done`, for what is no sale."""

    dead_letter_id: int
    is_done: bool
    rows: int
    message: str


def replay(settings: Settings, letters: Iterable[Mapping[str, Any]], actor: str = "cli") -> list[Replayed]:
    """Try letters again, each in its own transaction; `letters` are rows of ops.dead_letter."""
    retailers = describe_retailers(find_workflow(settings, PIPELINE).params)
    store = open_store(settings)
    results = []
    with closing(db.connect(settings, application_name="cronhouse:replay")) as conn:
        for letter in letters:
            retailer = retailers.get(letter["source"])
            if retailer is None:
                reason = f"{letter['source']} is not in workflows/{PIPELINE}.yml any more"
                results.append(Replayed(letter["dead_letter_id"], False, 0, reason))
                continue
            results.append(_replay_one(conn, store, retailer, letter, actor))
    return results


def _replay_one(
    conn: db.Connection, store: ObjectStore, retailer: Retailer, letter: Mapping[str, Any], actor: str
) -> Replayed:
    letter_id, source = letter["dead_letter_id"], open_source(retailer)
    try:
        lines = read_payload(store, letter)
        parsed = parse(source, lines, datetime.now(UTC))
    except DataError as exc:
        _note_failure(conn, letter_id, exc)
        return Replayed(letter_id, False, 0, str(exc))
    except CronhouseError as exc:
        return Replayed(letter_id, False, 0, str(exc))
    raw = _write(store, retailer, letter, parsed)
    with db.transaction(conn):
        values = {"dead_letter_id": letter_id, "settled_by": actor}
        claimed = db.fetch_value(conn, read_queries(QUERIES)["settle_letter"], values)
        if claimed is not None:
            _settle(conn, source, letter, lines, raw)
            state.write_voids(conn, PIPELINE, letter["run_id"], [parsed.void] if parsed.void else [])
    if claimed is None:
        raw.delete()
        return Replayed(letter_id, False, 0, "is not open any more")
    what = (
        f"{raw.rows} rows wait for the next retail_transform"
        if raw.rows
        else "it is no sale: nothing to load, and an older version of it goes with the next retail_transform"
    )
    return Replayed(letter_id, True, raw.rows, what)


def read_payload(store: ObjectStore, letter: Mapping[str, Any]) -> list[bytes]:
    """Return the lines of a letter; one too long for the database is read from its landing object."""
    payload: bytes = letter["payload"].encode()
    if _is_whole(payload, letter):
        return payload.split(b"\n")
    key, _, first = letter["position"].rpartition(":")
    lines: list[bytes] = []
    texts: list[bytes] = []
    size = -1  # a line end fewer than lines
    for line in read_lines(store, key, int(first)):
        lines.append(line)
        texts.append(line.decode("utf-8", "replace").encode())
        size += len(texts[-1]) + 1
        if size >= letter["payload_bytes"]:
            break
    if not _is_whole(b"\n".join(texts), letter):
        raise FatalError(
            f"{letter['position']}: {size} bytes in {len(lines)} lines stand there that are not those of the letter "
            f"({letter['payload_bytes']} bytes): the landing object is not the one that the letter came from"
        )
    return lines


def _is_whole(payload: bytes, letter: Mapping[str, Any]) -> bool:
    """Tell by its fingerprint: a cut payload whose NULs were replaced may have the right size."""
    return hashlib.sha256(payload).hexdigest() == letter["fingerprint"]


def _write(store: ObjectStore, retailer: Retailer, letter: Mapping[str, Any], parsed: Parsed) -> RawWriter:
    key, _, first = letter["position"].rpartition(":")
    # a name of its own: of two replays of one letter, the one that comes too late deletes what it wrote
    stem = f"{letter['run_id']}-letter{letter['dead_letter_id']}-{token_hex(4)}"
    raw = RawWriter(store, retailer.id, letter["logical_date"], stem)
    for index, record in enumerate(parsed.records):
        place = parsed.line_numbers[index] if parsed.line_numbers else 0
        raw.write(record, key, int(first) + place)
    raw.close()
    return raw


def _settle(
    conn: db.Connection, source: Source, letter: Mapping[str, Any], lines: list[bytes], raw: RawWriter
) -> None:
    state.register_objects(conn, letter["run_id"], raw.objects)
    business_date = source.count(lines)[1] or letter["logical_date"]
    row = state.Reconciled(letter["source"], business_date, -letter["rows"], 0, 0, -letter["rows"])
    state.write_reconciliation(conn, PIPELINE, letter["run_id"], [row])


def _note_failure(conn: db.Connection, letter_id: int, exc: DataError) -> None:
    values = {"dead_letter_id": letter_id, "reason": exc.reason, "field": exc.field}
    with db.transaction(conn):
        db.execute(conn, read_queries(QUERIES)["letter_failed_again"], values)
