"""A part of the demonstration in a process of its own, while the retail workflow has the terminal."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from shared.config import ROOT, Settings

STOP_SECONDS = 15.0
LOG = "jobs.log"  # in the local folder: what the parts say


class Beside:
    """A Python module that runs beside; `seconds` is how long it took, or has taken so far."""

    def __init__(self, settings: Settings, arguments: Sequence[str], **environ: str) -> None:
        self.settings, self._started = settings, time.monotonic()
        everything = {**os.environ, **settings.environ, "LOG_LEVEL": "WARNING", **environ}
        with open(settings.local_dir / LOG, "ab") as out:
            self._process = subprocess.Popen(
                [sys.executable, "-m", *arguments], cwd=ROOT, env=everything, stdout=out, stderr=out
            )

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._started

    def wait(self) -> int:
        """Wait for its end and return its exit code."""
        return self._process.wait()

    def stop(self) -> None:
        """End it when it still runs; what it has begun, the next demonstration goes on with."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()


@contextmanager
def running(beside: Beside) -> Iterator[Beside]:
    """Run it beside what the block does; at the end of the block it is over."""
    try:
        yield beside
    finally:
        beside.stop()
