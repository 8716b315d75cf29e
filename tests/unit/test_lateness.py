"""How old a success may be, from the schedule alone; and which dates a schedule makes due."""

from datetime import UTC, date, datetime

import pytest

from shared.jobs.workflows import JobSpec
from shared.lateness import stale_after
from shared.missing import due_dates


def spec(schedule: str) -> JobSpec:
    return JobSpec("nowhere", "nowhere", "maintenance", schedule)


@pytest.mark.parametrize(
    ("schedule", "hours"),
    [
        ("0 2 * * *", 26),
        ("*/10 * * * *", 1 / 3),
        ("0 * * * *", 2),
        ("0 2 * * 1", 7 * 24 + 2),
        ("30 4 * * 1-5", 3 * 24 + 2),  # the weekend is the longest gap
    ],
)
def test_the_longest_gap_of_the_schedule_and_some_hours(schedule: str, hours: float) -> None:
    assert stale_after(spec(schedule)) == pytest.approx(hours * 3600)


@pytest.mark.parametrize(
    ("schedule", "now", "expected"),
    [
        # a start at 02:00 works on the day before
        ("0 2 * * *", datetime(2026, 3, 4, 1, 59, tzinfo=UTC), [1, 2]),
        ("0 2 * * *", datetime(2026, 3, 4, 2, 0, tzinfo=UTC), [1, 2, 3]),
        ("0 0 * * *", datetime(2026, 3, 3, 0, 0, tzinfo=UTC), [1, 2]),
        # Mondays work on Sundays; 2026-03-01 is one
        ("0 2 * * 1", datetime(2026, 3, 20, tzinfo=UTC), [1, 8, 15]),
    ],
)
def test_dates_become_due_with_the_start_that_works_on_them(
    schedule: str, now: datetime, expected: list[int]
) -> None:
    found = due_dates(spec(schedule), date(2026, 3, 1), date(2026, 3, 31), now)
    assert [day.day for day in found] == expected


def test_dates_end_with_the_range() -> None:
    late = datetime(2027, 1, 1, tzinfo=UTC)
    found = list(due_dates(spec("0 2 * * *"), date(2026, 3, 1), date(2026, 3, 3), late))
    assert found == [date(2026, 3, 1), date(2026, 3, 2), date(2026, 3, 3)]
