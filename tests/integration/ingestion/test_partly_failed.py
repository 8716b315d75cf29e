"""A run in which one retailer fails: what the others brought is counted, and the next try brings the rest."""

from shared.jobs.sequence import run_dates
from shared.jobs.workflows import find_workflow
from tests.integration.ingestion.conftest import DAY, query

LAST_RUN = "SELECT * FROM ops.job_run ORDER BY run_id DESC LIMIT 1"
ARRIVED = """
SELECT coalesce(sum(landed_rows), 0) AS landed, coalesce(sum(landed_rows - rejected_rows), 0) AS accepted, count(*) AS n
FROM ops.arrival
"""


def test_a_failed_run_shows_the_rows_that_the_other_retailers_landed(settings, retailers):
    workflow = find_workflow(settings, "retail")
    retailers.fault("retailer_1", "server_error", status=400, times=1000)
    (result,) = run_dates(settings, workflow, [workflow.jobs["retail_ingest"]], [DAY])
    (run,), (arrived,) = query(settings, LAST_RUN), query(settings, ARRIVED)
    assert (result.status, run["status"], arrived["n"]) == ("failed", "failed", 2)
    assert run["rows_read"] == arrived["landed"] > 0
    assert run["rows_written"] == arrived["accepted"] == result.counts.written
