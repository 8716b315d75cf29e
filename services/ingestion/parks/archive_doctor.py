"""What `cronhouse doctor` asks of the archive: can it be listed; nothing is imported."""

from collections.abc import Iterator

from services.ingestion.sources.parks_archive import open_archive
from shared.config import Settings
from shared.errors import CronhouseError


def check_sources(settings: Settings) -> Iterator[tuple[str, str | None]]:
    """Yield the archive with what is wrong, None when it can be listed and has destinations."""
    try:
        archive = open_archive(settings)
        folders = archive.folders()
    except CronhouseError as exc:
        yield "archive", str(exc)
        return
    yield archive.label, None if folders else f"{archive.label} has no destinations: check ARCHIVE_S3_BUCKET"
