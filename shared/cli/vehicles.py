"""cronhouse vehicles: releases of vPIC."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from shared.cli.common import Date, json_option, print_rows, start

if TYPE_CHECKING:
    from shared.vin.files import Answer

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
    from shared.errors import FatalError
    from shared.jobs.runner import run_job
    from shared.jobs.workflows import find_job

    settings = start()
    if "://" not in source and source != "mssql":
        source = _find_file(source)
    settings = replace(settings, environ={**settings.environ, "VPIC_SOURCE": source})
    workflow, spec = find_job(settings, JOB)
    # by hand it may be loaded again and again on one day; the job itself is done once a week
    spec = replace(spec, schedule="* * * * *", retries=0)
    today = datetime.now(UTC).date()
    result = run_job(settings, workflow, spec, today, force=force, requested_by="command line")
    if result.status == "skipped":  # who asked for this very release has not got it
        raise FatalError(f"{source} was not loaded: {result.reason}")
    return result.exit_code


def _find_file(name: str) -> str:
    """Return the whole path of a file; one that is not there is a slip of the fingers, and no failed run."""
    path, why = Path(name), "there is no such file"
    try:
        path = path.resolve()
        if "{release}" in name or path.exists():
            return str(path)
    except (OSError, RuntimeError) as exc:
        # a name that is too long, a folder that is closed, links in a circle
        why = getattr(exc, "strerror", None) or str(exc)
    raise click.BadParameter(f"{path}: {why}", param_hint="SOURCE")


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
        results = _service("verify").verify(conn, release, before, params).results
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


@command.command("compile", epilog="Example: cronhouse vehicles compile")
def compile_releases() -> int:
    """Compile the decoder's tables again, after an upgrade.

    Those of the live release and of the one before, where this version of Cronhouse cannot read what an older one
    compiled; otherwise nothing is done. The job vehicles_load does the same when it starts.
    """
    import logging

    from shared import db
    from shared.errors import FatalError

    settings, releases, service = start(), _service("releases"), _service("recompile")
    log = logging.getLogger("cronhouse.vehicles")
    with closing(db.connect(settings, application_name="cronhouse:vehicles")) as conn, releases.locked(conn):
        if releases.find(conn, "live") is None:
            raise FatalError("there is no live release: `cronhouse vehicles load SOURCE`")
        outdated = service.outdated(conn)
        for release in outdated:
            service.recompile(conn, release, log)
            click.echo(f"release {release.name} ({release.state}) is compiled")
    if not outdated:
        click.echo("nothing to do: this version reads what is compiled")
    return 0


@command.command("decode", epilog="Example: cronhouse vehicles decode fleet.csv --output vehicles.parquet")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="A file; default: stdout.")
@click.option(
    "--format", "kind", type=click.Choice(("csv", "json", "parquet")),
    help="Default: as the output's name ends (.csv, .json, .jsonl, .parquet); csv, or with --full json, where it has "
    "no ending. json is one object a line.",
)  # fmt: skip
@click.option("--full", is_flag=True, help="All rows as NHTSA's procedure gives them, in JSON lines.")
@click.option("--now", type=Date(), help="Decode as on that day; default: today.")
@click.option(
    "--reference", type=click.Choice(("procedure", "api")), default="procedure", show_default=True,
    help="Answer as NHTSA's PostgreSQL procedure or as its live service.",
)  # fmt: skip
def decode(
    file: Path, output: Path | None, kind: str | None, full: bool, now: date | None, reference: Any
) -> int:
    """Decode the VINs of FILE against the live release.

    FILE is CSV with a column vin and maybe modelyear (.csv), Parquet with the same columns (.parquet), or has
    one VIN a line. It is streamed: any number of VINs needs the same little memory, and all are decoded with
    the release that is live at the start; should two more be swapped in meanwhile, it ends with an error. A VIN
    that cannot be decoded has its reason in place of an answer. Columns of CSV and Parquet are named by the codes
    of variables (BedType), values in JSON by their names (Bed Type).
    """
    from shared import db
    from shared.cli.export import choose_format, open_output
    from shared.vin import Decoder, files
    from shared.vin.store import read_parts, release_reader

    kind = choose_format(kind, output, default="json" if full else "csv")
    if full and kind != "json":
        raise click.UsageError(
            "--full writes JSON lines: the output's name must end in .jsonl or .json, or give --format json"
        )
    write = {"csv": files.write_csv, "parquet": files.write_parquet}.get(kind) or partial(
        files.write_json, full=full
    )
    failed = 0

    def noting(answers: "Iterable[Answer]") -> "Iterator[Answer]":
        nonlocal failed
        for answer in answers:
            failed += answer[1].failure is not None
            yield answer

    moment = None if now is None else datetime(now.year, now.month, now.day, 12, tzinfo=UTC)
    with closing(
        db.connect(start(quiet=True), application_name="cronhouse:vehicles", autocommit=True)
    ) as conn:
        read = release_reader(lambda parts, schema: read_parts(conn, parts, schema))
        decoder = Decoder(read, reference=reference)
        with _progress(file, output) as tell, open_output(output) as out:
            answers = files.decode_entries(decoder, files.read_entries(file), moment, tell)
            count = write(decoder, noting(answers), out)
    if output is not None:
        without = f", {failed:,} of them without an answer: each has its reason" if failed else ""
        click.echo(f"decoded {count:,} VINs into {output}{without}", err=True)
    return 0


@contextmanager
def _progress(file: Path, output: Path | None) -> Iterator[Callable[[int], None]]:
    """Show a bar, unless stdout is where the answers go."""
    from shared.progress import Progress
    from shared.vin.files import BLOCK, count_entries

    if output is None:
        yield lambda _: None
        return
    with Progress("decoding", -(-count_entries(file) // BLOCK)) as progress:
        done = 0

        def tell(count: int) -> None:
            nonlocal done
            done += count
            progress.advance(f"{done:,} VINs")

        yield tell


@command.command("look", epilog="Example: cronhouse vehicles look --make FORD --vin 1FTFW1ET5DFC10312")
@click.option("--make", "makes", multiple=True, help="List the models of this make; may be given again.")
@click.option("--vin", "vins", multiple=True, help="Decode this VIN; may be given again.")
@json_option
def look(makes: tuple[str, ...], vins: tuple[str, ...], as_json: bool) -> int:
    """Ask NHTSA's web API, for a first look without a release of one's own.

    Without options it lists all makes. Answers are kept in vehicles.api_staging and not asked for again within a
    week; between two questions there is a pause.
    """
    from shared import db

    settings = start(quiet=True)
    rows: list[dict[str, Any]] = []
    with closing(db.connect(settings, application_name="cronhouse:vehicles")) as conn:
        module = import_module("services.vehicle_etl.sources.web_api")
        with closing(module.WebApi(conn, settings.environ.get("VPIC_API_URL"))) as api:
            if not makes and not vins:
                print_rows(api.makes(), as_json)
                return 0
            rows += [row for make in makes for row in api.models(make)]
            decoded = [api.decode(vin) for vin in vins]
    if as_json:
        print_rows([*rows, *decoded], True)
        return 0
    if rows:
        print_rows(rows, False)
    for values in decoded:
        print_rows([{"variable": name, "value": value} for name, value in values.items() if value], False)
    return 0


def _service(name: str) -> Any:
    """Return a module of the service that owns the releases; it is imported when a command needs it."""
    return import_module(f"services.vehicle_etl.vehicles.{name}")
