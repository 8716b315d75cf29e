"""/api/vehicles/garage: the vehicles of the holder of a key. Those of others are not there for anybody else."""

from datetime import datetime
from typing import Annotated, Any

from flask import Response, g, jsonify, url_for
from flask_openapi3 import APIBlueprint, Tag
from psycopg2.extras import Json
from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, model_validator

from services.api import database
from services.api.errors import RESPONSES, fail, fail_field
from services.api.parameters import Id, Paged, Strict, Text, page_of
from services.api.vin import ModelYear, Vehicle, check_vin, read_vehicles
from shared import db

_TAKEN = "There is a vehicle with this VIN in your garage already."
_FROM_VIN = ("model_year", "make", "model")

tag = Tag(
    name="garage",
    description="Needs a key: each has a garage of its own. A VIN is decoded when it is given; make, model and model "
    "year come from it unless they are given too.",
)
api = APIBlueprint(
    "garage",
    __name__,
    url_prefix="/api/vehicles/garage",
    abp_tags=[tag],
    abp_responses=RESPONSES,
    abp_security=[{"bearer": []}, {"key": []}],
)


def _tidy_vin(value: Any) -> Any:
    return value.strip().upper() if isinstance(value, str) else value


def _check_vin(value: str) -> str:
    if not (value.isascii() and value.isprintable()):
        raise ValueError("holds characters that no VIN has")
    return value


Vin = Annotated[str, BeforeValidator(_tidy_vin), AfterValidator(_check_vin)]


class VehiclePath(BaseModel):
    vehicle_id: Id


class Changes(Strict):
    """What can be told of a vehicle."""

    name: Text | None = Field(None, description="What you call it.")
    vin: Vin | None = None
    model_year: ModelYear | None = None
    make: Text | None = None
    model: Text | None = None
    notes: Annotated[Text, Field(max_length=2000)] | None = None


class NewVehicle(Changes):
    @model_validator(mode="after")
    def _is_some_vehicle(self) -> "NewVehicle":
        if self.vin is None and (self.make is None or self.model is None):
            raise ValueError("give a vin, or a make and a model")
        return self


class Kept(BaseModel):
    """A vehicle in the garage."""

    vehicle_id: int
    name: str | None
    vin: str | None
    model_year: int | None
    make: str | None
    model: str | None
    notes: str | None
    decoded: Vehicle | None = Field(description="What the VIN told when it was given.")
    created_at: datetime
    updated_at: datetime


class KeptAnswer(BaseModel):
    data: Kept


class KeptPage(BaseModel):
    data: list[Kept]
    page: dict[str, Any]


@api.get("", responses={200: KeptPage}, summary="Your vehicles, oldest first")
def list_vehicles(query: Paged) -> Any:
    values = {"key_id": owner(), "limit": query.limit + 1, "offset": query.offset}
    rows = database.fetch_all(database.query("garage", "list"), values)
    return private(jsonify(page_of(rows, query.limit, query.offset)))


@api.post("", responses={201: KeptAnswer}, summary="Add a vehicle")
def add_vehicle(body: NewVehicle) -> Any:
    values = {"key_id": owner(), **body.model_dump()}
    values |= _decode(values)
    vehicle = _write("add", values)
    response = private(jsonify(data=vehicle))
    response.status_code = 201
    response.headers["Location"] = url_for("garage.show_vehicle", vehicle_id=vehicle["vehicle_id"])
    return response


@api.get("/<int:vehicle_id>", responses={200: KeptAnswer}, summary="One of your vehicles")
def show_vehicle(path: VehiclePath) -> Any:
    return private(jsonify(data=find(path.vehicle_id)))


@api.patch("/<int:vehicle_id>", responses={200: KeptAnswer}, summary="Change what is given")
def change_vehicle(path: VehiclePath, body: Changes) -> Any:
    before, given = find(path.vehicle_id), body.model_dump(exclude_unset=True)
    values = {**before, **given, "key_id": owner()}
    if "vin" in given:
        for name in _FROM_VIN:
            values[name] = given.get(name)
        values |= _decode(values)
    if values["vin"] is None and not (values["make"] and values["model"]):
        fail_field("vin", "a vehicle needs a vin, or a make and a model")
    return private(jsonify(data=_write("change", values)))


@api.delete("/<int:vehicle_id>", responses={204: None}, summary="Take a vehicle out")
def remove_vehicle(path: VehiclePath) -> Any:
    values = {"key_id": owner(), "vehicle_id": path.vehicle_id}
    with database.writing() as conn:
        removed = db.execute(conn, database.query("garage", "remove"), values)
    if not removed:
        _not_there(path.vehicle_id)
    return Response(status=204)


def owner() -> int:
    """Return whose garage it is; a browser without a key has none."""
    if g.principal.key is None:
        fail(403, "A garage belongs to a key: send one as `Authorization: Bearer ch_...`.")
    return g.principal.key.key_id


def find(vehicle_id: int) -> dict[str, Any]:
    """Read a vehicle of the owner; anybody else's is not found."""
    values = {"key_id": owner(), "vehicle_id": vehicle_id}
    vehicle = database.fetch_one(database.query("garage", "find"), values)
    if vehicle is None:
        _not_there(vehicle_id)
    return vehicle  # type: ignore[return-value]


def private(response: Response) -> Response:
    """Keep an answer out of every cache."""
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _decode(values: dict[str, Any]) -> dict[str, Any]:
    """Return what the VIN tells: all of it, and what was not given by hand."""
    vin = values["vin"]
    if vin is None:
        return {"decoded": None}
    check_vin(vin)
    (decoded,) = read_vehicles([(vin, values["model_year"])])
    told = {name: values[name] if values[name] is not None else decoded[name] for name in _FROM_VIN}
    return {**told, "decoded": decoded}


def _write(query: str, values: dict[str, Any]) -> dict[str, Any]:
    decoded = values["decoded"]
    with database.writing() as conn:
        statement = database.query("garage", query)
        vehicle = db.fetch_one(conn, statement, {**values, "decoded": decoded and Json(decoded)})
    if vehicle is None:
        fail(409, _TAKEN, [{"field": "vin", "message": _TAKEN}])
    return vehicle  # type: ignore[return-value]


def _not_there(vehicle_id: int) -> None:
    fail(404, f"There is no vehicle {vehicle_id} in your garage.")
