"""/api/workflows: what is planned, what ran and how, and asking for a run."""

from datetime import UTC, date, datetime
from typing import Any, Literal

from flask import g, jsonify, request
from flask_openapi3 import APIBlueprint, Tag
from pydantic import BaseModel, Field, model_validator

from services.api import database
from services.api.auth import requires
from services.api.catalogue import find_workflow, read_catalogue, stale_after
from services.api.errors import RESPONSES, fail, fail_field
from services.api.parameters import Day, Days, Id, Strict, days_between, next_url
from shared import db
from shared.apikeys import write_audit
from shared.jobs.workflows import JobSpec, Workflow

tag = Tag(name="workflows", description="Jobs, their runs and logs; asking for a run.")
api = APIBlueprint(
    "workflows", __name__, url_prefix="/api/workflows", abp_tags=[tag], abp_responses=RESPONSES,
    abp_security=[{"bearer": []}, {"key": []}],
)  # fmt: skip
MAX_DAYS = 366
LOG_LINES = 1000


class NamePath(BaseModel):
    name: str = Field(description="Name of the workflow, e.g. `retail`.")


class RunPath(NamePath):
    run_id: Id


class RequestPath(NamePath):
    request_id: Id


class RunsQuery(Days):
    """Filters of the list of runs; `from` and `to` are logical dates."""

    job: str | None = Field(None, max_length=100)
    status: Literal["running", "succeeded", "failed", "skipped", "abandoned"] | None = None
    date: Day | None = Field(None, description="One logical date; the same as from = to.")
    before: Id | None = Field(None, description="Only runs with a smaller number: the cursor of the paging.")
    limit: int = Field(50, ge=1, le=500)


class LogQuery(Strict):
    after_line: int = Field(0, ge=0, le=2**31 - 1, description="Lines up to this one are left out.")
    limit: int = Field(LOG_LINES, ge=1, le=LOG_LINES)


class RunBody(Strict):
    """What to run. Without dates it is the day each job would work on under cron now."""

    date: Day | None = Field(None, description="One logical date.")
    from_: Day | None = Field(None, alias="from", description="First logical date of a range.")
    to: Day | None = Field(None, description=f"Last logical date; at most {MAX_DAYS} days in all.")
    jobs: list[str] | None = Field(None, min_length=1, max_length=100, description="Some jobs only.")
    force: bool = Field(False, strict=True, description="Do again what is done.")

    @model_validator(mode="after")
    def _one_way_to_say_it(self) -> "RunBody":
        if self.date and (self.from_ or self.to):
            raise ValueError("give `date`, or `from` and `to`, not both")
        if bool(self.from_) != bool(self.to):
            raise ValueError("`from` and `to` go together")
        if self.from_ and self.to:
            days = (self.to - self.from_).days + 1
            if days < 1:
                raise ValueError("`from` is after `to`")
            if days > MAX_DAYS:
                raise ValueError(f"{days} days are too many at once: ask for {MAX_DAYS} at most")
        return self


class Queued(BaseModel):
    request_id: int
    job: str
    date: str
    queued: Literal["now", "before"] = Field(description="`before`: the same was waiting already.")


class RunAccepted(BaseModel):
    requests: list[Queued]
    note: str


@api.get("", summary="All workflows with the newest run of each job")
def list_workflows() -> Any:
    catalogue = read_catalogue()
    runs = last_runs(catalogue.jobs())
    data = [describe(workflow, runs) for workflow in catalogue.workflows.values()]
    return jsonify(data=data, problems=catalogue.problems)


@api.get("/<string:name>", summary="One workflow")
def one_workflow(path: NamePath) -> Any:
    workflow = find_workflow(path.name)
    return jsonify(describe(workflow, last_runs(list(workflow.jobs.values()))))


@api.get("/<string:name>/config", summary="The workflow's file, checked and with its defaults filled in")
def config(path: NamePath) -> Any:
    workflow = find_workflow(path.name)
    jobs = {job.name: {**_spec(job), "retries": job.retries, "retry_delay_seconds": job.retry_delay,
                       "timeout_seconds": job.timeout, "wait_seconds": job.wait}
            for job in workflow.jobs.values()}  # fmt: skip
    return jsonify(
        workflow=workflow.name,
        description=workflow.description,
        jobs=jobs,
        sections=dict(workflow.params),
        source=workflow.path.read_text(encoding="utf-8"),
    )


@api.get("/<string:name>/runs", summary="Runs, newest first")
def runs(path: NamePath, query: RunsQuery) -> Any:
    workflow = find_workflow(path.name)
    if query.job and query.job not in workflow.jobs:
        fail_field("job", f"{workflow.name} has no job {query.job!r}; it has: {', '.join(workflow.jobs)}")
    if query.date and (query.from_ or query.to):
        fail_field("date", "give `date`, or `from` and `to`, not both")
    values = {
        "workflow": workflow.name, "job": query.job, "status": query.status, "before": query.before,
        "from": query.from_ or query.date, "to": query.to or query.date, "limit": query.limit + 1,
    }  # fmt: skip
    rows = database.fetch_all(database.query("workflows", "runs"), values)
    page, more = rows[: query.limit], len(rows) > query.limit
    return jsonify(
        data=page,
        page={"limit": query.limit, "next": next_url(before=page[-1]["run_id"]) if more else None},
    )


@api.get("/<string:name>/runs/<int:run_id>", summary="One run with its stages and log lines")
def one_run(path: RunPath, query: LogQuery) -> Any:
    workflow = find_workflow(path.name)
    run = read_run(path.run_id, workflow.name)
    if run is None:
        fail(404, f"Workflow {workflow.name} has no run {path.run_id}.")
    lines, more = read_log(path.run_id, query.after_line, query.limit)
    following = next_url(after_line=lines[-1]["line"]) if more else None
    return jsonify({**run, "log": lines, "log_next": following})


@api.post("/<string:name>/run", responses={202: RunAccepted}, summary="Ask for runs (operator)")
@requires("operator")
def request_run(path: NamePath, body: RunBody) -> Any:
    """The container of each job's service takes its requests within a minute, oldest date first."""
    workflow = find_workflow(path.name)
    jobs = _wanted_jobs(workflow, body.jobs)
    today = datetime.now(UTC).date()
    wanted = [(position, job, day) for position, job in jobs for day in _dates(body, job)]
    if any(day > today for _, _, day in wanted):
        fail_field("date" if body.date else "to", f"a logical date after today ({today}, UTC) cannot be run")
    actor = f"key:{g.principal.name}"
    with database.writing() as conn:
        queued = [queue_job(conn, workflow, job, position, day, body.force, actor)
                  for position, job, day in sorted(wanted, key=lambda item: (item[2], item[0]))]  # fmt: skip
        detail = {
            "jobs": [job.name for _, job in jobs], "days": len({day for _, _, day in wanted}),
            "from": str(min(day for _, _, day in wanted)), "to": str(max(day for _, _, day in wanted)),
            "force": body.force, "requests": [item["request_id"] for item in queued][:100],
        }  # fmt: skip
        write_audit(conn, actor, "run.request", f"workflow:{workflow.name}", detail, request.remote_addr)
    note = "Each service takes its requests at its next tick, within a minute."
    response = jsonify(requests=queued, note=note)
    response.headers["Location"] = f"/api/workflows/{workflow.name}/requests/{queued[0]['request_id']}"
    return response, 202


@api.get("/<string:name>/requests/<int:request_id>", summary="What became of a request")
def one_request(path: RequestPath) -> Any:
    workflow = find_workflow(path.name)
    values = {"request_id": path.request_id, "workflow": workflow.name}
    row = database.fetch_one(database.query("workflows", "one_request"), values)
    if row is None:
        fail(404, f"Workflow {workflow.name} has no request {path.request_id}.")
    return jsonify(row)


def describe(workflow: Workflow, runs: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Describe a workflow with the newest run of each job."""
    jobs = [{**_spec(job), "last_run": runs.get(job.name)} for job in workflow.jobs.values()]
    return {"name": workflow.name, "description": workflow.description, "jobs": jobs}


def read_run(run_id: int, workflow: str | None = None) -> dict[str, Any] | None:
    """Read one run, None when there is none."""
    return database.fetch_one(
        database.query("workflows", "one_run"), {"run_id": run_id, "workflow": workflow}
    )


def read_log(run_id: int, after_line: int, limit: int) -> tuple[list[dict[str, Any]], bool]:
    """Read log lines of a run and whether there are more."""
    values = {"run_id": run_id, "after_line": after_line, "limit": limit + 1}
    lines = database.fetch_all(database.query("workflows", "log_lines"), values)
    return lines[:limit], len(lines) > limit


def last_runs(jobs: list[JobSpec]) -> dict[str, dict[str, Any]]:
    """Read the newest run of each job, by the job's name."""
    names = {"jobs": [job.name for job in jobs]}
    return {
        row.pop("job"): row for row in database.fetch_all(database.query("workflows", "last_runs"), names)
    }


def _spec(job: JobSpec) -> dict[str, Any]:
    return {
        "name": job.name, "service": job.service, "schedule": job.schedule, "after": list(job.after),
        "stale_after_seconds": stale_after(job),
    }  # fmt: skip


def _wanted_jobs(workflow: Workflow, names: list[str] | None) -> list[tuple[int, JobSpec]]:
    for number, name in enumerate(names or []):
        if name not in workflow.jobs:
            known = ", ".join(workflow.jobs)
            fail_field(f"jobs.{number}", f"{workflow.name} has no job {name!r}; it has: {known}")
    return [(position, job) for position, job in enumerate(workflow.jobs.values())
            if names is None or job.name in names]  # fmt: skip


def _dates(body: RunBody, job: JobSpec) -> list[date]:
    if body.from_ and body.to:
        return days_between(body.from_, body.to)
    return [body.date or job.default_date()]


def queue_job(
    conn: db.Connection, workflow: Workflow, job: JobSpec, position: int, day: date, force: bool, actor: str
) -> dict[str, Any]:
    """Ask for a job in the caller's transaction, unless the same is waiting already."""
    values = {
        "workflow": workflow.name, "job": job.name, "service": job.service, "logical_date": day,
        "position": position, "forced": force, "requested_by": actor,
    }  # fmt: skip
    new = db.fetch_value(conn, database.query("workflows", "request_run"), values)
    known = new or db.fetch_value(conn, database.query("workflows", "queued_request"), values)
    return {"request_id": known, "job": job.name, "date": day, "queued": "now" if new else "before"}
