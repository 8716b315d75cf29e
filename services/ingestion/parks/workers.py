"""Where the files of an import are done: a Dask cluster, local processes, or for a few files a thread of this one."""

import math
import os
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from services.ingestion.parks import work
from shared.config import Settings
from shared.errors import FatalError

FILES_A_PROCESS = 8  # fewer are done sooner than another process has started
DASK_TIMEOUT = "10s"


@contextmanager
def open_executor(settings: Settings, files: int, workers: int | None) -> Iterator[tuple[Executor, int]]:
    """Open where so many files are done; yield it with how many it does at a time.

    `workers` is their number where it does not depend on the machine and the files.

    Raises:
        FatalError: the Dask cluster that the settings name cannot be used.
    """
    address = settings.environ.get("DASK_SCHEDULER")
    if address:
        with _dask(address) as (executor, count):
            yield executor, count
        return
    count = workers or min(usable_cpus(), math.ceil(files / FILES_A_PROCESS))
    if count == 1 and workers is None:
        with ThreadPoolExecutor(1, initializer=work.close) as thread:
            yield thread, 1
            thread.submit(work.close).result()
        return
    from multiprocessing import get_context

    environ = {**settings.environ, "CRONHOUSE_LOCAL_DIR": str(settings.local_dir)}
    # spawned, not forked: this process has connections and threads of its own
    with ProcessPoolExecutor(count, get_context("spawn"), work.begin, (environ,)) as pool:
        yield pool, count


def usable_cpus(cgroup: Path = Path("/sys/fs/cgroup")) -> int:
    """Return how many processors this process may use: those that there are, or what its container is limited to.

    Without the limit a container of a large machine would start more workers than its memory holds. Version 2 of
    control groups has `quota period` in cpu.max, version 1 each in a file (docs.kernel.org, cgroup-v2, sched-bwc).
    """
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        if (limit := cgroup / "cpu.max").exists():
            quota, period = limit.read_text().split()
        else:
            quota, period = (
                (cgroup / "cpu" / f"cpu.cfs_{name}_us").read_text() for name in ("quota", "period")
            )
        share = int(quota) / int(period)
    except (OSError, ValueError):  # no Linux container, or `max`
        return count
    return min(count, math.ceil(share)) if share > 0 else count


@contextmanager
def _dask(address: str) -> Iterator[tuple[Executor, int]]:
    try:
        from distributed import Client
    except ImportError as exc:
        raise FatalError("DASK_SCHEDULER is set, but the package distributed is not installed") from exc
    try:
        client = Client(address, timeout=DASK_TIMEOUT)
    except (OSError, TimeoutError, ValueError) as exc:
        raise FatalError(f"DASK_SCHEDULER: no scheduler answers at {address}: {exc}") from exc
    with client:
        threads = sum(client.nthreads().values())
        if not threads:
            raise FatalError(f"DASK_SCHEDULER: the cluster at {address} has no workers")
        yield client.get_executor(pure=False, retries=0), threads
