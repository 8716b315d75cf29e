"""cronhouse migrate."""

import click

from shared.cli.common import start


@click.command("migrate", epilog="Example: cronhouse migrate")
@click.option(
    "--rollback", "back", type=click.IntRange(1), metavar="N", help="Take the last N migrations back."
)
@click.option(
    "--check", is_flag=True, help="Say what is pending and change nothing; exit 1 when there is something."
)
def command(back: int | None, check: bool) -> int:
    """Bring the database's schema up to date.

    Each migration is one transaction.
    """
    from shared.migrations import migrate, pending, rollback

    settings = start()
    if check:
        names = pending(settings)
        click.echo(f"pending: {', '.join(names)}" if names else "the schema is up to date")
        return 1 if names else 0
    if back:
        click.echo(f"taken back: {', '.join(rollback(settings, count=back)) or 'nothing'}")
        return 0
    names = migrate(settings)
    click.echo(f"applied: {', '.join(names)}" if names else "the schema is up to date")
    return 0
