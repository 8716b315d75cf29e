"""Charts as geometry: everything in percent of the drawing, so that the page can draw SVG of any width
without a script and text keeps its size. Pure functions; the templates draw."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import ceil, floor, log10
from typing import Any


@dataclass(frozen=True)
class Tick:
    """A mark of an axis: where it stands, in percent, and what it says."""

    at: float
    label: str
    anchor: str = "middle"


@dataclass(frozen=True)
class Bar:
    """One piece of a stacked bar. `series` counts from 0."""

    series: int
    y: float
    height: float


@dataclass(frozen=True)
class Column:
    """The stacked bar of one day, with what it says when pointed at."""

    day: date
    x: float
    width: float
    bars: list[Bar]
    values: list[float]

    @property
    def total(self) -> float:
        return sum(self.values)


@dataclass(frozen=True)
class BarChart:
    """Days from left to right, one column each."""

    names: list[str]
    columns: list[Column]
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    zero: float


@dataclass(frozen=True)
class Point:
    """One point of a line, with its row."""

    x: float
    y: float
    row: Mapping[str, Any]


@dataclass(frozen=True)
class LineChart:
    """One line over time."""

    points: list[Point]
    x_ticks: list[Tick]
    y_ticks: list[Tick]

    @property
    def segments(self) -> list[tuple[Point, Point]]:
        return list(zip(self.points, self.points[1:], strict=False))


def stacked_bars(
    days: Sequence[date], names: Sequence[str], values: Mapping[tuple[date, str], float]
) -> BarChart:
    """Stack the values of each day, negative ones below zero; a missing value is nothing."""
    table = [[values.get((day, name), 0.0) for name in names] for day in days]
    high = max((sum(v for v in row if v > 0) for row in table), default=0.0)
    low = min((sum(v for v in row if v < 0) for row in table), default=0.0)
    steps = [step for step in nice_steps(low, high) if step >= low or step == 0]
    bottom, top = min(steps[0], low), steps[-1]  # a small loss does not open a whole step below zero

    def y_of(value: float) -> float:
        return 100 * (top - value) / (top - bottom)

    slot = 100 / max(len(days), 1)
    columns = []
    for number, (day, row) in enumerate(zip(days, table, strict=True)):
        bars, above, below = [], 0.0, 0.0
        for series, value in enumerate(row):
            start = above if value >= 0 else below
            end = start + value
            above, below = (end, below) if value >= 0 else (above, end)
            if value:
                bars.append(Bar(series, _round(y_of(max(start, end))), _round(abs(y_of(start) - y_of(end)))))
        columns.append(Column(day, _round(number * slot), _round(slot), bars, row))
    y_ticks = [Tick(_round(y_of(step)), short_number(step)) for step in steps]
    return BarChart(list(names), columns, day_ticks(days), y_ticks, _round(y_of(0.0)))


def line(rows: Sequence[Mapping[str, Any]], x: str, y: str, low: float, high: float) -> LineChart:
    """Draw column `y` over the days of column `x`, between two fixed ends."""
    days = [row[x] for row in rows]
    slot = 100 / max(len(days), 1)
    points = [
        Point(_round((number + 0.5) * slot), _round(100 * (high - float(row[y])) / (high - low)), row)
        for number, row in enumerate(rows)
    ]
    steps = [low + (high - low) * part / 2 for part in range(3)]
    y_ticks = [Tick(_round(100 * (high - step) / (high - low)), f"{step:g}") for step in steps]
    return LineChart(points, day_ticks(days), y_ticks)


@dataclass(frozen=True)
class Curve:
    """One line of several: its name, its points, and the pairs of neighbours to join."""

    name: str
    points: list[Point]
    segments: list[tuple[Point, Point]]


@dataclass(frozen=True)
class CurveChart:
    """Several lines over the same places, from zero up."""

    curves: list[Curve]
    x_ticks: list[Tick]
    y_ticks: list[Tick]


def curves(places: Sequence[str], series: Mapping[str, Sequence[float | None]], most: int = 8) -> CurveChart:
    """Draw one line a series over named places, one value a place; None is a gap that no line crosses."""
    steps = nice_steps(0.0, max((v for row in series.values() for v in row if v is not None), default=0.0))
    slot, top = 100 / max(len(places), 1), steps[-1]
    drawn = []
    for name, values in series.items():
        points = [
            None
            if value is None
            else Point(
                _round((number + 0.5) * slot),
                _round(100 * (top - value) / top),
                {"at": place, "value": value},
            )
            for number, (place, value) in enumerate(zip(places, values, strict=True))
        ]
        pairs = [(one, other) for one, other in zip(points, points[1:], strict=False) if one and other]
        drawn.append(Curve(name, [point for point in points if point], pairs))
    every = ceil(len(places) / most) if places else 1
    x_ticks = [
        Tick(_round((number + 0.5) * slot), place)
        for number, place in enumerate(places)
        if number % every == 0
    ]
    return CurveChart(drawn, x_ticks, [Tick(_round(100 * (top - step) / top), f"{step:g}") for step in steps])


def day_ticks(days: Sequence[date], most: int = 5) -> list[Tick]:
    """Name a few of the days, evenly, the newest always."""
    if not days:
        return []
    count = min(most, len(days))
    places = sorted({round(number * (len(days) - 1) / max(count - 1, 1)) for number in range(count)})
    slot = 100 / len(days)
    ticks = []
    for place in places:
        anchor = (
            "start" if place == 0 and len(days) > 1 else "end" if place == len(days) - 1 > 0 else "middle"
        )
        at = (
            place * slot
            if anchor == "start"
            else (place + 1) * slot
            if anchor == "end"
            else (place + 0.5) * slot
        )
        ticks.append(Tick(_round(at), f"{days[place].day} {days[place]:%b}", anchor))
    return ticks


def nice_steps(low: float, high: float, wanted: int = 4) -> list[float]:
    """Return round numbers from at most `low` to at least `high`, evenly spaced; zero is among them."""
    span = max(high, 0.0) - min(low, 0.0)
    if not span:
        return [0.0, 1.0]
    rough = span / wanted
    unit = 10 ** floor(log10(rough))
    step = next(unit * factor for factor in (1, 2, 2.5, 5, 10) if unit * factor >= rough)
    first, last = floor(min(low, 0.0) / step), max(ceil(max(high, 0.0) / step), 1)
    return [number * step for number in range(first, last + 1)]


def short_number(value: float) -> str:
    """Write 12500 as 12.5k."""
    for size, letter in ((1e9, "bn"), (1e6, "m"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"


def _round(value: float) -> float:
    return round(value, 3)
