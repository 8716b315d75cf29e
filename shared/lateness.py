"""Which jobs are late: the age of a job's last success against what its code or its schedule allows."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

from shared import db
from shared.errors import ConfigError, FatalError
from shared.jobs.registry import find_function
from shared.jobs.workflows import JobSpec
from shared.sql import read_queries

_Q = Path(__file__).parent / "queries" / "lateness.sql"
EXTRA_SECONDS = 2 * 3600.0


@dataclass(frozen=True)
class JobAge:
    """How long ago a job succeeded; `allowed` is in seconds, `succeeded_at` is None when it never did."""

    job: str
    allowed: float
    succeeded_at: datetime | None
    succeeded_date: date | None
    late: bool


def stale_after(spec: JobSpec) -> float:
    """Return how old a job's last success may be, in seconds: what its code says, else its schedule."""
    try:
        declared = find_function(spec.name, spec.service, spec.workflow).stale_after
    except ConfigError:  # the image of another service: the job's packages are not here
        declared = None
    return declared if declared is not None else _from_schedule(spec.schedule)


def _from_schedule(schedule: str) -> float:
    """Return the longest gap between two starts, and as long again but at most two hours."""
    from cronsim import CronSim

    starts = CronSim(schedule, datetime(2026, 1, 1, tzinfo=UTC))
    gap = max((b - a).total_seconds() for a, b in pairwise(next(starts) for _ in range(10)))
    return gap + min(gap, EXTRA_SECONDS)


def read_ages(
    conn: db.Connection,
    specs: Iterable[JobSpec],
    now: datetime,
    allowed: float | None = None,
    up_since: datetime | None = None,
) -> list[JobAge]:
    """Tell for each job whether it is late. `allowed` (seconds) stands in for what the jobs say.

    A job that never succeeded is late once its first start after the newest migration lies as far back. With
    `up_since`, when its cron started, no job is late before its first start after that lies as far back.

    Raises:
        FatalError: the database is not migrated.
    """
    specs = list(specs)
    rows = db.fetch_all(conn, read_queries(_Q)["last_successes"], {"jobs": [spec.name for spec in specs]})
    found = {row["job"]: row for row in rows}
    installed_at = db.fetch_value(conn, read_queries(_Q)["installed_at"])
    if installed_at is None:
        raise FatalError("no migration is applied: run `cronhouse migrate`")
    installed_at = installed_at.replace(tzinfo=UTC)
    return [_age(spec, found.get(spec.name), installed_at, now, allowed, up_since) for spec in specs]


def _age(
    spec: JobSpec,
    row: dict[str, Any] | None,
    installed_at: datetime,
    now: datetime,
    allowed: float | None,
    up_since: datetime | None,
) -> JobAge:
    from cronsim import CronSim

    seconds = stale_after(spec) if allowed is None else allowed
    since = [row["succeeded_at"] if row else next(CronSim(spec.schedule, installed_at))]
    if up_since is not None:
        since.append(next(CronSim(spec.schedule, up_since)))
    late = now - max(since) > timedelta(seconds=seconds)
    if row is None:
        return JobAge(spec.name, seconds, None, None, late)
    return JobAge(spec.name, seconds, row["succeeded_at"], row["succeeded_date"], late)
