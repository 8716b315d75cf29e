"""cronhouse run: a job, a workflow, or what was asked for over the API."""

from datetime import UTC, date, datetime

import click

from shared.cli.common import Date, start
from shared.config import Settings
from shared.jobs.runner import NO_UPSTREAM, OK, Result, run_job
from shared.jobs.sequence import dates_between, run_dates
from shared.jobs.workflows import JobSpec, Workflow, find_job, find_workflow, is_workflow


@click.command("run", epilog="Example: cronhouse run retail --from 2026-01-01 --to 2026-03-31")
@click.argument("name", required=False)
@click.option(
    "--date", "one", type=Date(), help="Logical date; default: yesterday for daily jobs, else today."
)
@click.option("--from", "first", type=Date(), help="First logical date of a range.")
@click.option("--to", "last", type=Date(), help="Last logical date of a range; default: yesterday.")
@click.option("--force", is_flag=True, help="Do again what is done.")
@click.option("--dry-run", is_flag=True, help="Say what would run, and run nothing.")
@click.option(
    "--requested", "service", metavar="SERVICE", help="Run what the API was asked for, in this service."
)
def command(
    name: str | None, one: date | None, first: date | None, last: date | None, force: bool, dry_run: bool,
    service: str | None,
) -> int:  # fmt: skip
    """Run a job or a whole workflow for a logical date or a range of dates.

    A job waits for its upstream jobs; the jobs of a workflow run in their order. Exits 0 when done or
    skipped, 1 when something failed, 2 for a mistake in settings or files, 75 when upstream never came.
    """
    if (name is None) == (service is None):
        raise click.UsageError("name a job or a workflow, or give --requested SERVICE")
    if one and (first or last) or last and not first:
        raise click.UsageError("give --date, or --from with or without --to")
    settings = start()
    if service is not None:
        from shared.jobs.requests import run_requested

        return run_requested(settings, service)
    assert name is not None
    if not is_workflow(settings, name):
        workflow, spec = find_job(settings, name)
        dates = _dates(one, first, last, spec)
        if len(dates) == 1 and not dry_run:
            return run_job(
                settings, workflow, spec, dates[0], force=force, requested_by="command line"
            ).exit_code
        return _run_many(settings, workflow, [spec], dates, force, dry_run)
    workflow = find_workflow(settings, name)
    jobs = list(workflow.jobs.values())
    return _run_many(settings, workflow, jobs, _dates(one, first, last, jobs[0]), force, dry_run)


def _dates(one: date | None, first: date | None, last: date | None, spec: JobSpec) -> list[date]:
    now = datetime.now(UTC)
    default = spec.default_date(now)
    dates = [one or default] if first is None else dates_between(first, last or default)
    if dates[-1] > now.date():  # its sources would be asked again and again for what cannot be there
        raise click.UsageError(f"a logical date after today ({now.date()}, UTC) cannot be run")
    return dates


def _run_many(
    settings: Settings, workflow: Workflow, jobs: list[JobSpec], dates: list[date], force: bool, dry_run: bool
) -> int:
    if dry_run:
        for day in dates:
            click.echo(f"{day}  {' -> '.join(spec.name for spec in jobs)}")
        return OK
    results = run_dates(settings, workflow, jobs, dates, force=force, requested_by="command line")
    return summarise(results)


def summarise(results: list[Result]) -> int:
    """Print what did not succeed once more, ready to paste; return the exit code."""
    bad = [result for result in results if result.exit_code != OK]
    if len(results) > 1:
        click.echo(f"{len(results)} runs: {len(results) - len(bad)} good, {len(bad)} not")
    for result in bad:
        click.echo(
            f"{result.status}: cronhouse run {result.job} --date {result.date}   # {result.reason}", err=True
        )
    if any(result.exit_code not in (OK, NO_UPSTREAM) for result in bad):
        return 1
    return NO_UPSTREAM if bad else OK
