"""The public archive of theme parks: a bucket of any S3 endpoint, or a folder laid out like it.

One object a destination and file date, at `<destination uuid>/<YYYY>/<MM>/<DD>.json.gz`. What an object holds is
read in services/ingestion/parks; here is only which there are, and their bytes.
"""

import random
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

from shared.config import Settings
from shared.errors import ConfigError, CronhouseError, FatalError, TransientError
from shared.objectstore import FolderStore, ObjectInfo, S3Store

REGION = "eu-west-2"  # public notes on where archive.themeparks.wiki lies differ; the bucket itself says
SAMPLE = Path(__file__).resolve().parent.parent / "data" / "parks" / "archive"
MAX_OBJECT_BYTES = 256 * 1024 * 1024
TRIES, FIRST_WAIT, LONGEST_WAIT = 5, 0.5, 30.0  # seconds; doubles with each try
_KEY = re.compile(
    r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/(\d{4})/(\d{2})/(\d{2})\.json\.gz", re.ASCII
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

    Raises:
        TransientError: it cannot be reached now, or an answer was cut off.
        FatalError: no such object.
        ConfigError: no such bucket or folder, or access refused.
    """

    label: str

    def list(self, prefix: str) -> Iterator[ObjectInfo]: ...
    def folders(self) -> "list[str]": ...
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

    def read(self, key: str) -> tuple[bytes, str | None]:
        info = self.store.head(key)
        if info is None:
            raise FatalError(f"object {key} is not in {self.folder} any more")
        return self.store.read(key), info.etag


class S3Archive:
    """A bucket. It is listed through boto3 and read over plain HTTP, with addresses that boto3 signs: a fifth of
    the processor time that boto3 takes for an object.

    Where the bucket lies in another region than ARCHIVE_S3_REGION says, S3 tells, and that one is taken.
    """

    def __init__(self, settings: Settings, sleep: Callable[[float], Any] = time.sleep) -> None:
        import urllib3

        env = settings.environ
        self.settings, self.sleep = settings, sleep
        self.bucket = env["ARCHIVE_S3_BUCKET"]
        self.signed = _is_signed(env)
        self.label = f"s3://{self.bucket}"
        self.http = urllib3.PoolManager(
            timeout=urllib3.Timeout(connect=10, read=60), retries=False, headers={"User-Agent": "cronhouse"}
        )
        self._connect(env.get("ARCHIVE_S3_REGION") or REGION)

    def _connect(self, region: str) -> None:
        self.region = region
        endpoint = self.settings.environ.get("ARCHIVE_S3_ENDPOINT_URL")
        of_archive = replace(
            self.settings, s3_endpoint_url=endpoint, environ={**self.settings.environ, "AWS_REGION": region}
        )
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

    def read(self, key: str) -> tuple[bytes, str | None]:
        """Return an object's bytes and ETag. Busy endpoints and answers that are cut off are asked again."""
        for attempt in range(1, TRIES + 1):
            try:
                return self._read_once(key)
            except TransientError as exc:
                if attempt == TRIES or (exc.retry_after or 0) > LONGEST_WAIT:
                    raise
                backoff = min(LONGEST_WAIT, FIRST_WAIT * 2 ** (attempt - 1)) * random.uniform(1, 1.25)  # noqa: S311
                self.sleep(exc.retry_after if exc.retry_after is not None else backoff)
        raise AssertionError("unreachable")

    def _read_once(self, key: str) -> tuple[bytes, str | None]:
        import urllib3

        url = self.store.client.generate_presigned_url(
            "get_object", Params={"Bucket": self.bucket, "Key": key}, ExpiresIn=3600
        )
        try:
            answer = self.http.request("GET", url, preload_content=False, redirect=False)
            try:
                self._check(key, answer)
                # one byte more than allowed tells that there is more; decode_content would unpack by header
                body = answer.read(MAX_OBJECT_BYTES + 1, decode_content=False)
            finally:
                answer.release_conn()
        except urllib3.exceptions.HTTPError as exc:
            raise TransientError(
                f"{self.label}: object {key} was cut off or not sent ({type(exc).__name__})"
            ) from exc
        promised = answer.headers.get("Content-Length")
        if promised is not None and len(body) != int(promised) and len(body) <= MAX_OBJECT_BYTES:
            raise TransientError(f"{self.label}: object {key}: {promised} bytes promised, {len(body)} came")
        if len(body) > MAX_OBJECT_BYTES:
            answer.close()
            raise FatalError(f"object {key} is larger than {MAX_OBJECT_BYTES >> 20} MiB")
        return body, (answer.headers.get("ETag") or "").strip('"') or None

    def _check(self, key: str, answer: Any) -> None:
        """Raise what an answer other than 200 means."""
        if answer.status == 200:
            return
        said = answer.read(2000).decode("utf-8", "replace")
        region = answer.headers.get("x-amz-bucket-region") or _in_xml("Region", said)
        if answer.status in (301, 307, 400) and region and region != self.region:
            self._connect(region)
            raise TransientError(f"{self.label} lies in region {region}", retry_after=0.0)
        code = _in_xml("Code", said) or str(answer.status)
        if answer.status == 404:
            raise FatalError(f"object {key} is not in bucket {self.bucket} any more ({code})")
        if answer.status in (408, 429) or answer.status >= 500:
            from shared.http import read_retry_after

            wait = read_retry_after(answer.headers.get("Retry-After"))
            raise TransientError(f"{self.label}: {code} for object {key}", retry_after=wait)
        if answer.status in (401, 403):  # of one object: a bucket that refuses all could not be listed
            raise FatalError(_refused(self, code))
        raise FatalError(f"{self.label}: {code} ({answer.status}) for object {key}; region {self.region}")


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
    text = str(exc)
    if isinstance(exc, ConfigError) and "refused" in text:
        return ConfigError(_refused(archive, "AccessDenied"))
    if any(
        sign in text
        for sign in ("PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocation", "301")
    ):
        return _wrong_region(archive, text)
    return exc


def _refused(archive: S3Archive, code: str) -> str:
    if archive.signed:
        return f"{archive.label} refused access ({code}): check the AWS_ keys, or set ARCHIVE_S3_SIGNED=0"
    return f"{archive.label} refused access without keys ({code}): set ARCHIVE_S3_SIGNED=1 and the AWS_ keys"


def _in_xml(tag: str, text: str) -> str | None:
    match = re.search(rf"<{tag}>([^<]{{1,100}})</{tag}>", text)
    return match[1] if match else None


def _is_signed(env: Mapping[str, str]) -> bool:
    value = (env.get("ARCHIVE_S3_SIGNED") or "0").strip().lower()
    if value not in (*_TRUE, *_FALSE):
        raise ConfigError(f"ARCHIVE_S3_SIGNED: {value!r} is neither 1 nor 0")
    return value in _TRUE
