"""The jobs of the workflow parks that bring the outside in."""

from dataclasses import replace
from typing import TYPE_CHECKING

from shared.errors import ConfigError, CronhouseError, FatalError, TransientError
from shared.jobs import Counts, Run, job

if TYPE_CHECKING:
    from services.ingestion.parks.importer import Importer
    from services.ingestion.parks.imports import Import


@job("parks_archive", stale_after="50h")
def import_archive(run: Run) -> Counts:
    """Import the new and changed objects of the destinations of `archive.destinations`.

    An import of a destination that was cut off goes on; one that is paused stays so. After one that failed a new one
    is begun, which takes what that left open. A destination that somebody imports at the moment is left to them. The
    logical date does not matter: the ledger knows what is new.
    `--force` takes every object again.

    Raises:
        TransientError: the archive or the warehouse went away; what was imported stays.
        FatalError: some destinations could not be imported; the message names each.
    """
    from services.ingestion.parks import runs

    importer = _importer(run)
    wanted = run.params["archive"]["destinations"]
    if wanted == "all":
        wanted = runs.folders_of(run.conn, importer.archive)
    failures: list[CronhouseError] = []
    for destination in wanted:
        run.check_stop()
        import_id = runs.next_of(run.conn, importer.archive, destination, forced=run.force, by=importer.by)
        if import_id is None:
            run.log.info("%s: its import is paused, or somebody is at it", destination)
            continue
        failures += _run_one(run, importer, import_id)
    _raise_all(failures, len(wanted))
    return run.committed


@job("parks_imports", stale_after="1d")
def run_imports(run: Run) -> Counts:
    """Run the imports that were asked for over the API, and go on with those that were cut off.

    Each reads its own archive: ours, or the folder that it was begun with. One whose archive cannot be opened here
    becomes FAILED, and says where it can be resumed.

    Raises:
        TransientError: the archive or the warehouse went away; what was imported stays.
        FatalError: some imports failed; the message names each.
    """
    from services.ingestion.parks import runs

    importer = _importer(run)
    failures: list[CronhouseError] = []
    tried: set[int] = set()
    while todo := [
        row for row in runs.asked_for(run.conn, importer.archive) if row["import_id"] not in tried
    ]:
        tried.add(todo[0]["import_id"])
        failures += _run_asked(run, importer, todo[0])
    _raise_all(failures, len(tried))
    return run.committed


@job("parks_live", stale_after="30m")
def live(run: Run) -> Counts:
    """Ask the live API once for every destination and write what is posted anew, or has stood for an hour.

    Assumes that cron comes every five minutes; what a killed round left open is closed by the next.

    Raises:
        TransientError: no destination answered. Some that did not are a PARTIAL cycle, no failure.
    """
    from services.ingestion.parks.live import collect

    return collect(run)


@job("parks_metadata", stale_after="26h")
def metadata(run: Run) -> Counts:
    """Describe parks and what is in them: places, heights, tags, hours of this month and the next, time zones.

    Assumes that it runs once a day: answers are kept for the logical date, so that a run that was stopped goes on
    without asking again; forced, it asks again. A version is written where something changed, and only there.

    Raises:
        TransientError: some destinations failed and all of them may work later.
        FatalError: some failed for good; the message names every one with its reason.
    """
    from services.ingestion.parks.metadata import describe

    return describe(run)


def _importer(run: Run) -> "Importer":
    from services.ingestion.parks.importer import Importer
    from services.ingestion.sources.parks_archive import open_archive

    archive = open_archive(run.settings)
    return Importer(run.settings, archive, f"{run.job} run {run.id}", check_stop=run.check_stop)


def _run_asked(run: Run, own: "Importer", found: "Import") -> list[CronhouseError]:
    """Run an import from the archive that it was begun with, or write down that it cannot be opened here."""
    from services.ingestion.parks import imports, runs

    if found["source"] in ("", own.archive.label):
        return _run_one(run, own, found["import_id"])
    try:
        archive = runs.open_source(run.settings, found)
    except (ConfigError, FatalError) as exc:
        try:
            runs.decline(run.conn, found, str(exc))
        except (imports.Held, imports.Withdrawn) as taken:
            run.log.info("%s", taken)
            return []
        return [exc]
    return _run_one(run, replace(own, archive=archive), found["import_id"])


def _run_one(run: Run, importer: "Importer", import_id: int) -> list[CronhouseError]:
    """Run an import and return what it failed of, if it did; one that others have or took back is no failure."""
    from services.ingestion.parks import imports, runs

    try:
        report = importer.run(import_id, resuming=False)
    except (imports.Held, imports.Withdrawn) as exc:
        run.log.info("%s", exc)
        return []
    except (TransientError, FatalError) as exc:
        return [exc]
    run.committed += report.counts
    for line in runs.describe(import_id, report):
        run.log.info("%s", line)
    return []


def _raise_all(failures: list[CronhouseError], asked: int) -> None:
    if not failures:
        return
    message = f"{len(failures)} of {asked} imports failed: {' | '.join(map(str, failures))}"
    kind = TransientError if all(isinstance(exc, TransientError) for exc in failures) else FatalError
    raise kind(message) from failures[0]
