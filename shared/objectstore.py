"""The object store: an S3 bucket through boto3, or a folder when embedded.

Keys are relative paths with `/`. An object appears whole or not at all, and writing it again replaces it.
"""

import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Protocol
from urllib.parse import unquote, urlsplit

from shared.config import Settings
from shared.errors import ConfigError, CronhouseError, FatalError, TransientError


@dataclass(frozen=True)
class ObjectInfo:
    """One object: `modified` is in UTC, `etag` changes when the content does."""

    key: str
    size: int
    etag: str
    modified: datetime


class ObjectStore(Protocol):
    """What the jobs need of a store.

    Raises:
        TransientError: the store cannot be reached now.
        FatalError: no such object, or it is truncated.
        ConfigError: no such bucket, or wrong credentials.
    """

    def put(self, key: str, body: bytes | BinaryIO) -> ObjectInfo: ...
    def open(self, key: str) -> BinaryIO: ...
    def read(self, key: str) -> bytes: ...
    def head(self, key: str) -> ObjectInfo | None: ...
    def list(self, prefix: str) -> Iterator[ObjectInfo]: ...
    def delete(self, key: str) -> None: ...
    def check(self) -> None: ...


def open_store(settings: Settings) -> ObjectStore:
    """Open the store that OBJECT_STORE_URL names: file:///folder or s3://bucket/prefix."""
    parts = urlsplit(settings.object_store_url)
    if parts.scheme == "file":
        return FolderStore(Path(unquote(parts.path)))
    return S3Store(parts.netloc, parts.path.strip("/"), settings)


class FolderStore:
    """A folder that behaves like a bucket."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def _path(self, key: str) -> Path:
        if not key or key.startswith("/") or ".." in key.split("/"):
            raise FatalError(f"object key {key!r} is not a relative path")
        return self.folder / key

    def put(self, key: str, body: bytes | BinaryIO) -> ObjectInfo:
        path = self._path(key)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(prefix=".part-", dir=path.parent)
        except OSError as exc:
            raise FatalError(f"cannot write object {key} below {self.folder}: {exc.strerror}") from exc
        try:
            with open(handle, "wb") as out:
                if isinstance(body, bytes):
                    out.write(body)
                else:
                    shutil.copyfileobj(body, out)
            Path(temporary).replace(path)
        except OSError as exc:
            Path(temporary).unlink(missing_ok=True)
            raise FatalError(f"cannot write object {key}: {exc}") from exc
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        return self._info(path)

    def _info(self, path: Path) -> ObjectInfo:
        stat = path.stat()
        modified = datetime.fromtimestamp(stat.st_mtime, UTC)
        etag = hashlib.md5(f"{stat.st_size}-{stat.st_mtime_ns}".encode(), usedforsecurity=False).hexdigest()
        return ObjectInfo(path.relative_to(self.folder).as_posix(), stat.st_size, etag, modified)

    def open(self, key: str) -> BinaryIO:
        try:
            return open(self._path(key), "rb")
        except FileNotFoundError as exc:
            raise FatalError(f"object {key} is not in the store {self.folder}") from exc
        except OSError as exc:
            raise FatalError(f"cannot read object {key} below {self.folder}: {exc.strerror}") from exc

    def read(self, key: str) -> bytes:
        with self.open(key) as body:
            return body.read()

    def head(self, key: str) -> ObjectInfo | None:
        path = self._path(key)
        return self._info(path) if path.is_file() else None

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        base = self.folder / prefix.rpartition("/")[0]
        for path in sorted(base.rglob("*")) if base.is_dir() else ():
            key = path.relative_to(self.folder).as_posix()
            if path.is_file() and key.startswith(prefix) and not path.name.startswith(".part-"):
                yield self._info(path)

    def delete(self, key: str) -> None:
        try:
            self._path(key).unlink(missing_ok=True)
        except OSError as exc:
            raise FatalError(f"cannot delete object {key} below {self.folder}: {exc.strerror}") from exc

    def check(self) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            raise ConfigError(f"OBJECT_STORE_URL: cannot use the folder {self.folder}: {exc}") from exc


class S3Store:
    """A bucket, or a prefix in one, of any S3 endpoint. Credentials come from the usual AWS variables,
    or from the files that AWS_ACCESS_KEY_ID_FILE and AWS_SECRET_ACCESS_KEY_FILE name."""

    def __init__(
        self,
        bucket: str,
        prefix: str,
        settings: Settings,
        *,
        signed: bool = True,
        setting: str = "OBJECT_STORE_URL",
    ) -> None:
        """`signed` false asks without credentials, as a public bucket allows; `setting` is what messages name."""
        import boto3
        from botocore import UNSIGNED
        from botocore.config import Config

        from shared.config import read_secret

        self.bucket, self.setting = bucket, setting
        self.prefix = f"{prefix}/" if prefix else ""
        self.client: Any = boto3.client(
            "s3",
            endpoint_url=settings.s3_endpoint_url,
            region_name=settings.environ.get("AWS_REGION")
            or settings.environ.get("AWS_DEFAULT_REGION")
            or "us-east-1",
            aws_access_key_id=read_secret(settings, "AWS_ACCESS_KEY_ID") if signed else None,
            aws_secret_access_key=read_secret(settings, "AWS_SECRET_ACCESS_KEY") if signed else None,
            config=Config(
                retries={"mode": "standard", "max_attempts": 4},
                connect_timeout=5,
                read_timeout=60,
                signature_version="s3v4" if signed else UNSIGNED,
                s3={"addressing_style": "path" if settings.s3_endpoint_url else "auto"},
            ),
        )

    def _call(self, key: str, operation: str, **arguments: Any) -> Any:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return getattr(self.client, operation)(Bucket=self.bucket, **arguments)
        except ClientError as exc:
            raise self.map_error(key, exc) from exc
        except BotoCoreError as exc:
            raise TransientError(f"object store: {exc} (object {key})") from exc

    def map_error(self, key: str, exc: Any) -> CronhouseError:
        """Say what an answer of S3 about a key means."""
        code = str(exc.response.get("Error", {}).get("Code", ""))
        status = int(exc.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        if code == "NoSuchBucket":
            return ConfigError(
                f"{self.setting}: bucket {self.bucket!r} does not exist: create it, or name another"
            )
        if code in ("NoSuchKey", "404"):
            return FatalError(f"object {key} is not in bucket {self.bucket}")
        if status in (401, 403):
            return ConfigError(
                f"object store: access to bucket {self.bucket!r} refused ({code}): check the AWS_ keys"
            )
        message = f"object store: {code or status} for object {key} in bucket {self.bucket}"
        return (
            TransientError(message) if status >= 500 or status == 429 or not status else FatalError(message)
        )

    def put(self, key: str, body: bytes | BinaryIO) -> ObjectInfo:
        self._call(key, "put_object", Key=self.prefix + key, Body=body)
        info = self.head(key)
        if info is None:
            raise TransientError(f"object {key} was written but is not there")
        return info

    def open(self, key: str) -> BinaryIO:
        """Return the object as a local temporary file: Parquet readers need to seek."""
        answer = self._call(key, "get_object", Key=self.prefix + key)
        out = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it
        try:
            shutil.copyfileobj(answer["Body"], out)
        except Exception as exc:
            out.close()
            raise TransientError(f"object {key} was cut off while reading: {exc}") from exc
        if out.tell() != answer["ContentLength"]:
            out.close()
            raise TransientError(f"object {key}: {answer['ContentLength']} bytes promised, {out.tell()} came")
        out.seek(0)
        return out  # type: ignore[return-value]

    def read(self, key: str) -> bytes:
        with self.open(key) as body:
            return body.read()

    def head(self, key: str) -> ObjectInfo | None:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            answer = self.client.head_object(Bucket=self.bucket, Key=self.prefix + key)
        except ClientError as exc:
            if str(exc.response.get("Error", {}).get("Code")) in ("404", "NoSuchKey"):
                return None
            raise self.map_error(key, exc) from exc
        except BotoCoreError as exc:
            raise TransientError(f"object store: {exc} (object {key})") from exc
        return ObjectInfo(key, answer["ContentLength"], answer["ETag"].strip('"'), answer["LastModified"])

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        token: dict[str, str] = {}
        while True:
            page = self._call(prefix, "list_objects_v2", Prefix=self.prefix + prefix, **token)
            for item in page.get("Contents", ()):
                key = item["Key"].removeprefix(self.prefix)
                yield ObjectInfo(key, item["Size"], item["ETag"].strip('"'), item["LastModified"])
            if not page.get("IsTruncated"):
                return
            token = {"ContinuationToken": page["NextContinuationToken"]}

    def delete(self, key: str) -> None:
        self._call(key, "delete_object", Key=self.prefix + key)

    def check(self) -> None:
        self._call("", "list_objects_v2", MaxKeys=1)
