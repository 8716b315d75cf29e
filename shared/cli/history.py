"""cronhouse history."""

from datetime import date

import click

from shared.cli.common import Date, json_option, print_rows, start
from shared.config import ROOT

_Q = ROOT / "shared" / "queries" / "status.sql"
STATUSES = ("running", "succeeded", "failed", "skipped", "abandoned")


@click.command("history", epilog="Example: cronhouse history retail_ingest --status failed")
@click.argument("name", required=False)
@click.option("--status", type=click.Choice(STATUSES), help="Only runs with this status.")
@click.option("--date", "day", type=Date(), help="Only runs for this logical date.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=20, show_default=True)
@json_option
def command(name: str | None, status: str | None, day: date | None, limit: int, as_json: bool) -> int:
    """List past runs.

    Of a job, a workflow or the whole house, newest first. Times are UTC.
    """
    from shared import db
    from shared.sql import read_queries

    conn = db.connect(start(), application_name="cronhouse:history")
    try:
        values = {"name": name, "status": status, "date": day, "limit": limit}
        print_rows(db.fetch_all(conn, read_queries(_Q)["history"], values), as_json)
    finally:
        conn.close()
    return 0
