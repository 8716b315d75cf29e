"""The console: pages drawn on the server that need no script. `/` is the overview, `/runs/<id>` one run.

`/vehicles` is in console_vehicles.py, `/parks` in console_parks.py.
"""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

from flask import (
    Blueprint,
    Flask,
    current_app,
    redirect,
    render_template,
    request,
    send_from_directory,
    url_for,
)
from flask_limiter import Limiter
from markupsafe import Markup

from services.api import auth, charts, console_parks, console_vehicles, database, formats, workflows
from services.api.catalogue import Catalogue, read_catalogue
from services.api.console_page import page
from services.api.errors import MISSING_TABLE_OR_SCHEMA, NOT_POPULATED, fail
from services.api.limits import SIGN_IN
from shared.cache import Cache
from shared.errors import ConfigError, DataError, FatalError, TransientError
from shared.jobs.workflows import Workflow
from shared.missing import find_missing

blueprint = Blueprint("console", __name__)
STRIP_DAYS, CHART_DAYS, RUNS = 21, 60, 15
KEEP_SECONDS = 24 * 3600
_LOCAL_PATH = re.compile(r"/(?![/\\])[^\s\\]*")


def register(app: Flask, limiter: Limiter) -> None:
    """Add the pages; signing in has a limit of its own, for it is where keys could be guessed."""
    app.register_blueprint(blueprint)
    app.register_blueprint(console_vehicles.blueprint)
    app.register_blueprint(console_parks.blueprint)
    app.jinja_env.filters.update(formats.FILTERS)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    view = app.view_functions["console.sign_in"]
    app.view_functions["console.sign_in"] = limiter.limit(SIGN_IN)(view)


@blueprint.get("/")
def overview() -> Any:
    """Show how the house is; what was shown last, marked as such, while the database is away."""
    cache: Cache = current_app.extensions["cache"]
    try:
        shown = read_overview()
    except (TransientError, ConfigError):
        kept = cache.get("console:overview")
        if kept is None:
            raise
        at, _, main = kept.decode().partition("\n")
        return page("overview.html", main=Markup(main), stale_since=at)  # noqa: S704 - our own rendering
    main = render_template("_overview.html", **shown)
    cache.set("console:overview", f"{shown['now']:%H:%M} UTC\n{main}".encode(), KEEP_SECONDS)
    return page("overview.html", main=Markup(main), refresh=10 if shown["running"] else None)  # noqa: S704


@blueprint.get("/runs/<int:run_id>")
def run(run_id: int) -> Any:
    """Show one run with its stages and log lines."""
    found = workflows.read_run(run_id) if run_id < 2**63 else None
    if found is None:
        fail(404, f"There is no run {run_id}.")
    after = request.args.get("after_line", "0")
    lines, more = workflows.read_log(run_id, int(after) if after.isdecimal() and len(after) < 10 else 0, 1000)
    stages = [(name, float(seconds)) for name, seconds in found["stage_seconds"].items()]
    running = found["status"] == "running"
    return page("run.html", run=found, lines=lines, more=more, stages=stages, refresh=5 if running else None)


@blueprint.get("/sign-in")
def sign_in_form() -> Any:
    return page("sign_in.html", next=_local(request.args.get("next")), wrong=None)


@blueprint.post("/sign-in")
def sign_in() -> Any:
    """Trade a key for a cookie that opens reading."""
    following = _local(request.form.get("next"))
    try:
        key = auth.find(request.form.get("key", "").strip()[:200])
    except DataError as exc:
        response = page("sign_in.html", next=following, wrong=f"{exc.reason[0].upper()}{exc.reason[1:]}.")
        response.status_code = 401
        return response
    response = redirect(following, 303)
    response.set_cookie(
        auth.COOKIE, auth.make_cookie(key), max_age=auth.COOKIE_SECONDS, httponly=True, samesite="Strict",
        secure=request.is_secure,
    )  # fmt: skip
    return response


@blueprint.post("/sign-out")
def sign_out() -> Any:
    response = redirect(url_for("console.sign_in_form"), 303)
    response.delete_cookie(auth.COOKIE, httponly=True, samesite="Strict", secure=request.is_secure)
    return response


@blueprint.get("/favicon.ico")
def favicon() -> Any:
    return send_from_directory(
        current_app.static_folder or "", "house.svg", mimetype="image/svg+xml", max_age=86400
    )


def read_overview() -> dict[str, Any]:
    """Read all that the overview shows."""
    now, catalogue = datetime.now(UTC), read_catalogue()
    yesterday = now.date() - timedelta(days=1)
    runs = _fetch("newest_runs", limit=RUNS)
    missing = _missing(catalogue, now)
    incidents, letters = _fetch("incidents"), _fetch("dead_letters")
    return {
        "now": now,
        "workflows": _strips(catalogue, now.date()),
        "problems": catalogue.problems,
        "runs": runs,
        "running": any(run["status"] == "running" for run in runs),
        "quality": [_quality(row["workflow"]) for row in _fetch("scored_workflows")],
        "sales": _sales(yesterday),
        "incidents": incidents,
        "letters": letters,
        "letter_count": sum(row["letters"] for row in letters),
        "missing": missing,
    }


def _fetch(name: str, **values: Any) -> list[dict[str, Any]]:
    return database.fetch_all(database.query("console", name), values)


def _strips(catalogue: Catalogue, today: date) -> list[dict[str, Any]]:
    """Give each job the newest run of each of its last logical dates, None where there is none."""
    rows = _fetch("strips", today=today, days=STRIP_DAYS)
    found = {(row["job"], row["logical_date"]): row for row in rows}
    newest = workflows.last_runs(catalogue.jobs())
    result = []
    for workflow in sorted(catalogue.workflows.values(), key=_housekeeping_last):
        jobs = []
        for spec in workflow.jobs.values():
            days = [spec.default_date() - timedelta(days=back) for back in range(STRIP_DAYS - 1, -1, -1)]
            cells = [(day, found.get((spec.name, day))) for day in days]
            jobs.append({"spec": spec, "cells": cells, "newest": newest.get(spec.name)})
        result.append({"name": workflow.name, "description": workflow.description, "jobs": jobs})
    return result


def _housekeeping_last(workflow: Workflow) -> tuple[bool, str]:
    return all(spec.service == "maintenance" for spec in workflow.jobs.values()), workflow.name


def _quality(workflow: str) -> dict[str, Any]:
    rows = _fetch("scores", workflow=workflow, days=CHART_DAYS)
    low = min(90.0, 10.0 * (float(min(row["score"] for row in rows)) // 10))
    newest = rows[-1]
    return {
        "workflow": workflow,
        "newest": newest,
        "chart": charts.line(rows, "logical_date", "score", low, 100.0),
        "failed": _fetch("failed_checks", run_id=newest["run_id"]),
    }


def _sales(yesterday: date) -> dict[str, Any] | None:
    """Read the chart of daily sales; None before the views exist or are filled."""
    try:
        rows = _fetch("sales_by_day", to=yesterday, days=CHART_DAYS)
    except FatalError as exc:
        if getattr(exc.__cause__, "pgcode", None) in (*MISSING_TABLE_OR_SCHEMA, NOT_POPULATED):
            return None
        raise
    if not rows:
        return None
    names = {row["retailer_id"]: row["retailer_name"] for row in rows}
    ids = sorted(names)
    values = {(row["business_date"], row["retailer_id"]): float(row["total"]) for row in rows}
    days = _days_of(values)
    chart = charts.stacked_bars(days, ids, values)
    currencies = {row["currency"] for row in rows}
    return {
        "chart": chart,
        "names": [names[name] for name in ids],
        "currency": currencies.pop() if len(currencies) == 1 else "",
        "newest": chart.columns[-1],
        "week": sum(column.total for column in chart.columns[-7:]),
        "week_before": sum(column.total for column in chart.columns[-14:-7]) if len(days) >= 14 else None,
    }


def _days_of(values: dict[tuple[date, str], float]) -> list[date]:
    """List the days from the first one that counts: a few refunds for older days do not open the chart."""
    totals: dict[date, float] = {}
    for (day, _), value in values.items():
        totals[day] = totals.get(day, 0.0) + value
    high = max(abs(total) for total in totals.values())
    first = min(day for day, total in totals.items() if abs(total) >= 0.05 * high)
    return [first + timedelta(days=number) for number in range((max(totals) - first).days + 1)]


def _missing(catalogue: Catalogue, now: datetime) -> list[dict[str, Any]]:
    """List what is due and not done, newest first; neighbouring dates that lack the same stand together."""
    result: list[dict[str, Any]] = []
    for workflow in catalogue.workflows.values():
        dates = database.read(lambda conn, of=workflow: find_missing(conn, of, None, None, now))
        for item in dates:
            lack = (item.workflow, tuple(job.name for job in item.jobs), item.sources, item.status)
            last = result[-1] if result else None
            if last and last["lack"] == lack and last["to"] + timedelta(days=1) == item.date:
                last["to"] = item.date
            else:
                result.append({**vars(item), "lack": lack, "from": item.date, "to": item.date})
    for item in result:
        item["days"] = (item["to"] - item["from"]).days + 1
    return sorted(result, key=lambda item: item["to"], reverse=True)


def _local(path: str | None) -> str:
    """Return a path of this site, the overview for anything else."""
    return path if path and _LOCAL_PATH.fullmatch(path) and not path.startswith("/sign-") else "/"
