"""Charts as geometry, and how the console writes things."""

from datetime import UTC, date, datetime, timedelta

import pytest

from services.api import charts, formats

DAYS = [date(2026, 1, 1) + timedelta(days=number) for number in range(10)]


def test_bars_are_stacked_and_end_at_their_sum() -> None:
    chart = charts.stacked_bars(DAYS[:1], ["a", "b"], {(DAYS[0], "a"): 30.0, (DAYS[0], "b"): 70.0})
    (column,) = chart.columns
    a, b = column.bars
    assert column.total == 100 and chart.zero == 100
    assert a.y + a.height == pytest.approx(100) and b.y + b.height == pytest.approx(a.y)
    assert b.height / a.height == pytest.approx(70 / 30, abs=0.01)
    assert b.y >= 0


def test_losses_hang_below_zero_without_a_step_of_their_own() -> None:
    values = {(DAYS[0], "a"): 1000.0, (DAYS[1], "a"): -10.0, (DAYS[1], "b"): 5.0}
    chart = charts.stacked_bars(DAYS[:2], ["a", "b"], values)
    loss = chart.columns[1].bars[0]
    assert loss.y == chart.zero and 98 < chart.zero < 100
    assert loss.y + loss.height <= 100.001
    assert [tick.label for tick in chart.y_ticks][0] == "0"


def test_days_without_values_leave_a_gap() -> None:
    chart = charts.stacked_bars(DAYS, ["a"], {(DAYS[0], "a"): 1.0, (DAYS[9], "a"): 1.0})
    assert [len(column.bars) for column in chart.columns] == [1, *[0] * 8, 1]
    assert chart.columns[9].x + chart.columns[9].width == pytest.approx(100)


@pytest.mark.parametrize("values", [{}, {(DAYS[0], "a"): 0.0}])
def test_nothing_to_show_is_no_mistake(values: dict) -> None:
    chart = charts.stacked_bars(DAYS, ["a"], values)
    assert all(not column.bars for column in chart.columns)
    assert charts.stacked_bars([], [], {}).x_ticks == []


@pytest.mark.parametrize(
    ("low", "high", "steps"),
    [
        (0, 100, [0, 25, 50, 75, 100]),
        (0, 44_154, [0, 20_000, 40_000, 60_000]),
        (-30, 100, [-50, 0, 50, 100]),
        (0, 0, [0, 1]),
        (0, 0.003, [0, 0.001, 0.002, 0.003]),
        (-5, 0, [-6, -4, -2, 0, 2]),
    ],
)
def test_steps_are_round_and_span_the_values(low: float, high: float, steps: list[float]) -> None:
    assert charts.nice_steps(low, high) == pytest.approx(steps)


def test_line_runs_from_first_to_last() -> None:
    rows = [{"day": day, "score": score} for day, score in zip(DAYS[:3], (100, 90, 95), strict=True)]
    chart = charts.line(rows, "day", "score", 90.0, 100.0)
    assert [point.y for point in chart.points] == [0, 100, 50]
    assert len(chart.segments) == 2 and [tick.label for tick in chart.y_ticks] == ["90", "95", "100"]
    assert charts.line(rows[:1], "day", "score", 90.0, 100.0).segments == []


def test_few_days_are_named_and_the_newest_always() -> None:
    ticks = charts.day_ticks(DAYS)
    assert len(ticks) == 5 and ticks[0].label == "1 Jan" and ticks[-1].label == "10 Jan"
    assert (ticks[0].anchor, ticks[-1].anchor, ticks[-1].at) == ("start", "end", 100)
    assert [tick.anchor for tick in charts.day_ticks(DAYS[:1])] == ["middle"]


def test_numbers_and_times_are_written_for_people() -> None:
    assert charts.short_number(12_500) == "12.5k" and charts.short_number(-2e6) == "-2m"
    assert formats.money(-1234.5, "GBP") == "−£1,234" and formats.money(12, "SEK") == "SEK 12"
    assert formats.duration(7384) == "2 h 3 min" and formats.duration(61) == "1 min 1 s"
    assert formats.duration(None) == "–" and formats.number(None) == "–"
    now = datetime.now(UTC)
    assert formats.ago(now - timedelta(hours=25)) == "1 day ago" and formats.ago(None) == "never"
    assert formats.ago(now - timedelta(minutes=3)) == "3 minutes ago" and formats.ago(now) == "just now"
    assert formats.percent(97.5) == "97.5" and formats.day(DAYS[0]) == "Thu 1 Jan 2026"


@pytest.mark.parametrize(
    ("value", "said"),
    [(0, "0 kB"), (121_300_000, "121.3 MB"), (100_000_000_000, "100 GB"), (1_540_000_000_000, "1.5 TB")],
)
def test_sizes_are_written_in_the_largest_unit_that_they_fill(value: int, said: str) -> None:
    assert formats.size(value) == said


@pytest.mark.parametrize(
    ("value", "said"), [(0, "0"), (0.4829, "0.48"), (5.37, "5.4"), (53.7, "54"), (100.0, "100"), (120, "120")]
)
def test_shares_of_the_storage_have_two_digits(value: float, said: str) -> None:
    assert formats.two_digits(value) == said
