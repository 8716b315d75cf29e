"""A gate on the way to PostgreSQL that counts a client's statements and may kill it at one of them."""

import contextlib
import os
import signal
import socket
import threading
from pathlib import Path


class Gate:
    """Listens on a Unix socket beside the server's. Kills process `pid` with -9 at statement `kill_at`,
    which still reaches the server when `forward` is set."""

    def __init__(self, server_folder: Path, folder: Path) -> None:
        self.folder, self.server = folder, str(server_folder / ".s.PGSQL.5432")
        self.pid: int | None = None
        self.kill_at, self.forward = 0, False
        self.started = threading.Event()
        self.statements: list[str] = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(folder / ".s.PGSQL.5432"))
        self._listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Take no more clients."""
        self._listener.close()

    def arm(self, kill_at: int, forward: bool) -> None:
        """Count from nothing for the next client."""
        self.kill_at, self.forward, self.pid = kill_at, forward, None
        self.statements = []
        self.started.clear()

    def watch(self, pid: int) -> None:
        """Name the process to kill."""
        self.pid = pid
        self.started.set()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            server.connect(self.server)
            threading.Thread(target=self._forward, args=(client, server), daemon=True).start()
            threading.Thread(target=_pump, args=(server, client), daemon=True).start()

    def _forward(self, client: socket.socket, server: socket.socket) -> None:
        """Pass messages of the frontend protocol on, one by one."""
        source = client.makefile("rb")
        try:
            message = source.read(4)
            message += source.read(int.from_bytes(message) - 4)  # the start-up message has no type
            while message:
                if not self._may_pass(message):
                    break
                server.sendall(message)
                head = source.read(5)
                if len(head) < 5:
                    break
                message = head + source.read(int.from_bytes(head[1:]) - 4)
        except OSError:
            pass
        finally:
            _shut(server)

    def _may_pass(self, message: bytes) -> bool:
        if message[:1] != b"Q":
            return True
        self.statements.append(message[5:-1].decode())
        if len(self.statements) != self.kill_at:
            return True
        self.started.wait(10)
        assert self.pid is not None
        os.kill(self.pid, signal.SIGKILL)
        return self.forward


def _pump(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
    except OSError:
        pass
    finally:
        _shut(target)


def _shut(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()
