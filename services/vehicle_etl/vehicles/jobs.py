"""The job vehicles_load: a newer release of vPIC, loaded beside the live one and swapped in."""

from contextlib import closing
from typing import TYPE_CHECKING

from shared.errors import CronhouseError, DataError, FatalError, TransientError
from shared.jobs import Counts, Run, job

CHANGES_SHOWN = 200

if TYPE_CHECKING:
    from services.vehicle_etl.sources import Source
    from services.vehicle_etl.vehicles.releases import Release


@job("vehicles_load", stale_after="8d")
def load(run: Run) -> Counts:
    """Load the release that VPIC_SOURCE leads to, when it is newer than all that were live; verify it, swap it in.

    Readers see the live release until the swap, which is one transaction. With --force a release that is not newer
    is loaded too. The logical date does not matter: the source says which release is the newest. Before that, releases
    that other code of Cronhouse compiled are compiled again; where that cannot be, a newer release is the way out.

    Raises:
        FatalError: the source is damaged, or another load is under way.
        CheckFailed: the release broke a critical check and was not swapped in.
        TransientError: the source or the warehouse went away; a SQL Server is read on from the table it was at.
    """
    from services.vehicle_etl.sources import SQL_SERVER, NotNewer, open_source
    from services.vehicle_etl.vehicles import releases

    conn = run.conn
    with releases.locked(conn):
        may_go_on = run.settings.environ.get("VPIC_SOURCE") == SQL_SERVER
        if not may_go_on:
            releases.remove_leftovers(conn, None, run.log)
        problem = _recompile(run)
        newest = releases.newest_seen(conn)
        conn.rollback()  # no transaction stays open while the source is asked
        with run.stage("source"):
            source = open_source(run.settings, lambda name: run.force or newest is None or name > newest)
        if isinstance(source, NotNewer):
            if problem is not None:
                raise problem
            note = _taken_back(run, newest)
            run.log.info("release %s is not newer than %s: nothing to load%s", source.release, newest, note)
            return Counts()
        with closing(source):
            return _load_and_swap(run, source)


def _taken_back(run: Run, newest: str | None) -> str:
    """Say it where the newest release that was live is not live any more: else the message makes no sense."""
    from services.vehicle_etl.vehicles import releases

    live = releases.find(run.conn, "live")
    run.conn.rollback()
    if live is None or live.name == newest:
        return ""
    return f". {newest} was taken back, {live.name} is live: `cronhouse vehicles rollback` or --force brings it back"


def _recompile(run: Run) -> CronhouseError | None:
    """Compile releases again that other code compiled; return what is in the way of that."""
    from services.vehicle_etl.vehicles.recompile import outdated, recompile

    try:
        for release in outdated(run.conn):
            with run.stage(f"compile {release.state}"):
                recompile(run.conn, release, run.log)
    except (FatalError, DataError) as exc:
        run.log.error("a release cannot be compiled again: %s", exc)
        return exc
    return None


def _load_and_swap(run: Run, source: "Source") -> Counts:
    from services.vehicle_etl.vehicles import releases

    conn, release = run.conn, _begin(run, source)
    run.log.info("loading release %s from %s", release.name, source.label)
    try:
        return _fill(run, release, source)
    except BaseException as exc:
        goes_on = source.is_resumable and isinstance(exc, TransientError)
        if not goes_on and not conn.closed:
            conn.rollback()
            releases.fail(conn, release, str(exc) or type(exc).__name__)
        raise


def _begin(run: Run, source: "Source") -> "Release":
    """Begin a new load, or take over the one of the same release that was cut off."""
    from services.vehicle_etl.vehicles import releases

    conn = run.conn
    spare = None
    if source.is_resumable:
        spare = releases.resumable(conn, source.release, source.label)
    releases.remove_leftovers(conn, spare, run.log)
    if spare is None:
        return releases.begin(conn, source.release, source.label, run.id)
    run.log.info("going on with release %s: %d tables are there", spare.name, len(spare.tables))
    return releases.go_on(conn, spare, run.id)


def _fill(run: Run, release: "Release", source: "Source") -> Counts:
    from services.vehicle_etl.vehicles import derive, releases, swap, verify
    from services.vehicle_etl.vehicles.load import finish, load
    from shared import db, quality

    conn = run.conn
    with run.stage("copy"):
        loaded = load(conn, release, source, run.log, run.check_stop)
    with run.stage("indexes"):
        finish(conn, release, loaded.notes)
    derive.build(run, release)
    with run.stage("verify"):
        whole = next(item for item in releases.unfinished(conn) if item.release_id == release.release_id)
        results, changes = verify.verify(conn, whole, releases.find(conn, "live"), run.params)
        if changes:
            run.log.info("%d values of the sample VINs changed", len(changes))
        for change in changes[:CHANGES_SHOWN]:
            run.log.info("decoded differently: %s", change)
        if len(changes) > CHANGES_SHOWN:
            run.log.info("and %d more that are not listed", len(changes) - CHANGES_SHOWN)
        with db.transaction(conn):
            score = quality.record(conn, run.id, run.workflow.name, run.date, results)
        quality.log_results(run.log, results, score)
        quality.raise_critical(results, f"cronhouse logs {run.id}")
    with run.stage("swap"):
        swap.swap_in(conn, release, run.log)
    rows = sum(whole.tables.values())
    run.log.info("release %s is live: %d rows in %d tables", release.name, rows, len(whole.tables))
    return Counts(read=loaded.rows, written=loaded.rows)
