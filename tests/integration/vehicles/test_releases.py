"""Releases come and go: newer ones only, verified, one live and one previous, and a way back."""

import logging
import threading
import time
from pathlib import Path

import psycopg2
import pytest

from services.vehicle_etl.vehicles import releases, sample, swap
from shared import db
from shared.errors import FatalError
from tests.integration.vehicles.conftest import House
from tests.integration.vehicles.mini import Mini

LOG = logging.getLogger("test")


def test_the_first_release_becomes_live(house: House):
    result = house.load_mini("2026_08")
    assert result.status == "succeeded" and result.counts.read == result.counts.written == 285
    assert house.live() == ("2026_08", 3) and house.schemas() == ["vpic"]
    row = house.all("SELECT * FROM vehicles.release")[0]
    assert (row["state"], row["row_count"], row["problem"]) == ("live", 285, None)
    assert len(row["tables"]) == 97 and row["tables"]["pattern"] == 3
    assert row["started_at"] < row["loaded_at"] < row["swapped_at"]
    assert list(result.stages) == ["source", "copy", "indexes", "verify", "swap"]


def test_a_newer_release_takes_its_place_and_the_one_before_is_kept(house: House):
    for number, name in enumerate(("2026_08", "2026_09", "2026_10"), start=3):
        assert house.load_mini(name, wmis=number).status == "succeeded"
    assert house.live() == ("2026_10", 5)
    assert house.value("SELECT name FROM vpic_previous.release") == "2026_09"
    assert house.states() == {"2026_08": "dropped", "2026_09": "previous", "2026_10": "live"}
    assert house.schemas() == ["vpic", "vpic_previous"]


@pytest.mark.parametrize("name", ["2026_08", "2026_07"])
def test_a_release_that_is_not_newer_is_left_alone(house: House, name):
    house.load_mini("2026_08")
    result = house.load_mini(name, wmis=4)
    assert (result.status, result.counts.read) == ("succeeded", 0)
    assert house.live() == ("2026_08", 3) and len(house.all("SELECT * FROM vehicles.release")) == 1
    assert house.load_mini(name, wmis=4, force=True).status == "succeeded"
    assert house.live() == (name, 4)


def test_roll_back_and_forth(house: House):
    house.load_mini("2026_08", wmis=3)
    house.load_mini("2026_10", wmis=5)
    roll_back(house)
    assert house.live() == ("2026_08", 3) and house.states() == {"2026_08": "live", "2026_10": "previous"}
    roll_back(house)
    assert house.live() == ("2026_10", 5) and house.states() == {"2026_08": "previous", "2026_10": "live"}


def roll_back(house: House) -> None:
    with releases.locked(house.conn):
        swap.roll_back(house.conn, LOG)


def test_a_release_that_was_taken_back_does_not_come_back_by_itself(house: House):
    house.load_mini("2026_08")
    house.load_mini("2026_10")
    roll_back(house)
    assert house.load_mini("2026_10").counts.read == 0
    assert house.live()[0] == "2026_08"
    assert house.load_mini("2026_11").counts.read > 0
    assert house.states() == {"2026_08": "previous", "2026_10": "dropped", "2026_11": "live"}


def test_without_a_previous_release_there_is_no_way_back(house: House):
    with pytest.raises(FatalError, match="no previous release"):
        roll_back(house)
    house.load_mini("2026_08")
    with pytest.raises(FatalError, match="no previous release"):
        roll_back(house)
    assert house.live()[0] == "2026_08"


def test_the_newest_month_that_is_there_is_taken(house: House, tmp_path: Path):
    template = tmp_path / "mini_{release}.plain.zip"
    Mini("2026_05").write(tmp_path)
    Mini("2026_06").write(tmp_path)
    assert house.load(template).counts.read > 0 and house.live()[0] == "2026_06"
    assert house.load(template).counts.read == 0
    Mini("2026_08").write(tmp_path)
    assert house.load(template).counts.read > 0 and house.live()[0] == "2026_08"
    assert house.load(tmp_path / "other_{release}.zip").reason.endswith(
        "no release of the last 24 months is there"
    )


# --- verification --------------------------------------------------------------------------------------------


def test_results_are_kept_like_those_of_every_workflow(house: House):
    run_id = house.load_mini("2026_08").run_id
    rows = house.all(f"SELECT * FROM ops.quality_result WHERE run_id = {run_id}")
    assert {row["check_name"] for row in rows} >= {
        "row_counts",
        "lost_rows",
        "orphan_keys",
        "makes_without_models",
    }
    assert all(row["passed"] and row["workflow"] == "vehicles" for row in rows)
    assert house.value(f"SELECT score FROM ops.quality_score WHERE run_id = {run_id}") == 100


def test_a_release_that_loses_rows_is_not_swapped_in(house: House):
    assert house.load(big(100).write(house.folder)).status == "succeeded"
    worse = big(80, "2026_09").write(house.folder)
    result = house.load(worse)
    assert (
        result.status == "failed"
        and "lost_rows" in result.reason
        and "wmi 20.0 % (80, live 100)" in result.reason
    )
    assert house.live() == ("2026_08", 100) and house.schemas() == ["vpic"]
    assert "lost_rows" in house.problem()
    issue = house.all("SELECT * FROM ops.data_quality_log WHERE status = 'open'")
    assert [row["check_name"] for row in issue] == ["lost_rows"]


def big(rows: int, release: str = "2026_08") -> Mini:
    """A release with so many rows in wmi."""
    mini = Mini(release)
    columns, first = mini.tables["wmi"]
    for number in range(4, rows + 1):
        row = list(first[0])
        row[0], row[1] = str(number), f"B{number:02d}"
        first.append(row)
    return mini


def test_keys_that_lead_nowhere(house: House):
    mini = Mini("2026_08")
    mini.tables["pattern"][1][0][1] = "999"
    mini.tables["manufacturer_make"][1][0][1] = "999"
    result = house.load(mini.write(house.folder))
    assert (
        result.status == "failed"
        and "orphan_keys" in result.reason
        and "pattern.vinschemaid 1" in result.reason
    )
    mini.tables["pattern"][1][0][1] = "1"
    assert house.load(mini.write(house.folder)).status == "succeeded"  # a few loose keys are normal


def test_a_needed_table_without_rows(house: House):
    mini = Mini("2026_08")
    mini.tables["vehicletype"][1].clear()
    result = house.load(mini.write(house.folder))
    assert result.status == "failed" and "empty_tables" in result.reason and "vehicletype" in result.reason


def test_years_and_makes_are_warned_of(house: House):
    mini = Mini("2026_08")
    pattern = mini.tables["wmi_vinschema"][1]
    for number in range(4, 40):
        pattern.append([str(number), "1", "1", "1066", "3000", None])
    mini.tables["make_model"][1][1][1] = mini.tables["make_model"][1][2][1] = "1"
    run_id = house.load(mini.write(house.folder)).run_id
    failed = house.all(
        f"SELECT check_name, message FROM ops.quality_result WHERE run_id = {run_id} AND NOT passed ORDER BY 1"
    )
    assert [row["check_name"] for row in failed] == ["makes_without_models", "years_out_of_range"]
    assert "66.7 %" in failed[0]["message"] and "wmi_vinschema.yearfrom 36" in failed[1]["message"]
    assert house.live()[0] == "2026_08"


def test_a_lookup_table_that_an_element_names_and_nobody_has(house: House):
    mini = Mini("2026_08")
    mini.tables["element"][1][0][3] = "HoverDrive"
    result = house.load(mini.write(house.folder))
    assert result.status == "failed" and "HoverDrive 1 (element 1)" in result.reason
    mini.tables["hoverdrive"] = (["id", "name"], [["1", "Antigravity"]])
    assert house.load(mini.write(house.folder)).status == "succeeded"


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, str | None]]:
    """What the decoders answer to every VIN of the sample, by release; the first VIN alone gets `first`."""
    found: dict[str, dict[str, str | None]] = {}

    def decode(conn, release, vins):
        for number, _ in enumerate(vins):
            yield found[release.name] | (found.get(f"first {release.name}", {}) if number == 0 else {})

    monkeypatch.setattr(sample, "_has_decoder", lambda conn, release: True)
    monkeypatch.setattr(sample, "_decode", decode)
    return found


def test_the_answers_to_a_sample_of_vins_are_compared(house: House, answers, caplog):
    caplog.set_level(logging.INFO)
    answers["2026_08"] = {"Make": "FORD", "Error Code": "6", "Error Text": "6 - a"}
    answers["2026_09"] = {"Make": "FORD", "Error Code": "6", "Error Text": "6 - b"}
    answers["first 2026_09"] = {"Make": "LINCOLN", "Doors": "4"}
    house.load_mini("2026_08")
    run_id = house.load_mini("2026_09").run_id
    rows = house.all(f"SELECT check_name, observed, message FROM ops.quality_result WHERE run_id = {run_id}")
    row = next(row for row in rows if row["check_name"] == "decoded_changes")
    assert 0 < row["observed"] < 0.01 and "Make 1, Doors 1" in row["message"]
    log = [
        row["message"]
        for row in house.all(f"SELECT message FROM ops.job_log WHERE run_id = {run_id} ORDER BY line")
    ]
    first = sample.FILE.read_text().split()[0]
    assert "2 values of the sample VINs changed" in log
    assert f"decoded differently: {first} Make: FORD -> LINCOLN" in log
    assert f"decoded differently: {first} Doors: - -> 4" in log


def test_a_release_that_decodes_worse_is_not_swapped_in(house: House, answers):
    answers["2026_08"] = {"Make": "FORD", "Error Code": "6"}
    answers["2026_09"] = {"Make": None, "Error Code": "6,7"}
    house.load_mini("2026_08")
    result = house.load_mini("2026_09")
    assert result.status == "failed" and "decoded_worse" in result.reason and "100.0 %" in result.reason
    assert house.live()[0] == "2026_08"


# --- who reads, and who writes -------------------------------------------------------------------------------


def test_readers_may_read_a_release_and_nothing_else(house: House):
    roles = ("cronhouse_api", "cronhouse_reader")
    for role in roles:
        house.conn.rollback()
        with db.transaction(house.conn):
            db.execute(
                house.conn,
                f"DO $$ BEGIN CREATE ROLE {role}; EXCEPTION WHEN duplicate_object THEN NULL; END $$",
            )
    house.load_mini("2026_08")
    house.load_mini("2026_10")
    try:
        for role in roles:
            db.execute(house.conn, f"SET ROLE {role}")
            assert (
                db.fetch_value(house.conn, "SELECT count(*) FROM vpic.wmi JOIN vpic.wmi_make ON wmiid = id")
                == 3
            )
            with pytest.raises(FatalError, match="permission denied"):
                db.execute(house.conn, "DELETE FROM vpic.wmi")
            house.conn.rollback()
        roll_back(house)
        db.execute(house.conn, "SET ROLE cronhouse_reader")
        assert db.fetch_value(house.conn, "SELECT name FROM vpic.release") == "2026_08"
        house.conn.rollback()
    finally:
        house.conn.rollback()
        with db.transaction(house.conn):
            for role in roles:
                db.execute(house.conn, f"DROP OWNED BY {role}; DROP ROLE {role}")


def test_two_loads_at_once_are_refused(house: House):
    other = db.connect(house.settings)
    try:
        with releases.locked(other):
            result = house.load_mini("2026_08")
            assert result.status == "failed" and "another load or rollback" in result.reason
        assert house.load_mini("2026_08").status == "succeeded"
    finally:
        other.close()


def test_a_reader_in_the_middle_of_swaps_sees_one_release(house: House):
    """Statements of one transaction, and the tables of one join, are always of one release."""
    house.load_mini("2026_08", wmis=3)
    house.load_mini("2026_10", wmis=7)
    seen: set[tuple[str, int]] = set()
    wrong: list[object] = []
    stop = threading.Event()

    def read() -> None:
        conn = db.connect(house.settings)
        try:
            while not stop.is_set():
                name = db.fetch_value(conn, "SELECT name FROM vpic.release")
                rows = db.fetch_value(conn, "SELECT count(*) FROM vpic.wmi")
                joined = db.fetch_one(
                    conn,
                    "SELECT r.name, count(*) AS rows FROM vpic.release AS r, vpic.make_model AS mm "
                    "JOIN vpic.model AS mo ON mo.id = mm.modelid GROUP BY 1",
                )
                conn.rollback()
                seen.add((name, rows))
                if joined != {"name": name, "rows": rows}:
                    wrong.append((name, rows, joined))
                time.sleep(0.001)
        except Exception as exc:  # noqa: BLE001 - the main thread looks at it
            wrong.append(exc)
        finally:
            conn.close()

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for _ in range(8):
        roll_back(house)
    stop.set()
    for reader in readers:
        reader.join()
    assert not wrong
    assert seen == {("2026_08", 3), ("2026_10", 7)}


def test_a_reader_that_began_keeps_its_release_and_holds_up_the_swap(house: House):
    house.load_mini("2026_08", wmis=3)
    house.load_mini("2026_10", wmis=5)
    reader = db.connect(house.settings)
    try:
        assert db.fetch_value(reader, "SELECT count(*) FROM vpic.wmi") == 5
        with releases.locked(house.conn), pytest.raises(Exception, match="readers hold the live release"):
            swap.roll_back(house.conn, LOG, longest_wait=0.5)
        assert db.fetch_value(reader, "SELECT count(*) FROM vpic.make") == 5
        reader.rollback()
        roll_back(house)
        assert db.fetch_value(reader, "SELECT count(*) FROM vpic.wmi") == 3
    finally:
        reader.close()


def test_a_transaction_older_than_the_load_finds_its_rows(house: House):
    """The rows are frozen: a snapshot taken before the load sees them once the swap is done."""
    house.load_mini("2026_08", wmis=3)
    reader = psycopg2.connect(str(house.settings.database_url))
    try:
        reader.set_session(isolation_level="REPEATABLE READ")
        with reader.cursor() as cursor:
            cursor.execute("SELECT 1")
            house.load_mini("2026_10", wmis=5)
            cursor.execute("SELECT count(*) FROM vpic.wmi")
            assert cursor.fetchone() == (5,)
    finally:
        reader.close()


def test_what_is_derived_comes_before_the_swap(house: House, monkeypatch):
    from services.vehicle_etl.vehicles import derive

    def broken(run, release):
        raise FatalError("cannot compile")

    house.load_mini("2026_08")
    monkeypatch.setattr(derive, "build", broken)
    assert house.load_mini("2026_10").reason == "cannot compile"
    assert house.live()[0] == "2026_08" and house.schemas() == ["vpic"]
    assert house.states()["2026_10"] == "failed"
