"""What should have happened and did not: jobs whose last success is too long ago, data that did not come."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from shared import alerts, db
from shared.errors import ConfigError
from shared.jobs import Run
from shared.jobs.registry import find_function, parse_duration
from shared.jobs.workflows import JobSpec, Workflow, load_workflows
from shared.sql import read_queries

_Q = Path(__file__).parent / "sql" / "queries.sql"
SHOWN_DATES = 10


@dataclass(frozen=True)
class Finding:
    """One thing to watch; `reason` is None while it is well."""

    key: str
    title: str
    look_closer: str
    reason: str | None


def find_stale_jobs(run: Run, workflows: Mapping[str, Workflow], now: datetime) -> Iterator[Finding]:
    """Yield every job that says how old its last success may be. One that never succeeded counts from the
    first run of the house."""
    rows = db.fetch_all(run.conn, read_queries(_Q)["last_successes"])
    successes = {row["job"]: row["succeeded_at"] for row in rows}
    first_run = db.fetch_value(run.conn, read_queries(_Q)["first_run"]) or now
    for workflow in workflows.values():
        for spec in workflow.jobs.values():
            limit = _stale_after(run, spec)
            if limit is None:
                continue
            last = successes.get(spec.name)
            reason = None
            if (now - (last or first_run)).total_seconds() > limit:
                when = f"last succeeded at {last:%Y-%m-%d %H:%M} UTC" if last else "never succeeded"
                reason = f"{spec.name} {when}; it should every {limit / 3600:g} h"
            yield Finding(
                f"job_stale:{spec.name}", f"{spec.name} is late", f"cronhouse history {spec.name}", reason
            )


def _stale_after(run: Run, spec: JobSpec) -> float | None:
    try:
        return find_function(spec.name, spec.service, spec.workflow).stale_after
    except ConfigError as exc:  # its service's packages may not be in this image
        run.log.warning("cannot tell when %s is late: %s", spec.name, exc)
        return None


def find_missing_data(
    run: Run, workflows: Mapping[str, Workflow], section: Mapping[str, Any], now: datetime
) -> Iterator[Finding]:
    """Yield every source that a workflow file names, with the logical dates on which it did not arrive.

    A logical date is due `due` after it ended.
    """
    values = {
        "last_due": last_due_date(now, section),
        "look_back": int(parse_duration(section["look_back"]) // 86400),
    }
    for row in db.fetch_all(run.conn, read_queries(_Q)["missing_arrivals"], values):
        pipeline, source, dates = row["pipeline"], row["source"], row["dates"] or []
        if not _is_wanted(workflows.get(pipeline), source):
            dates = []
        text = ", ".join(str(day) for day in dates[:SHOWN_DATES])
        more = f" and {len(dates) - SHOWN_DATES} more" if len(dates) > SHOWN_DATES else ""
        yield Finding(
            f"data_missing:{pipeline}:{source}",
            f"data of {source} did not come",
            f"cronhouse missing {pipeline}",
            f"nothing of {source} arrived in {pipeline} for {text}{more}" if dates else None,
        )


def last_due_date(now: datetime, section: Mapping[str, Any]) -> date:
    """Return the newest logical date whose data should be there."""
    due = timedelta(seconds=parse_duration(section["due"]))
    return (now.astimezone(UTC) - due).date() - timedelta(days=1)


def _is_wanted(workflow: Workflow | None, source: str) -> bool:
    """Tell whether the workflow file still names the source in one of its sections."""
    sections = workflow.params.values() if workflow else ()
    return any(isinstance(section, Mapping) and source in section for section in sections)


def watch_house(run: Run, section: Mapping[str, Any], now: datetime) -> tuple[int, int]:
    """Raise an incident for what is wrong, close those that are well again; return (watched, wrong)."""
    workflows = load_workflows(run.settings)
    findings = [*find_stale_jobs(run, workflows, now), *find_missing_data(run, workflows, section, now)]
    run.conn.rollback()
    conn = db.connect(run.settings, application_name="cronhouse:house_watch:alerts", autocommit=True)
    try:
        watched = {item.key for item in findings}
        for item in findings:
            if item.reason:
                alerts.raise_incident(
                    conn, run.settings, item.key, "critical", item.title, item.reason, item.look_closer, run.id
                )
            else:
                alerts.recover(conn, run.settings, item.key)
        for row in (*alerts.read_open(conn, "job_stale:"), *alerts.read_open(conn, "data_missing:")):
            if row["incident"] not in watched:
                alerts.recover(conn, run.settings, row["incident"], "it is not watched any more")
    finally:
        conn.close()
    return len(findings), sum(item.reason is not None for item in findings)
