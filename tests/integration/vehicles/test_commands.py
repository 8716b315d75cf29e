"""cronhouse vehicles, as people call it; and the real subset in two releases."""

import json
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.vehicle_etl.sources import SUBSET
from shared import cli
from shared.config import ROOT
from shared.jobs.ledger import Ledger
from shared.jobs.workflows import find_job
from tests.integration.vehicles.conftest import House
from tests.integration.vehicles.mini import Mini

SECOND = ROOT / "tests" / "data" / "vpic" / "vpic_subset_2026_10.plain.sql.zip"


@pytest.fixture
def call(house: House, monkeypatch, capsys):
    """Run a command; return its exit code and what it said."""
    monkeypatch.setenv("CRONHOUSE_ENV_FILE", "/dev/null")
    for name, value in house.settings.environ.items():
        monkeypatch.setenv(name, value)

    def run(*arguments: str) -> tuple[int, str]:
        code = cli.call(["vehicles", *arguments])
        said = capsys.readouterr()
        return code, said.out + said.err

    return run


def test_from_the_first_load_to_the_way_back(call, house: House, tmp_path: Path):
    assert call("releases") == (0, "nothing to show\n")
    code, said = call("verify")
    assert code == 1 and "there is no live release" in said
    assert call("load", str(Mini("2026_08").write(tmp_path)))[0] == 0
    assert call("load", str(Mini("2026_10", wmis=5).write(tmp_path)))[0] == 0
    code, said = call("releases")
    assert code == 0 and [line.split()[1:3] for line in said.splitlines()[1:]] == [
        ["2026_10", "live"],
        ["2026_08", "previous"],
    ]
    code, said = call("rollback")
    assert (code, said.splitlines()[-1]) == (0, "release 2026_08 is live again; 2026_10 was taken back")
    assert house.live() == ("2026_08", 3)
    code, said = call("load", str(Mini("2026_10", wmis=5).write(tmp_path)))
    assert code == 0 and "2026_10 was taken back, 2026_08 is live" in said
    audit = house.all("SELECT action, target, detail FROM ops.audit_log")
    assert audit == [{"action": "vehicles.rollback", "target": "2026_08", "detail": {"from": "2026_10"}}]
    rows = json.loads(call("releases", "--json")[1])
    assert [row["state"] for row in rows] == ["previous", "live"] and rows[0]["rolled_back_at"]


def test_what_cannot_be_loaded_is_said(call, tmp_path: Path):
    code, said = call("load", str(tmp_path / "no.zip"))
    assert code == 2 and f"Invalid value for SOURCE: {tmp_path / 'no.zip'}: there is no such file" in said
    code, said = call("load", "a" * 300 + ".zip")
    assert code == 2 and said.rstrip().endswith("File name too long")


def test_a_second_load_by_hand_says_that_it_did_nothing(call, house: House, tmp_path: Path):
    spec = find_job(house.settings, "vehicles_load")[1]
    with closing(Ledger(house.settings, spec, datetime.now(UTC).date())) as other:
        assert other.lock()
        code, said = call("load", str(Mini("2026_08").write(tmp_path)))
    assert code == 1 and "was not loaded: another run of this job and date is under way" in said, said


def test_verify_finds_what_was_broken_since(call, house: House, tmp_path: Path):
    call("load", str(Mini("2026_08").write(tmp_path)))
    assert call("verify")[0] == 0
    with house.conn.cursor() as cursor:
        cursor.execute("DELETE FROM vpic.make WHERE id = 2")
    house.conn.commit()
    code, said = call("verify", "--json")
    assert code == 1
    failed = {row["check"]: row["found"] for row in json.loads(said) if not row["passed"]}
    assert "sent 3, there are 2" in failed["row_counts"] and "make_model.makeid" in failed["orphan_keys"]
    code, said = call("verify", "--previous")
    assert code == 1 and "there is no previous release" in said


def test_the_real_subset_and_its_second_release(house: House):
    """The subset is what is loaded when nothing is set."""
    result = house.load("")
    assert result.status == "succeeded", result.reason
    assert result.counts.read == 1_072_103 and house.live() == ("2026_08", 188)
    assert house.value("SELECT notes FROM vehicles.release") == []
    failed = "SELECT check_name, message FROM ops.quality_result WHERE NOT passed"
    assert house.all(failed) == []
    assert house.value("SELECT source FROM vehicles.release") == str(SUBSET)
    assert house.load(SUBSET).counts.read == 0
    assert house.load(SECOND).status == "succeeded"
    assert house.live()[0] == "2026_10" and house.value("SELECT name FROM vpic_previous.release") == "2026_08"
    assert house.all(failed) == []
    assert house.value("SELECT count(*) FROM vpic.vncsamake") == 85
