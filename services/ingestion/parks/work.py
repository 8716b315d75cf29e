"""What a worker does: fetch objects, read and write them. In a local process, a thread, or on a Dask worker."""

import signal
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from services.ingestion.parks.archive_load import Loader, Object, Outcome
from services.ingestion.parks.batch import Batch
from services.ingestion.parks.events import read_events
from services.ingestion.parks.unpack import unpack
from services.ingestion.sources.parks_objects import FETCHED_AT_ONCE, Fetcher
from shared import db
from shared.config import Settings, load_settings
from shared.errors import DataError, FatalError, TransientError
from shared.parent import end_with_parent

Fetched = Future[tuple[bytes, str | None]]
_settings: Settings | None = (
    None  # of this process: from its parent, or from its own environment on a Dask worker
)
_held = threading.local()


def begin(environ: Mapping[str, str]) -> None:
    """Set a local worker process up. It ends with its parent, however that ends; Ctrl-C is for the parent alone."""
    global _settings
    _settings = load_settings(environ)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()


def import_objects(
    items: Sequence[tuple[Object, str]], import_id: int, settings: Settings | None = None
) -> list[Outcome]:
    """Import objects, each from its address, one after the other; those to come are fetched meanwhile.

    Defects of an object end as FAILED. All else is raised: what was done before is done, as its ledger says.

    Raises:
        TransientError: the archive or the warehouse cannot be reached now.
        FatalError: the warehouse cannot take it.
    """
    global _settings
    if settings is None:
        _settings = settings = _settings or load_settings()
    return _Worker.of_thread(settings).take_all(items, import_id)


class _Worker:
    """The connections of a thread to the archive and the warehouse; kept from object to object."""

    def __init__(self, settings: Settings) -> None:
        self.settings, self.fetcher = settings, Fetcher()
        self.threads = ThreadPoolExecutor(FETCHED_AT_ONCE, "fetch")
        self._loader: Loader | None = None

    @classmethod
    def of_thread(cls, settings: Settings) -> "_Worker":
        worker: _Worker | None = getattr(_held, "worker", None)
        if worker is None or worker.settings is not settings:
            close()
            worker = _held.worker = cls(settings)
        return worker

    @property
    def loader(self) -> Loader:
        if self._loader is None or self._loader.conn.closed:
            self._loader = Loader(db.connect(self.settings, application_name="cronhouse:parks_import:worker"))
        return self._loader

    def take_all(self, items: Sequence[tuple[Object, str]], import_id: int) -> list[Outcome]:
        unwanted = threading.Event()
        coming = deque(
            self.threads.submit(self.fetcher.fetch, address, item.object_key, unwanted)
            for item, address in items
        )
        try:  # out of the queue, or it would hold what each of them fetched to its end
            return [self._take(item, coming.popleft(), import_id) for item, _ in items]
        finally:
            unwanted.set()  # after an error nobody waits for what is being fetched
            for fetched in coming:
                fetched.cancel()

    def _take(self, item: Object, fetched: Fetched, import_id: int) -> Outcome:
        batch = Batch(item.object_key)
        try:
            try:
                body, etag = fetched.result()
            except FatalError as exc:
                raise DataError(str(exc)) from exc
            unpacked = unpack(body)
            for kind, message, raw in unpacked.oddities:
                batch.tell(kind, raw, message)
            read_events(unpacked.data, batch)
        except DataError as exc:
            problem = exc.reason
            return self._kept(lambda loader: loader.fail(item, import_id, problem))
        kind, size = unpacked.format, len(body)
        del fetched, unpacked, body
        return self._kept(lambda loader: loader.load(item, batch, import_id, etag, size, kind))

    def _kept(self, write: Callable[[Loader], Outcome]) -> Outcome:
        """Write; a connection that failed is not used again."""
        try:
            return write(self.loader)
        except TransientError:
            self.close()
            raise

    def close(self) -> None:
        """Close the connection to the warehouse; the next object opens another one."""
        if self._loader is not None:
            self._loader.conn.close()
            self._loader = None


def close() -> None:
    """Close what this thread holds."""
    worker = getattr(_held, "worker", None)
    if worker is not None:
        worker.close()
        worker.threads.shutdown(cancel_futures=True)
    _held.worker = None
