"""What a job is handed when it runs, and what it gives back."""

import logging
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from shared import db
from shared.config import Settings
from shared.errors import FatalError, Interrupted

if TYPE_CHECKING:
    from shared.jobs.workflows import Workflow
    from shared.objectstore import ObjectStore


@dataclass(frozen=True)
class Counts:
    """Rows that a run read, wrote and rejected."""

    read: int = 0
    written: int = 0
    rejected: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(self.read + other.read, self.written + other.written, self.rejected + other.rejected)


@dataclass
class Run:
    """One run of a job for a logical date.

    A job that commits in parts adds each to `committed`: that is on record when a later part fails, and counted
    when another try does the rest.
    The connection and the store are opened on first use and closed by the runner. The connection is not
    in autocommit: write in `with transaction(run.conn)`.
    """

    id: int
    job: str
    workflow: "Workflow"
    date: date
    settings: Settings
    force: bool = False
    attempt: int = 1
    stages: dict[str, float] = field(default_factory=dict)
    stop: threading.Event = field(default_factory=threading.Event)
    timed_out: bool = False
    committed: Counts = field(default_factory=Counts)
    _conn: db.Connection | None = None
    _side: list[db.Connection] = field(default_factory=list)
    _store: "ObjectStore | None" = None

    @property
    def params(self) -> Mapping[str, Any]:
        """The sections of the workflow file that are the workflow's own."""
        return self.workflow.params

    @property
    def log(self) -> logging.Logger:
        """The logger of the job."""
        return logging.getLogger(f"cronhouse.{self.job}")

    @property
    def conn(self) -> db.Connection:
        """The run's connection to the warehouse."""
        if self._conn is None or self._conn.closed:
            self._conn = db.connect(self.settings, application_name=f"cronhouse:{self.job}:{self.id}")
        return self._conn

    @contextmanager
    def connection(self, name: str) -> Iterator[db.Connection]:
        """Open a connection beside the run's own, for a thread; what was not committed at its end is gone.

        `name` says in pg_stat_activity what it is for.
        """
        with closing(
            db.connect(self.settings, application_name=f"cronhouse:{self.job}:{self.id}:{name}")
        ) as conn:
            self._side.append(conn)
            try:
                yield conn
            finally:
                self._side.remove(conn)

    @property
    def store(self) -> "ObjectStore":
        """The object store."""
        if self._store is None:
            from shared.objectstore import open_store

            self._store = open_store(self.settings)
            self._store.check()
        return self._store

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time a part of the run; the same name twice adds up. Stops here when asked to."""
        self.check_stop()
        start = time.monotonic()
        try:
            yield
        finally:
            self.stages[name] = round(self.stages.get(name, 0.0) + time.monotonic() - start, 3)

    @property
    def stopping(self) -> bool:
        """True once the process was asked to stop or the run's time is up."""
        return self.stop.is_set()

    def check_stop(self) -> None:
        """Call between two items.

        Raises:
            Interrupted: the process was asked to stop.
            FatalError: the run's time is up.
        """
        if self.timed_out:
            raise FatalError("the run took longer than its timeout in the workflow file")
        if self.stop.is_set():
            raise Interrupted(
                "asked to stop (SIGTERM or Ctrl-C); the next start goes on where the last commit was"
            )

    def wait(self, seconds: float) -> None:
        """Wait before another try, but not longer than the run may go on; raises as check_stop does."""
        self.stop.wait(seconds)
        self.check_stop()

    def cancel_statement(self) -> None:
        """Cancel the statements that the run's connections are executing, from another thread."""
        for conn in (self._conn, *self._side):
            if conn is not None and not conn.closed:
                conn.cancel()

    def close(self) -> None:
        """Close the connection; what was not committed is gone."""
        if self._conn is not None and not self._conn.closed:
            self._conn.close()
        self._conn = None
