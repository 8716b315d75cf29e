"""What `cronhouse doctor` asks of the source of vPIC: is it there, may it be read; nothing is loaded."""

from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import urlsplit

from services.vehicle_etl.sources import SQL_SERVER, SUBSET, NotNewer
from services.vehicle_etl.sources.dump_file import MONTHS_BACK, PLACEHOLDER, months_back, open_dump
from shared.config import Settings
from shared.errors import CronhouseError, FatalError
from shared.jobs.workflows import Workflow


def check_sources(settings: Settings, _workflow: Workflow) -> Iterator[tuple[str, str | None]]:
    """Yield the source that VPIC_SOURCE leads to with what is wrong, None when a release is there."""
    where = settings.environ.get("VPIC_SOURCE") or str(SUBSET)
    try:
        if where == SQL_SERVER:
            _ask_sql_server(settings)
        elif where.startswith(("http://", "https://")):
            _ask_address(where)
        else:
            _open_path(where)
    except CronhouseError as exc:
        yield "VPIC_SOURCE", str(exc)
    else:
        yield "VPIC_SOURCE", None


def _ask_sql_server(settings: Settings) -> None:
    from services.vehicle_etl.sources.sql_server import open_sql_server

    source = open_sql_server(settings, lambda release: True)
    if not isinstance(source, NotNewer):
        source.close()


def _open_path(where: str) -> None:
    """Open the newest dump there and read its head."""
    dump = open_dump(where, lambda release: True)
    if not isinstance(dump, NotNewer):
        dump.close()


def _ask_address(where: str) -> None:
    """Ask whether the newest release is there, without fetching its hundreds of megabytes."""
    from shared.http import Client, NotFound

    parts = urlsplit(where)
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    client = Client(
        "vPIC", f"{parts.scheme}://{parts.netloc}", credentials_hint="check the address in VPIC_SOURCE"
    )
    has_many = PLACEHOLDER in where
    try:
        for release in months_back(datetime.now(UTC).date(), MONTHS_BACK if has_many else 1):
            try:
                return client.check(path.replace(PLACEHOLDER, release))
            except NotFound:
                continue
    finally:
        client.close()
    what = f"no release of the last {MONTHS_BACK} months" if has_many else "nothing"
    raise FatalError(f"{client.where(path)}: {what} is there: check the address in VPIC_SOURCE")
