"""What `cronhouse doctor` asks of the retailers: one small question each, with the real adapter."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from services.ingestion.retail.retailers import Retailer, read_retailers
from services.ingestion.retail.window import make_window
from services.ingestion.sources import open_source
from shared.config import Settings
from shared.errors import ConfigError, CronhouseError
from shared.http import NotFound
from shared.jobs.workflows import Workflow


def check_sources(settings: Settings, workflow: Workflow) -> Iterator[tuple[str, str | None]]:
    """Yield each retailer with what is wrong, None when it answers and takes the credentials."""
    try:
        retailers = read_retailers(workflow.params, settings)
    except ConfigError as exc:
        for problem in exc.problems:
            yield "settings", problem
        return
    for retailer in retailers:
        yield retailer.id, _ask(retailer)


def _ask(retailer: Retailer) -> str | None:
    """Read the first page of yesterday; no waiting between tries."""
    yesterday = datetime.now(UTC).astimezone(retailer.zone).date() - timedelta(days=1)
    source = open_source(retailer, lambda seconds: None)
    transactions = source.fetch(make_window(yesterday, retailer.zone, timedelta(0), None))
    try:
        next(iter(transactions), None)
    except CronhouseError as exc:
        # a file that is not there yet: it answers, and takes the credentials
        return None if isinstance(exc, NotFound) or isinstance(exc.__cause__, NotFound) else str(exc)
    finally:
        source.close()
    return None
