"""cronhouse status."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from shared.cli.common import json_option, print_rows, start
from shared.config import ROOT

_Q = ROOT / "shared" / "queries" / "status.sql"


@click.command("status", epilog="Example: cronhouse status")
@json_option
def command(as_json: bool) -> int:
    """Show each job: its last run, its last success and whether it is late.

    Late is what `cronhouse check` calls late. Times are UTC.
    """
    from shared import db
    from shared.jobs.workflows import load_workflows
    from shared.lateness import read_ages
    from shared.sql import read_queries

    settings = start()
    jobs = [spec for workflow in load_workflows(settings).values() for spec in workflow.jobs.values()]
    conn = db.connect(settings, application_name="cronhouse:status")
    try:
        found = {row["job"]: row for row in db.fetch_all(conn, read_queries(Path(_Q))["last_runs"])}
        late = {age.job: age.late for age in read_ages(conn, jobs, datetime.now(UTC))}
    finally:
        conn.close()
    empty: dict[str, Any] = dict.fromkeys(
        (
            "run_id",
            "logical_date",
            "status",
            "started_at",
            "seconds",
            "rows_written",
            "last_success",
            "late",
            "reason",
        )
    )
    rows = [
        {"job": spec.name, **empty, **found.get(spec.name, {"status": "never ran"}), "late": late[spec.name]}
        for spec in jobs
    ]
    print_rows(rows, as_json)
    return 0
