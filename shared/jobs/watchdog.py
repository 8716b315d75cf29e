"""A thread beside a run: it hears SIGTERM and Ctrl-C while the main thread waits in the driver, ends a run whose time
is up, and writes log lines down once a second."""

import contextlib
import math
import signal
import socket
import threading
import time
from types import FrameType

from shared.errors import CronhouseError
from shared.jobs.ledger import Ledger, RunLog
from shared.jobs.run import Run

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
TICK_SECONDS = 1.0
GRACE_SECONDS = 5.0  # between two items a job stops by itself; a statement is cancelled after this


class Watchdog:
    """Watches one run; use it as a context manager in the main thread. Its time runs from `start_clock` on."""

    def __init__(self, run: Run, ledger: Ledger, log: RunLog, timeout: float) -> None:
        self.run, self.ledger, self.log, self.timeout = run, ledger, log, timeout
        self.deadline = math.inf
        self._stopped_at: float | None = None
        self._interrupts = 0
        self._woken, self._waker = socket.socketpair()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)
        self._in_main = threading.current_thread() is threading.main_thread()

    def __enter__(self) -> "Watchdog":
        self._waker.setblocking(False)
        self._woken.settimeout(TICK_SECONDS)
        if self._in_main:
            self._old_fd = signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)
            self._old_handlers = {number: signal.signal(number, self._on_signal) for number in STOP_SIGNALS}
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        with contextlib.suppress(OSError):
            self._waker.send(b"\0")
        self._thread.join()
        if self._in_main:
            for number, handler in self._old_handlers.items():
                signal.signal(number, handler)
            signal.set_wakeup_fd(self._old_fd)
        self._waker.close()
        self._woken.close()
        self.flush()

    def start_clock(self) -> None:
        """Count the run's time from now: what it waited for its upstream is not its own."""
        self.deadline = time.monotonic() + self.timeout

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGINT and self._interrupts:
            raise KeyboardInterrupt  # a second Ctrl-C does not wait
        self._interrupts += number == signal.SIGINT
        self.run.stop.set()

    def _watch(self) -> None:
        while not self._ended.is_set():
            self._hear()
            now = time.monotonic()
            if now > self.deadline and not self.run.timed_out:
                self.run.timed_out = True
                self.run.stop.set()
                self._stopped_at = now - GRACE_SECONDS
            if self.run.stop.is_set():
                self._stopped_at = self._stopped_at or now
                if now - self._stopped_at >= GRACE_SECONDS:
                    with contextlib.suppress(Exception):  # the statement may have ended by itself
                        self.run.cancel_statement()
            self.flush()

    def _hear(self) -> None:
        try:
            heard = self._woken.recv(64)
        except TimeoutError:
            return
        if any(
            number in heard for number in STOP_SIGNALS
        ):  # the C handler wrote the number; Python's handler may still be waiting
            self.run.stop.set()

    def flush(self) -> None:
        """Write new log lines down; when the database is away they wait for the next time."""
        lines = self.log.take()
        if lines:
            try:
                self.ledger.write_log(self.run.id, lines)
            except CronhouseError:
                self.log.put_back(lines)
