"""cronhouse missing."""

from contextlib import closing
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import click

from shared.cli.common import Date, json_option, print_rows, start

if TYPE_CHECKING:
    from shared.missing import MissingDate


@click.command("missing", epilog="Example: cronhouse missing retail --from 2026-01-01")
@click.argument("workflow", required=False)
@click.option(
    "--from", "first", type=Date(), help="First logical date; default: 30 days ago, or the first ever run."
)
@click.option("--to", "last", type=Date(), help="Last logical date; default: the last one that is due.")
@json_option
def command(workflow: str | None, first: date | None, last: date | None, as_json: bool) -> int:
    """List the logical dates that never succeeded or never arrived.

    A date counts once its daily jobs should have started. The command that runs what is missing is
    printed below, ready to paste.
    """
    from shared import db
    from shared.jobs.workflows import find_workflow, load_workflows
    from shared.missing import find_missing

    settings = start(quiet=True)
    chosen = [find_workflow(settings, workflow)] if workflow else list(load_workflows(settings).values())
    found: list[MissingDate] = []
    with closing(db.connect(settings, application_name="cronhouse:missing")) as conn:
        for one in chosen:
            found += find_missing(conn, one, first, last, datetime.now(UTC))
    if found or as_json:
        print_rows([_row(item) for item in found], as_json, None if as_json else _COLUMNS)
    if not as_json:
        _advise(found)
    return 0


_COLUMNS = ("workflow", "logical_date", "jobs", "sources", "status", "reason")


def _row(item: "MissingDate") -> dict[str, Any]:
    return {
        "workflow": item.workflow,
        "logical_date": item.date,
        "jobs": ", ".join(spec.name for spec in item.jobs),
        "sources": ", ".join(item.sources) or "-",
        "status": item.status,
        "reason": item.reason,
        "command": _backfill(item.workflow, item.date, item.date),
    }


def _advise(found: "list[MissingDate]") -> None:
    if not found:
        click.echo("nothing is missing")
        return
    click.echo()
    for name in dict.fromkeys(item.workflow for item in found):
        dates = [item.date for item in found if item.workflow == name]
        click.echo(_backfill(name, dates[0], dates[-1]))


def _backfill(workflow: str, first: date, last: date) -> str:
    return f"cronhouse backfill {workflow} --from {first} --to {last}"
