"""The jobs of the house, run as the runner would, over a database and an object folder of the test's own."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest

from shared import db
from shared.config import ROOT, Settings
from shared.jobs import Counts, Run
from shared.jobs.workflows import Workflow
from shared.jobs.yamlfile import read_yaml
from shared.objectstore import FolderStore, open_store

TODAY = datetime.now(UTC).date()


class House:
    """A house whose workflow files a test may change."""

    def __init__(self, settings: Settings, conn: db.Connection) -> None:
        self.settings, self.conn = settings, conn
        self.params: dict[str, Any] = dict(read_yaml(ROOT / "workflows" / "house.yml")[0])
        store = open_store(settings)
        assert isinstance(store, FolderStore)
        self.store = store

    def run(self, function: Callable[[Run], Counts], day: date = TODAY - timedelta(days=1)) -> Counts:
        """Run a job for a day."""
        workflow = Workflow("house", "", {}, self.params, Path("house.yml"))
        run = Run(500, function.__name__, workflow, day, self.settings)
        try:
            return function(run)
        finally:
            run.close()

    def do(self, statement: str, **params: Any) -> int:
        """Run a statement and commit it."""
        with db.transaction(self.conn):
            return db.execute(self.conn, statement, params)

    def rows(self, query: str, **params: Any) -> list[dict[str, Any]]:
        """Run a query in a transaction of its own."""
        try:
            return db.fetch_all(self.conn, query, params)
        finally:
            self.conn.rollback()

    def write_retail(self, retention: str) -> None:
        """Change the retention of the retail workflow file."""
        path = self.settings.workflows_dir / "retail.yml"
        lines = [
            line
            for line in path.read_text(encoding="utf-8").splitlines()
            if not line.startswith("retention:")
        ]
        path.write_text("\n".join([*lines, f"retention: {retention}", ""]), encoding="utf-8")


@pytest.fixture
def house(pg: Settings, conn: db.Connection, tmp_path: Path) -> House:
    """A house with a copy of the real workflow files."""
    folder = copytree(ROOT / "workflows", tmp_path / "workflows")
    return House(replace(pg, workflows_dir=folder), conn)
