"""A load killed with -9 at any of its statements, then run again, leaves what an undisturbed one leaves."""

import multiprocessing
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from psycopg2 import sql

from shared import db
from shared.config import Settings
from shared.local.postgres import EmbeddedPostgres
from tests.conftest import settings_for
from tests.integration.transformation.gate import Gate
from tests.integration.transformation.scenario import prepare, run_transform
from tests.integration.transformation.warehouse import Warehouse, assert_conserved


class Killer:
    """Clones of a prepared warehouse, and loads of them that die."""

    def __init__(self, server: EmbeddedPostgres, pg: Settings, folder: Path) -> None:
        self.server, self.folder = server, folder
        self.template = str(pg.database_url).rpartition("?")[0].rpartition("/")[2]
        self.sockets = Path(tempfile.mkdtemp(prefix="cronhouse-gate-"))
        self.gate = Gate(server.sockets, self.sockets)
        self.processes = multiprocessing.get_context("forkserver")
        self.processes.set_forkserver_preload(
            ["tests.integration.transformation.scenario", "pyarrow.csv", "pyarrow.parquet"]
        )

    def close(self) -> None:
        self.gate.close()
        shutil.rmtree(self.sockets)

    def _admin(self, statement: str, *names: str) -> None:
        conn = psycopg2.connect(self.server.url("postgres"))
        try:
            conn.autocommit = True
            with conn.cursor() as cursor:
                cursor.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))
        finally:
            conn.close()

    def load_and_kill(self, kill_at: int, forward: bool) -> tuple[dict[str, Any], bool]:
        """Load a clone and die at a statement, then load it again; return what is there, and whether it died."""
        name = f"{self.template}_killed"
        self._admin("CREATE DATABASE {} TEMPLATE {}", name, self.template)
        objects = self.folder / f"objects-{kill_at}-{forward}"
        shutil.copytree(self.folder / "local" / "objects", objects / "local" / "objects")
        settings = settings_for(self.server.url(name), objects)
        through = dict(settings.environ) | {"DATABASE_URL": self.server.url(name).replace(
            self.server.sockets.name, self.sockets.name)}  # fmt: skip
        self.gate.arm(kill_at, forward)
        process = self.processes.Process(target=run_transform, args=(through, 900))
        process.start()
        self.gate.watch(process.pid or 0)
        process.join()
        conn = db.connect(settings)
        try:
            self._wait_for_the_dead(conn)
            house = Warehouse(settings, conn)
            house.run_id = 1000
            house.transform()
            assert_conserved(house)
            return house.content(), process.exitcode != 0
        finally:
            conn.close()
            self._admin("DROP DATABASE {} WITH (FORCE)", name)
            shutil.rmtree(objects)

    def _wait_for_the_dead(self, conn: db.Connection) -> None:
        """Wait until the server is done with the killed client: its last COMMIT may be under way still."""
        query = (
            "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        deadline = time.monotonic() + 30
        while db.fetch_all(conn, query):
            conn.rollback()
            assert time.monotonic() < deadline, "the server still works for a client that is gone"
            time.sleep(0.01)
        conn.rollback()


@pytest.fixture
def killer(house: Warehouse, pg_server: EmbeddedPostgres, pg: Settings, tmp_path: Path) -> Iterator[Killer]:
    prepare(house)
    house.conn.close()
    made = Killer(pg_server, pg, tmp_path)
    yield made
    made.close()


def test_killed_at_any_statement_then_run_again(killer: Killer):
    undisturbed, died = killer.load_and_kill(0, forward=True)
    statements = killer.gate.statements
    assert not died
    assert statements.count("COMMIT") == 2  # the load, and its processed files
    assert len(undisturbed["facts"]) == 7
    tries = [
        (number, True) for number in range(1, len(statements) + 1)
    ]  # it reaches the server, the answer nobody
    tries += [(number, False) for number, text in enumerate(statements, 1) if text == "COMMIT"]
    for number, forward in tries:
        content, died = killer.load_and_kill(number, forward)
        assert died, statements[number - 1]
        assert content == undisturbed, f"killed at {statements[number - 1]}"
