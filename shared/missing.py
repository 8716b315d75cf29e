"""Logical dates that were due and are not done: a daily job never succeeded, or a source never arrived."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from shared import db
from shared.errors import ConfigError
from shared.jobs.sequence import MAX_DAYS
from shared.jobs.workflows import JobSpec, Workflow
from shared.sql import read_queries

_Q = Path(__file__).parent / "queries" / "missing.sql"
DEFAULT_DAYS = 30


@dataclass(frozen=True)
class MissingDate:
    """A logical date with what it lacks. `status` and `reason` are those of the first job's newest run.

    `jobs` is what a backfill has to run, in order; with `force` they are done although they succeeded
    once: what their source did not deliver then may be there now.
    """

    workflow: str
    date: date
    jobs: tuple[JobSpec, ...]
    sources: tuple[str, ...]
    status: str
    reason: str | None
    force: bool


def find_missing(
    conn: db.Connection, workflow: Workflow, first: date | None, last: date | None, now: datetime
) -> list[MissingDate]:
    """List the missing dates from first to last, ascending; only daily jobs have dates to miss.

    Without `first` it is the last 30 days, not before the workflow's first run; nothing when it never ran.
    """
    daily = [spec for spec in workflow.jobs.values() if spec.is_daily]
    if first is None:
        began = db.fetch_value(conn, read_queries(_Q)["first_date"], {"workflow": workflow.name})
        if began is None:
            return []
        first = max(began, now.date() - timedelta(days=DEFAULT_DAYS))
    last = min(last or now.date(), now.date())
    if (last - first).days >= MAX_DAYS:
        raise ConfigError(f"from {first} to {last} is longer than {MAX_DAYS} days: name a later first date")
    values = {"workflow": workflow.name, "first": first, "last": last}
    rows = db.fetch_all(conn, read_queries(_Q)["job_dates"], values)
    states = {(row["job"], row["logical_date"]): row for row in rows}
    arrivals = db.fetch_all(conn, read_queries(_Q)["arrivals"], values)
    arrived = {(row["source"], row["logical_date"]) for row in arrivals}
    expected, since = expected_sources(conn, workflow)
    due = {spec.name: set(due_dates(spec, first, last, now)) for spec in daily}
    found = []
    for day in sorted(set().union(*due.values())):
        specs = [spec for spec in daily if day in due[spec.name]]
        sources = [name for name in expected if since and day >= since and (name, day) not in arrived]
        missing = _missing_on(workflow, day, specs, states, sources)
        if missing is not None:
            found.append(missing)
    return found


def _missing_on(
    workflow: Workflow, day: date, due: list[JobSpec], states: dict[tuple[str, date], dict[str, Any]],
    sources: list[str],
) -> MissingDate | None:  # fmt: skip
    undone = [spec for spec in due if not states.get((spec.name, day), {}).get("succeeded")]
    if not undone and not sources:
        return None
    # a source that is missing though the jobs that fetch succeeded: only doing all of it again can help
    force = bool(sources) and all(spec.after for spec in undone)
    jobs = due if force else undone
    state = states.get((jobs[0].name, day), {})
    status, reason = state.get("status", "never ran"), state.get("reason")
    return MissingDate(workflow.name, day, tuple(jobs), tuple(sources), status, reason, force)


def due_dates(spec: JobSpec, first: date, last: date, now: datetime) -> Iterator[date]:
    """Yield the logical dates of a daily job whose start has come: it works on the day before."""
    from cronsim import CronSim

    begin = datetime.combine(first + timedelta(days=1), time(), UTC) - timedelta(seconds=1)
    for start in CronSim(spec.schedule, begin):
        day = start.date() - timedelta(days=1)
        if start > now or day > last:
            return
        yield day


def expected_sources(conn: db.Connection, workflow: Workflow) -> tuple[list[str], date | None]:
    """Name the sources that every logical date brings, and the date of the workflow's first arrival.

    They are those that ever came and that one of the workflow file's own sections still names.
    """
    rows = db.fetch_all(conn, read_queries(_Q)["known_sources"], {"workflow": workflow.name})
    sections = [section for section in workflow.params.values() if isinstance(section, Mapping)]
    names = [row["source"] for row in rows if any(row["source"] in section for section in sections)]
    return names, rows[0]["first_date"] if rows else None
