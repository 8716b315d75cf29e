"""Jobs of the parks workflow that make statistics of the history."""

from shared import db
from shared.jobs import Counts, Run, job


@job("parks_stats", stale_after="2h")
def make_statistics(run: Run) -> Counts:
    """Make the statistics of every marked park and local day anew, whatever the logical date.

    Batches of `statistics.days_per_batch` park-days, each a transaction with the marks it takes away: a run
    that dies has done what it committed. Days that are marked while it runs are done too. With --force every
    day that has statistics is marked before, as after a change of `statistics.prefer`. Counts the snapshots
    read and the rows written.
    """
    from services.transformation.parks.statistics import mark_all, rebuild

    section = run.params["statistics"]
    if run.force:
        with db.transaction(run.conn):
            mark_all(run.conn)
    days = 0
    while True:
        with run.stage("batches"), db.transaction(run.conn):
            batch = rebuild(
                run.conn,
                prefer=section["prefer"],
                days=section["days_per_batch"],
                check_stop=run.check_stop,
            )
        if batch is None:
            break
        days += batch.days
        run.committed += Counts(read=batch.snapshots, written=batch.rows)
    run.log.info("%d park-days made anew", days, extra={"fields": {"park_days": days}})
    return run.committed
