"""How many worker processes an import may start: what the container is limited to, where it is."""

import os
from pathlib import Path

import pytest

from services.ingestion.parks.workers import usable_cpus

V1 = ("cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us")


@pytest.mark.parametrize(
    ("files", "count"),
    [
        ({"cpu.max": "100000 100000\n"}, 1),
        ({"cpu.max": "150000 100000\n"}, 2),
        ({"cpu.max": "max 100000\n"}, 8),
        ({"cpu.max": "6400000 100000\n"}, 8),
        (dict(zip(V1, ("50000\n", "100000\n"), strict=True)), 1),
        (dict(zip(V1, ("-1\n", "100000\n"), strict=True)), 8),
        ({}, 8),
    ],
)
def test_no_more_than_the_container_has(
    files: dict[str, str], count: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)))
    for name, content in files.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)
    assert usable_cpus(tmp_path) == count
