"""A client library of NHTSA's API that others wrote (PyPI vpic-api), pointed at ours by its host setting alone."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
import requests
from vpic import Client, TypedClient
from vpic.exceptions import MethodNotFound, VPICError

from shared.config import ROOT, Settings

ESCAPE, TRUCK = "1FMCU0EG0BKA41755", "1FTFW1E59NKE32102"
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # the client's own, of its libraries
GUNICORN = ("-m", "gunicorn", "-c", "python:services.api.gunicorn_conf", "services.api.app:create_app()")


@pytest.fixture(scope="module")
def host(vpic_settings: Settings) -> Iterator[str]:
    """The API as it is served: gunicorn with one worker."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environ = {
        "PATH": os.environ["PATH"], "CRONHOUSE_ENV_FILE": os.devnull, "API_PORT": str(port), "API_WORKERS": "1",
        "DATABASE_URL": str(vpic_settings.database_url), "CRONHOUSE_LOCAL_DIR": str(vpic_settings.local_dir),
    }  # fmt: skip
    server = subprocess.Popen([sys.executable, *GUNICORN], cwd=ROOT, env=environ, stderr=subprocess.DEVNULL)
    try:
        wait_for(f"http://127.0.0.1:{port}/health")
        yield f"http://127.0.0.1:{port}/api/vehicles/"
    finally:
        server.terminate()
        server.wait(30)


def wait_for(address: str) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            if requests.get(address, timeout=5).ok:
                return
        except requests.ConnectionError:
            time.sleep(0.1)
    raise AssertionError("the API did not start")


@pytest.fixture(scope="module")
def client(host: str) -> Client:
    return Client(host)


@pytest.fixture(scope="module")
def typed(host: str) -> TypedClient:
    return TypedClient(host)


def test_client_decodes_vins(client: Client) -> None:
    vehicle = client.decode_vin(ESCAPE, 2011)
    assert (vehicle["Make"], vehicle["Model"], vehicle["MakeId"]) == ("FORD", "Escape", "460")
    rows = client.decode_vin(ESCAPE, flatten=False)
    assert {"VariableId": 29, "Variable": "Model Year", "Value": "2011", "ValueId": ""} in rows
    assert client.decode_vin(TRUCK, extend=True)["NCSABodyType"]
    assert client.decode_vin("1FMCU0EG*BK")["Model"] == "Escape"
    batch = client.decode_vin_batch([f"{ESCAPE},2011", TRUCK])
    assert [vehicle["Model"] for vehicle in batch] == ["Escape", "F-150"]


def test_client_reads_lists(client: Client) -> None:
    assert {"MakeId": 474, "Make": "HONDA"} in client.get_all_makes()
    assert client.decode_wmi("1FT")["Make"] == "FORD"
    assert client.get_wmis_for_manufacturer("honda", "car")[0]["WMI"]
    assert client.get_wmis_for_manufacturer(vehicle_type="mpv")
    assert len(client.get_all_manufacturers()) == 100
    assert client.get_manufacturer_details(988)[0]["ManufacturerId"] == 988
    assert {row["MakeId"] for row in client.get_makes_for_manufacturer(988)} == {474, 475}
    assert client.get_makes_for_manufacturer("honda", 2015)
    assert client.get_makes_for_vehicle_type("car")
    assert {row["VehicleTypeId"] for row in client.get_vehicle_types_for_make(474)} >= {2, 7}
    assert client.get_vehicle_types_for_make("honda")
    assert client.get_vehicle_variable_list()[0]["Id"] == 1
    assert {"ElementName": "Vehicle Type", "Id": 1, "Name": "Motorcycle"} in (
        client.get_vehicle_variable_values_list("Vehicle Type")
    )


@pytest.mark.parametrize("make", [474, "honda"])
def test_client_reads_models(client: Client, make: int | str) -> None:
    every, of_2015 = client.get_models_for_make(make), client.get_models_for_make(make, 2015)
    accord = {"MakeId": 474, "Make": "HONDA", "ModelId": 1861, "Model": "Accord"}
    assert accord in every and accord in of_2015 and len(of_2015) < len(every)
    typed = {**accord, "VehicleTypeId": 2, "VehicleType": "Passenger Car"}
    assert typed in client.get_models_for_make(make, 2015, "car")
    assert typed in client.get_models_for_make(make, vehicle_type="Passenger Car")


def test_typed_client_finds_every_field_that_it_knows(typed: TypedClient) -> None:
    assert typed.decode_vin(ESCAPE).model == "Escape"
    assert [vehicle.model for vehicle in typed.decode_vin_batch([TRUCK])] == ["F-150"]
    assert typed.get_all_makes()[0].make and typed.get_models_for_make("honda")[0].make_id == 474
    assert typed.decode_wmi("1FT").make == "FORD" and typed.get_wmis_for_manufacturer(988)[0].wmi
    assert typed.get_manufacturer_details(988)[0].vehicle_types
    assert typed.get_vehicle_variable_list()[0].id == 1
    assert typed.get_vehicle_variable_values_list("Body Class")[0].element_name == "Body Class"
    assert typed.get_vehicle_types_for_make("honda")[0].make_id == 474


def test_client_is_told_what_is_not_there(client: Client) -> None:
    for call in (
        lambda: client.get_parts("565", "2015-01-01", "2015-05-05"),
        lambda: client.get_equipment_plant_codes(2016, 1),
        lambda: client.get_canadian_vehicle_specifications(2015, "honda"),
    ):
        with pytest.raises(VPICError) as told:
            call()
        assert "NHTSA's own service" in told.value.response.json()["error"]["message"]
    with pytest.raises(MethodNotFound):
        client._request("GetModelsForMake")
