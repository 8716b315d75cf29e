"""The running stack as the checks see it: docker compose, the database, the gateway."""

import json
import os
import re
import shlex
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

COMPOSE = shlex.split(os.environ.get("COMPOSE_COMMAND", "docker compose"))
SECRETS = Path(os.environ.get("SECRETS_DIR", "secrets"))
WORKFLOWS = Path(os.environ.get("TEST_WORKFLOWS", "workflows"))
JOB_SERVICES = ("ingestion", "transformation", "data-quality", "maintenance", "vehicle-etl")
ONE_SHOTS = ("roles", "migrate")
KEYS: dict[str, str] = {}  # API keys by role, from check_stack.py for those after it
NIGHT: dict[str, Any] = {}  # the day of the night's run, and its facts

FACTS = """
    SELECT count(*) || ' lines, ' || coalesce(sum(total), 0) || ' in all, '
        || coalesce(md5(string_agg(concat_ws('|', business_date, retailer_id, store_id, customer_id,
            product_id, transaction_id, line_id, quantity, unit_price, total), ';'
            ORDER BY retailer_id, transaction_id, line_id, business_date)), '-')
    FROM retail.fact_sales
    JOIN retail.dim_retailer USING (retailer_key)
    JOIN retail.dim_store USING (store_key)
    JOIN retail.dim_customer USING (customer_key)
    JOIN retail.dim_product USING (product_key)
"""


def run(command: list[str], check: bool = True, **options: Any) -> str:
    """Run a command and return what it wrote; fail with all it said."""
    result = subprocess.run(command, capture_output=True, text=True, timeout=300, **options)
    if check and result.returncode:
        said = result.stdout + result.stderr
        raise AssertionError(f"{shlex.join(command)} ended with {result.returncode}\n{said}")
    return result.stdout


def compose(*arguments: str, check: bool = True) -> str:
    """Run docker compose."""
    return run([*COMPOSE, *arguments], check=check)


def inspect_all() -> dict[str, dict[str, Any]]:
    """Return what Docker knows of each service's container, running or not."""
    known = json.loads(run(["docker", "inspect", *compose("ps", "--all", "--quiet").split()]))
    return {item["Config"]["Labels"]["com.docker.compose.service"]: item for item in known}


def inspect(service: str) -> dict[str, Any]:
    """Return what Docker knows of one service's container."""
    return inspect_all()[service]


def execute(service: str, *command: str) -> str:
    """Run a command in a container and return what it wrote."""
    return compose("exec", "-T", service, *command)


def sql(statement: str, user: str = "postgres", secret: str = "postgres_password") -> str:
    """Run SQL as one of the roles, over TCP with its password; return the rows as psql's bare text."""
    command = ["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-h", "postgres", "-U", user, "-d", "cronhouse"]
    known = {**os.environ, "PGPASSWORD": (SECRETS / secret).read_text().strip()}
    command = [*COMPOSE, "exec", "-T", "-e", "PGPASSWORD", "postgres", *command, "-c", statement]
    return run(command, env=known).strip()


def refused(statement: str, user: str, secret: str) -> bool:
    """Tell whether the database refuses a role a statement."""
    try:
        sql(statement, user, secret)
    except AssertionError as exc:
        return "permission denied" in str(exc) or "read-only transaction" in str(exc)
    return False


def wait_for(what: str, ready: Callable[[], Any], seconds: float, pause: float = 0.5) -> Any:
    """Ask again and again until the answer is true."""
    deadline = time.monotonic() + seconds
    while not (answer := ready()):
        if time.monotonic() > deadline:
            raise AssertionError(f"after {seconds:.0f} s still waiting for {what}; runs:\n{runs()}")
        time.sleep(pause)
    return answer


def runs() -> str:
    """List the runs on record, newest last."""
    return sql("SELECT run_id, job, logical_date, status, reason FROM ops.job_run ORDER BY run_id")


def status_of(job: str, day: date) -> str:
    """Return the newest status of a job for a day, '' before the first run."""
    which = f"job = '{job}' AND logical_date = '{day}'"
    return sql(f"SELECT status FROM ops.job_run WHERE {which} ORDER BY run_id DESC LIMIT 1")


def fire_at_next_minute() -> tuple[datetime, date]:
    """Let the workflow retail, and what of parks runs rarely, fire soon; return when, and the day of the daily jobs."""
    fires = (datetime.now(UTC) + timedelta(seconds=75)).replace(second=0, microsecond=0)
    daily, hourly = f"{fires.minute} {fires.hour} * * *", f"{fires.minute} * * * *"
    parks = {"parks_metadata": daily, "parks_archive": daily, "parks_live": hourly}
    for workflow in ("retail", "parks"):
        path = WORKFLOWS / f"{workflow}.yml"
        content = yaml.safe_load(path.read_text())
        for name, spec in content["jobs"].items():
            spec["schedule"] = daily if workflow == "retail" else parks.get(name, spec["schedule"])
        path.write_text(yaml.safe_dump(content, sort_keys=False))
    return fires, fires.date() - timedelta(days=1)


def retailers(method: str, body: dict[str, Any] | None = None) -> None:
    """Switch faults of all simulated retailers on (POST) or off (DELETE), from inside their container."""
    program = (
        "import json, sys, urllib.request as u\n"
        "for port in (8101, 8102, 8103):\n"
        "    data = sys.argv[2].encode() if len(sys.argv) > 2 else None\n"
        "    kind = {'Content-Type': 'application/json'}\n"
        "    there = f'http://127.0.0.1:{port}/_faults'\n"
        "    u.urlopen(u.Request(there, data, kind, method=sys.argv[1]), timeout=5)\n"
    )
    execute("retailers", "python", "-c", program, method, *([json.dumps(body)] if body else []))


@contextmanager
def slow_retailers(seconds: float) -> Any:
    """Let every answer of the retailers take its time."""
    retailers("POST", {"fault": "latency", "seconds": seconds, "times": 1000})
    try:
        yield
    finally:
        retailers("DELETE")


@contextmanager
def locked(table: str) -> Any:
    """Hold a table, so that a load stands still in the middle of its transaction."""
    known = {**os.environ, "PGPASSWORD": (SECRETS / "postgres_password").read_text().strip()}
    statement = f"BEGIN; LOCK TABLE {table}; SELECT pg_sleep(120) /* holder */"
    command = ["exec", "-T", "-e", "PGPASSWORD", "postgres", "psql", "-Xq", "-h", "postgres",
               "-U", "postgres", "-d", "cronhouse", "-c", statement]  # fmt: skip
    quiet = subprocess.DEVNULL
    holder = subprocess.Popen([*COMPOSE, *command], stdout=quiet, stderr=quiet, env=known)
    held = (
        f"SELECT count(*) FROM pg_locks WHERE relation = '{table}'::regclass "
        "AND mode = 'AccessExclusiveLock' AND granted"
    )
    try:
        wait_for(f"the lock on {table}", lambda: sql(held) != "0", 15)
        yield
    finally:
        sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%/* holder */' "
            "AND pid <> pg_backend_pid()")  # fmt: skip
        holder.wait(timeout=20)


@dataclass
class Answer:
    """An answer of the gateway."""

    status: int
    headers: Any
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


def gateway() -> str:
    """Return the address of the gateway, as a browser has it."""
    return "http://" + compose("port", "gateway", "8080").strip()


def get(path: str, key: str | None = None, body: dict[str, Any] | None = None, **headers: str) -> Answer:
    """Ask the gateway, with POST when there is a body."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    if key:
        given["X-API-Key"] = key
    data = json.dumps(body).encode() if body is not None else None
    if data:
        given["Content-Type"] = "application/json"
    return ask(path, data, given)


def ask(path: str, data: bytes | None, headers: dict[str, str]) -> Answer:
    """Ask the gateway, with POST where there are data; redirects are followed."""
    request = urllib.request.Request(gateway() + path, data, headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return Answer(response.status, response.headers, response.read().decode())
    except urllib.error.HTTPError as exc:
        return Answer(exc.code, exc.headers, exc.read().decode())


def make_key(role: str) -> str:
    """Make an API key the way an operator does."""
    said = execute("maintenance", "cronhouse", "key", "create", f"test {role}", "--role", role)
    found = re.search(r"ch_[0-9a-f]{8}_[0-9a-f]{48}", said)
    assert found, f"no key in: {said}"
    return found[0]
