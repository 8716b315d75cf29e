"""`cronhouse vehicles decode`: files in, files out."""

import csv
import gzip
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from shared import db
from shared.cli import group
from shared.config import Settings
from shared.errors import DataError, FatalError
from shared.vin.store import write_parts
from tests.unit.vin.conftest import compiled, find

ACCORD, TOO_LONG = "1HGCM82633A004352", "1HGCM82633A0043521"
Decode = Callable[..., Result]


@pytest.fixture
def decode(pg: Settings, conn: db.Connection, monkeypatch: pytest.MonkeyPatch) -> Iterator[Decode]:
    """Run the command against a live release that is the sample's parts."""
    db.execute(conn, "CREATE SCHEMA IF NOT EXISTS vpic")
    write_parts(conn, "vpic", compiled("vpic_subset.plain.sql.zip").items())
    conn.commit()
    monkeypatch.setattr("shared.cli.vehicles.start", lambda quiet=False: pg)

    def run(*arguments: Any) -> Result:
        return CliRunner().invoke(group, ["vehicles", "decode", *map(str, arguments)], catch_exceptions=False)

    yield run


def test_lines_become_csv(decode: Decode, tmp_path: Path) -> None:
    file = tmp_path / "vins.txt"
    file.write_text(f"{ACCORD}\n\n  {ACCORD.lower()}  \n{TOO_LONG}\n")
    rows = list(csv.DictReader(io.StringIO(decode(file, "--now", "2026-11-20").stdout)))
    assert [row["vin"] for row in rows] == [ACCORD, ACCORD.lower(), TOO_LONG]
    assert [(row["Make"], row["Model"], row["ModelYear"]) for row in rows[:2]] == [
        ("HONDA", "Accord", "2003")
    ] * 2
    assert "at most 17 characters" in rows[2]["ErrorText"] and rows[2]["Model"] == ""


def test_csv_with_years_becomes_parquet(decode: Decode, tmp_path: Path) -> None:
    file, output = tmp_path / "fleet.CSV", tmp_path / "out.parquet"
    file.write_text(f"unit,VIN,ModelYear\n1,{ACCORD},2003\n2,{ACCORD},1999\n3,{ACCORD},abc\n4,{ACCORD},\n5\n")
    result = decode(file, "--output", output)
    rows = pq.read_table(output).to_pylist()
    assert "decoded 4 VINs" in result.stderr
    assert [row["ModelYear"] for row in rows] == ["2003", "1999", None, "2003"]
    assert "'abc' is not a whole number" in rows[2]["ErrorText"]


def test_parquet_becomes_json_lines(decode: Decode, tmp_path: Path) -> None:
    file = tmp_path / "fleet.parquet"
    pq.write_table(pa.table({"vin": [ACCORD, None], "modelyear": [2003, None]}), file)
    first, second = map(json.loads, decode(file, "--format", "json").stdout.splitlines())
    assert (first["vin"], first["modelyear"], first["values"]["Model"]) == (ACCORD, 2003, "Accord")
    assert second["values"]["Error Code"] == "6,7,11"


def test_full_gives_the_rows_of_the_recorded_answers(decode: Decode, tmp_path: Path) -> None:
    with gzip.open(find("dev.jsonl.gz"), "rt", encoding="utf-8") as lines:
        cases = [json.loads(line) for line, _ in zip(lines, range(40), strict=False)]
    file = tmp_path / "vins.csv"
    with open(file, "w", newline="") as out:
        csv.writer(out).writerows(
            [["vin", "modelyear"], *([case["vin"], case["modelyear"]] for case in cases)]
        )
    found = [json.loads(line) for line in decode(file, "--full", "--now", "2026-11-20").stdout.splitlines()]
    assert [sorted(map(_text, answer["rows"])) for answer in found] == [
        sorted(map(_text, case["rows"])) for case in cases
    ]


def _text(row: dict[str, Any]) -> str:
    return json.dumps(row | {"to_be_qced": row["to_be_qced"] or None}, sort_keys=True)


def test_the_live_service_is_another_reference(decode: Decode, tmp_path: Path) -> None:
    file = tmp_path / "vins.txt"
    file.write_text("1C4BJWDG7FL601946\n")
    answers = [decode(file, "--format", "json", "--reference", name).stdout for name in ("procedure", "api")]
    found = [json.loads(answer)["values"]["Displacement (CI)"] for answer in answers]
    assert found == ["219.6854787410362222", "219.68547874103"]


@pytest.mark.parametrize("content", ["", "make,model\nA,B\n"])
def test_a_csv_without_vins_says_so(decode: Decode, tmp_path: Path, content: str) -> None:
    file, output = tmp_path / "fleet.csv", tmp_path / "out.csv"
    file.write_text(content)
    with pytest.raises(FatalError, match="has no column vin"):
        decode(file, "--output", output)
    assert list(tmp_path.iterdir()) == [file]


def test_a_file_that_is_no_parquet_says_so(decode: Decode, tmp_path: Path) -> None:
    file = tmp_path / "fleet.parquet"
    file.write_bytes(b"PAR0 nothing")
    with pytest.raises(FatalError, match="not a Parquet file"):
        decode(file)


def test_parquet_needs_a_file_and_full_needs_json(decode: Decode, tmp_path: Path) -> None:
    file = tmp_path / "vins.txt"
    file.write_text(ACCORD)
    assert decode(file, "--format", "parquet").exit_code == 2
    assert decode(file, "--format", "csv", "--full").exit_code == 2


def test_without_a_release_the_command_says_what_to_do(
    pg: Settings, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr("shared.cli.vehicles.start", lambda quiet=False: pg)
    file = tmp_path / "vins.txt"
    file.write_text(ACCORD)
    with pytest.raises(DataError, match="cronhouse vehicles load"):
        CliRunner().invoke(group, ["vehicles", "decode", str(file)], catch_exceptions=False)
