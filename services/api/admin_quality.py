"""/api/admin/quality: how good the history of parks is, and the issues that people work on."""

from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from flask import g, jsonify, request
from flask_openapi3 import APIBlueprint, Tag
from psycopg2 import sql
from pydantic import BaseModel, Field, model_validator

from services.api import database
from services.api.auth import requires
from services.api.catalogue import read_catalogue
from services.api.errors import RESPONSES, fail
from services.api.parameters import Days, Id, Paged, Strict, Text, page_of
from shared import db
from shared.apikeys import write_audit

tag = Tag(
    name="parks quality",
    description="Gaps, freshness, coverage and issues of the history of parks (operator).",
)
api = APIBlueprint(
    "admin_quality", __name__, url_prefix="/api/admin/quality", abp_tags=[tag], abp_responses=RESPONSES,
    abp_security=[{"bearer": []}, {"key": []}],
)  # fmt: skip
Severity = Literal["info", "warning", "critical"]
Status = Literal["open", "acknowledged", "resolved", "ignored"]
COVERAGE_DAYS = 30
STALE_MINUTES, FROZEN_MINUTES = 30, 180


class NoQuery(Strict):
    """Takes no parameters."""


class GapsQuery(Days, Paged):
    park_id: UUID | None = None
    cause: Literal["not_polled", "no_answer", "source_silent", "no_object", "closed"] | None = None


class IssuesQuery(Paged):
    kind: Text | None = Field(None, description="E.g. GAP, STALE, CONFLICT, INVALID_WAIT.")
    status: Status | None = None
    severity: Severity | None = None
    park_id: UUID | None = None
    owner: Text | None = None


class FreshnessQuery(Strict):
    state: Literal["fresh", "stale", "frozen", "closed", "not_collected"] | None = None


class CoverageQuery(Days):
    """`from` and `to` are local days; without them the 30 days up to today."""

    park_id: UUID | None = None


class IssuePath(BaseModel):
    issue_id: Id


class IssueBody(Strict):
    """What to change; what is not given stays, null clears owner and notes."""

    status: Status | None = Field(None, description="`ignored` stays so when it is seen again.")
    owner: Text | None = None
    notes: str | None = Field(None, max_length=4000, pattern=r"^[^\x00]*$")

    @model_validator(mode="after")
    def _something(self) -> "IssueBody":
        if not self.model_fields_set:
            raise ValueError("give at least one of status, owner and notes")
        if "status" in self.model_fields_set and self.status is None:
            raise ValueError("status cannot be null")
        return self


@api.get("/summary", summary="Score, checks that failed and open issues by kind (operator)")
@requires("operator")
def summary(query: NoQuery) -> Any:
    return jsonify(
        score=database.fetch_one(database.query("admin_quality", "score")),
        failed=database.fetch_all(database.query("admin_quality", "failed")),
        issues=database.fetch_all(database.query("admin_quality", "issue_counts")),
        freshness=database.fetch_all(database.query("admin_quality", "freshness_counts"), _limits()),
        gaps=_gap_totals({"park_id": None, "cause": None, "from": None, "to": None}),
    )


@api.get("/gaps", summary="Stretches without data, with their cause, newest first (operator)")
@requires("operator")
def gaps(query: GapsQuery) -> Any:
    """`totals` sums all pages by cause and says whose each is. `ours` (not_polled, no_answer) is what we missed and
    could have had, `source` posted nothing while it was open, `archive` has no object of the days, and the `schedule`
    says closed. A season or years without hours count with 1,440 minutes a day: look at the cause first."""
    values = {**query.model_dump(by_alias=True), "park_id": _text(query.park_id)}
    rows = database.fetch_all(_of_gaps("gaps"), {**values, "limit": query.limit + 1})
    return jsonify({**page_of(rows, query.limit, query.offset), "totals": _gap_totals(values)})


@api.get("/issues", summary="Oddities of files, events, rides' days and silence, newest first (operator)")
@requires("operator")
def issues(query: IssuesQuery) -> Any:
    return jsonify(_page("issues", query))


@api.get(
    "/freshness", summary="When each park was last heard of, and whether that is too long ago (operator)"
)
@requires("operator")
def freshness(query: FreshnessQuery) -> Any:
    values = {**query.model_dump(), **_limits()}
    rows = database.fetch_all(database.query("admin_quality", "freshness"), values)
    return jsonify(data=rows, at=values["now"])


@api.get(
    "/coverage", summary="Share of each field that is known, and of opening hours that are covered (operator)"
)
@requires("operator")
def coverage(query: CoverageQuery) -> Any:
    last = query.to or datetime.now(UTC).date()
    first = query.from_ or last - timedelta(days=COVERAGE_DAYS - 1)
    values = {"park_id": _text(query.park_id), "from": first, "to": last}
    return jsonify(
        {
            "from": first,
            "to": last,
            "history": database.fetch_all(database.query("admin_quality", "history_coverage"), values),
            "metadata": database.fetch_all(database.query("admin_quality", "metadata_coverage"), values),
        }
    )


@api.patch("/issues/<int:issue_id>", summary="Acknowledge, assign, resolve or ignore an issue (operator)")
@requires("operator")
def change_issue(path: IssuePath, body: IssueBody) -> Any:
    with database.writing() as conn:
        before = db.fetch_one(
            conn, database.query("admin_quality", "lock_issue"), {"issue_id": path.issue_id}
        )
        if before is None:
            fail(404, f"There is no issue {path.issue_id} of parks.")
        changes = body.model_dump(exclude_unset=True)
        row = db.fetch_one(conn, database.query("admin_quality", "change_issue"), {**before, **changes})
        detail = {name: [before[name], value] for name, value in changes.items()}
        actor = f"key:{g.principal.name}"
        write_audit(conn, actor, "parks.issue", f"issue:{path.issue_id}", detail, request.remote_addr)
    return jsonify(row)


def _limits() -> dict[str, Any]:
    """Return the limits of the workflow file, so that this and the hourly check never differ."""
    workflow = read_catalogue().workflows.get("parks")
    rules = (workflow.params.get("quality") or {}) if workflow else {}
    stale, frozen = (rules.get(name) or {} for name in ("stale_parks", "frozen_parks"))
    return {
        "now": datetime.now(UTC),
        "stale": stale.get("minutes", STALE_MINUTES),
        "frozen": frozen.get("minutes", FROZEN_MINUTES),
    }


def _of_gaps(name: str) -> sql.Composed:
    """Return a statement over the gaps that somebody asked for."""
    chosen = sql.SQL(database.query("admin_quality", "chosen_gaps"))
    return sql.SQL(database.query("admin_quality", name)).format(chosen=chosen)


def _gap_totals(values: dict[str, Any]) -> dict[str, Any]:
    """Sum gaps by cause, and what of it is ours."""
    causes = database.fetch_all(_of_gaps("gap_totals"), values)
    return {
        "minutes_ours": sum(row["minutes"] for row in causes if row["whose"] == "ours"),
        "by_cause": causes,
    }


def _page(name: str, query: Any) -> dict[str, Any]:
    values = query.model_dump(by_alias=True)
    values["park_id"] = _text(query.park_id)
    rows = database.fetch_all(database.query("admin_quality", name), {**values, "limit": query.limit + 1})
    return page_of(rows, query.limit, query.offset)


def _text(value: UUID | None) -> str | None:
    return None if value is None else str(value)
