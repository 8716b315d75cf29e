"""The stand-in of the public API over real HTTP, and cycles against it."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import pytest
import requests
from werkzeug.serving import make_server

from services.ingestion.parks.live import collect
from services.ingestion.sources import themeparks_api
from services.themeparks.app import create_app
from services.themeparks.world import RESORT
from shared import db
from shared.config import ROOT, Settings, load_settings
from shared.jobs import Counts, Run
from shared.jobs.workflows import load_workflow

DATA = ROOT / "tests" / "data" / "parks" / "api"
NOON = datetime(2026, 11, 20, 17, 0, tzinfo=UTC)  # noon in Orlando
TODAY = NOON.date()


@dataclass
class Api:
    """The served stand-in, with its remote control."""

    url: str

    def fault(self, fault: str, **more: Any) -> None:
        answer = requests.post(f"{self.url}/_faults", json={"fault": fault, **more}, timeout=20)
        assert answer.status_code == 201, answer.text

    def answer(self, path: str, body: Any) -> None:
        """Answer a body, or a text as it is, in the place of a path."""
        requests.post(
            f"{self.url}/_answers", json={"path": path, "body": body}, timeout=20
        ).raise_for_status()

    def live(self, *entries: Any, destination: str = RESORT, **head: Any) -> None:
        """Answer these entries as what a destination posts."""
        top = {
            "id": destination,
            "name": "A resort",
            "entityType": "DESTINATION",
            "timezone": "America/New_York",
        }
        self.answer(f"/v1/entity/{destination}/live", {**top, **head, "liveData": list(entries)})

    def stand_at(self, poll: int | None) -> None:
        requests.post(f"{self.url}/_clock", json={"poll": poll}, timeout=20).raise_for_status()

    def requests(self, part: str = "") -> list[dict[str, Any]]:
        """List what was asked so far."""
        return [
            one for one in requests.get(f"{self.url}/_requests", timeout=20).json() if part in one["path"]
        ]

    def clear(self) -> None:
        requests.delete(f"{self.url}/_faults", timeout=20).raise_for_status()
        self.stand_at(0)


@pytest.fixture(scope="session")
def served_api() -> Iterator[Api]:
    server = make_server("127.0.0.1", 0, create_app(0, with_faults=True, limit=100_000), threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield Api(f"http://127.0.0.1:{server.port}")
    server.shutdown()
    thread.join(10)


@pytest.fixture
def api(served_api: Api, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    """The stand-in, well-behaved and at its first poll; retries do not wait long."""
    monkeypatch.setattr(themeparks_api, "FIRST_WAIT", 0.01)
    served_api.clear()
    yield served_api
    served_api.clear()


@pytest.fixture
def settings(pg: Settings, api: Api) -> Settings:
    return load_settings({**pg.environ, "THEMEPARKS_API_URL": f"{api.url}/v1"})


Cycle = Callable[..., Counts]


@pytest.fixture
def cycle(settings: Settings) -> Cycle:
    """Run a cycle at a time by our clock, of the destinations of the workflow file or others."""

    def run_cycle(at: datetime = NOON, **live: Any) -> Counts:
        run = make_run(settings, "parks_live", **live)
        try:
            return collect(run, lambda: at)
        finally:
            run.close()

    return run_cycle


def make_run(settings: Settings, job: str, day: date = TODAY, **live: Any) -> Run:
    """Make the run that the runner would hand to a job."""
    workflow = load_workflow(settings.workflows_dir / "parks.yml")
    section = {**workflow.params["live"], **live}
    object.__setattr__(workflow, "params", {**workflow.params, "live": section})
    conn = db.connect(settings, autocommit=True)
    run_id = db.fetch_value(
        conn,
        "INSERT INTO ops.job_run (workflow, job, service, logical_date, status, host, pid) "
        "VALUES ('parks', %(job)s, 'ingestion', %(day)s, 'running', 'test', 0) RETURNING run_id",
        {"job": job, "day": day},
    )
    conn.close()
    return Run(id=run_id, job=job, workflow=workflow, date=day, settings=settings)


def rows(conn: db.Connection, text: str, **values: Any) -> list[dict[str, Any]]:
    """Read rows, outside of any transaction that stays."""
    found = db.fetch_all(conn, text, values)
    conn.rollback()
    return found


def issues(conn: db.Connection, kind: str) -> list[dict[str, Any]]:
    return rows(
        conn,
        "SELECT * FROM parks.data_quality_log WHERE kind = %(kind)s ORDER BY subject, raw_value",
        kind=kind,
    )


def captured(name: str) -> Any:
    """Return one of the captured or made answers of tests/data/parks/api."""
    return json.loads((DATA / name).read_text(encoding="utf-8"))
