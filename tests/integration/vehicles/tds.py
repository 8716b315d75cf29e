"""A server that speaks just enough of TDS for a driver to be turned away.

Packets and tokens: https://learn.microsoft.com/en-us/openspecs/windows_protocols/ms-tds/
"""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_PRELOGIN, _RESPONSE = 0x12, 4
# offsets and lengths of VERSION and ENCRYPTION, the end mark, a version, and ENCRYPT_NOT_SUP
_ANSWER_TO_PRELOGIN = bytes.fromhex("00000b0006 0100110001 ff 100003e80000 02")


@contextmanager
def turning_away(how: str) -> Iterator[int]:
    """Serve on a port of this machine: `refuse` says that the login failed, `cut` closes in the middle of it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_serve, args=(listener, how), daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


def _serve(listener: socket.socket, how: str) -> None:
    with suppress(OSError):  # the listener was closed: the test is over
        while True:
            conn, _ = listener.accept()
            with conn, conn.makefile("rb") as stream:
                if _read(stream) == _PRELOGIN:
                    conn.sendall(_packet(_ANSWER_TO_PRELOGIN))
                    _read(stream)
                if how == "refuse":
                    conn.sendall(_packet(_login_failed("reader")))
                    stream.read(1)  # until the driver hangs up


def _read(stream: object) -> int:
    """Read a packet; return its type."""
    kind, _, size = struct.unpack(">BBH4x", stream.read(8))  # type: ignore[attr-defined]
    stream.read(size - 8)  # type: ignore[attr-defined]
    return int(kind)


def _packet(data: bytes) -> bytes:
    return struct.pack(">BBHHBB", _RESPONSE, 1, 8 + len(data), 0, 1, 0) + data


def _login_failed(user: str) -> bytes:
    """Return the tokens ERROR 18456, of class 14, and DONE."""
    text = f"Login failed for user '{user}'."
    said = struct.pack("<IBBH", 18456, 1, 14, len(text)) + text.encode("utf-16le")
    said += bytes([0, 0]) + struct.pack("<I", 1)  # no names of server and procedure; line 1
    return b"\xaa" + struct.pack("<H", len(said)) + said + b"\xfd" + struct.pack("<HHQ", 2, 0, 0)
