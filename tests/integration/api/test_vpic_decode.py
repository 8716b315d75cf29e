"""DecodeVin and its sisters on the real subset of vPIC, against what NHTSA's live service answered."""

import csv
import gzip
import io
import json
import time
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

import pytest
from flask.testing import FlaskClient

from services.api.vpic.decode import MESSAGE
from shared import db
from shared.config import ROOT
from tests.integration.api.conftest import error_of
from tests.unit.vin.test_live import KNOWN

URL = "/api/vehicles/"
ESCAPE, TRUCK, CORRECTED = "1FMCU0EG0BKA41755", "1FTFW1E59NKE32102", "1NXBU4VE37Z355588"
LEFT_OUT = ("", "0", "Not Applicable")
# Variables that a VIN has several values of: NHTSA's flat answers show one, nobody knows which.
SEVERAL = ("Note", "OtherEngineInfo", "OtherRestraintSystemInfo")


def decode(client: FlaskClient, address: str) -> dict[str, Any]:
    response = client.get(URL + address + ("&" if "?" in address else "?") + "format=json")
    assert response.status_code == 200, response.text
    assert list(response.json) == ["Count", "Message", "SearchCriteria", "Results"]
    assert response.json["Message"] == MESSAGE
    return response.json


def batch(client: FlaskClient, data: str, **more: str) -> Any:
    return client.post(URL + "DecodeVINValuesBatch/", data={"format": "json", "data": data, **more})


def test_decode_vin_has_a_row_a_variable(vpic: FlaskClient) -> None:
    answer = decode(vpic, f"DecodeVin/{ESCAPE}")
    rows = {row["VariableId"]: row for row in answer["Results"]}
    assert answer["Count"] == len(answer["Results"]) >= 140
    assert answer["SearchCriteria"] == f"VIN:{ESCAPE}"
    assert [row["VariableId"] for row in answer["Results"][:6]] == [142, 143, 144, 156, 191, 196]
    assert rows[26] == {"Value": "FORD", "ValueId": "460", "Variable": "Make", "VariableId": 26}
    assert rows[143] == {"Value": "0", "ValueId": "0", "Variable": "Error Code", "VariableId": 143}
    assert rows[29] == {"Value": "2011", "ValueId": "", "Variable": "Model Year", "VariableId": 29}
    assert rows[156]["Value"] is None and rows[156]["ValueId"] == ""  # text without a value
    assert rows[10]["Value"] is None and rows[10]["ValueId"] is None  # a list without a value


def test_flat_answer_has_every_variable_by_its_code(vpic: FlaskClient) -> None:
    answer = decode(vpic, f"DecodeVinValues/{ESCAPE}")
    (row,) = answer["Results"]
    assert answer["Count"] == decode(vpic, f"DecodeVin/{ESCAPE}")["Count"]
    assert answer["SearchCriteria"] == f"VIN(s): {ESCAPE}"
    assert list(row) == sorted(row) and all(isinstance(value, str) for value in row.values())
    # what NHTSA's flat answers have although no VIN tells it, and what they have besides the variables
    assert {"AdaptiveHeadlights", "CashForClunkers", "DriverAssist", "NCSAMappingException"} <= row.keys()
    assert not {"NCICCode", "CAFEMake", "Country", "EquipmentType"} & row.keys()
    expected = {
        "Make": "FORD", "MakeID": "460", "Model": "Escape", "ModelID": "1798", "ModelYear": "2011",
        "ErrorCode": "0", "VIN": ESCAPE, "SuggestedVIN": "", "VehicleDescriptor": "1FMCU0EG*BK",
    }  # fmt: skip
    assert expected.items() <= row.items() and row["ManufacturerId"]


def test_extended_answers_have_more(vpic: FlaskClient) -> None:
    plain, extended = (decode(vpic, f"DecodeVin{more}/{TRUCK}") for more in ("", "Extended"))
    own = {row["Variable"] for row in extended["Results"]} - {row["Variable"] for row in plain["Results"]}
    assert own == {"NCSA Body Type", "NCSA Make", "NCSA Model", "NCSA Note"}
    flat, more = (decode(vpic, f"DecodeVinValues{more}/{TRUCK}") for more in ("", "Extended"))
    assert (flat["Count"], more["Count"]) == (plain["Count"], extended["Count"])
    assert flat["Results"][0].keys() == more["Results"][0].keys()
    assert flat["Results"][0]["NCSABodyType"] == "" != more["Results"][0]["NCSABodyType"]


def test_model_year_of_the_caller_counts(vpic: FlaskClient) -> None:
    years = {
        decode(vpic, f"DecodeVinValues/{CORRECTED}{query}")["Results"][0]["ErrorCode"]
        for query in ("", "?modelyear=2007", "?modelYear=1980", "?MODELYEAR=")
    }
    assert len(years) == 2 and any("12" in codes.split(",") for codes in years)


def test_case_of_addresses_and_vins_does_not_matter(vpic: FlaskClient) -> None:
    first = decode(vpic, f"DecodeVinValues/{ESCAPE}")["Results"]
    assert decode(vpic, f"decodevinvalues/{ESCAPE.lower()}")["Results"] == first
    assert decode(vpic, f"DECODEVINVALUES/%20{ESCAPE}%20/")["Results"] == first


def test_part_of_a_vin_is_decoded_as_far_as_it_goes(vpic: FlaskClient) -> None:
    (row,) = decode(vpic, "DecodeVinValues/1FMCU0EG*BK?modelyear=2011")["Results"]
    assert (row["Make"], row["Model"], row["ModelYear"]) == ("FORD", "Escape", "2011")
    assert "6" in row["ErrorCode"].split(",")


def recorded() -> Iterator[dict[str, Any]]:
    with gzip.open(ROOT / "tests/data/vpic/live_dev.jsonl.gz", "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def test_flat_answers_are_those_of_the_live_service(vpic: FlaskClient, vpic_conn: db.Connection) -> None:
    codes = {row["id"]: row["code"] for row in db.fetch_all(vpic_conn, "SELECT id, code FROM vpic.element")}
    cases = list(recorded())
    data = ";".join(f"{case['vin']},{case['modelyear'] or ''}" for case in cases)
    results = batch(vpic, data).json["Results"]
    assert len(results) == len(cases) == 373
    differing = set()
    for case, ours in zip(cases, results, strict=True):
        theirs = {codes[row["element_id"]]: row["value"] for row in case["rows"]}
        known = {code: ours[code] for code in codes.values() if code in ours and ours[code] not in LEFT_OUT}
        if {code for code in known.keys() | theirs.keys() if known.get(code) != theirs.get(code)} - set(
            SEVERAL
        ):
            differing.add(case["vin"])
    assert differing <= set(KNOWN)


def test_batch_keeps_the_order_and_takes_years(vpic: FlaskClient) -> None:
    response = batch(vpic, f"{TRUCK},2022; {ESCAPE} ;\n5UXWX7C5*BA, 2011;")
    assert list(response.json) == ["Count", "Message", "SearchCriteria", "Results"]
    assert response.json["Count"] == 3 and response.json["SearchCriteria"] == ""
    rows = response.json["Results"]
    assert [(row["VIN"], row["ModelYear"]) for row in rows] == [
        (TRUCK, "2022"), (ESCAPE, "2011"), ("5UXWX7C5*BA", "2011"),
    ]  # fmt: skip


def test_batch_takes_its_names_and_format_as_clients_write_them(vpic: FlaskClient) -> None:
    for data in ({"DATA": ESCAPE, "format": "JSON"}, {"data": ESCAPE, "Format": "json"}):
        assert vpic.post(URL + "decodevinvaluesbatch", data=data).json["Count"] == 1
    response = vpic.post(URL + "DecodeVINValuesBatch/?format=csv", data={"data": ESCAPE, "format": "json"})
    (row,) = csv.DictReader(io.StringIO(response.text))
    assert row["VIN"] == ESCAPE and row["Make"] == "FORD"


def test_batch_goes_on_after_a_vin_that_is_none(vpic: FlaskClient) -> None:
    rows = batch(vpic, f"{'A' * 18};{'x' * 10_000};\U0001f697;{ESCAPE}").json["Results"]
    assert [row["ErrorCode"] for row in rows[::3]] == ["400", "0"]
    assert rows[0]["ErrorText"] == "400 - a VIN has at most 17 characters, this one has 18"
    assert rows[1]["Make"] == "" and len(rows[1]["VIN"]) == 40
    assert rows[2]["ErrorCode"] != "0"


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ("", "is empty"),
        (" ; ;", "is empty"),
        (f"{ESCAPE},abc", "VIN 1: 'abc' is not a model year"),
        (f"{ESCAPE};{ESCAPE},'; DROP TABLE x", "VIN 2: "),
        (f"{ESCAPE},20111", "'20111' is not a model year"),
        (";".join(["1FM"] * 10_001), "holds 10,001 VINs; at most 10,000"),
    ],
)
def test_batch_that_cannot_be_read_says_why(vpic: FlaskClient, data: str, says: str) -> None:
    assert says in error_of(batch(vpic, data.replace("; DROP", "%3B DROP")), 422)["message"]


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "text/plain", "application/json"])
def test_a_batch_that_is_no_form_says_what_is_expected(vpic: FlaskClient, kind: str) -> None:
    answer = vpic.post(URL + "DecodeVINValuesBatch/", data=b"data=1HG\xff", content_type=kind)
    assert "expected a form in UTF-8" in error_of(answer, 422)["message"]


def test_batch_of_10000_is_taken(vpic: FlaskClient) -> None:
    began = time.monotonic()
    response = batch(vpic, ";".join(f"{ESCAPE[:11]}{number:06d},2011" for number in range(10_000)))
    assert response.json["Count"] == 10_000 and time.monotonic() - began < 60
    assert {row["Model"] for row in response.json["Results"]} == {"Escape"}


def test_batch_has_a_largest_body(vpic: FlaskClient) -> None:
    error_of(batch(vpic, "x" * 5_000_000), 413)


@pytest.mark.parametrize(
    "name", ["DecodeVin", "DecodeVinValues", "DecodeVinExtended", "DecodeVinValuesExtended"]
)
def test_odd_vins_are_answered_or_refused(vpic: FlaskClient, name: str) -> None:
    error_of(vpic.get(f"{URL}{name}/?format=json"), 404)
    for vin in (
        "1",
        "%20",
        "1FMCU0EG0BKA4175",
        "%C3%9C%C3%9F%E2%82%AC",
        "%F0%9F%9A%97",
        "';--",
        "a%00b",
        "<b>&",
    ):
        assert decode(vpic, f"{name}/{vin}")["Count"] > 0
    for vin, length in (("A" * 18, "18"), ("A" * 10_000, "10000"), ("'%20OR%201=1;DROP%20TABLE%20x", "2")):
        error = error_of(vpic.get(f"{URL}{name}/{vin}?format=json"), 422)
        assert error["details"][0]["field"] == "vin" and f"this one has {length}" in error["message"]
    for year in ("abc", "-1", "0", "99999", "2011.5", "'%20OR%201=1"):
        error = error_of(vpic.get(f"{URL}{name}/{ESCAPE}?modelyear={year}"), 422)
        assert error["details"][0]["field"] == "modelyear"


def test_xml_and_csv_of_a_vin(vpic: FlaskClient) -> None:
    rows = ElementTree.fromstring(vpic.get(f"{URL}DecodeVin/{ESCAPE}").data)
    variables = {row.findtext("Variable"): row.findtext("Value") for row in rows.iter("DecodedVariable")}
    assert variables["Make"] == "FORD" and variables["Additional Error Text"] == ""
    flat = ElementTree.fromstring(vpic.get(f"{URL}DecodeVinValues/{ESCAPE}?format=xml").data)
    assert flat.findtext("Results/DecodedVINValues/Model") == "Escape"
    lines = list(csv.DictReader(io.StringIO(vpic.get(f"{URL}DecodeVin/{ESCAPE}?format=csv").text)))
    assert list(lines[0]) == ["Value", "ValueId", "Variable", "VariableId"] and len(lines) >= 140
    odd = vpic.get(f"{URL}DecodeVinValues/%01%3C%26?format=xml")
    assert ElementTree.fromstring(odd.data).findtext("Results/DecodedVINValues/VIN") == "\ufffd<&"
