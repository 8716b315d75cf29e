"""The runner's own connection: the lock of a run, its row in ops.job_run and its log lines.

It is in autocommit and apart from the job's connection, so that what happened is on record whatever
becomes of the job's transaction.
"""

import contextlib
import json
import logging
import os
import socket
import threading
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, TypeVar

import psycopg2

from shared import db
from shared.config import Settings
from shared.errors import TransientError
from shared.jobs.run import Counts
from shared.jobs.workflows import JobSpec
from shared.logs import fields_of
from shared.sql import read_queries

_Q = Path(__file__).resolve().parent.parent / "queries" / "runs.sql"
T = TypeVar("T")


class Ledger:
    """What the runner writes down about one job and logical date."""

    def __init__(self, settings: Settings, spec: JobSpec, logical_date: date) -> None:
        self.settings, self.spec, self.date = settings, spec, logical_date
        self._mutex = threading.RLock()
        self._is_locked = False
        self.conn = self._connect()

    def _connect(self) -> db.Connection:
        return db.connect(
            self.settings, application_name=f"cronhouse:runner:{self.spec.name}", autocommit=True
        )

    def close(self) -> None:
        """Give the lock back, at once: the server notices a closed connection a moment later."""
        with self._mutex, contextlib.suppress(psycopg2.Error):
            if not self.conn.closed:
                with self.conn.cursor() as cursor:
                    cursor.execute("SELECT pg_advisory_unlock_all()")
                self.conn.close()

    def _query(self, name: str) -> str:
        return read_queries(_Q)[name]

    def _do(self, action: Callable[[], T]) -> T:
        """Run a statement; once more on a new connection when the server went away meanwhile."""
        with self._mutex:
            try:
                return action()
            except TransientError:
                if not self.conn.closed:
                    self.conn.close()
                self.conn = self._connect()
                if self._is_locked:  # it went with the old connection; `hold_lock` tells whether it came back
                    self.lock()
                return action()

    def _key(self, logical_date: date) -> str:
        return f"job:{self.spec.name}:{logical_date}"

    def lock(self) -> bool:
        """Take the lock of the job and date; False when somebody holds it."""
        is_mine = bool(db.fetch_value(self.conn, self._query("lock"), {"key": self._key(self.date)}))
        self._is_locked = self._is_locked or is_mine
        return is_mine

    def hold_lock(self) -> bool:
        """Take the lock again if the connection that held it is gone; False when somebody was quicker."""
        return self._do(self.lock)  # held already: PostgreSQL gives it to the same session again

    def abandon_dead_runs(self) -> list[int]:
        """Close the rows of this job that are `running` while nobody holds their lock."""
        dead: list[int] = []
        for row in db.fetch_all(self.conn, self._query("running_dates"), {"job": self.spec.name}):
            other = row["logical_date"]
            key = {"key": self._key(other)}
            if other != self.date and not db.fetch_value(self.conn, self._query("lock"), key):
                continue
            values = {"job": self.spec.name, "date": other}
            dead += [
                found["run_id"] for found in db.fetch_all(self.conn, self._query("abandon_runs"), values)
            ]
            if other != self.date:
                db.fetch_value(self.conn, self._query("unlock"), key)
        return dead

    def last_success(self) -> dict[str, Any] | None:
        """Return run_id and finished_at of the last success for the date, of a run after its end (UTC)."""
        return db.fetch_one(
            self.conn, self._query("last_success"), {"job": self.spec.name, "date": self.date}
        )

    def failed_dates(self) -> list[date]:
        """List the dates of this job that failed in the last 30 days and have not succeeded since."""
        values = {"job": self.spec.name}
        rows = self._do(lambda: db.fetch_all(self.conn, self._query("failed_dates"), values))
        return [row["logical_date"] for row in rows]

    def upstream_states(self) -> dict[str, dict[str, Any]]:
        """Return the newest run of each upstream job for the date."""
        values = {"jobs": list(self.spec.after), "date": self.date, "is_daily": self.spec.is_daily}
        return {
            row["job"]: row
            for row in self._do(lambda: db.fetch_all(self.conn, self._query("upstream_states"), values))
        }

    def _identity(self, force: bool, requested_by: str | None) -> dict[str, Any]:
        return {
            "workflow": self.spec.workflow, "job": self.spec.name, "service": self.spec.service,
            "date": self.date, "force": force, "host": socket.gethostname(), "pid": os.getpid(),
            "requested_by": requested_by,
        }  # fmt: skip

    def start(self, force: bool, requested_by: str | None) -> int:
        """Write the `running` row; return its run_id."""
        return int(db.fetch_value(self.conn, self._query("start_run"), self._identity(force, requested_by)))

    def skip(self, force: bool, requested_by: str | None, reason: str) -> int:
        """Write a `skipped` row; return its run_id."""
        values = {**self._identity(force, requested_by), "reason": reason}
        return int(db.fetch_value(self.conn, self._query("skip_run"), values))

    def write_ready(self, run_id: int) -> None:
        """Write down that the run has waited long enough: its upstream jobs are done."""
        self._do(lambda: db.execute(self.conn, self._query("write_ready"), {"run_id": run_id}))

    def write_progress(self, run_id: int, attempt: int, stages: dict[str, float]) -> None:
        """Write down how far the run is."""
        values = {"run_id": run_id, "attempt": attempt, "stages": json.dumps(stages)}
        self._do(lambda: db.execute(self.conn, self._query("write_progress"), values))

    def finish(
        self,
        run_id: int,
        status: str,
        counts: Counts,
        stages: dict[str, float],
        reason: str | None,
        attempt: int,
    ) -> None:
        """Close the row of the run."""
        values = {
            "run_id": run_id, "status": status, "reason": reason, "attempt": attempt,
            "stages": json.dumps(stages), "read": counts.read, "written": counts.written,
            "rejected": counts.rejected,
        }  # fmt: skip
        self._do(lambda: db.execute(self.conn, self._query("finish_run"), values))

    def write_log(self, run_id: int, lines: list[tuple[Any, ...]]) -> None:
        """Append log lines to the run."""
        rows = [(run_id, *line) for line in lines]
        self._do(lambda: db.execute_many(self.conn, self._query("write_log"), rows))


class RunLog(logging.Handler):
    """Collects the lines of a run; `take` hands over those that are not in the ledger yet."""

    def __init__(self) -> None:
        super().__init__()
        self._lines: list[tuple[Any, ...]] = []
        self._count = 0

    def emit(self, record: logging.LogRecord) -> None:
        try:
            message = record.getMessage()
            if record.exc_info:
                message += "\n" + logging.Formatter().formatException(record.exc_info)
            self._count += 1
            at = datetime.fromtimestamp(record.created, UTC)
            fields = json.dumps(fields_of(record), default=str)
            self._lines.append(
                (self._count, at, record.levelname.lower(), message.replace("\x00", "\ufffd"), fields)
            )
        except Exception:  # noqa: BLE001 - logging's own way to report a broken call
            self.handleError(record)

    def take(self) -> list[tuple[Any, ...]]:
        """Return the new lines and forget them."""
        with self.lock:  # type: ignore[union-attr]
            lines, self._lines = self._lines, []
        return lines

    def put_back(self, lines: list[tuple[Any, ...]]) -> None:
        """Keep lines that could not be written for the next `take`."""
        with self.lock:  # type: ignore[union-attr]
            self._lines = lines + self._lines
