"""cronhouse doctor."""

import json
from typing import TYPE_CHECKING

import click

from shared.cli.common import json_option, start

if TYPE_CHECKING:
    from shared.doctor import Finding


@click.command("doctor", epilog="Example: cronhouse doctor")
@json_option
def command(as_json: bool) -> int:
    """Check everything a job needs: database, store, cache, sources.

    One line each, with what to do where something is wrong. Exits 0 when all is well, else 1.
    """
    from shared import doctor
    from shared.errors import ConfigError

    found: list[Finding] = []
    try:
        settings = start()
    except ConfigError as exc:
        found = [doctor.Finding("settings", False, problem) for problem in exc.problems]
        _show(found, as_json)
    else:
        found.append(
            doctor.Finding(
                "settings", True, "embedded stack" if settings.embedded else "from the environment"
            )
        )
        _show(found, as_json)
        for finding in doctor.examine(settings):
            found.append(finding)
            _show([finding], as_json)
    bad = sum(not finding.good for finding in found)
    if as_json:
        click.echo(json.dumps({"good": not bad, "findings": [vars(item) for item in found]}, indent=1))
    else:
        click.echo("all is well" if not bad else f"{bad} to repair")
    return 1 if bad else 0


def _show(findings: list["Finding"], as_json: bool) -> None:
    """Print findings as they come: a source that does not answer takes a while."""
    for finding in findings if not as_json else ():
        mark = "good" if finding.good else click.style("BAD ", fg="red", bold=True)
        click.echo(f"{mark}  {finding.part:<20} {finding.message}")
