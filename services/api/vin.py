"""/api/vehicles/vin: a VIN or many, decoded, in our own shape: what the vehicle is, and what is wrong with the VIN."""

from typing import Annotated, Any

from flask import jsonify, request
from flask_openapi3 import APIBlueprint, Tag
from pydantic import AfterValidator, BaseModel, Discriminator, Field
from pydantic import Tag as Kind

from services.api.decoding import MAX_BODY_BYTES, MOST_VINS, decoding, mark_stale
from services.api.errors import ErrorAnswer, fail_field
from services.api.parameters import Strict
from shared.vin import Decoded
from shared.vin.decoder import LONGEST

ADDITIONAL_ERROR_TEXT = 156
_MAIN = {"Make": "make", "Model": "model", "VehicleType": "vehicle_type", "Manufacturer": "manufacturer"}

tag = Tag(
    name="VINs",
    description="Open. Decoded as NHTSA's live service does, from the live release. A VIN may be a part of one, with "
    "`*` for an unknown character; what is wrong with it stands in the answer.",
)
api = APIBlueprint(
    "vin",
    __name__,
    url_prefix="/api/vehicles/vin",
    abp_tags=[tag],
    abp_responses=dict.fromkeys((413, 422, 429, 503), ErrorAnswer),
)


def _not_too_many(vins: list[Any]) -> list[Any]:
    if not vins:
        raise ValueError("is empty; give at least one VIN")
    if len(vins) > MOST_VINS:
        raise ValueError(f"holds {len(vins):,} VINs; at most {MOST_VINS:,} are decoded at once")
    return vins


class VinPath(BaseModel):
    vin: str = Field(description="Up to 17 characters.")


ModelYear = Annotated[int, Field(ge=1900, le=2200, description="What the caller believes.")]


class VinQuery(Strict):
    model_year: ModelYear | None = None


class VinAndYear(Strict):
    vin: str
    model_year: ModelYear | None = None


def _kind_of(vin: Any) -> str:
    """Tell what an entry is meant to be, so that a mistake in an object is not told as one of a text."""
    return "text" if isinstance(vin, str) else "object"


Wanted = Annotated[
    Annotated[str, Kind("text")] | Annotated[VinAndYear, Kind("object")], Discriminator(_kind_of)
]


class Batch(Strict):
    vins: Annotated[
        list[Wanted],
        AfterValidator(_not_too_many),
        Field(description="At most 10,000: VINs, or objects of `vin` and `model_year`."),
    ]


class Vehicle(BaseModel):
    """A decoded VIN."""

    vin: str = Field(description="Upper case, as it was decoded.")
    is_valid: bool = Field(description="Nothing is wrong with the VIN: the only code is 0.")
    error_codes: list[int] = Field(
        description="NHTSA's codes; none when the VIN could not be decoded at all."
    )
    error_text: str
    additional_error_text: str | None
    suggested_vin: str | None = Field(description="With its errors corrected, or marked by `!`.")
    possible_values: str | None = Field(description="Characters that could stand at the wrong positions.")
    descriptor: str | None = Field(description="The part of the VIN that tells the vehicle.")
    model_year: int | None
    make: str | None
    model: str | None
    vehicle_type: str | None
    manufacturer: str | None
    values: dict[str, str] = Field(description="What is known, by vPIC's codes of variables.")


class VehicleAnswer(BaseModel):
    data: Vehicle


class VehiclesAnswer(BaseModel):
    data: list[Vehicle] = Field(description="In the order of the request.")


@api.before_request
def _take_large_batches() -> None:
    request.max_content_length = MAX_BODY_BYTES


@api.get("/<vin>", responses={200: VehicleAnswer}, summary="Decode a VIN")
def decode(path: VinPath, query: VinQuery) -> Any:
    check_vin(path.vin)
    (vehicle,) = read_vehicles([(path.vin, query.model_year)])
    return mark_stale(jsonify(data=vehicle))


@api.post("/batch", responses={200: VehiclesAnswer}, summary="Decode up to 10,000 VINs")
def decode_batch(body: Batch) -> Any:
    vins = [(v, None) if isinstance(v, str) else (v.vin, v.model_year) for v in body.vins]
    return mark_stale(jsonify(data=read_vehicles(vins)))


def check_vin(vin: str) -> None:
    """Refuse what no VIN can be; shorter ones are decoded as far as they go."""
    if not vin.strip():
        fail_field("vin", "is empty")
    if len(vin.strip(" ")) > LONGEST:
        fail_field("vin", f"a VIN has at most {LONGEST} characters, this one has {len(vin.strip(' '))}")


def read_vehicles(vins: list[tuple[str, int | None]]) -> list[dict[str, Any]]:
    """Decode (VIN, model year) into our own shape."""
    return decoding().decode(decoding().release(), vins, describe)


def describe(decoded: Decoded) -> dict[str, Any]:
    """Write a decoded VIN in our own shape."""
    values: dict[str, str] = {}
    additional = None
    for variable, value in decoded.variables():
        if variable.id == ADDITIONAL_ERROR_TEXT:
            additional = value
        elif value and variable.group is not None and variable.code:
            both = values.get(variable.code)
            values[variable.code] = f"{both}; {value}" if both else value
    return {
        "vin": (decoded.vin or "")[:40],
        "is_valid": decoded.error_codes == [0],
        "error_codes": decoded.error_codes,
        "error_text": decoded.error_text if decoded.failure is None else decoded.failure.reason,
        "additional_error_text": additional,
        "suggested_vin": decoded.suggested_vin or None,
        "possible_values": decoded.possible_values or None,
        "descriptor": None if decoded.failure else decoded.descriptor,
        "model_year": decoded.model_year,
        **{ours: values.get(code) for code, ours in _MAIN.items()},
        "values": values,
    }
