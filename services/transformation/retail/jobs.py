"""Jobs of the retail workflow that make the warehouse: the star and the views over it."""

from shared import db, state
from shared.errors import FatalError
from shared.jobs import Counts, Run, job


@job("retail_transform", stale_after="26h")
def transform(run: Run) -> Counts:
    """Load every raw object up to the logical date into the star, then write what was new to processed/.

    Facts of transactions that hold nothing any more go.

    The load is one transaction: a run that dies has loaded nothing. With --force the objects of the logical
    date are loaded again, which leaves the same facts. Assumes that what ingestion registers is whole.
    """
    from services.transformation.retail import processed, star

    if _read_pending(run) or state.has_pending_voids(run.conn, "retail"):
        with db.transaction(run.conn):
            star.lock_load(run.conn)
            objects = _read_pending(run)  # again: the load before may have taken them
            if objects or state.has_pending_voids(run.conn, "retail"):
                loaded = star.load(
                    run.conn, run.store, objects, run_id=run.id, retailers=run.params.get("retailers", {}),
                    stage=run.stage, check_stop=run.check_stop,
                )  # fmt: skip
                run.log.info(
                    "%d raw objects: %d lines, %d facts added, %d superseded",
                    len(objects), loaded.lines, loaded.inserted, loaded.superseded,
                    extra={"fields": {"objects": len(objects), **vars(loaded)}},
                )  # fmt: skip
                run.committed = Counts(read=loaded.lines, written=loaded.inserted)
    if processed.has_unprocessed(run.conn):
        with run.stage("processed"):
            files = processed.write_processed(run.conn, run.store)
        run.log.info("%d processed files written", files, extra={"fields": {"files": files}})
    return run.committed


def _read_pending(run: Run) -> list[dict[str, object]]:
    return state.read_pending_objects(run.conn, "retail/raw", run.date, run.date if run.force else None)


@job("retail_views", stale_after="26h")
def refresh_views(run: Run) -> Counts:
    """Summarise the days that loads touched, then refresh the views whose input changed.

    Runs after the quality gate. Views show all facts, so one date that has not passed keeps them all as they
    were, also on the nights after it. Counts summary rows.

    Raises:
        FatalError: the gate has not passed for a date whose facts the views would show.
    """
    from services.transformation.retail import views

    gates = list(run.workflow.jobs[run.job].after) if run.job in run.workflow.jobs else []
    unchecked = views.unchecked_dates(run.conn, gates) if gates else []
    if unchecked:
        shown = ", ".join(map(str, unchecked[:5])) + (" ..." if len(unchecked) > 5 else "")
        raise FatalError(
            f"{' and '.join(gates)} has not passed for {shown}: the views stay as they were. Look at "
            f"`cronhouse history {gates[0]}`, put the data right, then: "
            f"cronhouse run {gates[0]} --date {unchecked[0]} --force"
        )
    with run.stage("summaries"):
        rows = views.summarise_days(run.conn)
    with run.stage("refresh"):
        names = views.refresh_views(run)
    run.log.info(
        "%d summary rows; refreshed: %s", rows, ", ".join(names) or "nothing, no input changed",
        extra={"fields": {"views": names}},
    )  # fmt: skip
    return Counts(read=rows, written=rows)
