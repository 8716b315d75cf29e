"""/api/admin/storage: what the history of parks takes, how it grows, and what keeping less would save."""

from datetime import UTC, datetime
from typing import Any, Literal

from flask import g, jsonify, request
from flask_openapi3 import APIBlueprint, Tag
from pydantic import Field

from services.api import database
from services.api.auth import requires
from services.api.catalogue import find_workflow
from services.api.errors import RESPONSES, fail
from services.api.parameters import Days, Paged, Strict, page_of
from services.api.workflows import RunAccepted, queue_job
from shared.apikeys import write_audit

tag = Tag(name="storage", description="What the history of parks takes on disk (operator).")
api = APIBlueprint(
    "admin_storage", __name__, url_prefix="/api/admin/storage", abp_tags=[tag], abp_responses=RESPONSES,
    abp_security=[{"bearer": []}, {"key": []}],
)  # fmt: skip
WORKFLOW, JOB = "parks", "parks_storage"
Scope = Literal[
    "database",
    "parks",
    "parks.ride_status_snapshots",
    "parks.queue_postings",
    "parks.snapshot_extras",
]


class GrowthQuery(Days):
    scope: Scope = Field("parks", description="`database`, `parks` (the schema) or a table of the history.")
    limit: int = Field(365, ge=1, le=3660, description="Days, newest first.")


class PartitionsQuery(Paged):
    table: Literal["ride_status_snapshots", "queue_postings", "snapshot_extras"] | None = None


class AlertsQuery(Paged):
    state: Literal["open", "resolved"] | None = None


class NoQuery(Strict):
    """Takes no parameters."""


@api.get("/summary", summary="Size, growth and days until full, as measured last (operator)")
@requires("operator")
def summary(query: NoQuery) -> Any:
    """`capacity_bytes` is the setting `storage.capacity` of workflows/parks.yml, not the free space of a disk, which
    PostgreSQL does not tell; null where the setting is `off`, and then nothing says when the database is full."""
    rows = database.fetch_all(database.query("admin_storage", "newest_growth"))
    relations = database.fetch_all(database.query("admin_storage", "relations"))
    measured_on = rows[0]["measured_on"] if rows else None
    return jsonify(measured_on=measured_on, scopes=rows, relations=relations)


@api.get("/growth", summary="Sizes and growth by day, and forecasts with what came of them (operator)")
@requires("operator")
def growth(query: GrowthQuery) -> Any:
    values = query.model_dump(by_alias=True)
    days = database.fetch_all(database.query("admin_storage", "growth"), values)
    forecasts = database.fetch_all(database.query("admin_storage", "forecasts"), values)
    return jsonify(scope=query.scope, days=days, forecasts=forecasts)


@api.get("/partitions", summary="Monthly partitions of the history, newest first, as they are now (operator)")
@requires("operator")
def partitions(query: PartitionsQuery) -> Any:
    values = {**query.model_dump(), "limit": query.limit + 1}
    rows = database.fetch_all(database.query("admin_storage", "partitions"), values)
    return jsonify(page_of(rows, query.limit, query.offset))


@api.get("/retention-comparison", summary="What other ways of keeping the history would take (operator)")
@requires("operator")
def retention_comparison(query: NoQuery) -> Any:
    rows = database.fetch_all(database.query("admin_storage", "strategies"))
    return jsonify(measured_on=rows[0]["measured_on"] if rows else None, strategies=rows)


@api.get("/alerts", summary="Incidents of storage, newest first (operator)")
@requires("operator")
def alerts(query: AlertsQuery) -> Any:
    values = {**query.model_dump(), "limit": query.limit + 1}
    rows = database.fetch_all(database.query("admin_storage", "alerts"), values)
    return jsonify(page_of(rows, query.limit, query.offset))


@api.post("/measure", responses={202: RunAccepted}, summary="Ask for a measurement now (operator)")
@requires("operator")
def measure(query: NoQuery) -> Any:
    """The container of the service takes the request within a minute, and measures with its own rights."""
    workflow = find_workflow(WORKFLOW)
    job = workflow.jobs.get(JOB)
    if job is None:
        fail(404, f"Workflow {WORKFLOW} has no job {JOB}: nothing measures the storage.")
    actor = f"key:{g.principal.name}"
    with database.writing() as conn:
        day = min(job.default_date(), datetime.now(UTC).date())
        queued = queue_job(conn, workflow, job, list(workflow.jobs).index(JOB), day, True, actor)
        detail = {"job": JOB, "request": queued["request_id"]}
        write_audit(conn, actor, "storage.measure", f"workflow:{WORKFLOW}", detail, request.remote_addr)
    response = jsonify(
        requests=[queued], note="The service takes its requests at its next tick, within a minute."
    )
    response.headers["Location"] = f"/api/workflows/{WORKFLOW}/requests/{queued['request_id']}"
    return response, 202
