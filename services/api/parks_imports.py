"""/api/admin/import: asking for imports of the parks' archive, and how they are going. Needs a key of role operator.

The API imports nothing: it writes a checkpoint that waits, and asks for a run of parks_imports, which the ingestion
container takes within a minute. docs/parks.md, docs/decisions/run-requests.md.
"""

from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

from flask import g, jsonify, request
from flask_openapi3 import APIBlueprint, Tag
from pydantic import BaseModel, Field, model_validator

from services.api import database
from services.api.auth import requires
from services.api.errors import RESPONSES, fail
from services.api.parameters import Day, Id, Paged, Strict, next_url, page_of
from shared import db
from shared.apikeys import write_audit

tag = Tag(name="parks imports", description="Imports of the theme parks' archive (operator).")
api = APIBlueprint(
    "parks_imports", __name__, url_prefix="/api/admin/import", abp_tags=[tag], abp_responses=RESPONSES,
    abp_security=[{"bearer": []}, {"key": []}],
)  # fmt: skip
JOB = {"workflow": "parks", "job": "parks_imports", "service": "ingestion", "position": 0, "forced": False}
Status = Literal["PENDING", "IN_PROGRESS", "PAUSED", "COMPLETED", "FAILED", "CANCELLED"]
NOTE = "The ingestion service takes it at its next tick, within a minute."
LATER = "Its importer does so after the files in hand."


class ImportPath(BaseModel):
    import_id: Id


class StartBody(Strict):
    """What to import. Without dates it is all that the archive has of the destination."""

    destination_id: UUID
    from_: Day | None = Field(None, alias="from", description="First file date.")
    to: Day | None = Field(None, description="Last file date.")
    force: bool = Field(False, strict=True, description="Take objects again that did not change.")

    @model_validator(mode="after")
    def _in_order(self) -> "StartBody":
        if self.from_ and self.to and self.from_ > self.to:
            raise ValueError("`from` is after `to`")
        return self


class ListQuery(Strict):
    status: Status | None = None
    before: Id | None = Field(
        None, description="Only imports with a smaller number: the cursor of the paging."
    )
    limit: int = Field(50, ge=1, le=500)


class Import(BaseModel):
    """An import. `percent` is of the bytes of its files; `held_by` names its importer while one is at work."""

    import_id: int
    status: Status
    source: str = Field(description="Empty while it waits for its first start.")
    destination_id: UUID
    percent: float | None
    held_by: str | None
    wanted: Literal["pause", "cancel"] | None = Field(description="It does so after the files in hand.")


@api.post("/start", responses={202: Import}, summary="Ask for an import (operator)")
@requires("operator")
def start(body: StartBody) -> Any:
    values = {
        "destination_id": str(body.destination_id), "first": body.from_, "last": body.to, "force": body.force,
        "by": f"key:{g.principal.name}",
    }  # fmt: skip
    with database.writing() as conn:
        db.execute(conn, database.query("parks_imports", "lock_starts"))
        same = db.fetch_one(conn, database.query("parks_imports", "same"), values)
        if same is not None:
            message = f"Import {same['import_id']} of the same destination and dates is {same['status']}."
            fail(409, f"{message} Resume or cancel it.")
        import_id = db.fetch_value(conn, database.query("parks_imports", "start"), values)
        detail = {"destination": values["destination_id"], "from": _text(body.from_), "to": _text(body.to),
                  "force": body.force}  # fmt: skip
        _ask_for_a_run(conn, "start", import_id, detail)
    response = jsonify({**_read(import_id), "note": NOTE})
    response.headers["Location"] = f"/api/admin/import/status/{import_id}"
    return response, 202


@api.get("/status/<int:import_id>", responses={200: Import}, summary="One import (operator)")
@requires("operator")
def status(path: ImportPath) -> Any:
    return jsonify(_read(path.import_id))


@api.get("/list", summary="Imports, newest first (operator)")
@requires("operator")
def list_imports(query: ListQuery) -> Any:
    values = {"import_id": None, "status": query.status, "before": query.before, "limit": query.limit + 1}
    rows = database.fetch_all(database.query("parks_imports", "list"), values)
    page, more = rows[: query.limit], len(rows) > query.limit
    following = next_url(before=page[-1]["import_id"]) if more else None
    return jsonify(data=page, page={"limit": query.limit, "next": following})


@api.post("/resume/<int:import_id>", responses={202: Import}, summary="Go on with an import (operator)")
@requires("operator")
def resume(path: ImportPath) -> Any:
    """Paused, failed or cut off; one that is being worked on goes on anyway, and a wish to pause is taken back.

    It becomes FAILED, with the reason in `problem`, when the ingestion service cannot open its `source`.
    """
    with database.writing() as conn:
        now = _lock(conn, path.import_id)
        if now in ("PAUSED", "FAILED"):
            _move(conn, path.import_id, "PENDING")
        elif now == "IN_PROGRESS":
            db.execute(
                conn, database.query("parks_imports", "want"), {"import_id": path.import_id, "wanted": None}
            )
        elif now != "PENDING":
            fail(409, f"Import {path.import_id} is {now}: that is its end. Start another.")
        _ask_for_a_run(conn, "resume", path.import_id, {"was": now})
    return jsonify({**_read(path.import_id), "note": NOTE}), 202


@api.post(
    "/pause/<int:import_id>", responses={200: Import, 202: Import}, summary="Pause an import (operator)"
)
@requires("operator")
def pause(path: ImportPath) -> Any:
    return _end(path.import_id, "pause", "PAUSED", ("PENDING", "IN_PROGRESS"))


@api.delete(
    "/cancel/<int:import_id>", responses={200: Import, 202: Import}, summary="Cancel an import (operator)"
)
@requires("operator")
def cancel(path: ImportPath) -> Any:
    """What it imported stays. It cannot be resumed; the same can be started anew."""
    return _end(path.import_id, "cancel", "CANCELLED", ("PENDING", "IN_PROGRESS", "PAUSED", "FAILED"))


@api.get("/quality/<int:import_id>", summary="What an import met: counts, oddities, files (operator)")
@requires("operator")
def quality(path: ImportPath, query: Paged) -> Any:
    found = _read(path.import_id)
    values = {"import_id": path.import_id, "limit": query.limit + 1, "offset": query.offset}

    def rows(name: str) -> list[dict[str, Any]]:
        return database.fetch_all(database.query("parks_imports", name), values)

    counts = {name: found[name] for name in ("events", "imported", "duplicates", "rejected")}
    issues = page_of(rows("issues"), query.limit, query.offset)
    return jsonify(
        import_id=path.import_id, status=found["status"], counts=counts, files=rows("files")[0],
        failed_files=rows("failed_files"), kinds=rows("kinds"), issues=issues,
    )  # fmt: skip


def _end(import_id: int, wish: str, status: Status, from_: tuple[str, ...]) -> Any:
    """Pause or cancel: at once where nobody is at work, else after the files in hand (202)."""
    with database.writing() as conn:
        now = _lock(conn, import_id)
        if now == status:
            return jsonify(_read(import_id))
        if now not in from_:
            fail(409, f"Import {import_id} is {now}: it cannot become {status}.")
        is_held = _read(import_id)["held_by"] is not None
        if is_held:
            db.execute(
                conn, database.query("parks_imports", "want"), {"import_id": import_id, "wanted": wish}
            )
        else:
            _move(conn, import_id, status)
        write_audit(conn, f"key:{g.principal.name}", f"parks.import.{wish}", f"import:{import_id}", {"was": now},
                    request.remote_addr)  # fmt: skip
    if is_held:
        return jsonify({**_read(import_id), "note": LATER}), 202
    return jsonify(_read(import_id))


def _read(import_id: int) -> dict[str, Any]:
    values = {"import_id": import_id, "status": None, "before": None, "limit": 1}
    row = database.fetch_one(database.query("parks_imports", "list"), values)
    if row is None:
        fail(404, f"There is no import {import_id}.")
    return row  # type: ignore[return-value]


def _lock(conn: db.Connection, import_id: int) -> str:
    now = db.fetch_value(conn, database.query("parks_imports", "lock"), {"import_id": import_id})
    if now is None:
        fail(404, f"There is no import {import_id}.")
    return str(now)


def _move(conn: db.Connection, import_id: int, status: Status) -> None:
    db.execute(conn, database.query("parks_imports", "move"), {"import_id": import_id, "status": status})


def _ask_for_a_run(conn: db.Connection, action: str, import_id: int, detail: dict[str, Any]) -> None:
    actor = f"key:{g.principal.name}"
    values = {**JOB, "logical_date": datetime.now(UTC).date(), "requested_by": actor}
    db.fetch_value(conn, database.query("workflows", "request_run"), values)
    write_audit(conn, actor, f"parks.import.{action}", f"import:{import_id}", detail, request.remote_addr)


def _text(day: Any) -> str | None:
    return None if day is None else str(day)
