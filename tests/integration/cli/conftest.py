"""The command line against a real database, with a workflow `probe`."""

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from shared import cli, db
from shared.config import Settings
from shared.jobs import Counts, Run, job

YESTERDAY = datetime.now(UTC).date() - timedelta(days=1)

PROBE = """
workflow: probe
description: A workflow for tests.
defaults: {retries: 0, retry_delay: 0s, timeout: 1m, wait: 5s}
jobs:
  probe_first:  {service: maintenance, schedule: "0 0 * * *"}
  probe_second: {service: maintenance, schedule: "0 0 * * *", after: [probe_first]}
  probe_often:  {service: maintenance, schedule: "*/5 * * * *"}
sources: {north: {}, south: {}}
"""


@dataclass
class Answer:
    """What a command said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class Desk:
    """Calls commands, declares the jobs of workflow `probe`, and looks into the database."""

    settings: Settings
    module: ModuleType
    folder: Path
    capture: pytest.CaptureFixture[str]

    def call(self, *arguments: str) -> Answer:
        self.capture.readouterr()
        code = cli.call(list(arguments))
        said = self.capture.readouterr()
        return Answer(code, said.out, said.err)

    def declare(self, name: str, function: Callable[[Run], Counts], stale_after: str | None = "26h") -> None:
        function.__module__ = self.module.__name__
        job(name, stale_after=stale_after)(function)

    def rows(self, query: str, **values: Any) -> list[dict[str, Any]]:
        conn = db.connect(self.settings)
        try:
            return db.fetch_all(conn, query, values)
        finally:
            conn.close()

    def execute(self, statement: str, **values: Any) -> None:
        conn = db.connect(self.settings, autocommit=True)
        try:
            db.execute(conn, statement, values or None)
        finally:
            conn.close()

    def add_run(
        self, job: str, day: date, status: str = "succeeded", hours_ago: float = 1, reason: str = ""
    ) -> None:
        """Put a run on record as if it had ended so many hours ago."""
        self.execute(
            """INSERT INTO ops.job_run (workflow, job, service, logical_date, status, started_at, finished_at,
                                        reason, host, pid)
               SELECT 'probe', %(job)s, 'maintenance', %(day)s, %(status)s, at, at, NULLIF(%(reason)s, ''),
                      'test', 1
               FROM (SELECT now() - make_interval(secs => %(seconds)s) AS at) AS t""",
            job=job, day=day, status=status, seconds=hours_ago * 3600, reason=reason,
        )  # fmt: skip


@pytest.fixture
def desk(
    pg: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Desk]:
    folder = tmp_path / "workflows"
    folder.mkdir()
    (folder / "probe.yml").write_text(PROBE)
    monkeypatch.setenv("DATABASE_URL", pg.database_url or "")
    monkeypatch.setenv("CRONHOUSE_LOCAL_DIR", str(pg.local_dir))
    monkeypatch.setenv("CRONHOUSE_WORKFLOWS_DIR", str(folder))
    monkeypatch.setenv("CRONHOUSE_ENV_FILE", "/dev/null")
    package, module = ModuleType("services.maintenance.probe"), ModuleType("services.maintenance.probe.jobs")
    params = ModuleType("services.maintenance.probe.params")
    params.SECTIONS, params.validate = ("sources",), lambda params: []  # type: ignore[attr-defined]
    package.__path__ = []
    params.__spec__ = type("Spec", (), {"name": params.__name__})()  # type: ignore[assignment]
    made = {item.__name__: item for item in (package, module, params)}
    sys.modules.update(made)
    yield Desk(pg, module, folder, capsys)
    for name in made:
        del sys.modules[name]
