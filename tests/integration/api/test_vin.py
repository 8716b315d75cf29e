"""/api/vehicles/vin: VINs in our own shape."""

import pytest
from flask.testing import FlaskClient

from tests.integration.api.conftest import error_of

URL = "/api/vehicles/vin/"
ESCAPE, WRONG = "1FMCU0EG0BKA41755", "1FM5K7F83FGA17607"


def test_vin_tells_the_vehicle(vpic: FlaskClient) -> None:
    vehicle = vpic.get(URL + ESCAPE.lower()).json["data"]
    expected = {
        "vin": ESCAPE, "is_valid": True, "error_codes": [0], "suggested_vin": None, "possible_values": None,
        "descriptor": "1FMCU0EG*BK", "model_year": 2011, "make": "FORD", "model": "Escape",
    }  # fmt: skip
    assert expected.items() <= vehicle.items()
    assert vehicle["values"]["FuelTypePrimary"] == "Gasoline"
    assert not {"ErrorCode", "SuggestedVIN"} & vehicle["values"].keys()


def test_what_is_wrong_with_a_vin_stands_in_the_answer(vpic: FlaskClient) -> None:
    vehicle = vpic.get(URL + WRONG).json["data"]
    assert not vehicle["is_valid"] and vehicle["error_codes"] == [1] and vehicle["make"] == "FORD"
    assert "Check Digit" in vehicle["error_text"]
    corrected = vpic.get(URL + "1NXBU4VE37Z355588?model_year=2007").json["data"]
    assert corrected["suggested_vin"] == "1NXBU!!E37Z355588" and "5" in map(str, corrected["error_codes"])


@pytest.mark.parametrize(
    ("address", "field"),
    [
        ("A" * 18, "vin"), ("A" * 10_000, "vin"), ("%20", "vin"), ("'%20OR%201=1;DROP%20TABLE%20x", "vin"),
        (f"{ESCAPE}?model_year=abc", "model_year"), (f"{ESCAPE}?model_year=1", "model_year"),
        (f"{ESCAPE}?year=2011", "year"), (f"{ESCAPE}?model_year=2011&model_year=2012", "model_year"),
    ],
)  # fmt: skip
def test_what_cannot_be_decoded_is_named(vpic: FlaskClient, address: str, field: str) -> None:
    assert error_of(vpic.get(URL + address), 422)["details"][0]["field"] == field


@pytest.mark.parametrize("vin", ["1", "1FMCU0EG0BKA4175", "%C3%9C%E2%82%AC", "%F0%9F%9A%97", "a%00b", "';--"])
def test_odd_vins_are_answered(vpic: FlaskClient, vin: str) -> None:
    vehicle = vpic.get(URL + vin).json["data"]
    assert not vehicle["is_valid"] and vehicle["error_codes"]


def test_nothing_and_more_are_not_found(vpic: FlaskClient) -> None:
    error_of(vpic.get(URL), 404)
    error_of(vpic.get(URL + "a/b"), 404)


def test_batch_keeps_order_and_goes_on(vpic: FlaskClient) -> None:
    vins = [ESCAPE, {"vin": WRONG, "model_year": 2015}, "A" * 18, "", "\U0001f697"]
    vehicles = vpic.post(URL + "batch", json={"vins": vins}).json["data"]
    assert [vehicle["make"] for vehicle in vehicles] == ["FORD", "FORD", None, None, None]
    assert vehicles[2]["error_codes"] == [] and "this one has 18" in vehicles[2]["error_text"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "vins"), ({"vins": []}, "vins"), ({"vins": ["x"] * 10_001}, "vins"), ({"vins": "x"}, "vins"),
        ({"vins": ["x"], "more": 1}, "more"), ({"vins": [None]}, "vins.0.object"),
        ({"vins": ["x", {"vin": "x", "model_year": "abc"}]}, "vins.1.object.model_year"),
    ],
)  # fmt: skip
def test_batch_that_cannot_be_read_says_why(vpic: FlaskClient, body: dict, field: str) -> None:
    error = error_of(vpic.post(URL + "batch", json=body), 422)
    assert [detail["field"] for detail in error["details"]] == [field]
    if len(body.get("vins", ())) > 10_000:
        assert "10,001 VINs; at most 10,000" in error["message"]


def test_batch_must_be_json_of_a_size(vpic: FlaskClient) -> None:
    error_of(vpic.post(URL + "batch", data="vins=x"), 415)
    assert vpic.post(URL + "batch", json={"vins": ["x" * 5_000_000]}).status_code == 413


def test_batch_of_10000_is_taken(vpic: FlaskClient) -> None:
    vins = [{"vin": f"{ESCAPE[:11]}{number:06d}", "model_year": 2011} for number in range(10_000)]
    vehicles = vpic.post(URL + "batch", json={"vins": vins}).json["data"]
    assert len(vehicles) == 10_000 and {vehicle["model"] for vehicle in vehicles} == {"Escape"}
