"""Progress of long work: a bar on a terminal, a plain line now and then elsewhere.

Items of one kind are counted. Where they differ much in size, bytes are: then there is a rate, and the time left
follows from it once there is something to go by.
"""

import sys
import time
from types import TracebackType
from typing import Any

PLAIN_LINE_SECONDS = 5.0
FIRST_ESTIMATE_SECONDS = 2.0  # before that a rate says nothing


class Progress:
    """Counts `total` items, or bytes; a context manager. `done` of them were done before."""

    def __init__(self, what: str, total: int, *, in_bytes: bool = False, done: int = 0) -> None:
        self.what, self.total, self.done, self.in_bytes = what, total, done, in_bytes
        self._before, self._began = done, time.monotonic()
        self._bar: Any = None
        self._task: Any = None
        self._told_at = time.monotonic()

    def __enter__(self) -> "Progress":
        if sys.stdout.isatty():
            from rich.progress import (
                BarColumn,
                DownloadColumn,
                MofNCompleteColumn,
                TextColumn,
                TimeRemainingColumn,
                TransferSpeedColumn,
            )
            from rich.progress import Progress as Bar

            counts = (DownloadColumn(), TransferSpeedColumn()) if self.in_bytes else (MofNCompleteColumn(),)
            columns = (TextColumn("  {task.description}"), BarColumn(), *counts, TimeRemainingColumn())
            self._bar = Bar(*columns, transient=True)
            self._bar.start()
            self._task = self._bar.add_task(self.what, total=self.total, completed=self.done)
        return self

    def advance(self, item: str, amount: int = 1) -> None:
        """Say that an item is done, or so many bytes with it."""
        self.done += amount
        if self._bar is not None:
            self._bar.update(self._task, advance=amount, description=f"{self.what}: {item}")
        elif time.monotonic() - self._told_at >= PLAIN_LINE_SECONDS:
            self._told_at = time.monotonic()
            print(f"  {self.what}: {self.describe()}, {item}", flush=True)

    def describe(self) -> str:
        """Say how much is done; for bytes with the rate of this start and the time left by it."""
        if not self.in_bytes:
            return f"{self.done} of {self.total}"
        text = f"{self.done / 1e6:,.1f} of {self.total / 1e6:,.1f} MB"
        rate = self.rate()
        if rate is None:
            return text
        left = max(0, self.total - self.done) / rate
        return f"{text}, {rate / 1e6:,.2f} MB/s, about {show_seconds(left)} left"

    def rate(self) -> float | None:
        """Return items or bytes a second since this start; None while nothing can be said."""
        seconds, done = time.monotonic() - self._began, self.done - self._before
        return done / seconds if done > 0 and seconds >= FIRST_ESTIMATE_SECONDS else None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()


def show_seconds(seconds: float) -> str:
    """Turn a span into words as exact as an estimate deserves."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
