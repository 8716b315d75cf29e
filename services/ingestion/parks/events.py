"""The events of one object of the archive, as rows.

Clean events take the quick path: typed structs, a few comparisons each. What does not fit is read once more as plain
JSON by a careful path, which says what is wrong. Every event becomes a row, a duplicate of one, or a reject.
"""

import json
from datetime import UTC, datetime
from typing import Any

import msgspec

from services.ingestion.parks.batch import MOMENT_BITS, Batch, Issue, Reject, Row
from services.ingestion.parks.ids import read_uuid
from services.ingestion.parks.queues import (
    OTHER_TYPES,
    read_queue,
    read_showtimes,
    read_standby,
    read_unknown,
)
from services.ingestion.parks.values import (
    STATUSES,
    AwareTime,
    read_instant,
    read_status,
    show_raw,
    tidy,
    to_milliseconds,
)
from shared.errors import DataError

EARLIEST = int(datetime(2015, 1, 1, tzinfo=UTC).timestamp() * 1000)
MAX_LENIENT_BYTES = 32 * 1024 * 1024  # read by Python's own reader it takes twelve times that in memory
FUTURE_MS = 5 * 60_000  # clocks of sources may be ahead by so much


class _Wait(msgspec.Struct, gc=False):
    waitTime: int | None = None  # noqa: N815 (as the source spells it)


class _Queue(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    STANDBY: _Wait | None | msgspec.UnsetType = msgspec.UNSET
    SINGLE_RIDER: Any = msgspec.UNSET
    RETURN_TIME: Any = msgspec.UNSET
    PAID_RETURN_TIME: Any = msgspec.UNSET
    BOARDING_GROUP: Any = msgspec.UNSET
    PAID_STANDBY: Any = msgspec.UNSET


class _Data(msgspec.Struct, gc=False):
    status: str
    queue: _Queue | None = None
    showtimes: Any = None


class _Event(msgspec.Struct, gc=False):
    entityId: str  # noqa: N815
    data: _Data
    eventTime: AwareTime  # noqa: N815
    name: str | None = None
    internalId: str | None = None  # noqa: N815
    parkId: str | None = None  # noqa: N815
    parkSlug: str | None = None  # noqa: N815
    timezone: str | None = None


class _File(msgspec.Struct, gc=False):
    events: list[_Event]


class _RawFile(msgspec.Struct):
    events: list[msgspec.Raw]


_file, _list = msgspec.json.Decoder(_File), msgspec.json.Decoder(list[_Event])
_raw_file, _raw_list = msgspec.json.Decoder(_RawFile), msgspec.json.Decoder(list[msgspec.Raw])
_one = msgspec.json.Decoder(_Event)
_usual_rows: dict[tuple[str, int | None, bool], Row] = {}  # a few hundred at most: rows are made once
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def read_events(data: bytes, batch: Batch) -> None:
    """Read the events of an object into the batch.

    Raises:
        DataError: it is no JSON, or not of the archive's shape.
    """
    is_list = data.lstrip(b" \t\r\n")[:1] == b"["
    try:
        clean = _list.decode(data) if is_list else _file.decode(data).events
    except _UNREADABLE:
        _read_each(data, is_list, batch)
    else:
        _read_quick(clean, batch)
    if batch.duplicates:
        what = "events of a ride and instant that the file has already; the last one counts"
        batch.issues[Issue("DUPLICATE", "info", batch.object_key, "", what)] = batch.duplicates
    assert len(batch.rows) + batch.duplicates + batch.rejected == batch.events, "an event was lost"


def _read_each(data: bytes, is_list: bool, batch: Batch) -> None:
    """Read event by event: one that is odd must not cost the others."""
    for item in _each(data, is_list, batch):
        if isinstance(item, msgspec.Raw):
            try:
                _read_quick((_one.decode(item),), batch)
                continue
            except msgspec.ValidationError:
                item = msgspec.json.decode(item)
        batch.events += 1
        _read_careful(item, batch)


def _each(data: bytes, is_list: bool, batch: Batch) -> list[Any]:
    """Return the events one by one, undecoded where that is possible."""
    try:
        items: list[Any] = _raw_list.decode(data) if is_list else _raw_file.decode(data).events
        for item in items:
            msgspec.json.decode(item)
        return items
    except _UNREADABLE as exc:
        if isinstance(exc, msgspec.ValidationError):
            raise DataError(f"not of the archive's shape: {exc}") from exc
    return _each_lenient(data, batch)


def _each_lenient(data: bytes, batch: Batch) -> list[Any]:
    """Read what strict JSON refuses: bytes that are no UTF-8, NaN, halves of a surrogate pair."""
    if len(data) > MAX_LENIENT_BYTES:
        raise DataError(f"no strict JSON, and more than {MAX_LENIENT_BYTES >> 20} MiB of it")
    text = data.decode("utf-8", "replace")
    if (bad := text.count("\ufffd")) and "\ufffd".encode() not in data:
        batch.tell("BAD_UTF8", "", f"{bad} bytes or more are no UTF-8; each was replaced")
    constants: list[str] = []
    try:
        content = json.loads(text, parse_constant=lambda name: constants.append(name) or float(name))
    except (ValueError, RecursionError) as exc:
        raise DataError(f"no whole JSON: {exc}") from exc
    for name in sorted(set(constants)):
        batch.tell("NOT_JSON", name, "the file has a number that JSON does not know; it counts as unusable")
    events = content.get("events") if isinstance(content, dict) else content
    if not isinstance(events, list):
        raise DataError("not of the archive's shape: neither a list nor an object with a list `events`")
    return tidy(events)  # type: ignore[no-any-return]


def _read_quick(events: Any, batch: Batch) -> None:
    """Take clean events; hand each of the others to the careful path."""
    known, rows, unset = batch.identities, batch.rows, msgspec.UNSET
    latest, usual = batch.now_ms + FUTURE_MS, _usual_rows
    batch.events += len(events)
    for event in events:
        who = known.get((event.entityId, event.name, event.internalId, event.parkId))
        moment = int(event.eventTime.timestamp() * 1000 + 0.0005)
        data = event.data
        queue, status = data.queue, data.status
        wait, standby = None, False
        if queue is not None:
            if (
                queue.SINGLE_RIDER is not unset
                or queue.RETURN_TIME is not unset
                or queue.PAID_RETURN_TIME is not unset
                or queue.BOARDING_GROUP is not unset
                or queue.PAID_STANDBY is not unset
            ):
                who = None
            posted = queue.STANDBY
            if posted is not unset:
                standby = True
                wait = posted and posted.waitTime
        if (
            who is None
            or status not in STATUSES
            or (wait is not None and not 0 <= wait < 480)
            or data.showtimes is not None
            or not EARLIEST <= moment <= latest
        ):
            _read_careful(msgspec.to_builtins(event, builtin_types=(datetime,)), batch)
            continue
        row = usual.get((status, wait, standby))
        if row is None:
            row = usual[status, wait, standby] = Row(status, wait, standby)
        key = who.number << MOMENT_BITS | moment
        if key in rows:
            batch.repeat(who, moment, rows[key], row)
        rows[key] = row
        if moment < who.first:
            who.first = moment
        if moment > who.last:
            who.last = moment


def _read_careful(item: Any, batch: Batch) -> None:
    """Read one event as plain JSON; count it as a row or a reject."""
    try:
        _take(item, batch)
    except Reject:
        batch.rejected += 1


def _take(item: Any, batch: Batch) -> None:
    if not isinstance(item, dict):
        batch.reject("INVALID_EVENT", item, "the event is no object")
    for name in ("entityId", "eventTime", "data"):
        if item.get(name) is None:
            batch.reject("MISSING_FIELD", name, f"the event has no {name}")
    entity = read_uuid(item["entityId"])
    if entity is None:
        batch.reject("INVALID_ENTITY", item["entityId"], "entityId is no UUID")
    moment = _moment(item["eventTime"], batch)
    data = item["data"]
    if not isinstance(data, dict):
        batch.reject("INVALID_EVENT", data, "data of the event is no object")
    names = (item.get(name) for name in ("name", "internalId", "parkId", "parkSlug", "timezone"))
    who = batch.identity(entity, *names)
    batch.add(who, moment, _row(entity, data, batch))


def _moment(value: Any, batch: Batch) -> int:
    moment = read_instant(value)
    if moment is None:
        batch.reject("INVALID_TIME", value, "eventTime is no RFC 3339 time with an offset")
    milliseconds = to_milliseconds(moment)
    raw = value.isoformat() if isinstance(value, datetime) else value
    if milliseconds < EARLIEST:
        batch.reject("INVALID_TIME", raw, "eventTime lies before 2015")
    if milliseconds > batch.now_ms + FUTURE_MS:
        batch.reject("INVALID_TIME", raw, "eventTime lies in the future")
    return milliseconds


def _row(entity: str, data: dict[str, Any], batch: Batch) -> Row:
    def tell(kind: str, raw: str, message: str) -> None:
        batch.tell(kind, raw, message, entity)

    status, is_known = read_status(data.get("status"))
    if not is_known:
        raw = show_raw(data["status"]) if "status" in data else "(none)"
        tell("UNKNOWN_STATUS", raw, "the status is none that we know; kept as UNKNOWN")
    queue = data.get("queue")
    if queue is not None and not isinstance(queue, dict):
        tell("INVALID_QUEUE", show_raw(queue), "the queue is no object; the event is kept without it")
        queue = None
    queue = queue or {}
    postings = tuple(read_queue(name, value, tell) for name, value in queue.items() if name in OTHER_TYPES)
    unknown, showtimes = read_unknown(queue, tell), read_showtimes(data.get("showtimes"), tell)
    return Row(
        status, read_standby(queue.get("STANDBY"), tell), "STANDBY" in queue,
        postings, _json(showtimes), _json(unknown),
    )  # fmt: skip


def _json(value: Any) -> str | None:
    return None if value is None else msgspec.json.encode(value).decode()
