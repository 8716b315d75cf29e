"""The embedded stack as a whole: PostgreSQL, the object folder, and what stands in for the outside world.

What runs is written to `.local/stack.json`, so that every command of this checkout finds it. The simulated retailers
are one process, the stand-in of the theme parks' API is another; the retailers' credentials are made up at the first
start and kept in `.local/secrets`.
"""

import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from shared.config import ROOT, Settings
from shared.errors import FatalError
from shared.local.postgres import EmbeddedPostgres

RETAILERS = ("retailer_1", "retailer_2", "retailer_3")
THEMEPARKS = "themeparks"
START_SECONDS = 60


class Stack:
    """The stack of one `.local` folder."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.folder = settings.local_dir
        self.postgres = EmbeddedPostgres(self.folder)
        self.file = self.folder / "stack.json"

    def up(self) -> None:
        """Start what is not running; wait until it answers."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.postgres.start()
        for name in ("cronhouse", *RETAILERS):
            self.postgres.create_database(name)
        if not self.retailers_running():
            self._start_retailers()
        if not self.themeparks_running():
            self._start_themeparks()

    def down(self) -> list[str]:
        """Stop what is running; return what was."""
        stopped = []
        for name in ("retailers", THEMEPARKS):
            pid = self._state().get(f"{name}_pid")
            if isinstance(pid, int) and _is_ours(pid, name):
                _terminate(pid, name)
                stopped.append(name)
        self.file.unlink(missing_ok=True)
        if self.postgres.stop():
            stopped.append("postgresql")
        return stopped

    def reset(self) -> None:
        """Stop everything and delete all of it: database, objects, secrets, logs."""
        import shutil

        self.down()
        self.postgres.remove()
        shutil.rmtree(self.folder, ignore_errors=True)

    def status(self) -> list[dict[str, str]]:
        """List the parts with their state and where they are."""
        ports = self._state().get("ports", {})
        urls = (
            ", ".join(f"http://127.0.0.1:{port}" for port in ports.values())
            if isinstance(ports, dict)
            else ""
        )
        return [
            {
                "part": "postgresql",
                "state": _word(self.postgres.is_running()),
                "where": self.postgres.url("cronhouse"),
            },
            {"part": "retailers", "state": _word(self.retailers_running()), "where": urls or "-"},
            {
                "part": THEMEPARKS,
                "state": _word(self.themeparks_running()),
                "where": str(self._state().get("themeparks_url", "-")),
            },
            {"part": "objects", "state": "folder", "where": str(self.folder / "objects")},
        ]

    def environ(self) -> dict[str, str]:
        """Return the settings that point the adapters at the embedded outside world, where none are set."""
        ports = self._state().get("ports", {})
        values: dict[str, str] = {}
        if isinstance(ports, dict):
            for name, port in ports.items():
                prefix = str(name).upper()
                values[f"{prefix}_URL"] = f"http://127.0.0.1:{port}"
                values[f"{prefix}_CREDENTIALS_FILE"] = str(self._secret(str(name)))
        if url := self._state().get("themeparks_url"):
            values["THEMEPARKS_API_URL"] = f"{url}/v1"
        return values

    def retailers_running(self) -> bool:
        """Tell whether the retailers' process of stack.json lives."""
        pid = self._state().get("retailers_pid")
        return isinstance(pid, int) and _is_ours(pid, "retailers")

    def themeparks_running(self) -> bool:
        """Tell whether the process of stack.json that stands in for the parks' API lives."""
        pid = self._state().get("themeparks_pid")
        return isinstance(pid, int) and _is_ours(pid, THEMEPARKS)

    def _state(self) -> dict[str, object]:
        try:
            state = json.loads(self.file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return state if isinstance(state, dict) else {}

    def _secret(self, retailer: str) -> Path:
        path = self.folder / "secrets" / f"{retailer}_credentials"
        if not path.exists():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            token = secrets.token_hex(20)
            is_pair = retailer == RETAILERS[0]  # WooCommerce: consumer key and secret
            path.write_text(
                f"ck_{token[:20]}:cs_{token[20:]}\n" if is_pair else f"{token}\n", encoding="utf-8"
            )
            path.chmod(0o600)
        return path

    def _start_retailers(self) -> None:
        ports = dict(zip(RETAILERS, _free_ports(len(RETAILERS)), strict=True))
        environ = {
            **os.environ,
            "RETAILER_DATABASE_URL": self.postgres.url("retailer_1"),
            **{f"{name.upper()}_CREDENTIALS_FILE": str(self._secret(name)) for name in RETAILERS},
        }
        arguments = ["--all", "--ports", ",".join(map(str, ports.values()))]
        process, log = self._spawn("retailers", arguments, environ)
        self._write_state(retailers_pid=process.pid, ports=ports)
        _wait_for(ports, process, log)

    def _start_themeparks(self) -> None:
        port = _free_ports(1)[0]
        process, log = self._spawn(THEMEPARKS, ["--port", str(port)], {**os.environ})
        self._write_state(themeparks_pid=process.pid, themeparks_url=f"http://127.0.0.1:{port}")
        _wait_for({THEMEPARKS: port}, process, log)

    def _spawn(
        self, service: str, arguments: list[str], environ: dict[str, str]
    ) -> tuple["subprocess.Popen[bytes]", Path]:
        """Start a part of the outside world; return its process and its log."""
        log = self.folder / f"{service}.log"
        with open(log, "ab") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", f"services.{service}", *arguments],
                cwd=ROOT,
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        return process, log

    def _write_state(self, **values: object) -> None:
        self.file.write_text(json.dumps({**self._state(), **values}), encoding="utf-8")


def local_environ(settings: Settings) -> Mapping[str, str]:
    """Return the environment with the embedded outside world's addresses where none are set."""
    if not settings.embedded:
        return settings.environ
    given = settings.environ
    added = {
        name: value
        for name, value in Stack(settings).environ().items()
        if name not in given and name.removesuffix("_FILE") not in given
    }
    return {**given, **added}


def _wait_for(ports: Mapping[str, int], process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    for name, port in ports.items():
        while not _answers(port):
            if process.poll() is not None or time.monotonic() > deadline:
                said = log.read_text(encoding="utf-8", errors="replace").strip()[-600:]
                raise FatalError(f"{name} did not start: {said or 'it said nothing'} (its log: {log})")
            time.sleep(0.05)


def _answers(port: int) -> bool:
    import urllib.error  # every job of an embedded stack imports this module, and needs only local_environ
    import urllib.request

    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2) as answer:  # noqa: S310
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _free_ports(count: int) -> list[int]:
    held = [socket.socket() for _ in range(count)]
    try:
        for one in held:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in held]
    finally:
        for one in held:
            one.close()


def _is_ours(pid: int, service: str) -> bool:
    """Tell whether the process lives and is the service's, not a later one with the same number."""
    try:
        os.kill(pid, 0)
        command = Path(f"/proc/{pid}/cmdline")
        return f"services.{service}" in command.read_text() if command.exists() else True
    except OSError:
        return False


def _terminate(pid: int, service: str) -> None:
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + 5
    while _is_ours(pid, service):
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
            return
        time.sleep(0.02)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)  # when it is our own child, it would stay a zombie


def _word(running: bool) -> str:
    return "running" if running else "stopped"
