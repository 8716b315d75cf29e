"""What a job needs, looked at one by one: each finding says what is wrong and what to do about it.

A workflow's sources are asked by the `services/<service>/<workflow>/doctor.py` of the services of its jobs, where there
is one: it has `check_sources(settings, workflow)` and yields (source, what is wrong or None).
"""

import os
import shutil
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module

from shared import db
from shared.config import Settings
from shared.errors import CronhouseError
from shared.jobs.workflows import Workflow, check_both_sides, load_workflows

OLDEST_SERVER = 15
MAX_CLOCK_SECONDS = 5.0
MIN_FREE_BYTES = 1024**3
PARTS = ("workflows", "database", "store", "cache", "sources", "disk", "time", "alerts")


@dataclass(frozen=True)
class Finding:
    """One thing looked at; `good` False is something to repair."""

    part: str
    good: bool
    message: str


def examine(settings: Settings, parts: Collection[str] = PARTS) -> Iterator[Finding]:
    """Look at the parts and yield what was found, as it is found."""
    looks: dict[str, Callable[[Settings], Iterator[Finding]]] = {
        "workflows": _check_workflows,
        "database": _check_database,
        "store": _check_store,
        "cache": _check_cache,
        "sources": _check_sources,
        "disk": _check_disk,
        "time": _check_zones,
        "alerts": _check_alerts,
    }
    for part in parts:
        try:
            yield from looks[part](settings)
        except CronhouseError as exc:
            yield from (Finding(part, False, line) for line in str(exc).splitlines())
        except Exception as exc:  # noqa: BLE001 - a doctor that faints helps nobody
            yield Finding(part, False, f"{type(exc).__name__}: {exc}")


def _check_workflows(settings: Settings) -> Iterator[Finding]:
    found = load_workflows(settings)
    jobs = sum(len(workflow.jobs) for workflow in found.values())
    try:
        problems = check_both_sides(settings)
    except ModuleNotFoundError as exc:  # the image of one service
        yield Finding("workflows", True, f"{jobs} jobs; their code was not looked at: no {exc.name} here")
        return
    for problem in problems:
        yield Finding("workflows", False, problem)
    if not problems:
        yield Finding("workflows", True, f"{len(found)} workflows, {jobs} jobs, each with its code")


def _check_database(settings: Settings) -> Iterator[Finding]:
    from shared.migrations import pending

    with closing(db.connect(settings, application_name="cronhouse:doctor", autocommit=True)) as conn:
        version = db.fetch_value(conn, "SHOW server_version").split()[0]
        old = conn.server_version // 10000 < OLDEST_SERVER
        advice = f" is too old: {OLDEST_SERVER} or newer is needed" if old else ""
        yield Finding("database", not old, f"PostgreSQL {version}{advice}")
        before = time.time()
        there = db.fetch_value(conn, "SELECT extract(epoch FROM clock_timestamp())")
        yield _judge_clock(float(there) - (before + time.time()) / 2)
    names = pending(settings)
    text = (
        f"not applied, run `cronhouse migrate`: {', '.join(names)}" if names else "migrations are all applied"
    )
    yield Finding("database", not names, text)


def _judge_clock(difference: float) -> Finding:
    if abs(difference) <= MAX_CLOCK_SECONDS:
        return Finding("database", True, f"its clock agrees: {datetime.now(UTC):%Y-%m-%d %H:%M} UTC")
    way = "ahead of" if difference < 0 else "behind"
    text = f"this clock is {abs(difference):.0f} s {way} its clock, so late records are misjudged: set up NTP"
    return Finding("database", False, text)


def _check_store(settings: Settings) -> Iterator[Finding]:
    from shared.objectstore import open_store

    store = open_store(settings)
    store.check()
    key, body = f"doctor/{os.getpid()}-{time.time_ns()}", b"cronhouse doctor"
    store.put(key, body)
    try:
        same = store.read(key) == body
    finally:
        store.delete(key)
    text = "written, read and deleted an object" if same else "what was read is not what was written"
    yield Finding("store", same, f"{settings.object_store_url.partition('?')[0]}: {text}")


def _check_cache(settings: Settings) -> Iterator[Finding]:
    from shared.cache import open_cache

    if settings.redis_url is None:
        yield Finding("cache", True, "in each process (REDIS_URL is not set)")
    elif open_cache(settings).is_alive():
        yield Finding("cache", True, "Redis answers")
    else:
        advice = "start it, or correct REDIS_URL; until then the API is slower, nothing else"
        yield Finding("cache", False, f"Redis does not answer: {advice}")


def _check_sources(settings: Settings) -> Iterator[Finding]:
    for workflow in load_workflows(settings).values():
        for service in dict.fromkeys(job.service for job in workflow.jobs.values()):
            yield from _ask_sources(settings, workflow, service)


def _ask_sources(settings: Settings, workflow: Workflow, service: str) -> Iterator[Finding]:
    name = f"services.{service}.{workflow.name}.doctor"
    try:
        module = import_module(name)
    except ModuleNotFoundError as exc:
        if exc.name and not name.startswith(exc.name):
            text = f"not asked: no {exc.name} here; run this in the container `{service.replace('_', '-')}`"
            yield Finding("sources", True, text)
        return
    for source, problem in module.check_sources(settings, workflow):
        yield Finding("sources", problem is None, problem or f"{source} of {workflow.name} answers")


def _check_disk(settings: Settings) -> Iterator[Finding]:
    import tempfile

    folder = next(path for path in (settings.local_dir, *settings.local_dir.parents) if path.exists())
    for place in dict.fromkeys((str(folder), tempfile.gettempdir())):
        usage = shutil.disk_usage(place)
        good = usage.free >= min(MIN_FREE_BYTES, usage.total // 2)  # a container's /tmp may be small
        advice = "" if good else ": too little for sorting and temporary files; free space"
        yield Finding("disk", good, f"{usage.free / 1024**3:.1f} GB free in {place}{advice}")


def _check_zones(settings: Settings) -> Iterator[Finding]:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        ZoneInfo("Europe/London")
    except ZoneInfoNotFoundError:
        yield Finding("time", False, "the zone data is missing: install tzdata (apt or pip)")
        return
    offset = datetime.now().astimezone().utcoffset()
    if offset:
        hours = f"{offset.total_seconds() / 3600:+g} h"
        yield Finding("time", True, f"local time is UTC {hours}; schedules are UTC: give cron TZ=UTC")
        return
    yield Finding("time", True, "zone data is there, local time is UTC")


def _check_alerts(settings: Settings) -> Iterator[Finding]:
    if settings.alert_urls:
        yield Finding(
            "alerts", True, f"{len(settings.alert_urls)} receivers (`cronhouse alerts test` writes to them)"
        )
    else:
        yield Finding("alerts", True, "ALERT_URLS is not set: incidents are only kept and logged")
