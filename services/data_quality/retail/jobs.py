"""The quality gate of retail, between the load and the views."""

from services.data_quality.retail.checks import CATALOGUE, DELIVERIES, FACTS
from services.data_quality.retail.gate import Gate, read_window
from shared import db, quality
from shared.jobs import Counts, Run, job
from shared.quality_rules import read_rules
from shared.retention import read_ages


@job("retail_quality", stale_after="26h")
def check_quality(run: Run) -> Counts:
    """Check the business days that the loads of the logical date touched, and that date itself.

    Results, score and open issues are committed before a critical failure stops the workflow.

    Raises:
        CheckFailed: a critical check failed.
    """
    rules = read_rules(run.params.get("quality"), CATALOGUE)
    raw_days = read_ages(run.params.get("retention")).get("raw")
    with run.stage("window"):
        window = read_window(run.conn, run.date)
    gate = Gate(run.conn, rules, window, tuple(run.params.get("retailers") or ()), raw_days)
    with run.stage("deliveries"):
        results = gate.check(DELIVERIES)
    with run.stage("fact_sales"):
        results += gate.check(FACTS)
    with run.stage("offenders"):
        results = gate.with_samples(results)
    with db.transaction(run.conn):
        score = quality.record(run.conn, run.id, run.workflow.name, run.date, results)
    run.committed = Counts(read=int(gate.lines), written=len(results))
    quality.log_results(run.log, results, score)
    quality.raise_critical(results, f"cronhouse logs {run.id}")
    return run.committed
