"""The API of the embedded stack, with cron beside it: one gunicorn, and a tick once a minute."""

import errno
import logging
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from importlib import import_module
from types import FrameType

from shared.config import ROOT, Settings
from shared.errors import ConfigError, CronhouseError
from shared.jobs.workflows import JobSpec, load_workflows

log = logging.getLogger("cronhouse.serve")
MAX_PORTS_TRIED = 50
GUNICORN = (
    sys.executable, "-m", "gunicorn", "-c", "python:services.api.gunicorn_conf", "services.api.app:create_app()",
    "--log-level", "warning",
)  # fmt: skip


def check_listening(settings: Settings) -> None:
    """See that the API can start, which gunicorn would tell in many lines.

    Raises:
        ConfigError: its address is taken, or a setting of its own is wrong; all at once.
    """
    problems: list[str] = import_module("services.api.settings").find_problems(settings)
    address = f"{settings.api_host}:{settings.api_port}"
    with socket.socket(socket.AF_INET6 if ":" in settings.api_host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.api_host, settings.api_port))
        except OSError as exc:
            taken = exc.errno == errno.EADDRINUSE
            why = "another process has it; set another port" if taken else exc.strerror or str(exc)
            problems.append(f"API_PORT: cannot listen on {address}: {why}")
    if problems:
        raise ConfigError(*problems)


def serve_embedded(settings: Settings) -> int:
    """Serve until SIGTERM or Ctrl-C; meanwhile run what is due and what the API was asked for."""
    import schedule

    process = subprocess.Popen(GUNICORN, cwd=ROOT, env=_environ(settings))
    ticker = Ticker(settings)
    schedule.every().minute.at(":00").do(ticker.calmly, ticker.tick)
    schedule.every(2).seconds.do(ticker.calmly, ticker.take_requests)
    stopping = False

    def stop(_number: int, _frame: FrameType | None) -> None:
        nonlocal stopping
        stopping = True

    old = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        while not stopping and process.poll() is None:
            schedule.run_pending()
            time.sleep(0.2)
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)
        schedule.clear()
        ticker.stop()
        process.terminate()
        process.wait(timeout=30)
    return 0 if stopping else process.returncode


class Ticker:
    """Cron of the embedded stack: each job is a process of its own, as in a container."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.children: list[subprocess.Popen[bytes]] = []
        self.seen = datetime.now(UTC)
        self.trouble: str | None = None

    def calmly(self, action: Callable[[], None]) -> None:
        """Do what a cron does; a database that is away or a broken workflow file is said once, and the API
        goes on answering what it can."""
        try:
            action()
        except CronhouseError as exc:
            if str(exc) != self.trouble:
                log.error("no job can be started: %s", exc)
            self.trouble = str(exc)
        else:
            self.trouble = None

    def tick(self) -> None:
        """Start every job whose minute has come since the last tick."""
        now = datetime.now(UTC)
        for name in due_between(_specs(self.settings), self.seen, now):
            self._start("run", name)
        self.seen = now
        self.children = [child for child in self.children if child.poll() is None]

    def take_requests(self) -> None:
        """Start a process for each service that has an open request and is not at one already."""
        from shared import db

        conn = db.connect(self.settings, application_name="cronhouse:tick", autocommit=True)
        try:
            query = "SELECT DISTINCT service FROM ops.run_request WHERE state = 'queued'"
            for row in db.fetch_all(conn, query):
                command = ("run", "--requested", row["service"])
                if not any(child.args[2:] == list(command) for child in self._alive()):  # type: ignore[index]
                    self._start(*command)
        finally:
            conn.close()

    def stop(self) -> None:
        """Ask the running jobs to stop, and wait for them."""
        for child in self._alive():
            child.terminate()
        for child in self.children:
            child.wait(timeout=60)

    def _alive(self) -> list["subprocess.Popen[bytes]"]:
        return [child for child in self.children if child.poll() is None]

    def _start(self, *arguments: str) -> None:
        command = [sys.executable, "-m", "shared.cli", *arguments]
        logs = open(self.settings.local_dir / "jobs.log", "ab")  # noqa: SIM115 - the child's from here on
        with logs:
            child = subprocess.Popen(command, cwd=ROOT, env=_environ(self.settings), stdout=logs, stderr=logs)
        self.children.append(child)


def due_between(specs: list[JobSpec], after: datetime, until: datetime) -> list[str]:
    """Name the jobs that a cron would have started after one moment and until another, in UTC."""
    from cronsim import CronSim

    return [
        spec.name for spec in specs if next(CronSim(spec.schedule, after)) <= until + timedelta(seconds=1)
    ]


def free_port(wanted: int) -> int:
    """Return the first free port from `wanted` on.

    Raises:
        ConfigError: fifty in a row are taken.
    """
    for port in range(wanted, wanted + MAX_PORTS_TRIED):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise ConfigError(f"API_PORT: ports {wanted} to {wanted + MAX_PORTS_TRIED - 1} are all taken")


def _specs(settings: Settings) -> list[JobSpec]:
    return [spec for workflow in load_workflows(settings).values() for spec in workflow.jobs.values()]


def _environ(settings: Settings) -> Mapping[str, str]:
    import os

    return {**os.environ, **settings.environ, "API_PORT": str(settings.api_port)}
