"""Run one of the simulated retailers, or all three in one process.

Usage: python -m services.retailers --retailer retailer_1 --port 8101
       python -m services.retailers --all --ports 8101,8102,8103
"""

import argparse
import logging
import os
import signal
import socket
import sys
import threading

from flask import Flask
from werkzeug.serving import BaseWSGIServer, make_server

from services.retailers.app import create_app
from services.retailers.seed import open_all
from services.retailers.settings import DIALECTS, RetailerSettings, load_settings
from shared.config import read_environ
from shared.errors import ConfigError

POLL = 0.05  # seconds until a server notices that it should stop


def main(argv: list[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT."""
    args = parse_args(argv)
    logging.basicConfig(
        level=os.environ.get("LOG_LEVEL", "INFO"), format="%(asctime)s %(levelname)s %(message)s"
    )
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    try:
        settings = load_settings(args.retailers, read_environ(), args.today)
        servers = start_servers(settings, args.host, args.ports)
    except ConfigError as exc:
        print(f"retailers: {exc}", file=sys.stderr)
        return 2
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    for one, server in zip(settings, servers, strict=True):
        print(f"ready {one.retailer} http://{server.host}:{server.port}", flush=True)
    stop.wait()
    for server in servers:
        server.shutdown()
    return 0


def parse_args(argv: list[str] | None) -> argparse.Namespace:
    """Read the command line; `retailers` and `ports` are lists of the same length."""
    parser = argparse.ArgumentParser(prog="python -m services.retailers", description=__doc__.splitlines()[0])
    who = parser.add_mutually_exclusive_group(required=True)
    who.add_argument("--retailer", choices=sorted(DIALECTS), help="run this one")
    who.add_argument("--all", action="store_true", help="run all three in one process")
    parser.add_argument("--port", type=int, help="port of --retailer; 0 takes a free one")
    parser.add_argument("--ports", help="ports of --all, e.g. 8101,8102,8103; 0 takes a free one")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default 127.0.0.1)")
    parser.add_argument("--today", help="day or time at which the clock stands (RETAILERS_TODAY)")
    args = parser.parse_args(argv)
    args.retailers = sorted(DIALECTS) if args.all else [args.retailer]
    given = args.ports.split(",") if args.ports else [args.port or 0] * len(args.retailers)
    if len(given) != len(args.retailers) or not all(str(port).isdecimal() for port in given):
        parser.error(f"expected {len(args.retailers)} port number(s)")
    args.ports = [int(port) for port in given]
    return args


def start_servers(settings: list[RetailerSettings], host: str, ports: list[int]) -> list[BaseWSGIServer]:
    """Open the books and start a threaded server for each retailer.

    Raises:
        ConfigError: a port is taken.
    """
    open_all(settings)
    servers = [_listen(create_app(one), host, port) for one, port in zip(settings, ports, strict=True)]
    for server in servers:
        threading.Thread(target=server.serve_forever, args=(POLL,), daemon=True).start()
    return servers


def _listen(app: Flask, host: str, port: int) -> BaseWSGIServer:
    try:
        listener = socket.create_server((host, port))
    except OSError as exc:
        raise ConfigError(f"cannot listen on {host}:{port}: {exc.strerror}; choose another port") from exc
    with listener:
        return make_server(host, port, app, threaded=True, fd=listener.fileno())


if __name__ == "__main__":
    raise SystemExit(main())
