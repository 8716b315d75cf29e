"""What `cronhouse doctor` asks of the archive: can it be listed; nothing is imported."""

from collections.abc import Iterator

from services.ingestion.sources.parks_archive import open_archive
from shared.config import Settings
from shared.errors import CronhouseError

SETTING = "ARCHIVE_S3_BUCKET"  # unset: the sample that comes with us


def check_sources(settings: Settings) -> Iterator[tuple[str, str | None]]:
    """Yield the archive with what is wrong, None when it can be listed and has destinations."""
    try:
        archive = open_archive(settings)
        folders = archive.folders()
    except CronhouseError as exc:
        yield SETTING, str(exc)
        return
    yield SETTING, None if folders else f"{archive.label} has no destinations: check {SETTING}"
