"""cronhouse reconcile."""

import json
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import click

from shared.cli.common import Date, json_option, plain, print_rows, start

if TYPE_CHECKING:
    from shared.reconcile import Reconciliation

DEFAULT_DAYS = 30


@click.command("reconcile", epilog="Example: cronhouse reconcile retail --from 2026-03-01 --to 2026-03-31")
@click.argument("workflow")
@click.option("--from", "first", type=Date(), help="First day; default: 30 days ago.")
@click.option("--to", "last", type=Date(), help="Last day; default: today.")
@click.option("--source", help="Only this source.")
@json_option
def command(workflow: str, first: date | None, last: date | None, source: str | None, as_json: bool) -> int:
    """Show what became of every line, by source and business day.

    source = facts + duplicates + rejected, and in_table is what the fact table holds now. Below, each
    delivery: what the source counted, landed, rejected, raw files, and lines that wait to be loaded. Then
    each load: rows of its files, lines it booked. Exits 1 when something does not balance.
    """
    from shared import db
    from shared.jobs.workflows import find_workflow
    from shared.reconcile import reconcile

    settings, now = start(quiet=True), datetime.now(UTC)
    found = find_workflow(settings, workflow)
    first, last = first or now.date() - timedelta(days=DEFAULT_DAYS), last or now.date()
    with closing(db.connect(settings, application_name="cronhouse:reconcile")) as conn:
        result = reconcile(conn, found, first, last, source, now)
    bad = result.unbalanced
    if as_json:
        click.echo(json.dumps({"balanced": not bad, **vars(result)}, default=plain, indent=1))
    else:
        _show(result)
    return 1 if bad else 0


def _show(result: "Reconciliation") -> None:
    parts = {"business days": result.days, "deliveries": result.deliveries, "loads": result.loads}
    for title, rows in parts.items():
        click.echo(f"{title}:")
        print_rows(rows, as_json=False)
        click.echo()
    bad = result.unbalanced
    lines = sum(row["source_rows"] for row in result.days)
    if bad:
        click.echo(f"{len(bad)} rows do NOT balance (balanced: no)")
    else:
        click.echo(
            f"all balance: {lines:,} lines on {len({row['business_date'] for row in result.days})} days"
        )
