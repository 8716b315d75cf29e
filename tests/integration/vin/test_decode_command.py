"""`cronhouse vehicles decode`: files in, files out."""

import csv
import gzip
import io
import json
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from shared import db
from shared.cli import group
from shared.cli.export import open_output
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
    assert "decoded 4 VINs" in result.stderr and "1 of them without an answer" in result.stderr
    assert [row["ModelYear"] for row in rows] == ["2003", "1999", None, "2003"]
    assert "'abc' is not a whole number" in rows[2]["ErrorText"]


def test_parquet_becomes_json_lines(decode: Decode, tmp_path: Path) -> None:
    file = tmp_path / "fleet.parquet"
    pq.write_table(pa.table({"vin": [ACCORD, None], "modelyear": [2003, None]}), file)
    first, second = map(json.loads, decode(file, "--format", "json").stdout.splitlines())
    assert (first["vin"], first["modelyear"], first["values"]["Model"]) == (ACCORD, 2003, "Accord")
    assert (second["vin"], second["values"]["Error Code"]) == (None, "7,11")  # as the procedure says of NULL


def test_parquet_of_other_programs_is_read(decode: Decode, tmp_path: Path) -> None:
    file = tmp_path / "fleet.parquet"
    years = pa.array([2003.0, float("nan"), 2003.5])
    pq.write_table(pa.table({"VIN": [ACCORD.encode()] * 3, "model_year": years}), file)
    found = [json.loads(line) for line in decode(file, "--format", "json").stdout.splitlines()]
    assert [(answer["vin"], answer["modelyear"]) for answer in found] == [
        (ACCORD, 2003), (ACCORD, None), (ACCORD, None)
    ]  # fmt: skip
    assert ["values" in answer for answer in found] == [True, True, False]


@pytest.mark.parametrize("ending", ["csv", "txt"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_text_of_other_systems_is_read(decode: Decode, tmp_path: Path, ending: str, encoding: str) -> None:
    file = tmp_path / f"vins.{ending}"
    file.write_bytes(("vin\r\n" * (ending == "csv") + f"{ACCORD}\r\n{ACCORD}").encode(encoding))
    found = [json.loads(line) for line in decode(file, "--format", "json").stdout.splitlines()]
    assert [answer["values"]["Model"] for answer in found] == ["Accord"] * 2


@pytest.mark.parametrize(
    ("content", "what"),
    [(gzip.compress(b"vin"), "compressed"), (b"PK\x03\x04x", "a zip file"), (b"PAR1\x15", "Parquet")],
)
def test_what_is_no_text_is_refused(decode: Decode, tmp_path: Path, content: bytes, what: str) -> None:
    file = tmp_path / "vins.txt"
    file.write_bytes(content)
    with pytest.raises(FatalError, match=f"vins.txt is {what}"):
        decode(file)


def test_a_quote_that_never_ends_is_named(decode: Decode, tmp_path: Path) -> None:
    file = tmp_path / "fleet.csv"
    file.write_text('"vin' + "x" * csv.field_size_limit())
    with pytest.raises(FatalError, match=r"fleet.csv, line 1: field larger"):
        decode(file)


def test_a_pipe_is_read_once_and_a_pipe_is_written(decode: Decode, tmp_path: Path) -> None:
    given, taken, file = tmp_path / "given", tmp_path / "taken", tmp_path / "out.csv"
    for pipe in (given, taken):
        os.mkfifo(pipe)
    for output in (file, taken):
        writer = threading.Thread(daemon=True, target=given.write_text, args=(f"{ACCORD}\n" * 3,))
        reader = threading.Thread(daemon=True, target=lambda: file.write_bytes(taken.read_bytes()))
        for thread in (writer, reader)[: 1 + (output is taken)]:
            thread.start()
        assert "decoded 3 VINs" in decode(given, "--output", output).stderr
        writer.join()
        if output is taken:
            reader.join()
        assert len(file.read_text().splitlines()) == 4
        file.unlink()
    assert taken.is_fifo()


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
    for output in ((), ("--output", tmp_path / "out.csv")):
        with pytest.raises(FatalError, match="not a Parquet file"):
            decode(file, *output)


def test_parquet_needs_a_file_and_full_needs_json(decode: Decode, tmp_path: Path) -> None:
    file = tmp_path / "vins.txt"
    file.write_text(ACCORD)
    assert decode(file, "--format", "parquet").exit_code == 2
    assert decode(file, "--format", "csv", "--full").exit_code == 2
    assert decode(file, "--output", tmp_path / "out.csv", "--full").exit_code == 2
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("more", [(), ("--full",)])
def test_an_ending_that_is_no_format_is_refused(
    decode: Decode, tmp_path: Path, more: tuple[str, ...]
) -> None:
    file = tmp_path / "vins.txt"
    file.write_text(ACCORD)
    result = decode(file, "--output", tmp_path / "out.XLSX", *more)
    assert result.exit_code == 2
    assert "no format ends in .xlsx; known are .csv, .json, .jsonl, .parquet" in result.stderr
    assert list(tmp_path.iterdir()) == [file]


def test_a_name_without_an_ending_is_csv_and_a_named_format_counts(decode: Decode, tmp_path: Path) -> None:
    file, plain, odd = tmp_path / "vins.txt", tmp_path / "out", tmp_path / "out.txt"
    file.write_text(ACCORD)
    assert decode(file, "--output", plain).exit_code == 0
    assert decode(file, "--output", odd, "--format", "csv").exit_code == 0
    assert plain.read_text() == odd.read_text() and plain.read_text().startswith("vin,")
    assert decode(file, "--output", plain, "--full").exit_code == 0
    assert json.loads(plain.read_text())["rows"]


@pytest.mark.parametrize("name", ["out.json", "out.JSONL"])
def test_json_lines_have_two_endings(decode: Decode, tmp_path: Path, name: str) -> None:
    file = tmp_path / "vins.txt"
    file.write_text(f"{ACCORD}\n{ACCORD}\n")
    assert decode(file, "--output", tmp_path / name).exit_code == 0
    found = [json.loads(line) for line in (tmp_path / name).read_text().splitlines()]
    assert [answer["values"]["Model"] for answer in found] == ["Accord"] * 2


def test_without_a_release_the_command_says_what_to_do(
    pg: Settings, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr("shared.cli.vehicles.start", lambda quiet=False: pg)
    file = tmp_path / "vins.txt"
    file.write_text(ACCORD)
    with pytest.raises(DataError, match="cronhouse vehicles load"):
        CliRunner().invoke(group, ["vehicles", "decode", str(file)], catch_exceptions=False)


def test_a_full_disk_behind_stdout_is_a_message(monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        io.TextIOWrapper(open("/dev/full", "wb", buffering=0)) as full,
        monkeypatch.context() as patch,
        pytest.raises(FatalError, match="cannot write to stdout: No space left"),
    ):
        patch.setattr("sys.stdout", full)
        with open_output(None) as out:
            out.write(b"vin\n")
