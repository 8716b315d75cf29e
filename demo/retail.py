"""The retail workflow in the demonstration: fourteen business days, a table, three questions."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from shared import db
from shared.cli.common import print_table, show
from shared.config import Settings
from shared.jobs.runner import Result
from shared.jobs.sequence import dates_between, run_dates
from shared.jobs.workflows import find_workflow
from shared.progress import Progress
from shared.sql import read_queries

BUSINESS_DAYS = 14
SATURDAY = 6  # the shop of the sample data never sold on one
QUERIES = Path(__file__).parent / "retail.sql"


def run(settings: Settings, today: date | None = None) -> int:
    """Run the workflow for the last business days; return 1 when a run failed."""
    workflow = find_workflow(settings, "retail")
    jobs = list(workflow.jobs.values())
    dates = business_dates(today or datetime.now(UTC).date())
    results: list[Result] = []
    with Progress("workflow retail", total=len(dates) * len(jobs)) as progress:

        def note(result: Result) -> None:
            progress.advance(f"{result.date} {result.job}")

        results = run_dates(settings, workflow, jobs, dates, requested_by="demo", on_result=note)
    if results[-1].status == "abandoned":
        raise KeyboardInterrupt
    ran = [result for result in results if result.seconds and result.status != "skipped"]
    failed = [result for result in results if result.exit_code]
    already = f", {len(results) - len(ran)} were done already" if len(ran) < len(results) else ""
    click.echo(f"  ✓ retail, {dates[0]} to {dates[-1]}: {len(ran)} runs{already}")
    for result in failed:
        click.echo(
            f"  ✗ {result.job} {result.date}: {result.reason}   (cronhouse logs {result.run_id})", err=True
        )
    return 1 if failed else 0


def business_dates(today: date) -> list[date]:
    """List the dates up to yesterday that hold the last business days; closed days between them too."""
    first, left = today, BUSINESS_DAYS
    while left:
        first -= timedelta(days=1)
        left -= first.isoweekday() != SATURDAY
    return dates_between(first, today - timedelta(days=1))


def summarise(conn: db.Connection, settings: Settings) -> None:
    """Print rows and seconds by job, the quality score, and three answers."""
    queries = read_queries(QUERIES)

    def ask(name: str) -> list[dict[str, Any]]:
        return db.fetch_all(conn, queries[name])

    click.echo()
    rows = ask("jobs")
    print_table(list(rows[0]) if rows else [], [[show(value) for value in row.values()] for row in rows])
    score = db.fetch_one(conn, queries["score"])
    if score:
        click.echo(
            f"\nquality: {score['score']} of 100 on {score['logical_date']}"
            f" ({score['checks']} checks, {score['failed']} failed, {score['critical']} critical)"
        )
    for name, question in (
        ("best_days", "Which were the best days?"),
        ("top_products", "What sold best?"),
        ("conservation", "Was anything lost on the way?"),
    ):
        click.echo(f"\n{question}")
        answer = ask(name)
        head = [column.replace("_", " ") for column in (answer[0] if answer else {})]
        print_table(head, [[show(value) for value in row.values()] for row in answer])
