"""A batch of the archive as values for statements: columns of snapshots, rows of what few have, times and stretches."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from services.ingestion.parks.batch import MOMENT, MOMENT_BITS, Batch, Identity

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NARROW_MS = 2 * 86_400_000
QUARTER_MS = 900_000  # every time zone is whole quarters of an hour away from UTC


def render(batch: Batch, numbers: list[int]) -> dict[str, str]:
    """Render the rows as PostgreSQL arrays, one a column; `numbers` are the short keys of the batch's entities."""
    rows = batch.rows.values()
    return {
        "rides": _array([str(numbers[key >> MOMENT_BITS]) for key in batch.rows]),
        "moments": _array([str(key & MOMENT) for key in batch.rows]),
        "statuses": _array([row.status for row in rows]),
        "waits": _array(["NULL" if row.wait is None else str(row.wait) for row in rows]),
        "standbys": _array(["t" if row.has_standby else "f" for row in rows]),
    }


def _array(items: list[str]) -> str:
    return "{" + ",".join(items) + "}"


def more(batch: Batch, numbers: list[int]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the rows of queue_postings and of snapshot_extras."""
    postings: list[dict[str, Any]] = []
    extras: list[dict[str, Any]] = []
    for key, row in batch.rows.items():
        if not (row.postings or row.showtimes or row.unknown):
            continue
        place = {"ride_id": numbers[key >> MOMENT_BITS], "moment": key & MOMENT}
        postings += [{**place, **posting._asdict()} for posting in row.postings]
        if row.showtimes or row.unknown:
            extras.append({**place, "showtimes": _loads(row.showtimes), "unknown": _loads(row.unknown)})
    return postings, extras


def _loads(text: str | None) -> Any:
    import msgspec

    return None if text is None else msgspec.json.decode(text)


def moments(batch: Batch) -> Iterable[int]:
    """Return instants that cover every month with a row."""
    seen = [who for who in batch.identities.values() if who.last >= 0]
    if all(who.last - who.first <= NARROW_MS for who in seen):
        return {moment for who in seen for moment in (who.first, who.last)}
    return {key & MOMENT for key in batch.rows}


def stretches(who: Identity, batch: Batch) -> Iterable[tuple[int, int]]:
    """Return from when to when there are rows; in a file of scattered events, each quarter of an hour by itself."""
    if who.last - who.first <= NARROW_MS:
        return [(who.first, who.last)]
    quarters = {(key & MOMENT) // QUARTER_MS for key in batch.rows if key >> MOMENT_BITS == who.number}
    return [(quarter * QUARTER_MS, (quarter + 1) * QUARTER_MS - 1) for quarter in quarters]


def span(batch: Batch) -> dict[str, int | None]:
    """Return the first and the last instant of a batch, null where it has no rows."""
    seen = [who for who in batch.identities.values() if who.last >= 0]
    return {
        "first": min((w.first for w in seen), default=None),
        "last": max((w.last for w in seen), default=None),
    }


def instant(milliseconds: int) -> str:
    """Return an instant of a batch, milliseconds since 1970 in UTC, as ISO 8601."""
    return (EPOCH + timedelta(milliseconds=milliseconds)).isoformat()
