"""Days and hours of a retailer: which modifications a run asks for, and what a local time means."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from shared.errors import DataError

# A source's clock may run ahead of ours; what lies further in the future is a typing error.
TOLERANCE = timedelta(days=1)
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Window:
    """What a run for `logical_date` asks for: everything changed from `start` until before `end`, in UTC.

    `day_start` is the beginning of the logical date in the retailer's zone, `seen_until` the newest change
    that an earlier run saw.
    """

    logical_date: date
    start: datetime
    day_start: datetime
    end: datetime
    seen_until: datetime | None = None

    def is_new(self, updated_at: datetime) -> bool:
        """Tell whether a change is this run's, and not one that the overlap brings again."""
        return updated_at >= self.day_start or (self.seen_until is not None and updated_at > self.seen_until)


def make_window(
    logical_date: date, zone: ZoneInfo, overlap: timedelta, seen_until: datetime | None
) -> Window:
    """Return the window: from the watermark or the day's start, less the overlap, to the day's end."""
    day_start = start_of(logical_date, zone)
    start = min(seen_until or day_start, day_start) - overlap
    return Window(
        logical_date, start, day_start, start_of(logical_date + timedelta(days=1), zone), seen_until
    )


def start_of(day: date, zone: ZoneInfo) -> datetime:
    """Return the moment a local day begins, in UTC."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def business_day(moment: datetime, zone: ZoneInfo) -> date:
    """Return the local day of a moment."""
    return moment.astimezone(zone).date()


def read_day(text: object, zone: ZoneInfo) -> date | None:
    """Return the local day of a time in ISO 8601, UTC when it has no zone; None when it is none."""
    try:
        moment = datetime.fromisoformat(str(text))
        day = business_day(moment if moment.tzinfo else moment.replace(tzinfo=UTC), zone)
    except (ValueError, OverflowError):
        return None
    return plausible(day)


def plausible(day: date) -> date | None:
    """Return the day, None when no sale can have been on it."""
    return day if EARLIEST.year <= day.year <= datetime.now(UTC).year + 1 else None


def is_ambiguous(local: datetime, zone: ZoneInfo) -> bool:
    """Tell whether a local time happens twice, as in the night when clocks go back."""
    first, second = local.replace(tzinfo=zone, fold=0), local.replace(tzinfo=zone, fold=1)
    return first.utcoffset() != second.utcoffset() and _exists(first, zone)


@lru_cache(maxsize=4096)  # the lines of a transaction have the same times
def from_local(local: datetime, zone: ZoneInfo, field: str, fold: int = 0) -> datetime:
    """Turn a local time into UTC; of one that happens twice the first, with `fold` 1 the second.

    Raises:
        DataError: the time does not exist, as in the night when clocks go forward.
    """
    moment = local.replace(tzinfo=zone, fold=fold)
    if not _exists(moment, zone):
        raise DataError(f"{local:%d/%m/%Y %H:%M} does not exist in {zone.key}: clocks went forward", field)
    return moment.astimezone(UTC)


def _exists(moment: datetime, zone: ZoneInfo) -> bool:
    there_and_back = moment.astimezone(UTC).astimezone(zone)
    return there_and_back.replace(tzinfo=None) == moment.replace(tzinfo=None)
