"""Sources of vPIC releases, and what a load asks of them.

`VPIC_SOURCE` names one: a file (`.zip` or `.sql`), an http(s) address of such a file, either with `{release}` where
the year and month stand, or `mssql`. Nothing named is the subset that comes with the house.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from shared.config import Settings

SUBSET = Path(__file__).resolve().parent.parent / "data" / "vpic_subset.plain.sql.zip"
SQL_SERVER = "mssql"

Wanted = Callable[[str], bool]  # is a release of this name to be loaded?


class Block(Protocol):
    """The rows of one table on their way: a file to COPY from."""

    table: str
    columns: tuple[str, ...]
    copy_options: str
    """How `read` renders rows, in the words of COPY."""
    rows: int
    """Rows handed out so far; all that the source sent, once it is read to its end."""
    error: Exception | None
    """Why reading stopped: the driver of the warehouse would only tell its text."""

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes, none at the end."""

    def drain(self) -> None:
        """Read to the end."""


class Source(Protocol):
    """One release of vPIC, open for reading."""

    label: str
    release: str
    is_resumable: bool
    """A load that was cut off may go on with the tables that it lacks."""

    def blocks(self, done: Collection[str]) -> Iterator[Block]:
        """Yield the tables one after the other; those in `done` are not needed any more.

        Raises:
            FatalError: the source is damaged or cut off.
            TransientError: the connection was cut.
        """

    def close(self) -> None:
        """Let go of files and connections."""


@dataclass(frozen=True)
class NotNewer:
    """The source has nothing newer; `release` is the newest it has."""

    release: str


def open_source(settings: Settings, wanted: Wanted) -> Source | NotNewer:
    """Open the release that `VPIC_SOURCE` leads to.

    Raises:
        ConfigError: the setting or what it names cannot be used.
        FatalError: there is no release, or it is no dump of vPIC.
        TransientError: the source cannot be reached now.
    """
    where = settings.environ.get("VPIC_SOURCE") or str(SUBSET)
    if where == SQL_SERVER:
        from services.vehicle_etl.sources.sql_server import open_sql_server

        return open_sql_server(settings, wanted)
    from services.vehicle_etl.sources.dump_file import open_dump

    return open_dump(where, wanted)
