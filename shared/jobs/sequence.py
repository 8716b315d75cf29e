"""A whole workflow, or one job, over a range of logical dates, one after the other in this process."""

from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta

from shared.config import Settings
from shared.errors import ConfigError
from shared.jobs.runner import Result, run_job
from shared.jobs.workflows import JobSpec, Workflow

MAX_DAYS = 3660


def dates_between(first: date, last: date) -> list[date]:
    """List the dates from first to last, both included.

    Raises:
        ConfigError: the range is empty or longer than ten years.
    """
    days = (last - first).days + 1
    if not 1 <= days <= MAX_DAYS:
        raise ConfigError(f"from {first} to {last} is not a range of 1 to {MAX_DAYS} days")
    return [first + timedelta(days=number) for number in range(days)]


def run_dates(
    settings: Settings, workflow: Workflow, jobs: Sequence[JobSpec], dates: Iterable[date], *,
    force: bool = False, requested_by: str | None = None,
    on_result: Callable[[Result], None] = lambda result: None,
) -> list[Result]:  # fmt: skip
    """Run the jobs in their order, each for all dates before the next job begins.

    So what a job does once for everything that came, such as refreshing views, is done once in a backfill.
    A failed job makes those after it `skipped` for that date; the other dates go on. Nothing waits: what an
    upstream job is, it is when its turn has passed. SIGTERM or Ctrl-C ends the whole range.
    """
    results = []
    days = list(dates)
    for spec in jobs:
        for logical_date in days:
            result = run_job(
                settings, workflow, spec, logical_date, force=force, wait=False, requested_by=requested_by
            )
            on_result(result)
            results.append(result)
            if result.status == "abandoned":
                return results
    return results
