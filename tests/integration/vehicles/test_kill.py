"""A load killed with -9 at any point leaves the live release as it was; the next start clears up."""

import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from services.vehicle_etl.sources import dump
from services.vehicle_etl.vehicles import derive, load, releases, swap, verify
from shared import db
from shared.config import load_settings
from shared.vin import compile as compile_module
from tests.integration.vehicles.conftest import House, run_load
from tests.integration.vehicles.mini import Mini


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def before(module: object, name: str, count: int = 1) -> Callable[[], None]:
    """Make a function kill the process when it is called for the nth time."""

    def arm() -> None:
        original, calls = getattr(module, name), []

        def dying(*args, **kwargs):
            calls.append(1)
            if len(calls) == count:
                die()
            return original(*args, **kwargs)

        setattr(module, name, dying)

    return arm


def after(module: object, name: str, count: int = 1) -> Callable[[], None]:
    """Make a function kill the process when it has been called for the nth time."""

    def arm() -> None:
        original, calls = getattr(module, name), []

        def dying(*args, **kwargs):
            result = original(*args, **kwargs)
            calls.append(1)
            if len(calls) == count:
                die()
            return result

        setattr(module, name, dying)

    return arm


POINTS = {
    "before the release has its row": before(releases, "begin"),
    "after the empty tables were made": after(releases, "begin"),
    "in the first table": before(dump.CopyBlock, "read", 2),
    "in a table in the middle": before(dump.CopyBlock, "read", 120),
    "after the rows of a table, before its commit": after(load, "_copy", 50),
    "between two tables": after(load, "_load_table", 60),
    "before the indexes": before(load, "finish"),
    "in the middle of the indexes": before(releases, "write_loaded"),
    "after the indexes": after(load, "finish"),
    "while it is derived": before(derive, "build"),
    "while it is verified": after(verify, "verify"),
    "in the swap, with all locks": after(swap, "_lock_tables"),
    "in the swap, one schema renamed": after(swap, "_rename", 1),
    "in the swap, both renamed": after(swap, "_rename", 2),
    "in the swap, before its commit": after(releases, "grant_readers"),
}


@pytest.mark.parametrize("point", POINTS)
def test_a_killed_load_leaves_the_live_release(house: House, point: str):
    assert house.load_mini("2026_08", wmis=3).status == "succeeded"
    path = Mini("2026_10", wmis=5).write(house.folder)
    assert killed(house, lambda: (POINTS[point](), run_load(house.settings, path)))
    assert house.live() == ("2026_08", 3)
    assert house.states().get("2026_08") == "live"
    result = house.load(path)
    assert result.status == "succeeded", result.reason
    assert house.live() == ("2026_10", 5)
    assert house.schemas() == ["vpic", "vpic_previous"]
    rows = house.all("SELECT name, state FROM vehicles.release ORDER BY release_id")
    expected = ["live"] if point.startswith("before the release") else ["failed", "live"]
    assert [row["state"] for row in rows] == ["previous", *expected]


def test_a_load_killed_after_the_swap_is_done(house: House):
    house.load_mini("2026_08", wmis=3)
    path = Mini("2026_10", wmis=5).write(house.folder)
    assert killed(house, lambda: (after(swap, "swap_in")(), run_load(house.settings, path)))
    assert house.live() == ("2026_10", 5) and house.states() == {"2026_08": "previous", "2026_10": "live"}
    assert house.load(path).counts.read == 0
    assert house.schemas() == ["vpic", "vpic_previous"]


def test_the_process_of_the_dropdowns_ends_with_a_killed_load(house: House, monkeypatch):
    """It has nobody any more who could end it."""
    monkeypatch.undo()  # the real derive.build
    told = house.folder / "children"

    def die_beside(conn: db.Connection, schema: str) -> None:
        deadline = time.monotonic() + 60
        while not house.value(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE '%:dropdowns'"
        ):
            assert time.monotonic() < deadline
        told.write_text(" ".join(str(child.pid) for child in multiprocessing.active_children()))
        die()

    def load() -> None:
        compile_module.compile_release = die_beside
        run_load(house.settings, Mini("2026_10").write(house.folder))

    assert killed(house, load)
    children = [int(pid) for pid in told.read_text().split()]
    assert len(children) == 1
    deadline = time.monotonic() + 60
    while is_there(children[0]):
        assert time.monotonic() < deadline, "it lives on"
        time.sleep(0.05)


def is_there(pid: int) -> bool:
    """Tell whether a process runs; one that has ended and was not waited for is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def killed(house: House, action: Callable[[], object]) -> bool:
    """Run something in a process of its own; True when that was killed. Waits until the server has noticed."""
    house.conn.rollback()
    pid = os.fork()
    if pid == 0:
        try:
            house.conn = db.connect(load_settings(dict(house.settings.environ)))
            action()
        finally:
            os._exit(0)
    _, status = os.waitpid(pid, 0)
    gone = (
        "SELECT count(*) = 0 FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
        "AND backend_type = 'client backend'"
    )
    for _ in range(500):
        if house.value(gone):
            break
    return os.WIFSIGNALED(status)
