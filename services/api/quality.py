"""/api/quality: scores, results of checks, issues and the ledger of conservation."""

from typing import Any, Literal

from flask import g, jsonify, request
from flask_openapi3 import APIBlueprint, Tag
from pydantic import BaseModel, Field, model_validator

from services.api import database
from services.api.answers import cached_json
from services.api.auth import requires
from services.api.errors import RESPONSES, fail, fail_field
from services.api.parameters import Days, Id, Paged, Strict, Text, page_of
from shared import db
from shared.apikeys import write_audit

tag = Tag(name="quality", description="Does the data keep its promises?")
api = APIBlueprint(
    "quality", __name__, url_prefix="/api/quality", abp_tags=[tag], abp_responses=RESPONSES,
    abp_security=[{"bearer": []}, {"key": []}],
)  # fmt: skip
Severity = Literal["info", "warning", "critical"]


class ScoresQuery(Days, Paged):
    workflow: Text | None = None
    every_run: bool = Field(False, description="Also earlier runs of the same logical date.")


class ResultsQuery(Days, Paged):
    workflow: Text | None = None
    check: Text | None = None
    severity: Severity | None = None
    passed: bool | None = None
    run_id: Id | None = None


class IssuesQuery(Paged):
    workflow: Text | None = None
    status: Literal["open", "acknowledged", "resolved"] | None = None
    severity: Severity | None = None


class ReconciliationQuery(Days, Paged):
    pipeline: Text | None = None
    source: Text | None = None


class IssuePath(BaseModel):
    issue_id: Id


class IssueBody(Strict):
    """What to change; what is not given stays, null clears owner and notes."""

    status: Literal["open", "acknowledged", "resolved"] | None = None
    owner: Text | None = None
    notes: str | None = Field(None, max_length=4000, pattern=r"^[^\x00]*$")

    @model_validator(mode="after")
    def _something(self) -> "IssueBody":
        if not self.model_fields_set:
            raise ValueError("give at least one of status, owner and notes")
        if "status" in self.model_fields_set and self.status is None:
            raise ValueError("status cannot be null")
        return self


@api.get("/scores", summary="Quality scores by logical date, newest first")
def scores(query: ScoresQuery) -> Any:
    return cached_json(_version, lambda: _page("scores", query))


@api.get("/results", summary="Results of single checks, newest first")
def results(query: ResultsQuery) -> Any:
    return cached_json(_version, lambda: _page("results", query))


@api.get("/issues", summary="Open and past issues, newest first")
def issues(query: IssuesQuery) -> Any:
    return jsonify(_page("issues", query))


@api.get("/reconciliation", summary="What became of every source line, by source and business day")
def reconciliation(query: ReconciliationQuery) -> Any:
    return jsonify(_page("reconciliation", query))


@api.patch("/issues/<int:issue_id>", summary="Acknowledge, assign or resolve an issue (operator)")
@requires("operator")
def change_issue(path: IssuePath, body: IssueBody) -> Any:
    with database.writing() as conn:
        before = db.fetch_one(conn, database.query("quality", "lock_issue"), {"issue_id": path.issue_id})
        if before is None:
            fail(404, f"There is no quality issue {path.issue_id}.")
        changes = body.model_dump(exclude_unset=True)
        values = {**before, **changes}
        reopens = before["status"] == "resolved" and values["status"] != "resolved"
        twin = database.query("quality", "open_twin")
        if reopens and (other := db.fetch_value(conn, twin, {"issue_id": path.issue_id})):
            fail_field("status", f"issue {other} is open for the same check: work on that one")
        row = db.fetch_one(conn, database.query("quality", "change_issue"), values)
        detail = {name: [before[name], value] for name, value in changes.items()}
        actor = f"key:{g.principal.name}"
        write_audit(conn, actor, "quality.issue", f"issue:{path.issue_id}", detail, request.remote_addr)
    return jsonify(row)


def _version() -> Any:
    return database.fetch_value(database.query("quality", "version"))


def _page(name: str, query: Any) -> dict[str, Any]:
    values = query.model_dump(by_alias=True)
    rows = database.fetch_all(database.query("quality", name), {**values, "limit": query.limit + 1})
    return page_of(rows, query.limit, query.offset)
