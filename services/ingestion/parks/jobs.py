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
