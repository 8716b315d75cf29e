"""What should have happened and did not: jobs whose last success is too long ago, data that did not come."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from shared import alerts, db
from shared.jobs import Run
from shared.jobs.registry import parse_duration
from shared.jobs.workflows import Workflow, load_workflows
from shared.lateness import read_ages
from shared.missing import expected_sources, find_missing

SHOWN_DATES = 10


@dataclass(frozen=True)
class Finding:
    """One thing to watch; `reason` is None while it is well."""

    key: str
    title: str
    look_closer: str
    reason: str | None


def find_late_jobs(
    conn: db.Connection, workflows: Mapping[str, Workflow], now: datetime
) -> Iterator[Finding]:
    """Yield every job, with how old its last success is when it is too old."""
    specs = [spec for workflow in workflows.values() for spec in workflow.jobs.values()]
    for age in read_ages(conn, specs, now):
        last = age.succeeded_at
        when = f"last succeeded at {last:%Y-%m-%d %H:%M} UTC" if last else "never succeeded"
        reason = f"{age.job} {when}; at most {age.allowed / 3600:g} h may pass" if age.late else None
        yield Finding(f"job_stale:{age.job}", f"{age.job} is late", f"cronhouse history {age.job}", reason)


def find_missing_data(
    conn: db.Connection, workflows: Mapping[str, Workflow], section: Mapping[str, Any], now: datetime
) -> Iterator[Finding]:
    """Yield every source, with the logical dates within `look_back` on which it did not arrive.

    A logical date is due `due` after it ended.
    """
    last = last_due_date(now, section)
    first = last - timedelta(seconds=parse_duration(section["look_back"]))
    for workflow in workflows.values():
        missing = find_missing(conn, workflow, first, last, now)
        for source in expected_sources(conn, workflow)[0]:
            dates = [item.date for item in missing if source in item.sources]
            text = ", ".join(str(day) for day in dates[:SHOWN_DATES])
            more = f" and {len(dates) - SHOWN_DATES} more" if len(dates) > SHOWN_DATES else ""
            yield Finding(
                f"data_missing:{workflow.name}:{source}",
                f"data of {source} did not come",
                f"cronhouse missing {workflow.name}",
                f"nothing of {source} arrived in {workflow.name} for {text}{more}" if dates else None,
            )


def last_due_date(now: datetime, section: Mapping[str, Any]) -> date:
    """Return the newest logical date whose data should be there."""
    due = timedelta(seconds=parse_duration(section["due"]))
    return (now.astimezone(UTC) - due).date() - timedelta(days=1)


def watch_house(run: Run, section: Mapping[str, Any], now: datetime) -> tuple[int, int]:
    """Raise an incident for what is wrong, close those that are well again; return (watched, wrong)."""
    workflows = load_workflows(run.settings)
    conn = db.connect(run.settings, application_name=f"cronhouse:{run.job}:{run.id}", autocommit=True)
    try:
        findings = [*find_late_jobs(conn, workflows, now), *find_missing_data(conn, workflows, section, now)]
        watched = {item.key for item in findings}
        for item in findings:
            if item.reason:
                texts = (item.title, item.reason, item.look_closer)
                alerts.raise_incident(conn, run.settings, item.key, "critical", *texts, run.id)
            else:
                alerts.recover(conn, run.settings, item.key)
        for row in (*alerts.read_open(conn, "job_stale:"), *alerts.read_open(conn, "data_missing:")):
            if row["incident"] not in watched:
                alerts.recover(conn, run.settings, row["incident"], "it is not watched any more")
    finally:
        conn.close()
    return len(findings), sum(item.reason is not None for item in findings)
