"""How many worker processes an import may start, and how much a worker gets in one go."""

import os
from pathlib import Path

import pytest

from services.ingestion.parks.archive_load import Object
from services.ingestion.parks.importer import _bundles
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


@pytest.mark.parametrize(
    ("megabytes", "bundles"),
    [
        ([], []),
        ([1], [[1]]),
        ([0, 0, 0, 0, 0, 1, 1], [[0, 0, 0, 0], [0, 1, 1]]),
        ([1, 2, 1, 1], [[1, 2, 1], [1]]),
        ([60, 1, 1, 60, 60], [[60], [1, 1], [60], [60]]),
    ],
)
def test_few_small_objects_or_one_large_one_go_to_a_worker(
    megabytes: list[int], bundles: list[list[int]]
) -> None:
    items = (Object(n, f"{n}", "", size << 20, "LISTED", None, None) for n, size in enumerate(megabytes))
    made = list(_bundles(items, 4))
    assert [[item.size_bytes >> 20 for item in bundle] for bundle in made] == bundles
    assert [item.object_id for bundle in made for item in bundle] == list(range(len(megabytes)))
