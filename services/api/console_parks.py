"""The page /parks of the console: a live board, a ride's day against its typical day, its years, storage, imports."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from flask import Blueprint, g, redirect, request, url_for

from services.api import charts, database, parks_imports
from services.api.auth import form
from services.api.console_page import page
from services.api.errors import MISSING_TABLE_OR_SCHEMA
from shared.errors import FatalError

blueprint = Blueprint("console_parks", __name__)
FEW_DAYS = 3  # a typical day is made of at least so many
AHEAD = 30  # days of forecast that are drawn
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
Row = dict[str, Any]


@blueprint.get("/parks")
def parks() -> Any:
    """Show the park and ride that were asked for, else the first ones that there are."""
    try:
        shown = read_page(request.args)
    except FatalError as exc:
        if getattr(exc.__cause__, "pgcode", None) not in MISSING_TABLE_OR_SCHEMA:
            raise
        shown = {"parks": [], "imports": [], "storage": None}
    is_moving = any(row["status"] in ("PENDING", "IN_PROGRESS") for row in shown["imports"])
    may_steer = g.principal.is_at_least("operator")
    return page("parks.html", **shown, may_steer=may_steer, refresh=10 if is_moving else None)


@blueprint.post("/parks/imports/<int:import_id>/<any(pause, resume):action>")
@form("operator")
def steer_import(import_id: int, action: str) -> Any:
    """Pause an import or go on with it, as the API does, and show the page again."""
    steer = parks_imports.pause if action == "pause" else parks_imports.resume
    steer(path=parks_imports.ImportPath(import_id=import_id))
    return redirect(url_for("console_parks.parks", _anchor="imports"), 303)


def read_page(asked: Mapping[str, str]) -> dict[str, Any]:
    """Read all that the page shows; what does not exist, or is no id or day, is as if it had not been asked for.

    `is_other_park` tells that a park was asked for that there is none of.
    """
    known = _fetch("parks")
    chosen = _chosen(known, "park_id", asked.get("park"))
    park = chosen or _with_statistics(known)
    rides = _fetch("rides", park=park["park_id"]) if park else []
    ride = _chosen(rides, "entity_id", asked.get("ride")) or (rides[0] if rides else None)
    return {
        "parks": known,
        "park": park,
        "is_other_park": bool(asked.get("park") and park and not chosen),
        "board": _fetch("board", park=park["park_id"]) if park else [],
        "rides": sorted(rides, key=lambda row: row["name"] or ""),
        "ride": ride,
        "day": read_day(ride, _day(asked.get("day")) or _telling_day(ride)) if ride else None,
        "years": read_years(ride) if ride else None,
        "storage": read_storage(),
        "imports": [{**row, "share": _share(row)} for row in _fetch("imports")],
    }


def _fetch(name: str, **values: Any) -> list[Row]:
    return database.fetch_all(database.query("console_parks", name), values)


def _chosen(rows: Sequence[Row], column: str, wanted: str | None) -> Row | None:
    try:
        value = str(UUID(wanted or ""))
    except ValueError:
        return None
    return next((row for row in rows if str(row[column]) == value), None)


def _with_statistics(rows: Sequence[Row]) -> Row | None:
    """Return the park with the newest statistics, else the first one."""
    return max(rows, key=lambda row: row["newest_day"] or date.min, default=None)


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text or "")
    except ValueError:
        return None


def _telling_day(ride: Row) -> date:
    """Return the ride's newest day with more than a moment of it, which today in its first hours has not."""
    found = _fetch("telling_day", ride=ride["ride_id"])
    day: date = found[0]["local_date"] if found else ride["newest_day"]
    return day


def read_day(ride: Row, day: date) -> dict[str, Any]:
    """Read the hours of a ride's day beside those of its typical day; `chart` is None without either.

    An hour that summer time's end repeats is drawn once, with its second half's mean; the table has both.
    """
    hours = _fetch("day_by_hour", ride=ride["ride_id"], day=day)
    typical = [
        row for row in _fetch("typical_by_hour", ride=ride["ride_id"], day=day) if row["days"] >= FEW_DAYS
    ]
    today = {row["local_hour"]: _number(row["mean_wait"]) for row in hours}
    usual = {row["local_hour"]: _number(row["mean_wait"]) for row in typical}
    seen = sorted(hour for hour, value in {**usual, **today}.items() if value is not None)
    span = range(seen[0], seen[-1] + 1) if seen else range(0)
    series = {"This day": [today.get(hour) for hour in span], "Typical": [usual.get(hour) for hour in span]}
    if not usual:
        del series["Typical"]
    chart = charts.curves([f"{hour}:00" for hour in span], series, most=9) if seen else None
    return {"date": day, "chart": chart, "hours": hours, "typical": usual}


def read_years(ride: Row) -> dict[str, Any] | None:
    """Read a ride's months year by year; None where there are none."""
    rows = _fetch("months_by_year", ride=ride["ride_id"])
    if not rows:
        return None
    values = {(row["year"], row["month"]): _number(row["mean_wait"]) for row in rows}
    years = sorted({year for year, _ in values})[-6:]  # as many as there are colours
    series = {str(year): [values.get((year, month)) for month in range(1, 13)] for year in years}
    return {
        "chart": charts.curves(MONTHS, series, most=12),
        "years": years,
        "values": values,
        "months": MONTHS,
    }


def read_storage() -> dict[str, Any] | None:
    """Read the size of the database and its growth to come; None before it was measured.

    The forecast is drawn for the AHEAD days after the newest measurement, where its growth is known.
    """
    days = _fetch("storage_days")
    if not days:
        return None
    newest = days[-1]
    unit, size = ("GB", 1e9) if newest["total_bytes"] >= 1e9 else ("MB", 1e6)
    rate = newest["bytes_per_day"]
    last = newest["measured_on"] + timedelta(days=AHEAD if rate is not None else 0)
    span = [
        days[0]["measured_on"] + timedelta(days=n) for n in range((last - days[0]["measured_on"]).days + 1)
    ]
    measured = {row["measured_on"]: round(row["total_bytes"] / size, 1) for row in days}
    series: dict[str, list[float | None]] = {"Measured": [measured.get(day) for day in span]}
    if rate is not None:
        series["Forecast"] = [
            round((newest["total_bytes"] + (day - newest["measured_on"]).days * rate) / size, 1)
            if day >= newest["measured_on"]
            else None
            for day in span
        ]
    chart = charts.curves([f"{day.day} {day:%b}" for day in span], series, most=6)
    forecasts = [(row["target_on"], row["forecast_bytes"] / size) for row in _fetch("storage_forecasts")]
    return {"newest": newest, "unit": unit, "size": size, "chart": chart, "forecasts": forecasts}


def _number(value: Any) -> float | None:
    return None if value is None else round(float(value), 1)


def _share(row: Row) -> float | None:
    """Return how much of an import's bytes is done, in percent; None before the listing."""
    if not row["bytes_total"]:
        return 100.0 if row["status"] == "COMPLETED" else None
    return round(100 * row["bytes_done"] / row["bytes_total"], 1)
