"""Where a dump comes from: a file, a zip file, or an address; and which release is the newest there."""

import re
import zipfile
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path
from typing import IO, BinaryIO, cast
from urllib.parse import urlsplit

from services.vehicle_etl.sources import NotNewer, Wanted
from services.vehicle_etl.sources.dump import Dump
from shared.errors import ConfigError, CronhouseError, FatalError

PLACEHOLDER = "{release}"
MONTHS_BACK = 24
CHUNKS_AHEAD = 8
_RELEASE = re.compile(r"20\d\d_(?:0[1-9]|1[0-2])(?!\d)")


def open_dump(where: str, wanted: Wanted, today: date | None = None) -> Dump | NotNewer:
    """Open the dump at a path or address. With `{release}` in it, the newest month that is there."""
    if PLACEHOLDER not in where:
        found = _open_one(where, wanted)
        if found is None:
            raise _nothing_at(where)
        return found
    for release in months_back(today or datetime.now(UTC).date(), MONTHS_BACK):
        found = _open_one(where.replace(PLACEHOLDER, release), wanted)
        if found is not None:
            return found
    raise FatalError(f"{_label(where)}: no release of the last {MONTHS_BACK} months is there")


def months_back(day: date, count: int) -> Iterator[str]:
    """Yield the names of months, newest first: 2026_11, 2026_10, ..."""
    number = day.year * 12 + day.month - 1
    for month in range(number, number - count, -1):
        yield f"{month // 12}_{month % 12 + 1:02d}"


def _open_one(where: str, wanted: Wanted) -> Dump | NotNewer | None:
    """Open one dump; None when there is nothing at the place."""
    named = _RELEASE.search(Path(urlsplit(where).path).name)
    if named and not wanted(named[0]):  # no need to fetch it
        return NotNewer(named[0]) if _exists(where) else None
    file = _download(where) if _is_address(where) else _open_path(where)
    if file is None:
        return None
    try:
        dump = _open_file(file, _label(where), named[0] if named else None)
    except BaseException:
        file.close()
        raise
    if not wanted(dump.release):
        dump.close()
        return NotNewer(dump.release)
    return dump


def _exists(where: str) -> bool:
    """Tell whether a file is there; of an address that is not newer, nobody needs to know."""
    return _is_address(where) or Path(where).exists()


def _label(where: str) -> str:
    """Name the place without query string or password."""
    if not _is_address(where):
        return where
    parts = urlsplit(where)
    return f"{parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}{parts.path}"


def _nothing_at(where: str) -> CronhouseError:
    if "://" in where and not _is_address(where):
        kind = where.partition("://")[0]
        return ConfigError(f"VPIC_SOURCE: {kind}://... is neither a path nor an http(s) address")
    return FatalError(f"{_label(where)}: there is no such file")


def _is_address(where: str) -> bool:
    return where.startswith(("http://", "https://"))


def _open_path(where: str) -> BinaryIO | None:
    try:
        return open(where, "rb")
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise ConfigError(f"VPIC_SOURCE: cannot read {where}: {exc.strerror}") from exc


def _download(where: str) -> BinaryIO | None:
    """Fetch a file into a temporary one: what a zip file holds stands at its end."""
    from shared.http import Client, NotFound

    parts = urlsplit(where)
    base, path = f"{parts.scheme}://{parts.netloc}", parts.path + (f"?{parts.query}" if parts.query else "")
    client = Client("vPIC", base, credentials_hint="check the address in VPIC_SOURCE")
    try:
        return client.download(path)[0]
    except NotFound:
        return None
    finally:
        client.close()


def _open_file(file: BinaryIO, label: str, release: str | None) -> Dump:
    is_zip = file.read(2) == b"PK"
    file.seek(0)
    if not is_zip:
        return Dump(file, label, release)
    try:
        archive = zipfile.ZipFile(file)
        members = [info for info in archive.infolist() if info.filename.lower().endswith(".sql")]
        if len(members) != 1:
            raise FatalError(f"{label}: holds {len(members)} .sql files; a release has one")
        named = _RELEASE.search(members[0].filename)
        body = archive.open(members[0])
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as exc:
        raise FatalError(f"{label}: is no whole zip file ({exc}): it may be cut off. Fetch it again") from exc
    return Dump(cast(BinaryIO, ReadAhead(body)), label, release or (named[0] if named else None), file)


class ReadAhead:
    """A file read in a thread, some chunks ahead: the next ones are unpacked while the warehouse takes the last one."""

    def __init__(self, file: IO[bytes], chunks: int = CHUNKS_AHEAD) -> None:
        self._file, self._chunks = file, chunks
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="unpack")
        self._coming: deque[Future[bytes]] = deque()

    def read(self, size: int) -> bytes:
        """Return the next chunk, nothing at the end; what goes wrong in the thread is raised here."""
        while len(self._coming) < self._chunks:
            self._coming.append(self._reader.submit(self._file.read, size))
        return self._coming.popleft().result()

    def close(self) -> None:
        """Leave what was not read, and close the file."""
        self._reader.shutdown(cancel_futures=True)
        self._file.close()
