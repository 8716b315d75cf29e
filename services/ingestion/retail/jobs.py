"""The job retail_ingest: the retailers side by side, each on its own."""

import contextvars
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from shared import db
from shared.errors import CronhouseError, FatalError, Interrupted, TransientError
from shared.jobs import Counts, Run, job
from shared.sql import read_queries

if TYPE_CHECKING:
    from services.ingestion.retail.intake import Tally
    from services.ingestion.retail.retailers import Retailer

QUERIES = Path(__file__).parent / "sql" / "queries.sql"


@job("retail_ingest", stale_after="26h")
def ingest(run: Run) -> Counts:
    """Land what changed at every retailer on one business day, and the overlap before it, as raw Parquet.

    Each retailer commits on its own. One that arrived for this date already is left alone unless forced.

    Raises:
        TransientError: some retailers failed and all of them may work later.
        FatalError: some failed for good; the message names every one with its reason.
    """
    from services.ingestion.retail.retailers import read_retailers

    retailers = read_retailers(run.params, run.settings)
    missing = _not_arrived(run, retailers)
    if not missing:
        run.log.info("all %d retailers arrived for %s already", len(retailers), run.date)
        return run.committed
    with run.stage("ingest"):
        return _ingest_all(run, missing)


def _not_arrived(run: Run, retailers: list["Retailer"]) -> list["Retailer"]:
    """Return the retailers to fetch; forced, those that this run has not fetched in an earlier try."""
    rows = db.fetch_all(
        run.conn, read_queries(QUERIES)["arrived"], {"pipeline": run.workflow.name, "logical_date": run.date}
    )
    run.conn.rollback()  # no transaction stays open while the network is waited for
    arrived = {row["source"] for row in rows if not run.force or row["run_id"] == run.id}
    return [retailer for retailer in retailers if retailer.id not in arrived]


def _ingest_all(run: Run, retailers: list["Retailer"]) -> Counts:
    run.store  # noqa: B018 (opened before the threads share it)
    failures: dict[Retailer, Exception] = {}
    with ThreadPoolExecutor(max_workers=len(retailers), thread_name_prefix="retailer") as pool:
        futures = {
            retailer: pool.submit(contextvars.copy_context().run, _ingest_one, run, retailer)
            for retailer in retailers
        }
        for retailer, future in futures.items():
            try:
                tally = future.result()
                run.committed += Counts(tally.landed, tally.accepted, tally.rejected)
            except Exception as exc:  # noqa: BLE001 (gathered, and raised together below)
                failures[retailer] = exc
    if failures:
        raise _join(run, failures, len(retailers)) from next(iter(failures.values()))
    return run.committed


def _ingest_one(run: Run, retailer: "Retailer") -> "Tally":
    from services.ingestion.retail.intake import Intake

    tally = Intake(run, retailer).execute()
    values = {"source": retailer.id, "landed": tally.landed, "rejected": tally.rejected, "late": tally.late,
              "corrected": tally.corrected, "void": tally.void}  # fmt: skip
    run.log.info(
        "%s: %d lines landed, %d rejected, %d late, %d corrected; %d transactions void",
        retailer.label, tally.landed, tally.rejected, tally.late, tally.corrected, tally.void,
        extra={"fields": values},
    )  # fmt: skip
    return tally


def _join(run: Run, failures: dict["Retailer", Exception], asked: int) -> CronhouseError:
    """Make one error of all: transient only if every one is."""
    reasons = []
    for retailer, exc in failures.items():
        if isinstance(exc, Interrupted):
            return exc
        if not isinstance(exc, CronhouseError):
            run.log.error("%s failed unexpectedly", retailer.label, exc_info=exc)
        text = str(exc) if isinstance(exc, CronhouseError) else f"{type(exc).__name__}: {exc}"
        reasons.append(text if text.startswith(retailer.label) else f"{retailer.label}: {text}")
    message = f"{len(failures)} of {asked} retailers failed: {' | '.join(reasons)}"
    if all(isinstance(exc, TransientError) for exc in failures.values()):
        waits = [
            exc.retry_after
            for exc in failures.values()
            if isinstance(exc, TransientError) and exc.retry_after
        ]
        return TransientError(message, retry_after=max(waits, default=None))
    return FatalError(message)
