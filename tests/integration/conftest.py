"""A workflow of the test's own: its jobs are functions that the test gives, under real workflow rules."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from types import ModuleType

import pytest

from shared.config import Settings
from shared.jobs import Counts, Run, job
from shared.jobs.runner import Result, run_job
from shared.jobs.workflows import find_job

DAY = date(2026, 3, 2)


@dataclass
class House:
    """Declares jobs and runs them."""

    settings: Settings
    module: ModuleType
    folder: Path

    def write(self, text: str) -> None:
        (self.folder / "probe.yml").write_text(text)

    def declare(self, name: str, function: Callable[[Run], Counts]) -> None:
        function.__module__ = self.module.__name__
        job(name, stale_after="26h")(function)

    def run(self, name: str, day: date = DAY, **options) -> Result:
        workflow, spec = find_job(self.settings, name)
        return run_job(self.settings, workflow, spec, day, **options)


PROBE = """
workflow: probe
description: A workflow for tests.
defaults: {retries: 2, retry_delay: 0s, timeout: 1m, wait: 5s}
jobs:
  probe_first:  {service: maintenance, schedule: "0 2 * * *"}
  probe_second: {service: maintenance, schedule: "0 2 * * *", after: [probe_first]}
  probe_often:  {service: maintenance, schedule: "*/5 * * * *"}
"""


@pytest.fixture
def house(pg: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Iterator[House]:
    caplog.set_level("INFO")
    folder = tmp_path / "workflows"
    folder.mkdir()
    name = "services.maintenance.probe.jobs"
    package, module = ModuleType("services.maintenance.probe"), ModuleType(name)
    package.__path__ = []  # type: ignore[attr-defined]
    sys.modules.update({"services.maintenance.probe": package, name: module})
    made = House(replace(pg, workflows_dir=folder), module, folder)
    made.write(PROBE)
    yield made
    for known in (name, "services.maintenance.probe"):
        del sys.modules[known]
