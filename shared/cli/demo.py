"""cronhouse demo."""

import click

from shared.cli.common import start


@click.command("demo", epilog="Example: cronhouse demo --once")
@click.option("--once", is_flag=True, help="Exit after the summary instead of serving.")
def command(once: bool) -> int:
    """Run the whole house on sample data with the embedded stack.

    Then serve it until Ctrl-C.
    """
    from demo.show import show

    return show(start(), once)
