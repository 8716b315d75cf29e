"""cronhouse init."""

import click


@click.command("init", epilog="Example: cronhouse init weather")
@click.argument("name")
def command(name: str) -> int:
    """Make a new workflow that runs at once.

    A workflow file, a source with sample data, a load with its SQL, a quality gate, a migration and a test,
    to be changed into what you need. Nothing that is there is overwritten.
    """
    from shared.config import ROOT
    from shared.scaffold import draft_workflow, write_drafts

    drafts = draft_workflow(name, ROOT)
    write_drafts(drafts, ROOT)
    click.echo("made:")
    for draft in drafts:
        click.echo(f"  {draft.path}")
    click.echo(
        f"""
next:
  cronhouse migrate       make its tables
  cronhouse run {name:<10}run it for yesterday, with the sample file
  cronhouse status        see how it went

Its test: python -m pytest tests/integration/test_{name}.py; its own data: set {name.upper()}_URL."""
    )
    return 0
