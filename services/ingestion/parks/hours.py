"""Opening hours into the warehouse, from the API's schedules and from CSV files of earlier years."""

import csv
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from itertools import groupby
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from services.ingestion.parks.ids import read_uuid
from services.ingestion.parks.live_store import SQL, note_issues
from services.ingestion.sources.parks_live import Issue
from services.ingestion.sources.parks_metadata import Hours, read_local
from shared import db
from shared.errors import DataError, FatalError
from shared.names import fold_name
from shared.sql import read_queries

COLUMNS = ("park_slug", "date", "open_local", "close_local")
BATCH = 1000
_QUERIES = Path(__file__).parent / "sql" / "metadata.sql"


def put_hours(
    conn: db.Connection, hours: Iterable[tuple[str, Hours]], source: str,
    park_id: str | None = None, first: date | None = None, last: date | None = None,
) -> int:  # fmt: skip
    """Write hours, each with its park, in the caller's transaction; return how many dates changed.

    With a park and a range of dates, what `source` said of them before and does not say any more is taken out.
    """
    rows = [
        {"park_id": park, "number": number, **{name: getattr(one, name) for name in Hours.__dataclass_fields__}}
        for number, (park, one) in enumerate(hours)
    ]  # fmt: skip
    values = {
        "rows": msgspec.json.encode(rows).decode(),
        "source": source,
        "park_id": park_id,
        "first": first,
        "last": last,
    }
    return int(db.fetch_value(conn, SQL["put_hours"], values))


def load_csv(conn: db.Connection, path: Path, given_parks: Mapping[str, str]) -> tuple[int, int]:
    """Load a CSV file of published hours; return its lines, and the dates whose hours changed.

    Columns: park_slug, date, open_local, close_local (ISO 8601, local, with or without offset), and maybe
    emh_open_local, emh_close_local: hours before and after for some guests, which become EXTRA_HOURS.
    `given_parks` names the park of a slug by its UUID where its own slug is not known.

    Raises:
        FatalError: a column is missing, a park is not known, or a line cannot be read; nothing of the file is kept.
    """
    parks = _known_parks(conn)
    lines = 0
    hours: list[tuple[str, Hours]] = []  # of the whole file: it has a line a park-day
    issues: list[Issue] = []
    with open(path, encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
        if missing:
            raise FatalError(
                f"{path.name}: the column {missing[0]} is missing; it must have {', '.join(COLUMNS)}"
            )
        for lines, row in enumerate(reader, 1):
            where = f"{path.name}, line {lines + 1}"
            park_id, zone = _park_of(row, parks, given_parks, where)
            try:
                hours += [(park_id, one) for one in _stretches(row, zone, park_id, issues)]
            except DataError as exc:
                raise FatalError(f"{where}: {exc}") from exc
    changed = 0
    for batch in _batches(hours):
        with db.transaction(conn):
            changed += put_hours(conn, batch, f"csv:{path.name}")
    with db.transaction(conn):
        note_issues(conn, issues)
    return lines, changed


def _batches(hours: list[tuple[str, Hours]]) -> Iterator[list[tuple[str, Hours]]]:
    """Cut hours into batches by park and date: what is put of a date takes out all else of it, so none is cut."""
    batch: list[tuple[str, Hours]] = []
    for _, day in groupby(sorted(hours, key=_park_day), _park_day):
        batch += day
        if len(batch) >= BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _park_day(one: tuple[str, Hours]) -> tuple[str, date]:
    return one[0], one[1].local_date


def _known_parks(conn: db.Connection) -> dict[str, tuple[str, str]]:
    """Return park and zone by slug, by name without spaces, and by UUID."""
    found: dict[str, tuple[str, str]] = {}
    for row in db.fetch_all(conn, read_queries(_QUERIES)["parks_by_slug"]):
        for key in (row["park_id"], row["slug"], fold_name(row["name"]).replace(" ", "")):
            if key:
                found[key] = (row["park_id"], row["timezone"])
    conn.rollback()
    return found


def _park_of(
    row: dict[str, str], parks: dict[str, tuple[str, str]], given: Mapping[str, str], where: str
) -> tuple[str, ZoneInfo]:
    slug = (row["park_slug"] or "").strip()
    key = read_uuid(given.get(slug)) or slug
    if key not in parks:
        raise FatalError(
            f"{where}: no park is known as {slug!r}: run parks_metadata or an import first, "
            f"or name it with --park {slug}=UUID"
        )
    park_id, zone = parks[key]
    return park_id, ZoneInfo(zone)


def _stretches(row: dict[str, str], zone: ZoneInfo, park_id: str, issues: list[Issue]) -> Iterator[Hours]:
    def read(name: str) -> datetime | None:
        text = (row.get(name) or "").strip()
        if not text:
            return None
        moment = read_local(text, zone, lambda *said: issues.append(Issue(said[0], park_id, *said[1:])))
        if moment is None:
            raise DataError(f"{text!r} is no time such as 2019-07-04T09:00:00-04:00", name)
        return moment

    try:
        day = date.fromisoformat(row["date"])
    except ValueError as exc:
        raise DataError(f"{row['date']!r} is no date such as 2019-07-04", "date") from exc
    opens, closes = read("open_local"), read("close_local")
    if opens is None or closes is None:
        return  # closed that day
    if closes < opens:
        raise DataError(
            f"closes at {row['close_local']}, before it opens at {row['open_local']}", "close_local"
        )
    early, late = read("emh_open_local"), read("emh_close_local")
    if early is not None and early < opens:
        yield Hours(day, "EXTRA_HOURS", early, opens, "before opening")
    yield Hours(day, "OPERATING", opens, closes, "")
    if late is not None and late > closes:
        yield Hours(day, "EXTRA_HOURS", closes, late, "after closing")
