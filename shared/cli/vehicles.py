"""cronhouse vehicles: releases of vPIC."""

from contextlib import closing
from dataclasses import replace
from importlib import import_module
from typing import Any

import click

from shared.cli.common import json_option, print_rows, start

JOB = "vehicles_load"


@click.group("vehicles", epilog="Example: cronhouse vehicles load vPICList_lite_2026_08.plain.zip")
def command() -> None:
    """Load, check and roll back releases of vPIC, the vehicle catalogue."""


@command.command("load", epilog="Example: cronhouse vehicles load vPICList_lite_2026_08.plain.zip --force")
@click.argument("source")
@click.option("--force", is_flag=True, help="Load it although it is not newer than the live release.")
def load(source: str, force: bool) -> int:
    """Load a release from SOURCE, verify it and make it live.

    SOURCE is NHTSA's plain dump, as a file (.zip or .sql) or an http(s) address, or `mssql` for the SQL Server
    that MSSQL_SOURCE_CONNECTION names. `{release}` in a path or address stands for year and month, 2026_08: the
    newest one that is there is taken. Readers see the live release until the new one is swapped in.
    """
    from datetime import UTC, datetime
    from pathlib import Path

    from shared.jobs.runner import run_job
    from shared.jobs.workflows import find_job

    settings = start()
    if "://" not in source and source != "mssql":
        source = str(Path(source).resolve())
    settings = replace(settings, environ={**settings.environ, "VPIC_SOURCE": source})
    workflow, spec = find_job(settings, JOB)
    # by hand it may be loaded again and again on one day; the job itself is done once a week
    spec = replace(spec, schedule="* * * * *", retries=0)
    today = datetime.now(UTC).date()
    return run_job(settings, workflow, spec, today, force=force, requested_by="command line").exit_code


@command.command("releases", epilog="Example: cronhouse vehicles releases --json")
@json_option
def list_releases(as_json: bool) -> int:
    """List the releases, newest first: which is live, which can be rolled back to. Times are UTC."""
    from shared import db

    with closing(db.connect(start(quiet=True), application_name="cronhouse:vehicles")) as conn:
        rows = _service("releases").list_releases(conn)
    columns = ("release_id", "name", "state", "row_count", "loaded_at", "swapped_at", "source", "problem")
    print_rows(rows, as_json, None if as_json else columns)
    return 0


@command.command("verify", epilog="Example: cronhouse vehicles verify --previous")
@click.option("--previous", is_flag=True, help="The release before the live one.")
@json_option
def verify(previous: bool, as_json: bool) -> int:
    """Check the live release once more, as it was before it was swapped in. Exits 1 when a critical check fails."""
    from shared import db
    from shared.errors import FatalError
    from shared.jobs.workflows import find_job
    from shared.quality import expected

    settings, releases = start(quiet=True), _service("releases")
    params = find_job(settings, JOB)[0].params
    with closing(db.connect(settings, application_name="cronhouse:vehicles")) as conn:
        release = releases.find(conn, "previous" if previous else "live")
        if release is None:
            raise FatalError(
                f"there is no {'previous' if previous else 'live'} release: `cronhouse vehicles releases`"
            )
        before = None if previous else releases.find(conn, "previous")
        results = _service("verify").verify(conn, release, before, params)
    rows = [
        {
            "check": result.rule.name,
            "severity": result.rule.severity,
            "passed": result.passed,
            "found": result.message,
            "expected": expected(result.rule),
        }
        for result in results
    ]
    print_rows(rows, as_json)
    return 1 if any(not r.passed and r.rule.severity == "critical" for r in results) else 0


@command.command("rollback", epilog="Example: cronhouse vehicles rollback")
def rollback() -> int:
    """Make the previous release live again; the one taken back stays as the previous.

    Loads do not bring it again unless forced.
    """
    import logging

    from shared import apikeys, db
    from shared.cli.common import actor

    settings, releases = start(), _service("releases")
    log = logging.getLogger("cronhouse.vehicles")
    with closing(db.connect(settings, application_name="cronhouse:vehicles")) as conn, releases.locked(conn):
        live, taken_back = _service("swap").roll_back(conn, log)
        with db.transaction(conn):
            apikeys.write_audit(conn, actor(), "vehicles.rollback", live.name, {"from": taken_back.name})
    click.echo(f"release {live.name} is live again; {taken_back.name} was taken back")
    return 0


def _service(name: str) -> Any:
    """Return a module of the service that owns the releases; it is imported when a command needs it."""
    return import_module(f"services.vehicle_etl.vehicles.{name}")
