"""The lists of NHTSA's API, on the real subset of vPIC."""

import csv
import io
from xml.etree import ElementTree

import pytest
from flask.testing import FlaskClient

from tests.integration.api.conftest import error_of

URL = "/api/vehicles/"
HONDA_USA = 988


def get(client: FlaskClient, address: str) -> dict:
    """Return an answer as JSON; the envelope is NHTSA's, in NHTSA's order."""
    response = client.get(URL + address + ("&" if "?" in address else "?") + "format=json")
    assert response.status_code == 200, response.text
    assert list(response.json) == ["Count", "Message", "SearchCriteria", "Results"]
    assert response.json["Count"] == len(response.json["Results"])
    return response.json


@pytest.mark.parametrize(
    ("address", "criteria", "message", "fields", "some"),
    [
        ("GetAllMakes", None, "Response", "Make_ID Make_Name", {"Make_ID": 474, "Make_Name": "HONDA"}),
        ("GetAllManufacturers", None, "Response", "Country Mfr_CommonName Mfr_ID Mfr_Name VehicleTypes", {}),
        ("GetManufacturerDetails/honda", None, "Response", None, {}),
        ("GetMakeForManufacturer/988", "Manufacturer:988", "Results", "Make_ID Make_Name Mfr_Name", {}),
        (
            "GetMakesForManufacturerAndYear/honda?year=2015", "Manufacturer : honda, Year: 2015", "Response",
            "MakeId MakeName MfrId MfrName", {"MakeId": 474, "MakeName": "HONDA"},
        ),
        (
            "GetMakesForVehicleType/car", "Vehicle Type: car", "Response",
            "MakeId MakeName VehicleTypeId VehicleTypeName",
            {"MakeId": 474, "MakeName": "HONDA", "VehicleTypeId": 2, "VehicleTypeName": "Passenger Car"},
        ),
        (
            "GetModelsForMake/HONDA", "Make:HONDA", "Response", "Make_ID Make_Name Model_ID Model_Name",
            {"Make_ID": 474, "Make_Name": "HONDA", "Model_ID": 1861, "Model_Name": "Accord"},
        ),
        (
            "GetModelsForMakeId/474", "Make:474", "Response", "Make_ID Make_Name Model_ID Model_Name",
            {"Model_ID": 1861, "Model_Name": "Accord"},
        ),
        (
            "GetModelsForMakeYear/make/honda/modelyear/2015", "Make:honda | ModelYear:2015", "Results",
            "Make_ID Make_Name Model_ID Model_Name", {"Model_ID": 1861, "Model_Name": "Accord"},
        ),
        (
            "GetModelsForMakeYear/make/honda/modelyear/2015/vehicletype/car",
            "Make:honda | ModelYear:2015 | VehicleType:car", "Results",
            "Make_ID Make_Name Model_ID Model_Name VehicleTypeId VehicleTypeName",
            {"Model_ID": 1861, "VehicleTypeId": 2, "VehicleTypeName": "Passenger Car"},
        ),
        (
            "GetModelsForMakeIdYear/makeId/474/vehicletype/car", "Make ID:474 | VehicleType:car", "Results",
            "Make_ID Make_Name Model_ID Model_Name VehicleTypeId VehicleTypeName", {"Model_ID": 1861},
        ),
        (
            "GetVehicleTypesForMake/honda", "Make: honda", "Response",
            "MakeId MakeName VehicleTypeId VehicleTypeName", {"MakeId": 474, "VehicleTypeId": 2},
        ),
        (
            "GetVehicleTypesForMakeId/474", "Make ID: 474", "Response", "VehicleTypeId VehicleTypeName",
            {"VehicleTypeId": 2, "VehicleTypeName": "Passenger Car"},
        ),
        (
            "GetVehicleVariableList", None, "Results", "DataType Description GroupName ID Name",
            {"ID": 26, "Name": "Make", "DataType": "lookup", "GroupName": "General"},
        ),
        (
            "GetVehicleVariableValuesList/vehicle%20type", "Variable:vehicle type", "Results",
            "ElementName Id Name", {"ElementName": "Vehicle Type", "Id": 3, "Name": "Truck"},
        ),
        (
            "GetVehicleVariableValuesList/26", "Variable:26", "Results", "ElementName Id Name",
            {"ElementName": "Make", "Id": 474, "Name": "HONDA"},
        ),
        (
            "GetWMIsForManufacturer/honda", "Manufacturer: honda", "Response",
            "Country CreatedOn DateAvailableToPublic Id Name UpdatedOn VehicleType WMI",
            {"WMI": "1HG", "Country": "UNITED STATES (USA)", "VehicleType": "Passenger Car",
             "CreatedOn": "2015-03-26", "DateAvailableToPublic": "2015-01-01"},
        ),
        (
            "GetWMIsForManufacturer/honda?vehicleType=2", "Manufacturer: honda , VehicleType: 2", "Response",
            None, {"WMI": "1HG"},
        ),
        ("GetWMIsForManufacturer?vehicleType=mpv", "VehicleType: mpv", "Response", None, {"WMI": "5J6"}),
        (
            "DecodeWMI/1ft", "WMI:1ft", "Results",
            "CommonName CreatedOn DateAvailableToPublic Make ManufacturerName ParentCompanyName URL UpdatedOn "
            "VehicleType",
            {"Make": "FORD", "ManufacturerName": "FORD MOTOR COMPANY", "VehicleType": "Truck",
             "CreatedOn": "2015-03-23", "DateAvailableToPublic": "2015-01-01"},
        ),
    ],
)  # fmt: skip
def test_list_has_the_fields_of_nhtsa(
    vpic: FlaskClient, address: str, criteria: str | None, message: str, fields: str | None, some: dict
) -> None:
    answer = get(vpic, address)
    assert answer["SearchCriteria"] == criteria
    assert answer["Message"] == f"{message} returned successfully"
    results = answer["Results"]
    assert fields is None or list(results[0]) == fields.split()
    assert any(some.items() <= row.items() for row in results), results[:5]


def test_details_of_a_manufacturer_have_all_fields_of_nhtsa(vpic: FlaskClient) -> None:
    rows = get(vpic, "GetManufacturerDetails/honda")["Results"]
    row = next(row for row in rows if row["Mfr_ID"] == HONDA_USA)
    assert len(row) == 25 and list(row) == sorted(row)
    types = {"GVWRFrom": None, "GVWRTo": None, "IsPrimary": False, "Name": "Passenger Car"}
    assert types in row["VehicleTypes"] and row["EquipmentItems"] == [] and row["Address"] is None


def test_manufacturers_come_in_pages_of_100(vpic: FlaskClient) -> None:
    first, second = (get(vpic, f"GetAllManufacturers?page={page}")["Results"] for page in (1, 2))
    assert len(first) == 100 and 0 < len(second) <= 100
    ids = [row["Mfr_ID"] for row in first + second]
    assert ids == sorted(set(ids))
    assert get(vpic, "GetAllManufacturers?page=3000")["Count"] == 0


def test_models_of_a_year_are_a_part_of_all(vpic: FlaskClient) -> None:
    models = lambda address: {row["Model_ID"] for row in get(vpic, address)["Results"]}  # noqa: E731
    everything, of_2015 = (
        models("GetModelsForMakeId/474"),
        models("GetModelsForMakeIdYear/makeId/474/modelyear/2015"),
    )
    assert of_2015 < everything
    either = models("GetModelsForMakeIdYear/makeId/474/vehicletype/car/modelyear/2015")
    assert (
        either == models("getmodelsformakeidyear/MAKEID/474/ModelYear/2015/VehicleType/car")
        and either < of_2015
    )
    assert models("GetModelsForMakeIdYear/makeId/474/modelyear/1805") == set()


def test_make_id_is_looked_up_by_number_alone(vpic: FlaskClient) -> None:
    assert error_of(vpic.get(URL + "GetModelsForMakeId/honda"), 422)["details"][0]["field"] == "make_id"
    error_of(vpic.get(URL + "GetModelsForMakeId/99999999999999999999"), 422)


@pytest.mark.parametrize(
    "address",
    [
        "getallmakes", "GETALLMAKES/", "GetAllMakes?FORMAT=JSON", "getmanufacturerdetails/honda",
        "GETMODELSFORMAKEYEAR/MAKE/honda/MODELYEAR/2015", "getwmisformanufacturer?VEHICLETYPE=car",
        "getmakesformanufacturerandyear/honda?YEAR=2015&nobody=knows",
    ],
)  # fmt: skip
def test_addresses_and_parameters_are_taken_in_any_case(vpic: FlaskClient, address: str) -> None:
    response = vpic.get(URL + address, headers={"Accept": "application/json"})
    assert response.status_code == 200 and response.json["Count"] > 0
    assert vpic.get("/API/Vehicles/" + address).status_code == 200


def test_xml_is_what_comes_when_nothing_is_asked_for(vpic: FlaskClient) -> None:
    for headers in ({}, {"Accept": "*/*"}, {"Accept": "text/html,application/xml;q=0.9"}):
        assert vpic.get(URL + "GetAllMakes", headers=headers).mimetype == "application/xml"
    root = ElementTree.fromstring(vpic.get(URL + "GetAllMakes").data)
    assert root.tag == "Response" and [child.tag for child in root] == ["Count", "Message", "Results"]
    makes = root.findall("Results/AllVehicleMakes")
    assert len(makes) == int(root.findtext("Count"))
    assert {make.findtext("Make_ID"): make.findtext("Make_Name") for make in makes}["474"] == "HONDA"


def test_xml_keeps_lists_and_odd_characters(vpic: FlaskClient) -> None:
    root = ElementTree.fromstring(vpic.get(URL + "GetManufacturerDetails/honda?format=xml").data)
    assert root.findtext("Results/ManufacturerDetails/VehicleTypes/VehicleType/IsPrimary") == "false"
    assert root.find("Results/ManufacturerDetails/Address").text is None
    odd = ElementTree.fromstring(vpic.get(URL + "GetModelsForMake/%3Ca%20%26%20%01b%3E?format=xml").data)
    assert odd.findtext("SearchCriteria") == "Make:<a & \ufffdb>" and odd.find("Results").text is None


def test_csv_has_a_line_a_result(vpic: FlaskClient) -> None:
    response = vpic.get(URL + "GetManufacturerDetails/honda?format=csv")
    assert response.mimetype == "text/csv"
    rows = list(csv.DictReader(io.StringIO(response.text)))
    row = next(row for row in rows if row["Mfr_ID"] == str(HONDA_USA))
    assert "Passenger Car; " in row["VehicleTypes"] and row["City"] == ""
    assert vpic.get(URL + "GetModelsForMake/nothing?format=csv").text == ""


@pytest.mark.parametrize(
    "address", ["GetParts?type=565", "getequipmentplantcodes?year=2016", "GetCanadianVehicleSpecifications"]
)
def test_what_is_not_in_the_releases_says_so(vpic: FlaskClient, address: str) -> None:
    error = error_of(vpic.get(URL + address), 501)
    assert error["code"] == "not_implemented" and "NHTSA's own service" in error["message"]


def test_type_of_manufacturers_is_not_in_the_releases_either(vpic: FlaskClient) -> None:
    assert (
        "ManufacturerType"
        in error_of(vpic.get(URL + "GetAllManufacturers?ManufacturerType=x"), 501)["message"]
    )


SQL = "'%20OR%201=1;%20DROP%20TABLE%20vpic.make;--"


@pytest.mark.parametrize(
    "text", [SQL, "%25", "_", "nothing-like-this", "%C3%A9%E2%82%AC", "%F0%9F%9A%97", "%5C"]
)
@pytest.mark.parametrize(
    "address",
    [
        "GetManufacturerDetails/{}", "GetMakeForManufacturer/{}", "GetMakesForManufacturerAndYear/{}?year=2015",
        "GetMakesForVehicleType/{}", "GetModelsForMake/{}", "GetModelsForMakeYear/make/{}/modelyear/2015",
        "GetModelsForMakeYear/make/honda/vehicletype/{}", "GetVehicleTypesForMake/{}",
        "GetVehicleVariableValuesList/{}", "GetWMIsForManufacturer/{}", "GetWMIsForManufacturer?vehicleType={}",
        "GetModelsForMakeIdYear/makeid/474/vehicletype/{}",
    ],
)  # fmt: skip
def test_unknown_names_and_sql_find_nothing(vpic: FlaskClient, address: str, text: str) -> None:
    assert get(vpic, address.format(text))["Count"] == 0


@pytest.mark.parametrize(
    ("address", "field"),
    [
        ("GetAllMakes?format=yaml", "format"),
        ("GetAllMakes?format=" + SQL, "format"),
        ("GetAllManufacturers?page=0", "page"),
        ("GetAllManufacturers?page=abc", "page"),
        ("GetMakesForManufacturerAndYear/honda", "year"),
        ("GetMakesForManufacturerAndYear/honda?year=abc", "year"),
        ("GetMakesForManufacturerAndYear/honda?year=" + SQL, "year"),
        ("GetModelsForMakeYear/make/honda/modelyear/abc", "modelyear"),
        ("GetModelsForMakeYear/make/honda/modelyear/" + SQL, "modelyear"),
        ("GetModelsForMakeIdYear/makeid/x/modelyear/2015", "make_id"),
        ("GetWMIsForManufacturer", "vehicletype"),
        ("GetWMIsForManufacturer?vehicleType=a%00", "vehicletype"),
        ("GetModelsForMake/a%00b", "make"),
        ("GetModelsForMake/" + "x" * 201, "make"),
        ("DecodeWMI/1F", "wmi"),
        ("DecodeWMI/" + SQL, "wmi"),
    ],
)
def test_wrong_parameter_is_named(vpic: FlaskClient, address: str, field: str) -> None:
    assert field in {detail["field"] for detail in error_of(vpic.get(URL + address), 422)["details"]}


@pytest.mark.parametrize(
    "address",
    ["GetModelsForMakeYear/make/honda", "GetModelsForMakeYear/make/honda/year/2015", "GetModelsForMake", "GetThing",
     "GetModelsForMakeYear/make/honda/modelyear"],
)  # fmt: skip
def test_address_that_is_none_is_not_found(vpic: FlaskClient, address: str) -> None:
    error_of(vpic.get(URL + address), 404)


def test_unknown_wmi_has_no_result(vpic: FlaskClient) -> None:
    assert get(vpic, "DecodeWMI/ZZZ")["Count"] == 0


def test_answers_may_be_kept_and_are_revalidated(vpic: FlaskClient) -> None:
    address = URL + "GetVehicleTypesForMakeId/474?format=json"
    first = vpic.get(address)
    again = vpic.get(address, headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304 and first.headers["Cache-Control"] == "public, max-age=60"
    as_xml = vpic.get(address.replace("json", "xml"))
    assert as_xml.headers["ETag"] != first.headers["ETag"] and as_xml.mimetype == "application/xml"
