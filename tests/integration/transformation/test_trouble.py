"""What goes wrong around a load: damaged objects, a database that goes away, a full disk, two loads at once."""

import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from services.transformation.retail.jobs import transform
from shared import db
from shared.config import Settings
from shared.errors import FatalError, Interrupted, TransientError
from shared.jobs import Counts
from shared.local.postgres import EmbeddedPostgres
from shared.migrations import migrate
from tests.conftest import settings_for
from tests.integration.transformation.scenario import prepare
from tests.integration.transformation.warehouse import DAY, Warehouse, assert_conserved, line, to_parquet


@pytest.fixture
def own_server() -> Iterator[EmbeddedPostgres]:
    """A server that the test may break."""
    folder = Path(tempfile.mkdtemp(prefix="cronhouse-own-"))
    folder.chmod(0o755)
    server = EmbeddedPostgres(folder)
    server.start()
    server.create_database("own")
    yield server
    server.remove()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def own_house(own_server: EmbeddedPostgres, tmp_path: Path) -> Iterator[Warehouse]:
    settings = settings_for(own_server.url("own"), tmp_path)
    migrate(settings)
    conn = db.connect(settings)
    yield Warehouse(settings, conn)
    conn.close()


def start(house: Warehouse) -> "Future[Counts]":
    """Run retail_transform in a thread of its own."""
    pool = ThreadPoolExecutor(1)
    run = house.make_run("retail_transform")

    def work() -> Counts:
        try:
            return transform(run)
        finally:
            run.close()

    future = pool.submit(work)
    pool.shutdown(wait=False)
    return future


@contextmanager
def locked(settings: Settings, table: str) -> Iterator[None]:
    """Hold a lock on a table, so that a load stops there."""
    conn = db.connect(settings, application_name="holder")
    try:
        db.execute(conn, f"LOCK TABLE {table} IN SHARE MODE")
        yield
    finally:
        conn.close()


def wait_for_block(house: Warehouse, count: int = 1) -> list[int]:
    """Wait until so many backends wait for a lock; return their ids."""
    query = """
        SELECT pid FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock' AND application_name LIKE 'cronhouse:retail%%'
    """
    for _ in range(600):
        rows = house.rows(query)
        if len(rows) == count:
            return [row["pid"] for row in rows]
        time.sleep(0.05)
    raise AssertionError("no load came as far as the lock")


def test_object_that_was_cut_off(house: Warehouse):
    house.put([line("T1")])
    key = house.put([line("T2"), line("T3")])
    body = house.store.read(key)
    house.store.put(key, body[: len(body) // 2])
    with pytest.raises(FatalError) as caught:
        house.transform()
    said = str(caught.value)
    assert key in said
    assert f"has {len(body) // 2} bytes, not {len(body)}" in said
    assert "cronhouse run retail_ingest --date 2026-03-10 --force" in said
    assert house.facts() == []
    house.store.put(key, body)
    house.transform()
    assert len(house.facts()) == 3


def test_object_that_is_no_parquet(house: Warehouse):
    info = house.store.put("raw/x.parquet", b"PAR1 but not really")
    house.register("raw/x.parquet", info, 1, "retailer_1", DAY)
    with pytest.raises(FatalError, match="raw/x.parquet cannot be read as Parquet"):
        house.transform()


def test_object_with_a_broken_page_in_the_middle(house: Warehouse):
    rows = [line(f"T{n}", product_name=f"NAME {n * 7919}") for n in range(5000)]
    key = house.put(rows)
    body = bytearray(house.store.read(key))
    body[len(body) // 3 : len(body) // 3 + 200] = bytes(200)
    house.store.put(key, bytes(body))
    with pytest.raises(FatalError, match=f"{key} cannot be read as Parquet"):
        house.transform()
    assert house.facts() == []


def test_object_with_other_rows_than_the_ledger_says(house: Warehouse):
    info = house.store.put("raw/x.parquet", to_parquet([line("T1"), line("T2")]))
    house.register("raw/x.parquet", info, 3, "retailer_1", DAY)
    with pytest.raises(FatalError, match="raw/x.parquet holds 2 rows, not 3"):
        house.transform()
    assert house.facts() == []


def test_object_that_is_not_there(house: Warehouse):
    key = house.put([line("T1")])
    house.store.delete(key)
    with pytest.raises(
        FatalError, match=f"raw object {key} cannot be opened .*not in the store.*retail_ingest --date"
    ):
        house.transform()


def test_object_without_a_column(house: Warehouse):
    from services.ingestion.retail.raw import SCHEMA

    body = to_parquet([line("T1")], SCHEMA.remove(SCHEMA.get_field_index("total")))
    house.register("raw/x.parquet", house.store.put("raw/x.parquet", body), 1, "retailer_1", DAY)
    with pytest.raises(FatalError, match="raw/x.parquet has no column total"):
        house.transform()


def test_object_with_a_null_where_none_may_be(house: Warehouse):
    import pyarrow as pa

    from services.ingestion.retail.raw import SCHEMA

    loose = pa.schema([field.with_nullable(True) for field in SCHEMA])
    body = to_parquet([line("T1"), line("T2", line_id=None)], loose)
    house.register("raw/x.parquet", house.store.put("raw/x.parquet", body), 2, "retailer_1", DAY)
    with pytest.raises(FatalError, match="raw/x.parquet has a null in line_id"):
        house.transform()


def test_value_that_the_database_refuses_is_told_with_its_object(house: Warehouse):
    house.put([line("T1")])
    key = house.put([line("T2"), line("T3", product_name="nul\x00byte")])
    house.put([line("T4")])
    with pytest.raises(FatalError, match=f"raw object {key}"):
        house.transform()
    assert house.facts() == []


def test_database_connection_dies_in_the_middle(house: Warehouse):
    prepare(house)
    before = house.facts()
    with locked(house.settings, "retail.dim_product"):
        load = start(house)
        (pid,) = wait_for_block(house)
        house.rows("SELECT pg_terminate_backend(%(pid)s)", pid=pid)
        with pytest.raises(TransientError):
            load.result(30)
    assert house.facts() == before
    house.transform()
    assert len(house.facts()) == 7
    assert_conserved(house)


def test_database_is_restarted_in_the_middle(own_house: Warehouse, own_server: EmbeddedPostgres):
    prepare(own_house)
    before = own_house.facts()
    with locked(own_house.settings, "retail.dim_product"):
        load = start(own_house)
        wait_for_block(own_house)
        own_server.stop()
        with pytest.raises(TransientError):
            load.result(30)
    own_server.start()
    own_house.conn = db.connect(own_house.settings)
    assert own_house.facts() == before
    own_house.transform()
    assert len(own_house.facts()) == 7
    assert_conserved(own_house)


def test_disk_full_in_staging(own_house: Warehouse, tmp_path: Path):
    rows = [line(f"T{n}", product_name=f"A MUG WITH A RATHER LONG NAME {n}") for n in range(60_000)]
    own_house.put(rows)
    with small_disk_for_staging(own_house):
        with pytest.raises(FatalError, match="disk is full: free space or move the tablespace"):
            own_house.transform()
        assert own_house.facts() == []
    own_house.transform()
    assert own_house.value("SELECT count(*) FROM retail.fact_sales") == 60_000


@contextmanager
def small_disk_for_staging(house: Warehouse) -> Iterator[None]:
    """Put the staging table on a disk of 8 MB; where none may be mounted, let the server itself say that the
    disk is full after some rows."""
    folder = Path(tempfile.mkdtemp(prefix="cronhouse-disk-"))
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m,mode=0777", "cronhouse-test", str(folder)]
    mounted = os.geteuid() == 0 and subprocess.run(mount, capture_output=True).returncode == 0
    conn = db.connect(house.settings, autocommit=True)
    try:
        if mounted:
            (folder / "data").mkdir()
            shutil.chown(folder / "data", "nobody")
            db.execute(conn, f"CREATE TABLESPACE small LOCATION '{folder}/data'")
            db.execute(conn, "ALTER TABLE staging.retail_sales SET TABLESPACE small")
            yield
            db.execute(conn, "ALTER TABLE staging.retail_sales SET TABLESPACE pg_default")
            db.execute(conn, "DROP TABLESPACE small")
        else:
            db.execute(conn, FULL_AFTER_ROWS)
            yield
            db.execute(conn, "DROP TRIGGER full_disk ON staging.retail_sales")
    finally:
        conn.close()
        if mounted:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)
        folder.rmdir()


FULL_AFTER_ROWS = """
CREATE FUNCTION staging.full_disk() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.transaction_id = 'T40000' THEN
        RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER full_disk BEFORE INSERT ON staging.retail_sales FOR EACH ROW EXECUTE FUNCTION staging.full_disk();
"""


def test_two_loads_at_once_load_everything_once(house: Warehouse):
    prepare(house)
    with locked(house.settings, "retail.dim_product"):
        loads = [start(house), start(house)]
        wait_for_block(house, 2)  # one at the table, one at the lock of loads
    written = sorted(load.result(30).written for load in loads)
    assert written[0] == 0
    assert len(house.facts()) == 7
    assert (
        house.value("SELECT count(*) FROM retail.fact_load") == 2
    )  # that of the preparation and one of these
    assert_conserved(house)


def test_readers_are_not_locked_out_while_a_load_runs(house: Warehouse):
    prepare(house)
    with locked(house.settings, "ops.reconciliation"):  # all but the ledger is done, new partitions too
        load = start(house)
        wait_for_block(house)
        reader = db.connect(house.settings)
        db.execute(reader, "SET statement_timeout = '5s'")
        assert db.fetch_value(reader, "SELECT count(*) FROM retail.fact_sales") == 6
        reader.close()
    assert load.result(30).written > 0


def test_a_stop_between_two_objects_leaves_nothing_half_done(house: Warehouse):
    for number in range(3):
        house.put([line(f"T{number}")])
    run = house.make_run("retail_transform")
    checks = iter([lambda: None] * 4 + [run.stop.set] * 100)
    original = run.check_stop

    def check() -> None:
        next(checks)()
        original()

    run.check_stop = check  # type: ignore[method-assign]
    with pytest.raises(Interrupted):
        transform(run)
    run.close()
    assert house.facts() == []
    house.transform()
    assert len(house.facts()) == 3


def test_a_cancelled_statement_ends_the_load(house: Warehouse):
    prepare(house)
    before = house.facts()
    with locked(house.settings, "retail.dim_product"):
        load = start(house)
        (pid,) = wait_for_block(house)
        house.rows("SELECT pg_cancel_backend(%(pid)s)", pid=pid)
        with pytest.raises(FatalError, match="cancelled"):
            load.result(30)
    assert house.facts() == before
    assert threading.active_count() < 20
