"""cronhouse validate."""

import click

from shared.cli.common import start


@click.command("validate", epilog="Example: cronhouse validate")
def command() -> int:
    """Check settings, workflow files and that every job has its code.

    Exits 2 with every mistake named.
    """
    from shared.errors import ConfigError
    from shared.jobs.workflows import check_both_sides, load_workflows

    settings = start()
    workflows = load_workflows(settings)
    problems = check_both_sides(settings)
    if problems:
        raise ConfigError(*problems)
    jobs = sum(len(workflow.jobs) for workflow in workflows.values())
    click.echo(f"good: {len(workflows)} workflows, {jobs} jobs")
    return 0
