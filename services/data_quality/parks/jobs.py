"""How good the history of parks is: hourly, over what is new."""

from datetime import UTC, datetime

from services.data_quality.parks.checks import CATALOGUE, DAYS, METADATA, POLLS, STATEMENTS
from services.data_quality.parks.watch import SETTLED, Watch
from shared import alerts, db, quality
from shared.jobs import Counts, Run, job
from shared.quality_rules import read_rules

_OBSERVED = {POLLS: "observe_polls", DAYS: "observe_days", METADATA: "observe_metadata"}


@job("parks_quality", stale_after="3h")
def check_quality(run: Run) -> Counts:
    """Look at the last days of polled parks and at the days of objects imported since, a bounded number.

    Suspects, gaps and stale parks become issues in parks.data_quality_log; rules are judged as everywhere. Counts:
    park-days looked at, results written.

    Raises:
        CheckFailed: a check that the workflow file calls critical failed; everything is on record by then.
    """
    rules, now = read_rules(run.params.get("quality"), CATALOGUE), datetime.now(UTC)
    watch = Watch(run.conn, rules, run.params["quality_window"], now)
    with run.stage("choose"):
        months = watch.choose_days()
    if watch.settling:
        what = "1 object" if watch.settling == 1 else f"{watch.settling:,} objects"
        verb = "waits" if watch.settling == 1 else "wait"
        minutes = SETTLED.total_seconds() / 60
        run.log.info("%s of the last %d minutes %s for the next run", what, minutes, verb)
    with run.stage("days"):
        for month in months:
            run.check_stop()
            watch.look_at(month)
    with run.stage("polls"):
        watch.note_stale()
    with run.stage("judge"), db.transaction(run.conn) as conn:
        results = []
        for table, statement in _OBSERVED.items():
            found = quality.observe(conn, STATEMENTS[statement], watch.params)
            results += quality.evaluate([rule for rule in rules if rule.check.table == table], found)
        score = quality.record(conn, run.id, run.workflow.name, run.date, results)
        watch.write_mark(run.id)
    run.committed = Counts(read=watch.days, written=len(results))
    quality.log_results(run.log, results, score)
    _tell(run, results)
    quality.raise_critical(results, f"cronhouse logs {run.id}")
    return run.committed


def _tell(run: Run, results: list[quality.Result]) -> None:
    """Stale parks are an incident, one for all of them."""
    stale = next((result for result in results if result.rule.name == "stale_parks"), None)
    if stale is None:
        return
    conn = db.connect(run.settings, application_name=f"cronhouse:{run.job}:{run.id}", autocommit=True)
    try:
        if stale.passed:
            alerts.recover(conn, run.settings, "parks_stale")
        else:
            texts = ("parks are not heard of", stale.message, "cronhouse logs " + str(run.id))
            severity = "critical" if stale.rule.severity == "critical" else "warning"
            alerts.raise_incident(conn, run.settings, "parks_stale", severity, *texts, run.id)
    finally:
        conn.close()
