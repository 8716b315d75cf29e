"""Opening hours: the captured schedules of the months there are, and the published hours of 2019 for the others."""

import csv
import json
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

DATA = Path(__file__).parent / "data"
ZONE = ZoneInfo("America/New_York")
FIRST, DAYS = date(2019, 5, 1), 91  # thirteen whole weeks of park_hours.csv, so that weekdays stay weekdays


class Hours:
    """The hours of the parks in park_hours.csv. Days outside are those of a day 91, 182 ... days away."""

    def __init__(self) -> None:
        with open(DATA / "park_hours.csv", encoding="utf-8", newline="") as file:
            self.rows = {(row["park_slug"], row["date"]): row for row in csv.DictReader(file)}

    def month(self, park_id: str, slug: str, year: int, month: int) -> list[dict[str, Any]]:
        """Return the entries of a month."""
        captured = DATA / "schedules" / f"schedule_{park_id[:8]}_{year}-{month:02}.json"
        if captured.exists():
            entries: list[dict[str, Any]] = json.loads(captured.read_text(encoding="utf-8"))["schedule"]
            return entries
        first = date(year, month, 1)
        after = (first + timedelta(days=32)).replace(day=1)
        return self.days(slug, first, (after - first).days)

    def days(self, slug: str, first: date, count: int) -> list[dict[str, Any]]:
        """Return the entries of so many days, one or two a day."""
        return [entry for number in range(count) for entry in self._day(slug, first + timedelta(days=number))]

    def _day(self, slug: str, day: date) -> list[dict[str, Any]]:
        recorded = FIRST + timedelta(days=(day - FIRST).days % DAYS)
        row = self.rows.get((slug, day.isoformat())) or self.rows.get((slug, recorded.isoformat()))
        if row is None:
            return []
        moved = day - date.fromisoformat(row["date"])
        opens, closes = _move(row["open_local"], moved), _move(row["close_local"], moved)
        early = _move(row["emh_open_local"], moved)
        entries = [
            {"date": day.isoformat(), "type": "OPERATING", "closingTime": closes, "openingTime": opens}
        ]
        if early < opens:
            entries.insert(0, {
                "date": day.isoformat(), "type": "EXTRA_HOURS", "closingTime": opens, "openingTime": early,
                "description": "Extra Magic Hours (morning)",
            })  # fmt: skip
        return entries


def _move(text: str, by: timedelta) -> str:
    """Move a local time by whole days; the offset is that of the day it comes to."""
    local = datetime.fromisoformat(text).replace(tzinfo=None) + by
    return local.replace(tzinfo=ZONE).isoformat()
