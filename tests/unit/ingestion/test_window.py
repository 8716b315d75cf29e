"""Which changes a run asks for, and what local times mean."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingestion.retail.window import business_day, from_local, is_ambiguous, make_window, start_of
from shared.errors import DataError

LONDON = ZoneInfo("Europe/London")
HOURS = timedelta(hours=2)


def test_the_first_run_asks_for_its_day_and_the_overlap():
    window = make_window(date(2026, 6, 10), LONDON, HOURS, None)
    assert window.start == datetime(2026, 6, 9, 21, tzinfo=UTC)
    assert window.end == datetime(2026, 6, 10, 23, tzinfo=UTC)


def test_after_a_gap_a_run_begins_where_the_last_change_was_seen():
    window = make_window(date(2026, 6, 10), LONDON, HOURS, datetime(2026, 6, 5, 12, tzinfo=UTC))
    assert window.start == datetime(2026, 6, 5, 10, tzinfo=UTC)


def test_a_backfill_of_an_earlier_day_is_not_cut_short_by_the_watermark():
    window = make_window(date(2026, 1, 10), LONDON, HOURS, datetime(2026, 6, 5, 12, tzinfo=UTC))
    assert window.start == datetime(2026, 1, 9, 22, tzinfo=UTC)


@pytest.mark.parametrize(
    ("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 6, 1), 24)]
)
def test_days_of_the_clock_change_have_23_and_25_hours(day, hours):
    window = make_window(day, LONDON, timedelta(0), None)
    assert window.end - window.start == timedelta(hours=hours)


def test_what_the_overlap_brings_again_is_not_new():
    seen = datetime(2026, 6, 9, 22, tzinfo=UTC)
    window = make_window(date(2026, 6, 10), LONDON, HOURS, seen)
    assert not window.is_new(seen)
    assert window.is_new(seen + timedelta(seconds=1))
    assert window.is_new(window.day_start)


def test_the_hour_that_exists_twice_is_told_apart_by_its_fold():
    twice = datetime(2026, 10, 25, 1, 30)
    assert is_ambiguous(twice, LONDON)
    assert from_local(twice, LONDON, "x") == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert from_local(twice, LONDON, "x", fold=1) == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)


def test_the_hour_that_does_not_exist_is_refused():
    never = datetime(2026, 3, 29, 1, 30)
    assert not is_ambiguous(never, LONDON)
    with pytest.raises(DataError, match="does not exist in Europe/London"):
        from_local(never, LONDON, "x")


@given(
    st.datetimes(datetime(2001, 1, 1), datetime(2037, 1, 1)),
    st.sampled_from(
        [
            "Europe/London",
            "America/New_York",
            "Australia/Lord_Howe",
            "Asia/Kathmandu",
            "America/Sao_Paulo",
            "Pacific/Apia",
        ]
    ),
)
def test_every_local_time_is_one_moment_on_its_own_day_or_refused(local, name):
    zone = ZoneInfo(name)
    try:
        moment = from_local(local, zone, "x")
    except DataError:
        return
    assert moment.astimezone(zone).replace(tzinfo=None) == local
    assert business_day(moment, zone) == local.date()
    assert start_of(local.date(), zone) <= moment < start_of(local.date() + timedelta(days=1), zone)
