"""cronhouse trace."""

from collections.abc import Iterator
from importlib import import_module
from itertools import groupby
from typing import Any

import click

from shared.cli.common import json_option, print_rows, start

SHOWN = 5


@click.command("trace", epilog="Example: cronhouse trace retail 581217")
@click.argument("workflow")
@click.argument("record_id", metavar="ID")
@click.option(
    "--everywhere", is_flag=True, help="Read all raw files, not only those of the days of its facts."
)
@json_option
def command(workflow: str, record_id: str, everywhere: bool, as_json: bool) -> int:
    """Tell where one record went.

    Landing object and line, raw file, fact rows or dead letter, and the runs that moved it, in the order it
    travelled. Exits 1 when it is nowhere.
    """
    from shared.errors import ConfigError, FatalError
    from shared.jobs.workflows import find_workflow

    settings = start(quiet=True)
    find_workflow(settings, workflow)
    name = f"services.ingestion.{workflow}.trace"
    try:
        module = import_module(name)
    except ModuleNotFoundError as exc:
        if exc.name and name.startswith(exc.name):
            raise ConfigError(f"workflow {workflow} cannot trace records: there is no {name}") from exc
        raise ConfigError(
            f"{name} needs the package {exc.name}: run it in the container `ingestion`"
        ) from exc
    findings = [vars(finding) for finding in module.trace(settings, record_id, everywhere)]
    if not findings:
        more = "" if everywhere else ", or try --everywhere"
        raise FatalError(f"{workflow}: nothing of {record_id!r} was found; check the spelling{more}")
    print_rows(findings if as_json else list(_shorten(findings)), as_json)
    return 0


def _shorten(findings: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield the first rows of each stage and run, and how many more there are."""
    for (stage, run_id), group in groupby(findings, key=lambda row: (row["stage"], row["run_id"])):
        rows = list(group)
        yield from rows[:SHOWN]
        if len(rows) > SHOWN:
            more = f"{len(rows) - SHOWN} more (--json shows all)"
            yield {**dict.fromkeys(rows[0], ""), "stage": stage, "what": more, "run_id": run_id}
