"""What the events of one object of the archive become: rows, who they are of, and what was odd."""

import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple, NoReturn

from services.ingestion.parks.ids import read_uuid
from services.ingestion.parks.queues import Posting
from services.ingestion.parks.values import clean_text, show_raw

MOMENT_BITS = 42  # milliseconds since 1970 need no more until 2109
MOMENT = (1 << MOMENT_BITS) - 1
DISTINCT_RAW = 100  # different raw values of one kind that an object may bring into the log
_INFO = ("EXTREME_WAIT", "COERCED_WAIT", "DUPLICATE", "UNKNOWN_QUEUE", "NO_PARK")


class Row(NamedTuple):
    """What was posted. `unknown` and `showtimes` are JSON."""

    status: str
    wait: int | None
    has_standby: bool
    postings: tuple[Posting, ...] = ()
    showtimes: str | None = None
    unknown: str | None = None


@dataclass
class Identity:
    """An entity under one name, operator's id and park; first and last are milliseconds since 1970 UTC."""

    number: int
    entity_id: str
    name: str | None
    internal_id: str | None
    park_id: str | None
    park_slug: str | None
    timezone: str | None
    first: int = 1 << 62
    last: int = -1

    @property
    def base(self) -> int:
        return self.number << MOMENT_BITS


class Issue(NamedTuple):
    """An oddity for parks.log_issue."""

    kind: str
    severity: str
    subject: str
    raw: str
    message: str


class Reject(Exception):  # noqa: N818 (an outcome, not an error of ours)
    """An event that cannot be used."""


@dataclass
class Batch:
    """The events of one object. The key of a row is the entity's number and the instant in milliseconds.

    `same_instants` are rows that gave way to a later one of the same key with another status or wait.
    """

    object_key: str
    now_ms: int = field(default_factory=lambda: int(time.time() * 1000))
    rows: dict[int, Row] = field(default_factory=dict)
    entities: dict[str, int] = field(default_factory=dict)
    identities: dict[tuple[Any, ...], Identity] = field(default_factory=dict)
    issues: "Counter[Issue]" = field(default_factory=Counter)
    events: int = 0
    rejected: int = 0
    duplicates: int = 0
    conflicts: int = 0
    same_instants: list[tuple[int, Row]] = field(default_factory=list)
    _raw_kinds: "Counter[str]" = field(default_factory=Counter)

    def tell(self, kind: str, raw: str, message: str, subject: str | None = None) -> None:
        """Note an oddity; of many different raw values the rest is counted together."""
        severity = "info" if kind in _INFO else "warning"
        issue = Issue(kind, severity, subject or self.object_key, raw, message)
        if issue not in self.issues:
            if self._raw_kinds[kind] >= DISTINCT_RAW:
                issue = issue._replace(subject=self.object_key, raw="(and others)")
            self._raw_kinds[kind] += 1
        self.issues[issue] += 1

    def reject(self, kind: str, raw: Any, message: str) -> NoReturn:
        """Give an event up."""
        self.tell(kind, show_raw(raw), message)
        raise Reject

    def identity(self, entity: str, name: Any, internal_id: Any, park: Any, slug: Any, zone: Any) -> Identity:
        """Return the entity under these names, which are read leniently: none of them can cost an event."""
        key = (
            entity,
            *(part if isinstance(part, str | None) else show_raw(part) for part in (name, internal_id, park)),
        )
        known = self.identities.get(key)
        if known is not None:
            return known
        park_id = read_uuid(park)
        if park_id is None:
            raw = "" if park is None else show_raw(park)
            self.tell("NO_PARK", raw, "the event names no park; its ride's park is kept", entity)
        number = self.entities.setdefault(entity, len(self.entities))
        made = Identity(number, entity, _name(name), _name(internal_id), park_id, _name(slug), _name(zone))
        self.identities[key] = made
        return made

    def add(self, who: Identity, moment: int, row: Row) -> None:
        """Take a row. Of two for one ride and instant the later in the file stays."""
        key = who.base | moment
        before = self.rows.get(key)
        if before is not None:
            self.repeat(who, moment, before, row)
        self.rows[key] = row
        who.first, who.last = min(who.first, moment), max(who.last, moment)

    def repeat(self, who: Identity, moment: int, before: Row, row: Row) -> None:
        """Count a second event of the same ride and instant."""
        self.duplicates += 1
        if before != row:
            self.conflicts += 1
            if before[:2] != row[:2]:  # it was posted all the same: statistics count its wait
                self.same_instants.append((who.base | moment, before))
            at = datetime.fromtimestamp(moment / 1000, UTC).isoformat(timespec="milliseconds")
            self.tell(
                "CONFLICT",
                at,
                "two events of one ride and instant differ; the last one counts",
                who.entity_id,
            )


def _name(value: Any) -> str | None:
    """Keep a name as it came but for what PostgreSQL cannot hold; None where it has no letter at all."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    return clean_text(value)[:500] or None if isinstance(value, str) and value.strip() else None
