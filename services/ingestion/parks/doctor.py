"""What `cronhouse doctor` asks of the sources of workflow parks."""

from collections.abc import Iterator

from services.ingestion.parks import archive_doctor, live_doctor
from shared.config import Settings
from shared.jobs.workflows import Workflow


def check_sources(settings: Settings, workflow: Workflow) -> Iterator[tuple[str, str | None]]:
    """Yield each source with what is wrong, None when it answers."""
    yield from archive_doctor.check_sources(settings)
    yield from live_doctor.check_sources(settings)
