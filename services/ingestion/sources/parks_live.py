"""GET /entity/{destination}/live: what every ride of a destination posts right now, as entries.

Fields and odd shapes: an entry needs an id; everything else may be absent, null, of another type, or unknown.
lastUpdated tells little (that of a park may be years old), so it is kept beside our own time and decides nothing.
"""

import json
import re
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from services.ingestion.parks.ids import read_uuid
from services.ingestion.parks.queues import (
    OTHER_TYPES,
    Posting,
    read_queue,
    read_showtimes,
    read_standby,
    read_unknown,
)
from services.ingestion.parks.values import (
    clean_text,
    read_instant,
    read_status,
    show_raw,
)
from services.ingestion.sources.themeparks_api import Answer, ThemeParks
from shared.errors import FatalError, TransientError
from shared.http import decode_json

INFO = frozenset({"EXTREME_WAIT", "COERCED_WAIT", "UNKNOWN_QUEUE", "NO_PARK", "DUPLICATE", "BAD_UTF8"})
Tell = Callable[[str, str, str], None]


class Issue(NamedTuple):
    """An oddity for parks.log_issue."""

    kind: str
    subject: str
    raw: str
    message: str

    @property
    def severity(self) -> str:
        return "info" if self.kind in INFO else "warning"


class Entry(NamedTuple):
    """What an entity posts. Times of postings are milliseconds since 1970 UTC, `updated_at` is an RFC 3339 text."""

    entity_id: str
    name: str | None
    entity_type: str | None
    park_id: str | None
    internal_id: str | None
    status: str
    wait: int | None
    has_standby: bool
    postings: tuple[Posting, ...]
    showtimes: list[Any] | None
    unknown: dict[str, Any] | None
    updated_at: str | None
    issues: tuple[Issue, ...]


class Live(NamedTuple):
    """The entries of an answer, one an entity. `issues` are those of no entry in particular."""

    timezone: str | None
    entries: dict[str, Entry]
    count: int
    rejected: int
    issues: tuple[Issue, ...]


def fetch_live(api: ThemeParks, destination_id: str) -> Answer[Live]:
    """Ask for what one destination posts."""
    path = f"entity/{destination_id}/live"
    return api.get(path, lambda body: parse_live(body, destination_id, api.where(path)))


def parse_live(body: bytes, destination_id: str, where: str) -> Live:
    """Read an answer. An entry that cannot be used costs itself alone; of two of one entity the last one counts.

    Raises:
        TransientError: it is no JSON, or half of it.
        FatalError: it is JSON of another shape.
    """
    issues: list[Issue] = []
    content = read_lenient(
        body, where, lambda *said: issues.append(Issue(said[0], destination_id, *said[1:]))
    )
    items = content.get("liveData") if isinstance(content, dict) else None
    if not isinstance(items, list):
        raise FatalError(f"{where}: answered JSON of another shape than documented: no list `liveData`")
    own_park = read_uuid(content.get("id")) if content.get("entityType") == "PARK" else None
    entries: dict[str, Entry] = {}
    rejected = 0
    for item in items:
        try:
            entry, issue = _entry(item, destination_id, own_park)
        except RecursionError:
            raw = show_raw(item.get("id"))
            entry, issue = None, Issue("INVALID_EVENT", destination_id, raw, "an entry is nested too deeply")
        if issue:
            issues.append(issue)
        if entry is None:
            rejected += 1
            continue
        before = entries.get(entry.entity_id)
        if before is not None:
            kind = "DUPLICATE" if posted(before) == posted(entry) else "CONFLICT"
            issues.append(
                Issue(kind, entry.entity_id, "", "the entity stands twice in an answer; the last one counts")
            )
        entries[entry.entity_id] = entry
    zone = content.get("timezone")
    return Live(_text(zone), entries, len(items), rejected, tuple(issues))


def read_lenient(body: bytes, where: str, tell: Tell) -> Any:
    """Decode JSON; a byte order mark, bad bytes and NaN do not cost an answer, but are told."""
    body = body.removeprefix(b"\xef\xbb\xbf")
    try:
        return msgspec.json.decode(body)
    except RecursionError as exc:
        raise FatalError(f"{where}: answered JSON that is nested too deeply") from exc
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass
    try:
        return decode_json(body, object, where)
    except (TransientError, FatalError) as exc:
        text = body.decode("utf-8", "replace")
        constants: list[str] = []
        try:
            content = json.loads(text, parse_constant=constants.append)
        except (ValueError, RecursionError):
            raise exc from None
    if "\ufffd" in text:
        tell("BAD_UTF8", "", "bytes of the answer are no UTF-8; each was replaced")
    for name in sorted(set(constants)):
        tell("NOT_JSON", name, "the answer has a number that JSON does not know; it counts as null")
    return content


def posted(entry: Entry) -> tuple[Any, ...]:
    """Return what makes two postings the same one: status, queues and showtimes."""
    return (entry.status, entry.wait, entry.has_standby, entry.postings, entry.showtimes, entry.unknown)


def _entry(item: Any, destination_id: str, own_park: str | None) -> tuple[Entry | None, Issue | None]:
    if not isinstance(item, dict):
        return None, Issue(
            "INVALID_EVENT", destination_id, show_raw(item), "an entry of the answer is no object"
        )
    entity_id = read_uuid(item.get("id"))
    if entity_id is None:
        kind = "MISSING_FIELD" if item.get("id") is None else "INVALID_ENTITY"
        raw = show_raw(item["id"]) if item.get("id") is not None else show_raw(item.get("name"))
        return None, Issue(kind, destination_id, raw, "an entry of the answer has no UUID as its id")
    issues: list[Issue] = []

    def tell(kind: str, raw: str, message: str) -> None:
        issues.append(Issue(kind, entity_id, raw, message))

    status, is_known = read_status(item.get("status"))
    if not is_known:
        raw = show_raw(item["status"]) if item.get("status") is not None else "(none)"
        tell("UNKNOWN_STATUS", raw, "the status is none that we know; kept as UNKNOWN")
    queue = item.get("queue")
    if queue is not None and not isinstance(queue, dict):
        tell("INVALID_QUEUE", show_raw(queue), "the queue is no object; the entry is kept without it")
    queue = queue if isinstance(queue, dict) else {}
    entity_type = item.get("entityType")
    entry = Entry(
        entity_id, read_name(item.get("name")), _text(entity_type),
        _park(item, entity_id, own_park, tell), _text(item.get("externalId")),
        status, read_standby(queue.get("STANDBY"), tell), "STANDBY" in queue,
        tuple(read_queue(name, value, tell) for name, value in sorted(queue.items()) if name in OTHER_TYPES),
        read_showtimes(item.get("showtimes"), tell), read_unknown(queue, tell),
        _updated_at(item.get("lastUpdated"), tell),
        tuple(issues),
    )  # fmt: skip
    return entry._replace(issues=tuple(issues)), None


def _park(item: dict[str, Any], entity_id: str, own_park: str | None, tell: Tell) -> str | None:
    """Return the park of an entry. A park is in itself; an answer about one park is all of that park."""
    if item.get("entityType") == "PARK":
        return entity_id
    park = read_uuid(item.get("parkId")) or own_park
    if park is None:
        raw = "" if item.get("parkId") is None else show_raw(item["parkId"])
        tell("NO_PARK", raw, "the entry names no park; its ride's park is kept")
    return park


def _updated_at(value: Any, tell: Tell) -> str | None:
    moment = read_instant(value)
    if moment is None:
        if value is not None:
            # by its shape: times are all different, and would fill the log
            shape = re.sub(r"\d", "9", show_raw(value))
            tell(
                "INVALID_TIME",
                shape,
                f"lastUpdated is no RFC 3339 time with an offset; left out: {show_raw(value)}",
            )
        return None
    return moment.isoformat()


def read_name(value: Any) -> str | None:
    """Return a name as it came; of one in several languages ({"en": ..., "de": ...}) the English one, or the first."""
    if isinstance(value, dict):
        names = [value.get("en"), *(value[key] for key in sorted(value, key=str))]
        value = next((name for name in names if _text(name)), None)
    return _text(value)


def _text(value: Any) -> str | None:
    """Return text but for what PostgreSQL cannot hold; None where there is no letter at all."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    return clean_text(value)[:500] if isinstance(value, str) and value.strip() else None
