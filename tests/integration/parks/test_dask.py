"""Files on a real Dask cluster of this machine: the same rows as with local processes."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace

import pytest
from distributed import LocalCluster

from shared import db
from shared.config import ROOT
from shared.errors import FatalError
from tests.conftest import cloned_database, settings_for
from tests.integration.parks.conftest import FAULTY, RESORT, SAMPLE, Bench, all_rows


@pytest.fixture
def small(bench: Bench) -> Bench:
    july = bench.folder / RESORT / "2019" / "07"
    shutil.copytree(SAMPLE / RESORT / "2019" / "07", july)
    august = bench.folder / RESORT / "2019" / "08"
    august.mkdir()
    for day in ("02", "13", "16", "17"):
        shutil.copy(FAULTY / RESORT / "2019" / "08" / f"{day}.json.gz", august)
    return bench


@pytest.fixture
def address(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A cluster whose workers have settings of their own, as each container has."""
    for name, value in bench.settings.environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("CRONHOUSE_ENV_FILE", os.devnull)
    with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster:
        yield cluster.scheduler_address


def test_same_rows_as_with_local_processes(
    small: Bench, address: str, pg_server, pg_template, tmp_path
) -> None:
    importer = small.importer()
    importer.settings = replace(small.settings, environ={**small.settings.environ, "DASK_SCHEDULER": address})
    report = importer.run(small.begin())
    assert (report.status, report.files, len(report.failed)) == ("COMPLETED", 35, 1)
    on_dask = all_rows(small.conn)
    with cloned_database(pg_server, pg_template) as url:
        settings = settings_for(url, tmp_path)
        other = Bench(settings, db.connect(settings), small.folder)
        other.importer(workers=2).run(other.begin())
        at_home = all_rows(other.conn)
        other.conn.close()
    for name in at_home:
        assert on_dask[name] == at_home[name], name


def test_scheduler_that_is_not_there_says_so(small: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.ingestion.parks.workers.DASK_TIMEOUT", "0.5s")
    importer = small.importer()
    environ = {**small.settings.environ, "DASK_SCHEDULER": "tcp://127.0.0.1:9"}
    importer.settings = replace(small.settings, environ=environ)
    with pytest.raises(FatalError, match="DASK_SCHEDULER: no scheduler answers"):
        importer.run(small.begin())
    assert small.value("SELECT status FROM parks.import_checkpoints") == "FAILED"
