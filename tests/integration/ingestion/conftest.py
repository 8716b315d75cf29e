"""The three simulated retailers as one process a session, and runs of the ingestion against them."""

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pytest

from shared import db, http
from shared.config import ROOT, Settings, load_settings
from shared.jobs import Counts, Run
from shared.jobs.workflows import load_workflow
from shared.local.postgres import EmbeddedPostgres

TODAY = date(2026, 6, 12)  # a Friday; the clock of the retailers stands in its night
DAY = TODAY - timedelta(days=1)
CREDENTIALS = {"retailer_1": "ck_test:cs_test", "retailer_2": "token-test", "retailer_3": "key-test"}
IDS = tuple(CREDENTIALS)


@dataclass
class Retailers:
    """The process, with the remote control of each retailer."""

    urls: dict[str, str]

    def control(self, retailer: str, method: str, path: str, body: Any = None) -> Any:
        """Call one of the simulator's own addresses."""
        request = urllib.request.Request(
            self.urls[retailer] + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def fault(self, retailer: str, fault: str, **more: Any) -> None:
        """Switch a fault on."""
        self.control(retailer, "POST", "/_faults", {"fault": fault, **more})

    def mutate(self, retailer: str, **wish: Any) -> Any:
        """Change the books."""
        return self.control(retailer, "POST", "/_mutations", wish)

    def sales(self, retailer: str, day: date) -> list[dict[str, Any]]:
        """List what was sold on a day, as the retailer itself knows it."""
        return self.control(retailer, "GET", f"/_sales?day={day}")

    def set_clock(self, now: str | None) -> None:
        """Set the clock of all."""
        for retailer in IDS:
            self.control(retailer, "POST", "/_clock", {"now": now})


@pytest.fixture(scope="session")
def retailer_template(pg_server: EmbeddedPostgres) -> str:
    """The name of the database that retailers' URLs derive from."""
    return pg_server.url("postgres")


@pytest.fixture(scope="module")
def retailer_process(pg_server: EmbeddedPostgres, retailer_template: str) -> Iterator[Retailers]:
    """The retailers of one test file: what its tests change in the books, other files do not see."""
    for name in IDS:
        _drop(pg_server, name)
    environ = {**os.environ, "RETAILER_DATABASE_URL": retailer_template, "RETAILER_FAULTS": "1"}
    environ.update({f"{name.upper()}_CREDENTIALS": value for name, value in CREDENTIALS.items()})
    command = [sys.executable, "-m", "services.retailers", "--all", "--ports", "0,0,0", "--today", str(TODAY)]
    process = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, text=True)
    urls: dict[str, str] = {}
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("ready "):
            _, name, url = line.split()
            urls[name] = url
        if len(urls) == len(IDS):
            break
    assert len(urls) == len(IDS), "the retailers did not start"
    yield Retailers(urls)
    process.terminate()
    process.wait(20)


@pytest.fixture
def retailers(retailer_process: Retailers) -> Iterator[Retailers]:
    """The retailers, well-behaved again at the end."""
    yield retailer_process
    for name in IDS:
        retailer_process.control(name, "DELETE", "/_faults")


@pytest.fixture
def settings(pg: Settings, retailers: Retailers) -> Settings:
    """Settings of a warehouse of its own that knows the retailers."""
    return settings_with(pg, retailers.urls)


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retry at once."""
    monkeypatch.setattr(http, "FIRST_WAIT", 0.01)


@pytest.fixture
def ingest(settings: Settings) -> Callable[..., Counts]:
    """Run the job for a date, as the runner would."""
    return lambda day=DAY, **more: run_ingest(settings, day, **more)


def settings_with(pg: Settings, urls: dict[str, str], **more: str) -> Settings:
    """Return settings with the addresses and credentials of retailers."""
    environ = {**pg.environ}
    for name, url in urls.items():
        environ |= {f"{name.upper()}_URL": url, f"{name.upper()}_CREDENTIALS": CREDENTIALS[name]}
    return load_settings(environ | more)


def run_ingest(settings: Settings, day: date = DAY, *, only: tuple[str, ...] = IDS, **more: Any) -> Counts:
    """Run retail_ingest once, with a row in ops.job_run; `params` of single retailers may be changed."""
    from services.ingestion.retail.jobs import ingest as job

    run = make_run(settings, day, only=only, **more)
    try:
        return job(run)
    finally:
        run.close()


def make_run(
    settings: Settings, day: date = DAY, *, only: tuple[str, ...] = IDS, force: bool = False,
    change: dict[str, Any] | None = None,
) -> Run:  # fmt: skip
    """Make the run that the runner would hand to the job."""
    workflow = load_workflow(settings.workflows_dir / "retail.yml")
    section = {name: {**workflow.params["retailers"][name], **(change or {})} for name in only}
    object.__setattr__(workflow, "params", {**workflow.params, "retailers": section})
    with db.connect(settings, autocommit=True) as conn:
        run_id = db.fetch_value(
            conn,
            "INSERT INTO ops.job_run (workflow, job, service, logical_date, status, host, pid) "
            "VALUES ('retail', 'retail_ingest', 'ingestion', %(day)s, 'running', 'test', 0) RETURNING run_id",
            {"day": day},
        )
    conn.close()
    return Run(id=run_id, job="retail_ingest", workflow=workflow, date=day, settings=settings, force=force)


def raw_rows(settings: Settings) -> list[dict[str, Any]]:
    """Return the rows of the registered raw files, of every version."""
    import pyarrow.parquet as pq

    folder = settings.local_dir / "objects"
    registered = query(settings, "SELECT object_key FROM ops.loaded_object WHERE dataset = 'retail/raw'")
    tables = [pq.ParquetFile(folder / row["object_key"]).read() for row in registered]
    return [row for table in tables for row in table.to_pylist()]


def latest(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows of the newest version of each transaction, each line once."""
    newest: dict[tuple[str, str], Any] = {}
    for row in rows:
        key = (row["retailer_id"], row["transaction_id"])
        newest[key] = max(newest.get(key, row["updated_at"]), row["updated_at"])
    kept = {}
    for row in rows:
        if row["updated_at"] == newest[row["retailer_id"], row["transaction_id"]]:
            kept[row["retailer_id"], row["transaction_id"], row["line_id"]] = row
    return list(kept.values())


def staging_columns(settings: Settings) -> list[str]:
    """List the columns that a load copies into; the number of the chunk is the load's own."""
    text = (
        "SELECT column_name FROM information_schema.columns "
        "WHERE table_schema = 'staging' AND table_name = 'retail_sales' "
        "AND column_name <> 'chunk_number' ORDER BY ordinal_position"
    )
    return [row["column_name"] for row in query(settings, text)]


def query(settings: Settings, text: str, **values: Any) -> list[dict[str, Any]]:
    """Ask the warehouse."""
    conn = db.connect(settings, autocommit=True)
    try:
        return db.fetch_all(conn, text, values)
    finally:
        conn.close()


def _drop(server: EmbeddedPostgres, name: str) -> None:
    import psycopg2
    from psycopg2 import sql

    conn = psycopg2.connect(server.url("postgres"))
    conn.autocommit = True
    with conn.cursor() as cursor:
        cursor.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
    conn.close()
