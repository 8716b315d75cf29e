"""The jobs of the workflow parks that take in the outside world."""

from shared.jobs import Counts, Run, job


@job("parks_live", stale_after="30m")
def live(run: Run) -> Counts:
    """Ask the live API once for every destination and write what is posted anew, or has stood for an hour.

    Assumes that cron comes every five minutes; what a killed round left open is closed by the next.

    Raises:
        TransientError: no destination answered. Some that did not are a PARTIAL cycle, no failure.
    """
    from services.ingestion.parks.live import collect

    return collect(run)
