"""The statistics against a walk through every minute of the day, over histories made at random."""

import random
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pytest

from tests.integration.parks_stats.history import History

MINUTE = timedelta(minutes=1)
LONGEST = {
    "OPERATING": 4 * 60,
    "DOWN": 4 * 60,
    "CLOSED": 24 * 60,
    "REFURBISHMENT": 24 * 60,
    "UNKNOWN": 24 * 60,
}
STATUSES = ("OPERATING", "OPERATING", "OPERATING", "DOWN", "CLOSED", "REFURBISHMENT", "UNKNOWN")
ROWS = """
SELECT ride_id, local_date, samples, min_wait, max_wait, p50_wait::int AS p50_wait, p90_wait::int AS p90_wait,
       operating_minutes::int AS operating_minutes, down_minutes::int AS down_minutes,
       open_minutes::int AS open_minutes, covered_share::float AS covered_share, data_source
FROM parks.ride_daily_stats
"""


class Post(NamedTuple):
    at: datetime
    source: str
    status: str
    wait: int | None


class Hours(NamedTuple):
    day: date
    kind: str
    opens: datetime
    closes: datetime

    def has(self, minute: datetime) -> bool:
        return self.opens <= minute < self.closes


def make_posts(chance: random.Random, first: datetime, minutes: int) -> list[Post]:
    """Return postings at whole minutes, some close together, some with long silences."""
    posts, at = {}, 0
    while at < minutes:
        source, status = chance.choice(("ARCHIVE", "LIVE")), chance.choice(STATUSES)
        wait = chance.choice((None, 0, 5, 10, 15, 35, 60, 120, 480))
        posts[at, source] = Post(first + at * MINUTE, source, status, wait)
        at += chance.choice((1, 3, 10, 10, 45, 200, 700, 2000))
    return list(posts.values())


def make_hours(chance: random.Random, days: list[date], zone: ZoneInfo) -> list[Hours]:
    """Return hours of most days: some past midnight, some in two overlapping parts, some extra ones."""
    found = []
    for day in days:
        if chance.random() < 0.2:
            continue
        opens = datetime.combine(day, datetime.min.time(), zone).astimezone(UTC) + timedelta(
            minutes=chance.randrange(7 * 60, 11 * 60)
        )
        closes = opens + timedelta(minutes=chance.randrange(60, 17 * 60))
        found.append(Hours(day, "OPERATING", opens, closes))
        if chance.random() < 0.4:
            found.append(Hours(day, "OPERATING", opens + 30 * MINUTE, closes + 45 * MINUTE))
        if chance.random() < 0.4:
            found.append(Hours(day, "EXTRA_HOURS", opens - 60 * MINUTE, opens))
        found.append(Hours(day, "INFO", opens - 300 * MINUTE, closes + 300 * MINUTE))
    return found


def closing_after(hours: list[Hours], minute: datetime) -> datetime | None:
    """Return when the published stretch that a minute lies in ends, whatever its parts; None outside."""
    end = None
    while inside := [h.closes for h in hours if h.kind != "INFO" and h.has(end or minute)]:
        end = max(inside)
    return end


def stands(post: Post, minute: datetime, hours: list[Hours]) -> bool:
    """Tell whether a posting, the last one before a minute, still holds."""
    limit = LONGEST[post.status]
    if post.status in ("OPERATING", "DOWN") and (closing := closing_after(hours, post.at)):
        if minute >= closing:
            return False
        limit = 24 * 60
    return (minute - post.at) / MINUTE < (90 if post.source == "LIVE" else limit)


def walk(
    posts: list[Post], hours: list[Hours], day: date, zone: ZoneInfo, source: str
) -> dict[str, Any] | None:
    """Return what the day of one ride has to be, minute by minute."""
    mine = sorted(post for post in posts if post.source == source)
    shown = [post for post in mine if post.at.astimezone(zone).date() == day]
    if not shown:
        return None
    waits, counts = [], {"OPERATING": 0, "DOWN": 0, "open": 0, "known": 0}
    start = datetime.combine(day, datetime.min.time(), zone).astimezone(UTC)
    end = datetime.combine(day + timedelta(days=1), datetime.min.time(), zone).astimezone(UTC)
    has_hours = any(h.day == day and h.kind != "INFO" for h in hours)
    for number in range(int((end - start) / MINUTE)):
        minute = start + number * MINUTE
        is_open = any(h.kind == "OPERATING" and h.has(minute) for h in hours)
        counts["open"] += is_open
        last = max((post for post in mine if post.at <= minute), default=None)
        if last is None or not stands(last, minute, hours):
            continue
        if last.wait is not None and (not has_hours or closing_after(hours, minute)):
            waits.append(last.wait)
        counts["known"] += is_open and last.status != "UNKNOWN"
        if is_open and last.status in ("OPERATING", "DOWN"):
            counts[last.status] += 1
    posted, waits = [post.wait for post in shown if post.wait is not None], sorted(waits)
    return {
        "samples": len(posted), "min_wait": min(posted, default=None), "max_wait": max(posted, default=None),
        "p50_wait": waits[-(-len(waits) * 5 // 10) - 1] if waits else None,
        "p90_wait": waits[-(-len(waits) * 9 // 10) - 1] if waits else None,
        "operating_minutes": counts["OPERATING"], "down_minutes": counts["DOWN"],
        "open_minutes": counts["open"],
        "covered_share": round(counts["known"] / counts["open"], 4) if counts["open"] else None,
        "data_source": source,
    }  # fmt: skip


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    ("name", "first"),
    [("America/New_York", date(2018, 11, 2)), ("Europe/Paris", date(2019, 3, 29)), ("Asia/Tokyo", date(2019, 6, 29))],
)  # fmt: skip
def test_statistics_are_what_a_walk_through_every_minute_finds(
    history: History, name: str, first: date, seed: int
):
    chance, zone = random.Random(f"{name} {seed}"), ZoneInfo(name)
    days = [first + timedelta(days=number) for number in range(5)]
    history.add_park(timezone=name)
    hours = make_hours(chance, days, zone)
    for one in hours:
        history.add_hours(str(one.day), one.opens.isoformat(), one.closes.isoformat(), one.kind)
    start = datetime.combine(first, datetime.min.time(), zone).astimezone(UTC)
    posts = {history.add_ride(number): make_posts(chance, start, 5 * 24 * 60) for number in (1, 2, 3)}
    rows = [
        (ride, post.at.isoformat(), post.source, post.status, post.wait)
        for ride, made in posts.items()
        for post in made
    ]
    chance.shuffle(rows)
    history.post(rows[: len(rows) // 2])
    history.make_statistics(days_per_batch=3)
    history.post(rows[len(rows) // 2 :])
    history.make_statistics(days_per_batch=2)

    expected = {}
    for day in [*days, days[-1] + timedelta(days=1)]:
        sources = {p.source for made in posts.values() for p in made if p.at.astimezone(zone).date() == day}
        for ride, made in posts.items():
            source = "ARCHIVE" if "ARCHIVE" in sources else "LIVE"
            if row := walk(made, hours, day, zone, source):
                expected[ride, day] = row
    found = {(row.pop("ride_id"), row.pop("local_date")): row for row in history.rows(ROWS)}
    for row in found.values():
        if row["covered_share"]:
            row["covered_share"] = pytest.approx(row["covered_share"], abs=1e-4)
    assert found == expected
