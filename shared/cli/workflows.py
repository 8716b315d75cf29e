"""cronhouse workflows."""

from datetime import UTC, datetime

import click

from shared.cli.common import json_option, print_rows, start


@click.command("workflows", epilog="Example: cronhouse workflows --json")
@json_option
def command(as_json: bool) -> int:
    """List the workflows and their jobs.

    In the order in which they run; next_start is UTC.
    """
    from cronsim import CronSim

    from shared.jobs.workflows import load_workflows

    now = datetime.now(UTC)
    rows = [
        {
            "workflow": workflow.name, "job": spec.name, "service": spec.service, "schedule": spec.schedule,
            "after": ", ".join(spec.after) or "-", "next_start": next(CronSim(spec.schedule, now)),
        }
        for workflow in load_workflows(start()).values()
        for spec in workflow.jobs.values()
    ]  # fmt: skip
    print_rows(rows, as_json)
    return 0
