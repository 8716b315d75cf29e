"""Dumps that are broken or changed: a clear word, and the live release stays as it is."""

from pathlib import Path

import pytest

from tests.integration.vehicles.mini import Mini


@pytest.fixture
def mini() -> Mini:
    return Mini("2026_08")


def test_a_dump_that_ends_in_a_table(broken, mini, tmp_path):
    said = broken(mini.write(tmp_path, lambda text: text[: text.index(b"COPY vpic.make ") + 60]))
    assert "is cut off after" in said and "in the middle of table make" in said


def test_a_dump_that_ends_between_two_tables(broken, mini, tmp_path):
    said = broken(mini.write(tmp_path, lambda text: text[: text.index(b"COPY vpic.make ")]))
    assert "is cut off after" in said and "pg_dump writes last" in said


def test_a_plain_file_that_ends_too_early(broken, mini, tmp_path):
    path = tmp_path / "vPICList_lite_2026_08.plain.sql"
    path.write_bytes(mini.text()[:-2000])
    assert "is cut off" in broken(path)


def test_a_zip_file_that_is_cut_off(broken, mini, tmp_path):
    path = mini.write(tmp_path)
    path.write_bytes(path.read_bytes()[:-300])
    assert "is no whole zip file" in broken(path)


def test_a_zip_file_with_a_wrong_checksum(broken, mini, tmp_path):
    path = mini.write(tmp_path)
    body = bytearray(path.read_bytes())
    at = body.index(b"PK\x01\x02") + 16  # the checksum in the directory, and the one before the data
    for place in (at, 14):
        body[place] ^= 0xFF
    path.write_bytes(bytes(body))
    said = broken(path)
    assert "is damaged" in said and "CRC" in said


def test_a_zip_file_with_damaged_data(broken, mini, tmp_path):
    path = mini.write(tmp_path)
    body = bytearray(path.read_bytes())
    body[len(body) // 2 : len(body) // 2 + 40] = bytes(40)
    path.write_bytes(bytes(body))
    said = broken(path)
    assert "is damaged" in said or "table" in said


def test_a_row_with_too_few_columns(broken, mini, tmp_path):
    mini.tables["pattern"][1][1] = mini.tables["pattern"][1][1][:3]
    said = broken(mini.write(tmp_path))
    assert 'table pattern, row 2: missing data for column "elementid"' in said


def test_a_row_with_too_many_columns(broken, mini, tmp_path):
    mini.tables["make"][1][2].append("more")
    assert "table make, row 3: extra data after last expected column" in broken(mini.write(tmp_path))


def test_a_value_that_is_no_number(broken, mini, tmp_path):
    mini.tables["wmi_vinschema"][1][0][3] = "MMX"
    assert 'table wmi_vinschema, row 1: invalid input syntax for type integer: "MMX"' in broken(
        mini.write(tmp_path)
    )


def test_a_key_that_stands_there_twice(broken, mini, tmp_path):
    mini.tables["pattern"][1].append(list(mini.tables["pattern"][1][0]))
    assert "pattern_pkey" in broken(mini.write(tmp_path))


def test_a_table_that_stands_there_twice(broken, mini, tmp_path):
    def twice(text: bytes) -> bytes:
        start = text.index(b"COPY vpic.wmi ")
        block = text[start : text.index(b"\\.\n", start) + 3]
        return text.replace(block, block + block)

    assert "table wmi stands there twice" in broken(mini.write(tmp_path, twice))


def test_a_needed_table_that_is_missing(broken, mini, tmp_path):
    for name in ("pattern", "wmi_make", "transmission"):
        del mini.tables[name]
    assert "has no table pattern, transmission, wmi_make: it was not loaded" in broken(mini.write(tmp_path))


def test_a_table_that_nobody_needs_may_be_missing(house, mini, tmp_path):
    del mini.tables["decodingoutput"]
    assert house.load(mini.write(tmp_path)).status == "succeeded"
    assert house.value("SELECT notes FROM vehicles.release") == [
        "table decodingoutput is missing and stays empty"
    ]


def test_an_unknown_table_is_named_and_left_out(house, mini, tmp_path):
    mini.tables["recall"] = (["id", "vin", "campaign"], [["1", "x", "y"]])
    assert house.load(mini.write(tmp_path)).status == "succeeded"
    notes = house.value("SELECT notes FROM vehicles.release")
    assert notes == ["table recall is not known and was not loaded: id, vin, campaign"]
    assert house.value("SELECT to_regclass('vpic.recall')") is None


def test_an_unknown_lookup_table_is_kept(house, mini, tmp_path):
    mini.tables["hoverdrive"] = (["id", "name"], [["1", "Antigravity"]])
    assert house.load(mini.write(tmp_path)).status == "succeeded"
    assert house.value("SELECT name FROM vpic.hoverdrive") == "Antigravity"
    assert "hoverdrive is new" in house.value("SELECT notes FROM vehicles.release")[0]


def test_an_added_column_is_named_and_left_out(house, mini, tmp_path):
    columns, rows = mini.tables["pattern"]
    columns.insert(2, "certainty")
    for row in rows:
        row.insert(2, "a\\tb")
    assert house.load(mini.write(tmp_path)).status == "succeeded"
    assert house.value("SELECT notes FROM vehicles.release") == [
        "table pattern: column certainty is new and is not kept"
    ]
    row = house.all("SELECT * FROM vpic.pattern WHERE id = 2")[0]
    assert "certainty" not in row and row["keys"] == "AB|D*" and row["elementid"] == 2


def test_columns_in_another_order_are_matched_by_name(house, mini, tmp_path):
    columns, rows = mini.tables["wmi_vinschema"]
    columns.reverse()
    for row in rows:
        row.reverse()
    assert house.load(mini.write(tmp_path)).status == "succeeded"
    row = house.all("SELECT * FROM vpic.wmi_vinschema WHERE id = 3")[0]
    assert (row["wmiid"], row["yearfrom"], row["yearto"]) == (3, 2010, 2020)
    assert house.value("SELECT notes FROM vehicles.release") == []


def test_a_missing_column_that_is_needed(broken, mini, tmp_path):
    columns, rows = mini.tables["pattern"]
    for row in [columns, *rows]:
        del row[2:4]
    assert "table pattern has no column keys, elementid, which is needed" in broken(mini.write(tmp_path))


def test_a_missing_column_that_nobody_needs_stays_empty(house, mini, tmp_path):
    columns, rows = mini.tables["make"]
    for row in [columns, *rows]:
        del row[2]
    assert house.load(mini.write(tmp_path)).status == "succeeded"
    assert house.value("SELECT notes FROM vehicles.release") == [
        "table make: column createdon is missing and stays empty"
    ]
    assert house.value("SELECT count(*) FROM vpic.make WHERE createdon IS NULL") == 3


def test_nothing_of_the_dump_is_executed(house, mini, tmp_path):
    def with_traps(text: bytes) -> bytes:
        trap = b"INSERT INTO vpic.make VALUES (99, 'x');\nSELECT pg_sleep(60);\n\\! touch /tmp/never\n"
        return text.replace(b"\nCOPY vpic.model ", trap + b"\nCOPY vpic.model ")

    assert house.load(mini.write(tmp_path, with_traps)).status == "succeeded"
    assert house.value("SELECT count(*) FROM vpic.make") == 3
    assert house.value("SELECT to_regclass('vpic.never_executed')") is None


def test_lines_that_end_as_on_windows(house, mini, tmp_path):
    path = tmp_path / "vPICList_lite_2026_08.plain.sql"
    path.write_bytes(mini.text("\r\n"))
    assert house.load(path).status == "succeeded"
    assert house.value("SELECT name FROM vpic.make WHERE id = 1") == "make name 1"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"PGDMP\x01\x0e", "custom format"),
        (b"<!DOCTYPE html><title>Moved</title>", "a web page"),
        (b"", "is no plain dump"),
        (b"\x00" * 5000, "is no plain dump"),
    ],
)
def test_what_is_no_dump(broken, tmp_path, content, says):
    path = tmp_path / "vPICList_lite_2026_08.plain.sql"
    path.write_bytes(content)
    assert says in broken(path)


def test_a_file_that_is_not_there(broken, tmp_path: Path):
    assert "there is no such file" in broken(tmp_path / "vPICList_lite_2026_08.plain.zip")


def test_a_release_that_nobody_can_tell_the_month_of(broken, mini, tmp_path):
    path = tmp_path / "vpic.sql"
    path.write_bytes(mini.text().replace(b"vPICList_lite_2026_08", b"vPIC"))
    assert "which release it is" in broken(path)
