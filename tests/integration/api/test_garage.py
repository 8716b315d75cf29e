"""/api/vehicles/garage: each key has its own vehicles."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient

from services.api.app import create_app
from shared import apikeys, db
from shared.config import Settings
from shared.errors import FatalError
from shared.migrations import grant
from tests.integration.api.conftest import client_with, error_of

URL = "/api/vehicles/garage"
ESCAPE, TRUCK = "1FMCU0EG0BKA41755", "1FTFW1E59NKE32102"


@pytest.fixture
def owners(vpic_app: Flask, vpic_conn: db.Connection) -> Iterator[list[FlaskClient]]:
    """Two clients with keys of their own, both readers."""
    names = ["first owner", "second owner"]
    keys = [apikeys.create_key(vpic_conn, name, "reader") for name in names]
    yield [client_with(vpic_app, key) for key in keys]
    db.execute(vpic_conn, "DELETE FROM vehicles.garage")
    db.execute(vpic_conn, "DELETE FROM ops.api_key WHERE name = ANY(%(names)s)", {"names": names})


def add(client: FlaskClient, **vehicle: object) -> dict:
    response = client.post(URL, json=vehicle)
    assert response.status_code == 201, response.text
    return response.json["data"]


def test_vin_is_decoded_on_creation(owners: list[FlaskClient]) -> None:
    response = owners[0].post(URL, json={"vin": f" {ESCAPE.lower()} ", "name": "Ours"})
    vehicle = response.json["data"]
    told = {
        "vin": ESCAPE,
        "name": "Ours",
        "model_year": 2011,
        "make": "FORD",
        "model": "Escape",
        "notes": None,
    }
    assert told.items() <= vehicle.items() and vehicle["decoded"]["values"]["FuelTypePrimary"] == "Gasoline"
    assert response.status_code == 201 and response.headers["Cache-Control"] == "private, no-store"
    assert owners[0].get(response.headers["Location"]).json["data"] == vehicle


def test_owner_knows_better_than_the_vin(owners: list[FlaskClient]) -> None:
    vehicle = add(owners[0], vin=ESCAPE, model="Escape Hybrid")
    assert (vehicle["model"], vehicle["make"]) == ("Escape Hybrid", "FORD")


def test_vehicle_without_a_vin_has_make_and_model(owners: list[FlaskClient]) -> None:
    vehicle = add(owners[0], make="Lada", model="Niva", model_year=1985)
    assert vehicle["vin"] is None and vehicle["decoded"] is None
    error_of(owners[0].post(URL, json={"make": "Lada"}), 422)


def test_wrong_vin_is_kept_with_what_is_wrong(owners: list[FlaskClient]) -> None:
    decoded = add(owners[0], vin="1FM5K7F83FGA17607")["decoded"]
    assert not decoded["is_valid"] and decoded["error_codes"] == [1]


def test_others_vehicles_are_not_there(owners: list[FlaskClient]) -> None:
    first, second = owners
    mine = add(first, vin=ESCAPE)
    address = f"{URL}/{mine['vehicle_id']}"
    assert second.get(URL).json["data"] == []
    for response in (second.get(address), second.patch(address, json={"name": "x"}), second.delete(address)):
        assert error_of(response, 404)["code"] == "not_found"
    assert first.get(address).json["data"] == mine
    assert add(second, vin=ESCAPE)["vehicle_id"] != mine["vehicle_id"]  # the same car may have two owners


def test_change_touches_what_is_given(owners: list[FlaskClient]) -> None:
    vehicle = add(owners[0], vin=ESCAPE, name="Ours")
    address = f"{URL}/{vehicle['vehicle_id']}"
    changed = owners[0].patch(address, json={"notes": "new tyres"}).json["data"]
    assert changed == {**vehicle, "notes": "new tyres", "updated_at": changed["updated_at"]}
    changed = owners[0].patch(address, json={"vin": TRUCK}).json["data"]
    assert (changed["model"], changed["model_year"], changed["name"]) == ("F-150", 2022, "Ours")
    assert changed["decoded"]["vin"] == TRUCK
    changed = owners[0].patch(address, json={"vin": None, "make": "Ford", "model": "T"}).json["data"]
    assert (changed["vin"], changed["decoded"], changed["model"]) == (None, None, "T")
    error_of(owners[0].patch(address, json={"make": None}), 422)


def test_same_vin_twice_is_a_conflict(owners: list[FlaskClient]) -> None:
    add(owners[0], vin=ESCAPE)
    other = add(owners[0], vin=TRUCK)
    assert error_of(owners[0].post(URL, json={"vin": ESCAPE}), 409)["code"] == "conflict"
    error_of(owners[0].patch(f"{URL}/{other['vehicle_id']}", json={"vin": ESCAPE}), 409)
    assert owners[0].patch(f"{URL}/{other['vehicle_id']}", json={"vin": TRUCK}).status_code == 200


def test_vehicle_can_be_taken_out(owners: list[FlaskClient]) -> None:
    address = f"{URL}/{add(owners[0], vin=ESCAPE)['vehicle_id']}"
    assert owners[0].delete(address).status_code == 204
    error_of(owners[0].delete(address), 404)
    error_of(owners[0].get(address), 404)


def test_vehicles_come_in_pages(owners: list[FlaskClient]) -> None:
    for number in range(3):
        add(owners[0], make="Lada", model=f"Niva {number}")
    page = owners[0].get(URL + "?limit=2").json
    assert [vehicle["model"] for vehicle in page["data"]] == ["Niva 0", "Niva 1"]
    rest = owners[0].get(page["page"]["next"]).json
    assert [vehicle["model"] for vehicle in rest["data"]] == ["Niva 2"] and rest["page"]["next"] is None


@pytest.mark.parametrize(
    ("vehicle", "field"),
    [
        ({"vin": "A" * 18}, "vin"), ({"vin": "A" * 10_000}, "vin"), ({"vin": ""}, "vin"), ({"vin": "é"}, "vin"),
        ({"vin": "a\x00b"}, "vin"), ({"vin": 5}, "vin"), ({"vin": "'; DROP TABLE vehicles.garage; --"}, "vin"),
        ({"vin": ESCAPE, "model_year": "abc"}, "model_year"), ({"vin": ESCAPE, "key_id": 1}, "key_id"),
        ({"vin": ESCAPE, "name": "x\x00"}, "name"), ({"make": "x", "model": "\ud800"}, "model"),
        ({"vin": ESCAPE, "notes": "x" * 2001}, "notes"),
    ],
)  # fmt: skip
def test_what_no_vehicle_has_is_refused(owners: list[FlaskClient], vehicle: dict, field: str) -> None:
    assert error_of(owners[0].post(URL, json=vehicle), 422)["details"][0]["field"] == field
    assert owners[0].get(URL).json["data"] == []


def test_sql_is_text(owners: list[FlaskClient]) -> None:
    text = "'; DROP TABLE vehicles.garage; --"
    vehicle = add(owners[0], make=text, model=text, name=text, notes=text)
    assert owners[0].get(f"{URL}/{vehicle['vehicle_id']}").json["data"]["notes"] == text
    for odd in ("abc", "0", "-1", "99999999999999999999", "1;DROP"):
        assert owners[0].get(f"{URL}/{odd}").status_code in (404, 422)


def test_browser_without_a_key_has_no_garage(
    vpic_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.db.database_url", lambda _settings, url=vpic_settings.database_url: url)
    client = create_app(replace(vpic_settings, database_url=None)).test_client()
    assert "belongs to a key" in error_of(client.get(URL), 403)["message"]
    error_of(client.post(URL, json={"vin": ESCAPE}), 403)


def test_analysts_do_not_see_the_table(vpic_settings: Settings, vpic_conn: db.Connection) -> None:
    roles = ("cronhouse_api", "cronhouse_reader")
    for role in roles:
        db.execute(vpic_conn, f"CREATE ROLE {role}")
    try:
        grant(vpic_settings)
        db.execute(vpic_conn, "SET ROLE cronhouse_reader")
        assert db.fetch_value(vpic_conn, "SELECT count(*) FROM vehicles.release") == 1
        with pytest.raises(FatalError, match="permission denied"):
            db.fetch_value(vpic_conn, "SELECT count(*) FROM vehicles.garage")
        db.execute(vpic_conn, "SET ROLE cronhouse_api")
        owner = "SELECT %(one)s, 'a', 'b' WHERE false"
        db.execute(vpic_conn, f"INSERT INTO vehicles.garage (key_id, make, model) {owner}", {"one": 1})
        db.execute(vpic_conn, "UPDATE vehicles.garage SET name = 'x' WHERE false")
        db.execute(vpic_conn, "DELETE FROM vehicles.garage WHERE false")
    finally:
        db.execute(vpic_conn, "RESET ROLE")
        for role in roles:
            db.execute(vpic_conn, f"DROP OWNED BY {role}; DROP ROLE {role}")
