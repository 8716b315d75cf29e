"""cronhouse doctor."""

import json
from collections.abc import Iterator

import click

from shared.cli.common import json_option, start
from shared.doctor import PARTS, Finding, examine
from shared.errors import ConfigError


@click.command("doctor", epilog="Example: cronhouse doctor")
@click.option(
    "--only", "parts", multiple=True, type=click.Choice(PARTS), help="Look at this part alone; repeatable."
)
@json_option
def command(parts: tuple[str, ...], as_json: bool) -> int:
    """Check everything a job needs: database, store, cache, sources.

    One line each, with what to do where something is wrong. Exits 0 when all is well, else 1.
    """
    found = []
    for finding in _look(parts):
        found.append(finding)
        if not as_json:  # as they come: a source that does not answer takes a while
            mark = "good" if finding.good else click.style("BAD ", fg="red", bold=True)
            click.echo(f"{mark}  {finding.part:<9} {finding.message}")
    bad = sum(not finding.good for finding in found)
    if as_json:
        click.echo(json.dumps({"good": not bad, "findings": [vars(item) for item in found]}, indent=1))
    elif not parts:
        click.echo("all is well" if not bad else f"{bad} to repair")
    return 1 if bad else 0


def _look(parts: tuple[str, ...]) -> Iterator[Finding]:
    try:
        settings = start(quiet=True)
    except ConfigError as exc:
        yield from (Finding("settings", False, problem) for problem in exc.problems)
        return
    if not parts:
        yield Finding("settings", True, "embedded stack" if settings.embedded else "from the environment")
    yield from examine(settings, parts or PARTS)
