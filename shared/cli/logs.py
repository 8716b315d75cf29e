"""cronhouse logs."""

import json

import click

from shared.cli.common import json_option, plain, print_rows, show, start
from shared.config import ROOT

_Q = ROOT / "shared" / "queries" / "status.sql"


@click.command("logs", epilog="Example: cronhouse logs 42")
@click.argument("run_id", type=click.IntRange(1))
@json_option
def command(run_id: int, as_json: bool) -> int:
    """Show a run with its log lines.

    What it was, what it did by stage, what it said. Times are UTC.
    """
    from shared import db
    from shared.errors import FatalError
    from shared.sql import read_queries

    conn = db.connect(start(), application_name="cronhouse:logs")
    try:
        run = db.fetch_one(conn, read_queries(_Q)["one_run"], {"run_id": run_id})
        if run is None:
            raise FatalError(f"there is no run {run_id}; `cronhouse history` lists them")
        lines = db.fetch_all(conn, read_queries(_Q)["log_lines"], {"run_id": run_id})
    finally:
        conn.close()
    if as_json:
        click.echo(json.dumps({**run, "log": lines}, default=plain, ensure_ascii=False, indent=1))
        return 0
    for name, value in run.items():
        click.echo(f"{name.replace('_', ' '):>14}  {show(value)}")
    click.echo()
    print_rows(
        [{"at": line["logged_at"], "level": line["level"], "message": line["message"]} for line in lines],
        False,
    )
    return 0
