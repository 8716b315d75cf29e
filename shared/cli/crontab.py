"""cronhouse crontab: what cron runs in the container of a service."""

import click

from shared.cli.common import start


@click.command("crontab", epilog="Example: cronhouse crontab ingestion > /tmp/crontab")
@click.argument("service")
def command(service: str) -> int:
    """Print the crontab of a service.

    Its jobs, in UTC, and the minute tick that takes requests of the API.
    """
    from shared.errors import ConfigError
    from shared.jobs.workflows import load_workflows

    settings = start()
    service = service.replace("-", "_")
    lines = [
        f"{spec.schedule} cronhouse run {spec.name}"
        for workflow in load_workflows(settings).values()
        for spec in workflow.jobs.values()
        if spec.service == service
    ]
    if not lines:
        raise ConfigError(f"no workflow file has a job of a service {service!r}")
    click.echo("# made by: cronhouse crontab " + service)
    for line in [*lines, f"* * * * * cronhouse run --requested {service}"]:
        click.echo(line)
    return 0
