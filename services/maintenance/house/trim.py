"""The memory of the house that grows with every run, and how old each part of it may become."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from shared import db
from shared.jobs import Run
from shared.jobs.registry import parse_duration
from shared.jobs.workflows import load_workflows
from shared.sql import read_queries

_Q = Path(__file__).parent / "sql" / "trim.sql"
# What workflows/house.yml may name under `trim`; each is a statement of sql/trim.sql.
TRIMMED = (
    "job_log", "frequent_runs", "run_request", "dead_letter", "quality_result", "column_profile",
    "quality_issue", "alert", "audit_log",
)  # fmt: skip


def trim_memory(run: Run, ages: Mapping[str, Any]) -> int:
    """Delete what is older than its age, each table in its own transaction; return how many rows went.

    Open dead letters, issues and alerts stay, however old they are.
    """
    frequent = [
        spec.name
        for workflow in load_workflows(run.settings).values()
        for spec in workflow.jobs.values()
        if not spec.is_daily
    ]
    total = 0
    for name, age in ages.items():
        run.check_stop()
        values = {"days": int(parse_duration(age) // 86400), "frequent": frequent}
        with db.transaction(run.conn) as conn:
            gone = db.execute(conn, read_queries(_Q)[name], values)
        total += gone
        if gone:
            run.log.info("trimmed %d rows: %s older than %s", gone, name, age)
    return total
