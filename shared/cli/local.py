"""cronhouse local: the embedded stack."""

import click

from shared.cli.common import print_rows, start


@click.command("local", epilog="Example: cronhouse local up")
@click.argument("action", type=click.Choice(("up", "down", "reset", "status")))
def command(action: str) -> int:
    """Start, stop or reset the embedded stack.

    PostgreSQL, the object folder and what stands in for the outside world (retailers, the parks' API); all of
    it is under .local, and reset deletes it. `up` brings the database's schema up to date too.
    """
    from shared.local.stack import Stack

    stack = Stack(start())
    if action == "up":
        from shared.migrations import migrate

        stack.up()
        migrate(stack.settings)
    elif action == "down":
        click.echo(f"stopped: {', '.join(stack.down()) or 'nothing was running'}")
        return 0
    elif action == "reset":
        stack.reset()
        click.echo(f"deleted: {stack.folder}")
        return 0
    print_rows(stack.status(), as_json=False)
    return 0
