"""Asks an HTTP server of this machine again and again, and tells how long the answers took.

    python bench/http_load.py --port 8000 --seconds 5 [--rate 100] [--strangers] < addresses

The addresses, one a line, are asked one after the other, from the first again when they are used up. Without --rate
each connection asks as soon as it has its answer: the most that the server gives. With it requests come by chance at
that rate, and the time of each counts from when it was due, also when all --connections were busy then. With
--strangers each request has a connection of its own, as those of many callers do. It is one process beside the
server's, and stops by itself: after --seconds, or after --most requests.
"""

import argparse
import json
import random
import selectors
import socket
import sys
import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from itertools import cycle
from typing import Any

HOST = "127.0.0.1"  # no other: this is no tool to send load elsewhere
MOST = 200_000
PATIENCE = 10.0  # seconds for the answers that are still to come at the end


class Connection:
    """A connection that has one request under way at most. It is made when there is something to send."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.sock: socket.socket | None = None
        self.received = bytearray()
        self.request, self.due = b"", 0.0

    def send(self, request: bytes, due: float) -> None:
        """Send a request that was due at a time."""
        self.request, self.due = request, due
        self.received.clear()
        if self.sock is None:
            self.sock = socket.create_connection((HOST, self.port), timeout=PATIENCE)
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.sendall(request)

    def receive(self) -> tuple[int, bool] | None:
        """Read what is there; return status and whether the server closes, None while the answer is not whole.

        Raises:
            ConnectionError: the server closed first, as it may at any time with a kept connection.
        """
        assert self.sock is not None
        data = self.sock.recv(1 << 18)
        if not data:
            raise ConnectionResetError
        self.received += data
        end = self.received.find(b"\r\n\r\n")
        if end < 0:
            return None
        head = bytes(self.received[:end]).lower()
        start = head.find(b"content-length:")
        size = int(head[start + 15 :].split(b"\r\n", 1)[0]) if start >= 0 else 0
        if len(self.received) < end + 4 + size:
            return None
        return int(head[9:12]), b"\r\nconnection: close" in head

    def close(self) -> None:
        """Close it; the next request makes a new one."""
        if self.sock is not None:
            self.sock.close()
            self.sock = None


class Load:
    """The requests of one measurement."""

    def __init__(
        self, port: int, addresses: Sequence[str], connections: int, rate: float, most: int, strangers: bool
    ) -> None:
        kept = "close" if strangers else "keep-alive"
        head = f"Host: {HOST}:{port}\r\nConnection: {kept}\r\n\r\n"
        self.requests: Iterator[bytes] = cycle(
            [f"GET {path} HTTP/1.1\r\n{head}".encode() for path in addresses]
        )
        self.rate, self.most, self.sent, self.again, self.busy = rate, most, 0, 0, 0
        self.times: list[float] = []
        self.statuses: Counter[int] = Counter()
        self.selector = selectors.DefaultSelector()
        self.free = deque(Connection(port) for _ in range(connections))
        self.chance = random.Random(1)  # noqa: S311 - the same arrivals each time

    def run(self, seconds: float) -> dict[str, Any]:
        """Send for some seconds and wait for the last answers."""
        started = time.perf_counter()
        due, end = started, started + seconds
        while True:
            now = time.perf_counter()
            sending = now < end and self.sent < self.most
            while sending and self.free and (not self.rate or due <= now):
                self._send(due if self.rate else now)
                due += self.chance.expovariate(self.rate) if self.rate else 0.0
            if not sending and not self.busy:
                break
            if now > end + PATIENCE:
                raise SystemExit(f"{self.busy} requests have no answer {PATIENCE:.0f} s after the end")
            pause = max(0.0, due - now) if sending and self.rate and self.free else 0.05
            for key, _ in self.selector.select(pause):
                self._receive(key.data)
        return self._sum_up(time.perf_counter() - started)

    def _send(self, due: float) -> None:
        self.sent += 1
        self.busy += 1
        self._try(self.free.popleft(), next(self.requests), due)

    def _try(self, connection: Connection, request: bytes, due: float) -> None:
        """Send; over a new connection when the server has closed the old one meanwhile."""
        try:
            connection.send(request, due)
        except ConnectionError:
            connection.close()
            self.again += 1
            connection.send(request, due)
        self.selector.register(connection.sock, selectors.EVENT_READ, connection)  # type: ignore[arg-type]

    def _receive(self, connection: Connection) -> None:
        try:
            answer = connection.receive()
        except ConnectionError:
            self.selector.unregister(connection.sock)  # type: ignore[arg-type]
            connection.close()
            self.again += 1
            self._try(connection, connection.request, connection.due)
            return
        if answer is None:
            return
        self.selector.unregister(connection.sock)  # type: ignore[arg-type]
        status, closes = answer
        self.times.append(time.perf_counter() - connection.due)
        self.statuses[status] += 1
        self.busy -= 1
        if closes:
            connection.close()
        self.free.append(connection)

    def _sum_up(self, seconds: float) -> dict[str, Any]:
        times = sorted(self.times)
        p50, p99 = (times[min(len(times) - 1, int(len(times) * share))] * 1e3 for share in (0.5, 0.99))
        return {
            "requests": len(times), "rate": len(times) / seconds, "p50": p50, "p99": p99, "worst": times[-1] * 1e3,
            "statuses": dict(self.statuses), "again": self.again,
        }  # fmt: skip


def main() -> int:
    """Read addresses, send the load, print one line of JSON: times in milliseconds."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--port", type=int, required=True, help="on 127.0.0.1")
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument(
        "--rate", type=float, default=0.0, help="requests a second; 0: as many as there can be"
    )
    parser.add_argument("--most", type=int, default=MOST, help=f"requests at most (default {MOST})")
    parser.add_argument("--strangers", action="store_true", help="each request over a connection of its own")
    options = parser.parse_args()
    addresses = sys.stdin.read().split()
    if not addresses:
        parser.error("no addresses on standard input")
    load = Load(options.port, addresses, options.connections, options.rate, options.most, options.strangers)
    print(json.dumps(load.run(options.seconds)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
