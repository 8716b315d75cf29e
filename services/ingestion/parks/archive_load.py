"""One object of the archive into the warehouse: its rows, ledger line, checkpoint, dirty days and issues in one
transaction. Rides and partitions are made known before, each in a transaction of its own: they are true by themselves.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from psycopg2.extras import Json

from services.ingestion.parks import archive_rows
from services.ingestion.parks.batch import MOMENT, MOMENT_BITS, Batch, Identity, Issue
from shared import db
from shared.errors import FatalError
from shared.names import fold_name
from shared.sql import SqlFolder, read_queries

_FOLDER = Path(__file__).parent / "sql" / "archive"
SQL = SqlFolder(_FOLDER)
COMMON = SqlFolder(_FOLDER.parent)
UNIQUE_VIOLATION = "23505"
_fold = lru_cache(maxsize=4096)(fold_name)  # the same few hundred names in every file
_PLACE = re.compile(r"%\((\w+)\)s")


def query(name: str) -> str:
    """Return a statement of queries.sql."""
    return read_queries(_FOLDER / "queries.sql")[name]


@dataclass(frozen=True)
class Object:
    """A line of the ledger as its importer found it; `import_id` is the import that did it last."""

    object_id: int
    object_key: str
    destination_id: str
    size_bytes: int
    status: str
    imported_etag: str | None
    import_id: int | None


@dataclass(frozen=True)
class Outcome:
    """What became of an object. `status` is IMPORTED, FAILED, or SKIPPED where somebody else has done it."""

    object_key: str
    status: str
    size_bytes: int
    events: int = 0
    imported: int = 0
    duplicates: int = 0
    rejected: int = 0
    problem: str | None = None


@dataclass
class Loader:
    """A worker's connection with its staging table, and what it knows: rides and partitions."""

    conn: db.Connection
    rides: dict[str, int] = field(default_factory=dict)
    months: set[date] = field(default_factory=set)
    _prepared: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        with db.transaction(self.conn):
            # all that an object writes commits together, so a server that forgets its last commits in a crash has
            # forgotten whole objects, and the import takes them again
            db.execute(self.conn, "SET synchronous_commit = off")
            db.execute(self.conn, SQL["make_staging"])

    def _prepare(self, name: str) -> str:
        """Return a call of a statement that the server plans once for all objects: its values by name, as ever."""
        if name not in self._prepared:
            text = SQL[name] if name in SQL.names() else query(name)
            order = tuple(dict.fromkeys(_PLACE.findall(text)))
            text = _PLACE.sub(lambda match: f"${order.index(match[1]) + 1}", text).replace("%%", "%")
            db.execute(self.conn, f"PREPARE {name} AS {text}")
            self._prepared[name] = order
        places = ", ".join(f"%({place})s" for place in self._prepared[name])
        return f"EXECUTE {name} ({places})"

    def _run(self, name: str, values: Mapping[str, Any]) -> int:
        return db.execute(self.conn, self._prepare(name), values)

    def load(
        self, item: Object, batch: Batch, import_id: int, etag: str | None, size: int, kind: str
    ) -> Outcome:
        """Write an object."""
        self._make_ready(item, batch)
        try:
            return self._write(item, batch, import_id, etag, size, kind)
        except FatalError as exc:
            if getattr(exc.__cause__, "pgcode", None) != UNIQUE_VIOLATION:
                raise
            # another object with a snapshot of the same ride and instant was written a moment ago
            return self._write(item, batch, import_id, etag, size, kind, is_known=True)

    def _write(
        self, item: Object, batch: Batch, import_id: int, etag: str | None, size: int, kind: str,
        is_known: bool = False,
    ) -> Outcome:  # fmt: skip
        values = {"object_id": item.object_id, "import_id": import_id, **archive_rows.span(batch)}
        conn = self.conn
        with db.transaction(conn):
            if not self._still_open(item):
                return Outcome(item.object_key, "SKIPPED", item.size_bytes)
            imported, changed = self._write_rows(batch, values, is_known)
            changed += self._write_same_instants(item, batch)
            self._register(item, batch.identities.values())
            self._log(batch, import_id)
            if imported or changed:
                self._mark_dirty(batch)
            repeated = len(batch.rows) - imported
            counts = {
                "events": batch.events, "imported": imported, "duplicates": batch.duplicates + repeated,
                "conflicts": batch.conflicts, "rejected": batch.rejected,
            }  # fmt: skip
            more = {"etag": etag, "size": size, "format": kind, "listed_size": item.size_bytes}
            self._run("settle_object", {**values, **counts, **more})
            self._run("settle_checkpoint", {**values, **counts, **more})
        del counts["conflicts"]
        return Outcome(item.object_key, "IMPORTED", item.size_bytes, **counts)

    def fail(self, item: Object, import_id: int, problem: str, batch: Batch | None = None) -> Outcome:
        """Note that an object cannot be read; a later import tries it again."""
        values = {
            "object_id": item.object_id, "import_id": import_id, "problem": problem[:1000],
            "listed_size": item.size_bytes,
        }  # fmt: skip
        batch = batch or Batch(item.object_key)
        batch.issues.clear()
        batch.issues[Issue("FILE_UNREADABLE", "warning", item.object_key, "", problem[:1000])] = 1
        with db.transaction(self.conn):
            if not self._still_open(item):
                return Outcome(item.object_key, "SKIPPED", item.size_bytes)
            self._log(batch, import_id)
            self._run("fail_object", values)
            self._run("fail_checkpoint", values)
        return Outcome(item.object_key, "FAILED", item.size_bytes, problem=problem)

    def _still_open(self, item: Object) -> bool:
        values = {
            "object_id": item.object_id, "status": item.status, "imported_etag": item.imported_etag,
            "before": item.import_id,
        }  # fmt: skip
        return db.fetch_value(self.conn, self._prepare("lock_object"), values) is not None

    def _make_ready(self, item: Object, batch: Batch) -> None:
        """Make rides and partitions known that are not yet."""
        unknown = [entity for entity in batch.entities if entity not in self.rides]
        if unknown:
            with db.transaction(self.conn):
                rows = db.fetch_all(self.conn, query("known_rides"), {"entities": unknown})
                self.rides.update({row["entity_id"]: row["ride_id"] for row in rows})
            wanted = {entity for entity in unknown if entity not in self.rides}
            if wanted:
                named = [i for i in batch.identities.values() if i.entity_id in wanted]
                zones = [{"park_id": who.park_id, "timezone": who.timezone} for who in named if who.last >= 0]
                with db.transaction(self.conn):
                    db.execute(self.conn, COMMON["learn_zones"], {"entities": Json(zones)})
                    found = self._register(item, named)
                self.rides.update(found)
        days = {archive_rows.EPOCH.date() + timedelta(ms // 86_400_000) for ms in archive_rows.moments(batch)}
        for month in sorted({day.replace(day=1) for day in days} - self.months):
            with db.transaction(self.conn):
                db.execute(self.conn, query("ensure_partitions"), {"first": month, "last": month})
            self.months.add(month)

    def _register(self, item: Object, identities: Iterable[Identity]) -> dict[str, int]:
        """Widen what is known of the rides: one call for each name that a ride went by in the object."""
        rounds: list[dict[str, dict[str, Any]]] = []
        for who in sorted(
            (i for i in identities if i.last >= 0), key=lambda i: (i.entity_id, i.last, i.name or "")
        ):
            entry = {
                "entity_id": who.entity_id, "park_id": who.park_id, "park_slug": who.park_slug,
                "destination_id": item.destination_id, "timezone": who.timezone, "name": who.name,
                "folded_name": who.name and _fold(who.name) or None,
                "internal_id": who.internal_id, "first_seen_at": archive_rows.instant(who.first),
                "last_seen_at": archive_rows.instant(who.last),
            }  # fmt: skip
            for entries in rounds:
                if who.entity_id not in entries:
                    entries[who.entity_id] = entry
                    break
            else:
                rounds.append({who.entity_id: entry})
        found: dict[str, int] = {}
        for entries in rounds:
            rows = db.fetch_all(
                self.conn, self._prepare("register_rides"), {"entities": Json(list(entries.values()))}
            )
            found.update({row["entity_id"]: row["ride_id"] for row in rows})
        return found

    def _write_rows(self, batch: Batch, values: dict[str, Any], is_known: bool) -> tuple[int, int]:
        """Write the snapshots with their queues; return how many are new and how many were changed."""
        if not batch.rows:
            return 0, 0
        numbers = [self.rides[entity] for entity in batch.entities]
        columns = archive_rows.render(batch, numbers)
        is_known = is_known or db.fetch_value(
            self.conn, self._prepare("is_known"), {**values, **self._stretches(batch)}
        )
        imported = self._run("insert_unknown" if is_known else "insert_new", {**values, **columns})
        changed = self._settle_contested(batch, columns, values) if imported < len(batch.rows) else 0
        postings, extras = archive_rows.more(batch, numbers)
        if postings:
            self._run("insert_postings", {**values, "rows": Json(postings)})
        if extras:
            self._run("insert_extras", {**values, "rows": Json(extras)})
        return imported, changed

    def _write_same_instants(self, item: Object, batch: Batch) -> int:
        """Keep the postings that gave way to another one of their instant, in place of those of an earlier import;
        return how many are new or gone."""
        if not batch.rows or (not batch.same_instants and item.status != "IMPORTED"):
            return 0
        numbers = [self.rides[entity] for entity in batch.entities]
        rows = [
            {
                "ride_id": numbers[key >> MOMENT_BITS],
                "moment": key & MOMENT,
                "status": row.status,
                "wait": row.wait,
            }
            for key, row in batch.same_instants
        ]
        values = {"object_id": item.object_id, "rows": Json(rows)}
        return self._run("clear_same_instants", values) + self._run("insert_same_instants", values)

    def _settle_contested(self, batch: Batch, columns: Mapping[str, str], values: dict[str, Any]) -> int:
        """Decide for the instants that the history had already; count and note those that differ."""
        self._run("stage_snapshots", columns)
        db.execute(self.conn, "ANALYZE staged_snapshot")
        for row in db.fetch_all(self.conn, self._prepare("find_conflicts"), values):
            batch.conflicts += 1
            batch.tell(
                "CONFLICT", row["recorded_at"].isoformat(timespec="milliseconds"),
                "two files differ on one ride and instant; the later file counts", str(row["entity_id"]),
            )  # fmt: skip
        changed = self._run("take_over", values)
        self._run("clear_postings", values)
        self._run("clear_extras", values)
        return changed

    def _log(self, batch: Batch, import_id: int) -> None:
        if batch.issues:
            issues = [{**issue._asdict(), "seen": seen} for issue, seen in batch.issues.items()]
            self._run("log_issues", {"issues": Json(issues), "import_id": import_id})

    def _mark_dirty(self, batch: Batch) -> None:
        self._run("mark_dirty", self._stretches(batch))

    def _stretches(self, batch: Batch) -> dict[str, list[int]]:
        """Return from when to when the rides have rows, as columns."""
        stretches = sorted(
            {(self.rides[who.entity_id], first, last) for who in batch.identities.values() if who.last >= 0
             for first, last in archive_rows.stretches(who, batch)}
        )  # fmt: skip
        rides, firsts, lasts = (list(column) for column in zip(*stretches, strict=True))
        return {"rides": rides, "firsts": firsts, "lasts": lasts}
