"""cronhouse parks import, imports, pause, resume, cancel: the archive of theme parks."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import date
from functools import partial
from importlib import import_module
from typing import Any
from uuid import UUID

import click

from shared.cli.common import Date, actor, json_option, print_rows, start

COLUMNS = (
    "import_id", "status", "destination_id", "source", "first_date", "last_date", "files_done", "files_total",
    "files_failed", "percent", "imported", "duplicates", "rejected", "requested_by", "updated_at", "problem",
)  # fmt: skip


@click.command(
    "import", epilog="Example: cronhouse parks import --destination e957da41-3552-4cf6-b636-5babc5cbc4e5"
)
@click.option("--all", "everything", is_flag=True, help="Every destination that the archive has.")
@click.option(
    "--destination", "destinations", type=click.UUID, multiple=True, help="One destination; may be repeated."
)
@click.option(
    "--from", "first", type=Date(), help="First file date; default: as far back as there are files."
)
@click.option("--to", "last", type=Date(), help="Last file date; default: the newest.")
@click.option("--source", metavar="DIR", help="A folder laid out like the bucket, in place of it.")
@click.option("--resume", "resuming", is_flag=True, help="Go on with what was paused, failed or cut off.")
@click.option("--force", is_flag=True, help="Take objects again that did not change.")
def start_import(
    everything: bool, destinations: tuple[UUID, ...], first: date | None, last: date | None, source: str | None,
    resuming: bool, force: bool,
) -> int:  # fmt: skip
    """Import the archive of theme parks: all new and changed objects of some destinations, or of all.

    Objects are files of a destination and date; the date of a file is not the date of its events. An object is
    imported whole or not at all, several at a time. Ctrl-C pauses after the files in hand. The archive is the
    bucket that ARCHIVE_S3_BUCKET names. Exits 1 when an import failed; objects that cannot be read do not fail it.
    """
    if everything and destinations or not (everything or destinations or resuming):
        raise click.UsageError(
            "give --all, or --destination one or more times, or --resume alone or with either"
        )
    if resuming and (first or last or force):
        raise click.UsageError(
            "--resume goes on with an import as it was begun: it takes neither --from, --to nor --force"
        )
    if first and last and first > last:
        raise click.UsageError("--from is after --to")
    settings = start()
    runner = import_module("services.ingestion.parks.runs")
    archive = import_module("services.ingestion.sources.parks_archive").open_archive(settings, source)
    from shared import db

    with closing(db.connect(settings, application_name="cronhouse:parks")) as conn:
        # a folder that is laid out otherwise has nothing of any destination, and says so better
        folders = runner.folders_of(conn, archive) if everything or source and not resuming else []
        wanted = folders if everything else [str(item) for item in destinations]
        ids, others = runner.resumable(conn, archive, wanted or None) if resuming else ([], [])
    if resuming:
        for line in others if ids else [f"nothing to resume of {archive.label}", *others]:
            click.echo(line)
        return _run(settings, archive, ids)

    def begin(destination: str) -> int:
        with closing(db.connect(settings, application_name="cronhouse:parks")) as conn:
            return int(runner.begin_new(conn, archive, destination, first, last, forced=force, by=actor()))

    return _run(settings, archive, (partial(begin, destination) for destination in wanted))


@click.command("imports", epilog="Example: cronhouse parks imports 7 --json")
@click.argument("import_id", type=int, required=False)
@click.option(
    "--limit", default=20, show_default=True, type=click.IntRange(1, 1000), help="The newest so many."
)
@json_option
def list_imports(import_id: int | None, limit: int, as_json: bool) -> int:
    """List imports, newest first, or show one. IN_PROGRESS held by nobody was cut off and can be resumed.

    percent is of the bytes of its files. Times are UTC.
    """
    from shared import db

    imports = import_module("services.ingestion.parks.imports")
    with closing(db.connect(start(quiet=True), application_name="cronhouse:parks")) as conn:
        if import_id is not None:
            imports.find(conn, import_id)
        rows = imports.list_all(conn, import_id=import_id, limit=limit)
    if import_id is not None and not as_json:
        print_rows([{"field": name, "value": value} for name, value in rows[0].items()], False)
        return 0
    print_rows(rows, as_json, None if as_json else COLUMNS)
    return 0


@click.command("pause", epilog="Example: cronhouse parks pause 7")
@click.argument("import_id", type=int)
def pause(import_id: int) -> int:
    """Pause an import after the files in hand; `resume` goes on, today or in a month."""
    return _ask(import_id, "pause")


@click.command("cancel", epilog="Example: cronhouse parks cancel 7")
@click.argument("import_id", type=int)
def cancel(import_id: int) -> int:
    """End an import after the files in hand. What it imported stays; it cannot be resumed, but started anew."""
    return _ask(import_id, "cancel")


@click.command("resume", epilog="Example: cronhouse parks resume 7")
@click.argument("import_id", type=int)
def resume(import_id: int) -> int:
    """Go on with an import that was paused, failed or cut off, here and now."""
    from shared import db

    settings = start()
    imports = import_module("services.ingestion.parks.imports")
    with closing(db.connect(settings, application_name="cronhouse:parks")) as conn:
        archive = import_module("services.ingestion.parks.runs").open_source(
            settings, imports.find(conn, import_id)
        )
        with db.transaction(conn):
            db.execute(conn, imports.query("unwant"), {"import_id": import_id})
    return _run(settings, archive, [import_id])


def _ask(import_id: int, wish: str) -> int:
    from shared import apikeys, db

    imports = import_module("services.ingestion.parks.imports")
    with closing(db.connect(start(), application_name="cronhouse:parks")) as conn, db.transaction(conn):
        found = imports.ask(conn, import_id, wish)
        apikeys.write_audit(conn, actor(), f"parks.import.{wish}", f"import:{import_id}", {})
    if found["wanted"]:
        click.echo(f"import {import_id} is at work: it will {wish} after the files in hand")
    else:
        click.echo(f"import {import_id} is {found['status']}")
    return 0


def _run(settings: Any, archive: Any, todo: Iterable[int | Callable[[], int]]) -> int:
    """Run imports one after the other: those of some numbers, or new ones, each begun when its turn comes.

    Begun all at once they would wait for their turn as PENDING, and the job parks_imports takes what is PENDING.
    """
    from shared.errors import CronhouseError

    runner = import_module("services.ingestion.parks.runs")
    code = 0
    for item in todo:
        try:
            import_id = item() if callable(item) else item
        except CronhouseError as exc:  # the same one is not over: the other destinations are none the worse
            click.echo(str(exc), err=True)
            code = 1
            continue
        with _telling(f"import {import_id}") as tell:
            outcome = runner.run_at_hand(
                settings, archive, import_id, actor(), tell, resuming=not callable(item)
            )
        for line in outcome.lines:
            click.echo(line, err=outcome.is_bad)
        code = max(code, int(outcome.is_bad))
        if outcome.is_interrupted:
            return 130
    return code


@contextmanager
def _telling(what: str) -> Iterator[Any]:
    """Show the bytes done, their rate and the time left by it."""
    from shared.progress import Progress

    bars: list[Progress] = []

    class Bar:
        def totals(self, done: int, total: int) -> None:
            bars.append(Progress(what, total, in_bytes=True, done=done).__enter__())

        def done(self, outcome: Any) -> None:
            bars[0].advance(outcome.object_key.partition("/")[2].removesuffix(".json.gz"), outcome.size_bytes)

    try:
        yield Bar()
    finally:
        for bar in bars:
            bar.__exit__(None, None, None)
