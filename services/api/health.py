"""/health says that the process lives, /ready whether it can do its work and how the house is doing.

Not ready (503): the database is away or migrations are missing, so most answers would fail. Degraded (200):
the cache, the store or a job is not well, but questions are answered; the reasons say which.
"""

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from flask import current_app, jsonify
from flask_openapi3 import APIBlueprint, Tag
from pydantic import BaseModel

from services.api import database, formats
from services.api.catalogue import read_catalogue
from shared.config import Settings
from shared.errors import CronhouseError
from shared.lateness import read_ages
from shared.migrations import FOLDER
from shared.objectstore import open_store

log = logging.getLogger("cronhouse.api")
api = APIBlueprint(
    "health", __name__, abp_tags=[Tag(name="health", description="For probes and monitors; open.")]
)
REMEMBER_SECONDS = 2.0  # probes of several monitors share an answer
STORE_SECONDS = 15.0


class Alive(BaseModel):
    status: str = "alive"


class Readiness(BaseModel):
    status: str
    reasons: list[str]
    checks: dict[str, str]
    jobs: list[dict[str, Any]]


@api.get("/health", responses={200: Alive}, summary="Is the process alive?")
def health() -> Any:
    return jsonify(status="alive")


@api.get(
    "/ready", responses={200: Readiness, 503: Readiness}, summary="Can it answer, and is the house well?"
)
def ready() -> Any:
    answer = _remembered("ready", REMEMBER_SECONDS, read_readiness)
    response = jsonify(answer)
    response.status_code = 503 if answer["status"] == "not ready" else 200
    response.headers["Cache-Control"] = "no-store"
    return response


def read_readiness() -> dict[str, Any]:
    """Ask every part; the text of an error stays in the log, for this endpoint is open."""
    fatal, minor = [], []
    checks = {"database": "ok", "migrations": "ok", "cache": "ok", "store": "ok"}
    jobs: list[dict[str, Any]] = []
    try:
        missing = missing_migrations()
        if missing:
            checks["migrations"] = "missing"
            fatal.append(f"migrations are not applied: {', '.join(missing)} (run `cronhouse migrate`)")
        else:
            jobs, late = job_ages()
            minor += late
    except CronhouseError as exc:
        log.warning("not ready: %s", exc)
        checks |= {"database": "away", "migrations": "unknown"}
        fatal.append("the database cannot be reached")
    if not current_app.extensions["cache"].is_alive():
        checks["cache"] = "away"
        minor.append("the cache cannot be reached: answers come from the database")
    store = _remembered("store", STORE_SECONDS, _ask_store)
    if store:
        checks["store"] = "away"
        minor.append(store)
    minor += [f"workflow file: {problem}" for problem in read_catalogue().problems]
    status = "not ready" if fatal else "degraded" if minor else "ready"
    return {"status": status, "reasons": fatal + minor, "checks": checks, "jobs": jobs}


def missing_migrations() -> list[str]:
    """Name the migrations of this version that the database does not have."""
    here = {path.name.removesuffix(".sql") for path in FOLDER.glob("*.sql") if ".rollback." not in path.name}
    table = "SELECT to_regclass('public._yoyo_migration') IS NOT NULL"
    if not database.fetch_value(table):
        return sorted(here)
    applied = database.fetch_all(database.query("health", "applied_migrations"))
    return sorted(here - {row["migration_id"] for row in applied})


def job_ages() -> tuple[list[dict[str, Any]], list[str]]:
    """Tell when each job last succeeded, and which of them are late."""
    now, specs = datetime.now(UTC), read_catalogue().jobs()
    ages = database.read(lambda conn: read_ages(conn, specs, now))
    jobs, late = [], []
    for spec, age in zip(specs, ages, strict=True):
        seconds = (now - age.succeeded_at).total_seconds() if age.succeeded_at else None
        jobs.append(
            {
                "job": spec.name,
                "workflow": spec.workflow,
                "last_success_at": age.succeeded_at,
                "last_success_date": age.succeeded_date,
                "last_success_age_seconds": round(seconds) if seconds is not None else None,
                "stale_after_seconds": age.allowed,
                "late": age.late,
            }
        )
        if age.late:
            since = (
                f"last succeeded {formats.ago(age.succeeded_at)}" if age.succeeded_at else "never succeeded"
            )
            late.append(f"job {spec.name} is late: it {since}")
    return jobs, late


def _ask_store() -> str | None:
    settings: Settings = current_app.extensions["settings"]
    try:
        if "store" not in current_app.extensions:
            current_app.extensions["store"] = open_store(settings)
        current_app.extensions["store"].check()
    except CronhouseError as exc:
        log.warning("store: %s", exc)
        return "the object store cannot be reached: jobs cannot land or load files"
    return None


def _remembered(name: str, seconds: float, ask: Callable[[], Any]) -> Any:
    kept: dict[str, tuple[float, Any]] = current_app.extensions.setdefault("remembered", {})
    if name not in kept or kept[name][0] < time.monotonic():
        kept[name] = (time.monotonic() + seconds, ask())
    return kept[name][1]
