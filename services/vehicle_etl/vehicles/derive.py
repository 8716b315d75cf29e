"""What a release is given besides its own tables, before it is verified and swapped in."""

import multiprocessing
import time
from collections.abc import Mapping
from concurrent.futures import Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing

from services.vehicle_etl.vehicles.releases import Release
from shared import db
from shared.config import load_settings
from shared.errors import FatalError
from shared.jobs import Run
from shared.parent import end_with_parent

LOOK_SECONDS = 0.2


def build(run: Run, release: Release) -> None:
    """Build the tables of the decoder and of the dropdowns in the schema of a release.

    Both only read the mirror: they are built side by side, the dropdowns in a process of their own.
    """
    from shared.vin.compile import compile_release

    spawn = multiprocessing.get_context(
        "spawn"
    )  # a fork would share our connection and the watchdog's signals
    with ProcessPoolExecutor(1, mp_context=spawn, initializer=end_with_parent) as pool:
        name = f"cronhouse:{run.job}:{run.id}:dropdowns"
        dropdowns = pool.submit(_build_dropdowns, dict(run.settings.environ), name, release.schema)
        try:
            with run.stage("decoder"), db.transaction(run.conn):
                compile_release(run.conn, release.schema)
            run.stages["dropdowns"] = _wait_for(dropdowns, run)
        except BaseException:
            for child in multiprocessing.active_children():
                child.terminate()
            raise


def _wait_for(dropdowns: "Future[float]", run: Run) -> float:
    while not dropdowns.done():
        run.check_stop()
        wait([dropdowns], timeout=LOOK_SECONDS)
    try:
        return dropdowns.result()
    except BrokenProcessPool as exc:
        raise FatalError("the process that builds the dropdowns was killed: is there memory for it?") from exc


def _build_dropdowns(environ: Mapping[str, str], application_name: str, schema: str) -> float:
    """Build the dropdowns in this process; return the seconds it took."""
    from services.vehicle_etl.dropdowns import build_dropdowns

    start = time.monotonic()
    settings = load_settings(environ)
    with closing(db.connect(settings, application_name=application_name)) as conn, db.transaction(conn):
        build_dropdowns(conn, schema)
    return round(time.monotonic() - start, 3)
