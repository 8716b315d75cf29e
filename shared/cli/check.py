"""cronhouse check: one line and an exit code, for people, monitors and Docker."""

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from shared.cli.common import Duration, start
from shared.config import ROOT, Settings

if TYPE_CHECKING:
    from shared.db import Connection
    from shared.jobs.workflows import JobSpec
    from shared.lateness import JobAge

_Q = ROOT / "shared" / "queries" / "lateness.sql"
GOOD, BAD, CANNOT_TELL = 0, 1, 2


@click.command("check", epilog="Example: cronhouse check retail_ingest --max-age 26h")
@click.argument("name", required=False, metavar="[JOB|WORKFLOW]")
@click.option("--service", help="Only the jobs of a service, and no incidents: its container's health.")
@click.option(
    "--max-age",
    type=Duration(),
    help="How old the last success may be; default: what the job's code says, else its schedule.",
)
@click.option(
    "--up-since",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Written when cron started: no job is late before it had the time to run since.",
)
def command(name: str | None, service: str | None, max_age: float | None, up_since: Path | None) -> int:
    """Tell in one line whether a job, a service or the whole house is well.

    Exits 0 when it is, 1 when a job is late or an incident is open, 2 when that cannot be told.
    """
    from shared.errors import CronhouseError

    if name and service:
        raise click.UsageError("name a job or workflow, or give --service, not both")
    try:
        code, text = _look(name, service, max_age, up_since)
    except CronhouseError as exc:
        code, text = CANNOT_TELL, "; ".join(str(exc).splitlines())
    click.echo(f"{('good', 'bad', 'cannot tell')[code]}: {text}")
    return code


def _look(
    name: str | None, service: str | None, max_age: float | None, up_since: Path | None
) -> tuple[int, str]:
    from shared import db
    from shared.lateness import read_ages

    settings = start(quiet=True)
    now = datetime.now(UTC)
    specs = _specs(settings, name, service)
    started_at = datetime.fromtimestamp(up_since.stat().st_mtime, UTC) if up_since else None
    with closing(db.connect(settings, application_name="cronhouse:check", autocommit=True)) as conn:
        ages = read_ages(conn, specs, now, max_age, started_at)
        problems = [_late(age, now) for age in ages if age.late]
        notes: list[str] = []
        if service is None:
            incidents, notes = _incidents(conn, specs, name)
            problems += incidents
    if problems:
        return BAD, "; ".join(problems + notes)
    return GOOD, "; ".join([_well(ages, now), *notes])


def _specs(settings: Settings, name: str | None, service: str | None) -> "list[JobSpec]":
    """Return the jobs that are asked for, all of them when nothing is named."""
    from shared.errors import ConfigError
    from shared.jobs.workflows import find_job, find_workflow, is_workflow, load_workflows

    if name and is_workflow(settings, name):
        return list(find_workflow(settings, name).jobs.values())
    if name:
        return [find_job(settings, name)[1]]
    specs = [spec for workflow in load_workflows(settings).values() for spec in workflow.jobs.values()]
    wanted = service.replace("-", "_") if service else None
    specs = [spec for spec in specs if wanted in (None, spec.service)]
    if not specs:
        raise ConfigError("no workflow file has a job" + (f" of a service {wanted!r}" if wanted else ""))
    return specs


def _incidents(conn: "Connection", specs: "list[JobSpec]", name: str | None) -> tuple[list[str], list[str]]:
    """Return what is bad (critical incidents) and what is worth a word (warnings, dead letters)."""
    from shared import db
    from shared.sql import read_queries

    queries = read_queries(_Q)
    rows = db.fetch_all(conn, queries["open_incidents"])
    if name:  # incidents are named kind:job or kind:workflow:..., e.g. job_failed:retail_ingest
        names = {name, *(spec.name for spec in specs)}
        rows = [row for row in rows if names & set(row["incident"].split(":"))]
    critical = [f"{row['title']} ({row['look_closer']})" for row in rows if row["severity"] == "critical"]
    notes = [f"warning: {row['title']}" for row in rows if row["severity"] == "warning"]
    pipeline = specs[0].workflow if name else None
    letters = db.fetch_value(conn, queries["open_dead_letters"], {"pipeline": pipeline})
    if letters:
        notes.append(f"{letters} open dead letter{'' if letters == 1 else 's'} (cronhouse deadletter list)")
    return critical, notes


def _late(age: "JobAge", now: datetime) -> str:
    if age.succeeded_at is None:
        return f"{age.job} never succeeded and is overdue (cronhouse history {age.job})"
    seconds = (now - age.succeeded_at).total_seconds()
    return (
        f"{age.job} is late: it succeeded {_span(seconds)} ago for {age.succeeded_date}, "
        f"allowed are {_span(age.allowed)} (cronhouse history {age.job})"
    )


def _well(ages: "list[JobAge]", now: datetime) -> str:
    if len(ages) > 1:
        never = sum(age.succeeded_at is None for age in ages)
        later = f", {never} yet to succeed for the first time" if never else ""
        return f"{len(ages)} jobs, none is late{later}"
    (age,) = ages
    if age.succeeded_at is None:
        return f"{age.job} is yet to succeed for the first time, and not overdue"
    seconds = (now - age.succeeded_at).total_seconds()
    return f"{age.job} succeeded {_span(seconds)} ago for {age.succeeded_date}"


def _span(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h" if seconds < 172_800 else f"{seconds / 86400:.0f} days"
