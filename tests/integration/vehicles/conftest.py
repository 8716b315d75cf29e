"""A warehouse that releases of vPIC are loaded into."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from services.vehicle_etl.vehicles import derive
from shared import db
from shared.config import Settings, load_settings
from shared.jobs.runner import Result, run_job
from shared.jobs.workflows import find_job
from tests.integration.vehicles.mini import Mini


def run_load(settings: Settings, source: Path | str, force: bool = False, **environ: str) -> Result:
    """Run the job for a source; tries once."""
    settings = load_settings({**settings.environ, "VPIC_SOURCE": str(source), **environ})
    workflow, spec = find_job(settings, "vehicles_load")
    today = datetime.now(UTC).date()  # as `cronhouse vehicles load`: a day that is over would be done once
    return run_job(settings, workflow, replace(spec, retries=0), today, force=force)


@dataclass
class House:
    """Loads releases, and looks at what is there."""

    settings: Settings
    conn: db.Connection
    folder: Path

    def load(self, source: Path | str, force: bool = False, **environ: str) -> Result:
        """Run the job for a source; tries once."""
        return run_load(self.settings, source, force, **environ)

    def load_mini(self, release: str = "2026_08", wmis: int = 3, **options: Any) -> Result:
        """Write a small release and load it."""
        return self.load(Mini(release, wmis).write(self.folder), **options)

    def all(self, query: str) -> list[dict[str, Any]]:
        """Read rows in a transaction of their own."""
        rows = db.fetch_all(self.conn, query)
        self.conn.rollback()
        return rows

    def value(self, query: str) -> Any:
        """Read one value."""
        value = db.fetch_value(self.conn, query)
        self.conn.rollback()
        return value

    def states(self) -> dict[str, str]:
        """Return the newest state of each release, by name."""
        rows = self.all("SELECT name, state FROM vehicles.release ORDER BY release_id")
        return {row["name"]: row["state"] for row in rows}

    def schemas(self) -> list[str]:
        """Name the schemas of releases."""
        return [
            row["n"]
            for row in self.all("SELECT nspname AS n FROM pg_namespace WHERE nspname LIKE 'vpic%' ORDER BY 1")
        ]

    def live(self) -> tuple[str, int]:
        """Return the name of the release in vpic and its rows of wmi."""
        row = self.all(
            "SELECT (SELECT name FROM vpic.release) AS name, (SELECT count(*) FROM vpic.wmi) AS rows"
        )[0]
        return row["name"], row["rows"]

    def problem(self) -> str:
        """Return why the newest release failed."""
        return str(self.value("SELECT problem FROM vehicles.release ORDER BY release_id DESC LIMIT 1"))


@pytest.fixture
def house(pg: Settings, conn: db.Connection, tmp_path: Path, without_derived: None) -> House:
    return House(pg, conn, tmp_path)


@pytest.fixture
def without_derived(monkeypatch: pytest.MonkeyPatch) -> None:
    """The decoder has tests of its own; a handful of rows is nothing to compile."""
    monkeypatch.setattr(derive, "build", lambda run, release: None)


@pytest.fixture
def broken(house: House) -> Callable[..., str]:
    """Load a good release, then a broken one; the first one stays, the second one says why."""

    def load(source: Path | str) -> str:
        assert house.load_mini("2026_07").status == "succeeded"
        result = house.load(source)
        assert result.status == "failed"
        assert house.live() == ("2026_07", 3)
        assert house.schemas() == ["vpic"]
        return str(result.reason)

    return load
