"""The bytes of an object of the theme parks' archive, from an http(s) or file address: all that workers need of it."""

import logging
import random
import re
import time
from collections.abc import Callable
from pathlib import Path
from threading import Event, Lock
from typing import Any
from urllib.parse import unquote, urlsplit

from shared.errors import FatalError, TransientError
from shared.objectstore import FolderStore

MAX_OBJECT_BYTES = 64 * 1024 * 1024  # with what it unpacks to it must fit the container: 768 MB
FETCHED_AT_ONCE = 4  # by a worker: most of a small object's time is the way there and back
TRIES, FIRST_WAIT, LONGEST_WAIT = 5, 0.5, 30.0  # seconds; doubles with each try


class OtherRegion(FatalError):
    """The bucket lies in another region than the address was made for."""

    def __init__(self, region: str) -> None:
        self.region = region
        super().__init__(f"the bucket lies in region {region}")


class Fetcher:
    """Keeps its connections from object to object; threads may share it."""

    def __init__(self, sleep: Callable[[float], Any] = time.sleep) -> None:
        self.sleep = sleep
        self._http: Any = None
        self._opening = Lock()

    @property
    def http(self) -> Any:
        """Open the pool of connections on first use."""
        with self._opening:
            if self._http is None:
                import urllib3

                # its warnings show whole addresses, and a signed one opens its object; a Dask worker logs as Dask likes
                logging.getLogger("urllib3").setLevel(logging.ERROR)
                self._http = urllib3.PoolManager(
                    maxsize=FETCHED_AT_ONCE, timeout=urllib3.Timeout(connect=10, read=60), retries=False,
                    headers={"User-Agent": "cronhouse"},
                )  # fmt: skip
        return self._http

    def fetch(self, address: str, key: str, unwanted: Event | None = None) -> tuple[bytes, str | None]:
        """Return an object's bytes and ETag. Busy endpoints and answers that are cut off are asked again, unless the
        object is unwanted by then.

        Raises:
            TransientError: it could not be had whole now.
            FatalError: it is not there, not to be read, or larger than MAX_OBJECT_BYTES.
            OtherRegion: the address is of the wrong region.
        """
        if address.startswith("file:"):
            return _read_file(Path(unquote(urlsplit(address).path)), key)
        for attempt in range(1, TRIES + 1):
            try:
                return self._fetch_once(address, key)
            except TransientError as exc:
                if attempt == TRIES or (exc.retry_after or 0) > LONGEST_WAIT:
                    raise
                backoff = min(LONGEST_WAIT, FIRST_WAIT * 2 ** (attempt - 1)) * random.uniform(1, 1.25)  # noqa: S311
                pause = exc.retry_after if exc.retry_after is not None else backoff
                if unwanted is None:
                    self.sleep(pause)
                elif unwanted.wait(pause):
                    raise
        raise AssertionError("unreachable")

    def _fetch_once(self, address: str, key: str) -> tuple[bytes, str | None]:
        import urllib3

        try:
            answer = self.http.request("GET", address, preload_content=False, redirect=False)
            try:
                _check(key, answer)
                # one byte more than allowed tells that there is more; decode_content would unpack by header
                body = answer.read(MAX_OBJECT_BYTES + 1, decode_content=False)
            finally:
                answer.release_conn()
        except urllib3.exceptions.HTTPError as exc:
            raise TransientError(f"object {key} was cut off or not sent ({type(exc).__name__})") from exc
        if len(body) > MAX_OBJECT_BYTES:
            answer.close()
            raise FatalError(_too_large(key))
        promised = answer.headers.get("Content-Length")
        if promised is not None and len(body) != int(promised):
            raise TransientError(f"object {key}: {promised} bytes promised, {len(body)} came")
        return body, (answer.headers.get("ETag") or "").strip('"') or None


def _check(key: str, answer: Any) -> None:
    """Raise what an answer other than 200 means."""
    if answer.status == 200:
        return
    said = answer.read(2000).decode("utf-8", "replace")
    region = answer.headers.get("x-amz-bucket-region") or _in_xml("Region", said)
    if answer.status in (301, 307, 400) and region:
        raise OtherRegion(region)
    code = _in_xml("Code", said) or str(answer.status)
    if answer.status == 404:
        raise FatalError(f"object {key} is not in the bucket any more ({code})")
    if answer.status in (408, 429) or answer.status >= 500:
        from shared.http import read_retry_after

        wait = read_retry_after(answer.headers.get("Retry-After"))
        raise TransientError(f"the archive answered {code} for object {key}", retry_after=wait)
    if answer.status in (401, 403):  # of one object: a bucket that refuses all could not be listed
        raise FatalError(f"the archive refuses object {key} ({code})")
    raise FatalError(f"the archive answered {code} ({answer.status}) for object {key}")


def _read_file(path: Path, key: str) -> tuple[bytes, str | None]:
    folder = path.parents[key.count("/")]
    store = FolderStore(folder)
    info = store.head(key)
    if info is None:
        raise FatalError(f"object {key} is not in {folder} any more")
    if info.size > MAX_OBJECT_BYTES:
        raise FatalError(_too_large(key))
    return store.read(key), info.etag


def _too_large(key: str) -> str:
    return f"object {key} is larger than {MAX_OBJECT_BYTES >> 20} MiB"


def _in_xml(tag: str, text: str) -> str | None:
    match = re.search(rf"<{tag}>([^<]{{1,100}})</{tag}>", text)
    return match[1] if match else None
