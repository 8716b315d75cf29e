"""The public archive of theme parks: a bucket of any S3 endpoint, or a folder laid out like it.

One object a destination and file date, at `<destination uuid>/<YYYY>/<MM>/<DD>.json.gz`. What an object holds is
read in services/ingestion/parks; here is only which there are, and their bytes.
"""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

from services.ingestion.sources.parks_objects import Fetcher, OtherRegion
from shared.config import Settings, read_secret
from shared.errors import ConfigError, CronhouseError, TransientError
from shared.objectstore import FolderStore, ObjectInfo, S3Store

REGION = "eu-west-2"  # public notes on where archive.themeparks.wiki lies differ; the bucket itself says
SAMPLE = Path(__file__).resolve().parent.parent / "data" / "parks" / "archive"
# How long an address opens its object. Each worker has two bundles at a time: the second one waits until the first is
# fetched, with all tries of that, and written. An address that is too old by then would be a file that failed.
ADDRESS_SECONDS = 3600
_KEY = re.compile(
    r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/(\d{4})/(\d{2})/(\d{2})\.json\.gz", re.ASCII
)
_OTHER_REGION = (
    "PermanentRedirect",
    "AuthorizationHeaderMalformed",
    "IllegalLocationConstraintException",
    "301",
)
_TRUE, _FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off", "")


@dataclass(frozen=True)
class ArchiveKey:
    """What a key says: whose file it is, and its date, which is not the date of its events."""

    destination_id: UUID
    file_date: date


def read_key(key: str) -> ArchiveKey | None:
    """Return what a key says; None for one that is not of the archive's shape, or of no day there ever was."""
    match = _KEY.fullmatch(key)
    if match is None:
        return None
    try:
        return ArchiveKey(UUID(match[1]), date(int(match[2]), int(match[3]), int(match[4])))
    except ValueError:
        return None


class Archive(Protocol):
    """Where objects come from. `label` names it in the ledger, e.g. s3://archive.themeparks.wiki.

    `address` is what a worker needs to fetch an object (parks_objects.py): it needs no keys. `read` fetches it here.

    Raises:
        TransientError: it cannot be reached now, or an answer was cut off.
        FatalError: no such object.
        ConfigError: no such bucket or folder, or access refused.
    """

    label: str

    def list(self, prefix: str) -> Iterator[ObjectInfo]: ...
    def folders(self) -> "list[str]": ...
    def address(self, key: str) -> str: ...
    def read(self, key: str) -> tuple[bytes, str | None]: ...


def open_archive(settings: Settings, folder: str | None = None) -> Archive:
    """Open a folder laid out like the bucket, the bucket that the settings name, or the sample that comes with us.

    Raises:
        ConfigError: a setting is wrong, there is no such bucket or folder, or access is refused.
        TransientError: the endpoint cannot be reached now.
    """
    if folder is None and settings.environ.get("ARCHIVE_S3_BUCKET"):
        return S3Archive(settings)
    return FolderArchive(Path(folder) if folder else SAMPLE)


class FolderArchive:
    """A folder laid out like the bucket. An object's ETag is made of its size and time of change."""

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise ConfigError(f"--source: there is no folder {folder}")
        self.folder = folder.resolve()
        self.store = FolderStore(self.folder)
        self.label = self.folder.as_uri()

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        return self.store.list(prefix)

    def folders(self) -> "list[str]":
        return sorted(path.name for path in self.folder.iterdir() if path.is_dir())

    def address(self, key: str) -> str:
        return f"{self.label}/{key}"

    def read(self, key: str) -> tuple[bytes, str | None]:
        return Fetcher().fetch(self.address(key), key)


class S3Archive:
    """A bucket. It is listed through boto3 and read over plain HTTP, from addresses that boto3 signs for an hour: a
    quarter of the processor time that boto3 takes for an object, and workers need neither it nor the keys.

    Where the bucket lies in another region than ARCHIVE_S3_REGION says, S3 tells, and that one is taken.
    """

    def __init__(self, settings: Settings, sleep: Callable[[float], Any] = time.sleep) -> None:
        env = settings.environ
        self.settings, self.fetcher = settings, Fetcher(sleep)
        self.bucket = env["ARCHIVE_S3_BUCKET"]
        self.signed = _is_signed(env)
        self.keys = _own_keys(settings) if self.signed else {}
        self.label = f"s3://{self.bucket}"
        self._connect(env.get("ARCHIVE_S3_REGION") or REGION)

    def _connect(self, region: str) -> None:
        self.region = region
        endpoint = self.settings.environ.get("ARCHIVE_S3_ENDPOINT_URL")
        environ = {**self.settings.environ, **self.keys, "AWS_REGION": region}
        of_archive = replace(self.settings, s3_endpoint_url=endpoint, environ=environ)
        self.store = S3Store(self.bucket, "", of_archive, signed=self.signed, setting="ARCHIVE_S3_BUCKET")

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        with _explained(self):
            yield from self.store.list(prefix)

    def folders(self) -> "list[str]":
        """List the first parts of keys: destinations, and what else there is."""
        from botocore.exceptions import BotoCoreError, ClientError

        pages = self.store.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Delimiter="/")
        with _explained(self):
            try:
                prefixes = [item["Prefix"] for page in pages for item in page.get("CommonPrefixes", ())]
            except ClientError as exc:
                raise self.store.map_error("the list of destinations", exc) from exc
            except BotoCoreError as exc:
                raise TransientError(f"{self.label}: {exc}") from exc
        return sorted(prefix.rstrip("/") for prefix in prefixes)

    def address(self, key: str) -> str:
        return str(
            self.store.client.generate_presigned_url(
                "get_object", Params={"Bucket": self.bucket, "Key": key}, ExpiresIn=ADDRESS_SECONDS
            )
        )

    def read(self, key: str) -> tuple[bytes, str | None]:
        try:
            return self.fetcher.fetch(self.address(key), key)
        except OtherRegion as exc:
            self._connect(exc.region)
            return self.fetcher.fetch(self.address(key), key)


@contextmanager
def _explained(archive: S3Archive) -> Iterator[None]:
    """Say in errors of the store which setting of the archive to look at."""
    try:
        yield
    except CronhouseError as exc:
        raise _explain(archive, exc) from exc
    except RecursionError as exc:  # botocore asks for the region, is redirected, asks for the region ...
        raise _wrong_region(archive, "PermanentRedirect") from exc


def _wrong_region(archive: S3Archive, said: str) -> ConfigError:
    return ConfigError(
        f"ARCHIVE_S3_REGION: bucket {archive.bucket!r} does not lie in {archive.region}, and its endpoint does not "
        f"say where: set the region ({said})"
    )


def _explain(archive: S3Archive, exc: CronhouseError) -> CronhouseError:
    code, status = _answer_of(exc.__cause__)
    if status in (401, 403):
        return ConfigError(_refused(archive, code or "AccessDenied"))
    if status == 301 or code in _OTHER_REGION:
        return _wrong_region(archive, str(exc))
    return exc


def _answer_of(exc: BaseException | None) -> tuple[str, int]:
    """Return the code and the HTTP status of an answer of S3; nothing and 0 for an error that is none."""
    from botocore.exceptions import ClientError

    if not isinstance(exc, ClientError):
        return "", 0
    answer: Mapping[str, Any] = exc.response
    return (
        str(answer.get("Error", {}).get("Code", "")),
        int(answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)),
    )


def _refused(archive: S3Archive, code: str) -> str:
    if archive.signed:
        keys = "ARCHIVE_S3_" if archive.keys else "AWS_"
        return f"{archive.label} refused access ({code}): check the {keys} keys, or set ARCHIVE_S3_SIGNED=0"
    return (
        f"{archive.label} refused access without keys ({code}): set ARCHIVE_S3_SIGNED=1, and "
        "ARCHIVE_S3_ACCESS_KEY_ID with ARCHIVE_S3_SECRET_ACCESS_KEY or the AWS_ keys"
    )


def _own_keys(settings: Settings) -> dict[str, str]:
    """Return the keys of the archive alone, under the names that the store reads; nothing where it has none."""
    own = {
        name: read_secret(settings, f"ARCHIVE_S3_{name}") for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY")
    }
    keys: dict[str, str] = {}
    for name, value in own.items():
        if value is not None:
            keys |= {f"AWS_{name}": value, f"AWS_{name}_FILE": ""}
        elif any(own.values()):
            raise ConfigError(f"ARCHIVE_S3_{name} is not set: set both keys of the archive, or neither")
    return keys


def _is_signed(env: Mapping[str, str]) -> bool:
    value = (env.get("ARCHIVE_S3_SIGNED") or "0").strip().lower()
    if value not in (*_TRUE, *_FALSE):
        raise ConfigError(f"ARCHIVE_S3_SIGNED: {value!r} is neither 1 nor 0")
    return value in _TRUE
