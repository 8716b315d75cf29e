"""Serve the stand-in of the public API.

Usage: python -m services.themeparks --port 8104 [--poll 0] [--faults]
"""

import argparse
import logging
import os
import signal
import socket
import sys
import threading

from werkzeug.serving import make_server

from services.themeparks.app import create_app
from shared.config import read_environ

POLL = 0.05  # seconds until the server notices that it should stop


def main(argv: list[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(
        prog="python -m services.themeparks", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--port", type=int, default=0, help="port to listen on; 0 takes a free one")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default 127.0.0.1)")
    parser.add_argument("--poll", type=int, help="poll of the recorded sequence to stand at, from 0")
    parser.add_argument("--limit", type=int, default=300, help="requests a minute (default 300)")
    parser.add_argument("--faults", action="store_true", help="misbehave when asked to (THEMEPARKS_FAULTS=1)")
    args = parser.parse_args(argv)
    logging.basicConfig(
        level=os.environ.get("LOG_LEVEL", "INFO"), format="%(asctime)s %(levelname)s %(message)s"
    )
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    environ = read_environ()
    try:
        app = create_app(args.poll, args.faults or environ.get("THEMEPARKS_FAULTS") == "1", args.limit)
        listener = socket.create_server((args.host, args.port))
    except (ValueError, OSError) as exc:
        print(f"themeparks: {exc}", file=sys.stderr)
        return 2
    with listener:
        server = make_server(args.host, args.port, app, threaded=True, fd=listener.fileno())
    threading.Thread(target=server.serve_forever, args=(POLL,), daemon=True).start()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    print(f"ready themeparks http://{server.host}:{server.port}", flush=True)
    stop.wait()
    server.shutdown()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
