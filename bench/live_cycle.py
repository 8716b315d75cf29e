"""One cycle of the live API: 100 destinations with 2,100 rides, from recorded answers, over HTTP on this machine.

    python bench/live_cycle.py [--cycles 7]

The real captured answer of one park (21 of its attractions, shows and restaurants, forecasts and all) is served
for each of 100 destinations, with ids of their own. A cycle is the job's own code: HTTP, landing, parsing, one
transaction a destination. The first cycle knows nothing yet; in the others one ride in five has changed, or all of
them; the last has nothing new.
"""

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from services.ingestion.parks.live import collect
from shared import db
from shared.config import ROOT, Settings, load_settings
from shared.jobs import Run
from shared.jobs.workflows import load_workflow
from shared.local.postgres import EmbeddedPostgres
from shared.migrations import migrate

DESTINATIONS, RIDES = 100, 21
LIMIT = 5.0  # seconds
ANSWER = ROOT / "tests" / "data" / "parks" / "api" / "live_75ea578a_2026-04-14.json"
START = datetime(2026, 11, 20, 17, 0, tzinfo=UTC)
HOW_TO_READ = """
How to read it: `own work` is processor time of the job's process in one cycle: what it would take if source, database
and store answered at once. `wall` is the same cycle by the clock, server, database and store on the same machine and
its processors. `of limit` must stay below 1. A cycle every five minutes has 300 s."""


def make_answers(cycle: int, share: float) -> dict[str, bytes]:
    """Return the body of each destination's path; `share` of the rides post another wait than before."""
    recorded = json.loads(ANSWER.read_text(encoding="utf-8"))
    entries = [entry for entry in recorded["liveData"] if entry["entityType"] != "PARK"][:RIDES]
    answers = {}
    for number in range(DESTINATIONS):
        destination, park = destination_id(number), str(uuid.UUID(int=(2 << 100) + number))
        live = []
        for place, entry in enumerate(entries):
            changes = share * RIDES > place
            wait = {"STANDBY": {"waitTime": 5 * (cycle if changes else 1) + place}}
            live.append({
                **entry, "id": str(uuid.UUID(int=(3 << 100) + number * 1000 + place)), "parkId": park,
                "queue": {**(entry.get("queue") or {}), **wait},
            })  # fmt: skip
        body = {"id": destination, "name": f"Resort {number}", "entityType": "DESTINATION",
                "timezone": "America/New_York", "liveData": live}  # fmt: skip
        answers[f"/v1/entity/{destination}/live"] = json.dumps(body).encode()
    return answers


def destination_id(number: int) -> str:
    """Return the UUID of a destination."""
    return str(uuid.UUID(int=(1 << 100) + number))


SERVER = """
import sys, threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
answers = {}
class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        body = answers[self.path]
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("RateLimit-Remaining", "250")
        self.end_headers()
        self.wfile.write(body)
    def do_PUT(self):
        answers[self.path] = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(204)
        self.send_header("Content-Length", "0")
        self.end_headers()
    def log_message(self, *args):
        pass
server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
"""


@contextmanager
def served() -> Any:
    """A server in a process of its own, so that its work is not counted as ours; gives its address."""
    process = subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
    finally:
        process.terminate()
        process.wait(10)


def measure(settings: Settings, at: datetime) -> tuple[float, float, Any, dict[str, float]]:
    """Run one cycle; return its processor seconds, its wall seconds, its counts, and the seconds by stage."""
    workflow = load_workflow(settings.workflows_dir / "parks.yml")
    live = {"destinations": [destination_id(number) for number in range(DESTINATIONS)], "workers": 4}
    workflow = replace(workflow, params={**workflow.params, "live": live})
    with db.connect(settings, autocommit=True) as conn:
        run_id = db.fetch_value(
            conn,
            "INSERT INTO ops.job_run (workflow, job, service, logical_date, status, host, pid) "
            "VALUES ('parks', 'parks_live', 'ingestion', %(day)s, 'running', 'bench', 0) RETURNING run_id",
            {"day": at.date()},
        )
    conn.close()
    run = Run(id=run_id, job="parks_live", workflow=workflow, date=at.date(), settings=settings)
    started, worked = time.perf_counter(), time.process_time()
    counts = collect(run, lambda: at)
    spent = time.process_time() - worked, time.perf_counter() - started
    run.close()
    return *spent, counts, run.stages


def put(url: str, answers: dict[str, bytes]) -> None:
    """Give the server its answers."""
    import requests

    with requests.Session() as session:
        for path, body in answers.items():
            session.put(url + path, data=body, timeout=10).raise_for_status()


def main() -> int:
    """Print a line a kind of cycle."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cycles", type=int, default=7, help="cycles of each kind (default 7)")
    args = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="cronhouse-bench-"))
    folder.chmod(0o755)
    postgres = EmbeddedPostgres(folder)
    try:
        postgres.start()
        postgres.create_database("cronhouse")
        with served() as url:
            environ = {"DATABASE_URL": postgres.url("cronhouse"), "CRONHOUSE_LOCAL_DIR": str(folder),
                       "THEMEPARKS_API_URL": f"{url}/v1"}  # fmt: skip
            settings = load_settings(environ)
            migrate(settings)
            return report(settings, url, args.cycles)
    finally:
        postgres.remove()
        shutil.rmtree(folder, ignore_errors=True)


def report(settings: Settings, url: str, cycles: int) -> int:
    """Measure and print; return 1 when a limit is missed."""
    rides = DESTINATIONS * RIDES
    print(f"{DESTINATIONS} destinations, {rides} rides, limit {LIMIT:.0f} s a cycle, {cycles} cycles each")
    print(f"{'cycle':<28}{'own work':>10}{'wall':>9}{'of limit':>10}{'of limit, wall':>16}{'snapshots':>11}")
    at, number, worst = START, 1, 0.0
    kinds = (("the very first", 1, 1.0), ("all rides changed", cycles, 1.0), ("one ride in five changed", cycles, 0.2),
             ("nothing changed", cycles, 0.0))  # fmt: skip
    for name, times, share in kinds:
        measured = []
        for _ in range(times):
            number, at = number + 1, at + timedelta(minutes=1)
            put(url, make_answers(number, share))
            measured.append(measure(settings, at))
            if measured[-1][2].read != DESTINATIONS * RIDES:
                raise SystemExit(f"{measured[-1][2].read} entries came")
        own, wall = (median(values) for values in list(zip(*measured, strict=True))[:2])
        worst = max(worst, own / LIMIT)
        ratios = f"{own / LIMIT:>10.2f}{wall / LIMIT:>16.2f}"
        print(f"{name:<28}{own:>8.2f} s{wall:>7.2f} s{ratios}{measured[-1][2].written:>11,}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"peak memory over {3 * cycles + 1} cycles: {peak:.0f} MB; threads left: {threading.active_count()}"
    )
    print(HOW_TO_READ)
    return int(worst > 1)


if __name__ == "__main__":
    raise SystemExit(main())
