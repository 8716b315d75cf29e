"""Lists of NHTSA's API: makes, manufacturers, models, vehicle types, variables and manufacturer codes.

Where NHTSA takes "a number or a name", a number is an id and a name a part of a name. An unknown one is no error:
the answer has no results.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from flask_openapi3 import APIBlueprint, Tag
from psycopg2 import sql
from pydantic import BaseModel, Field

from services.api import database
from services.api.errors import ErrorAnswer, fail, fail_field
from services.api.parameters import Text
from services.api.vpic.envelope import RESULTS, Envelope, FormatQuery, Row, Year, kept_answer

PAGE = 100
MOST_DIGITS = 18  # what has more is a name: no id is that long

tag = Tag(
    name="vPIC lists",
    description="Open. As NHTSA's API has them, from the live release; addresses in any case. The formats are "
    "`json`, `xml` and `csv`.",
)
api = APIBlueprint(
    "vpic",
    __name__,
    url_prefix="/api/vehicles",
    abp_tags=[tag],
    abp_responses=dict.fromkeys((404, 422, 429, 501, 503), ErrorAnswer),
)


class MakePath(BaseModel):
    make: Text = Field(description="A part of the name.")


class MakeIdPath(BaseModel):
    make_id: int = Field(ge=0, le=2**31 - 1)


class MakeYearPath(MakePath):
    rest: Text = Field(description="`modelyear/2015`, `vehicletype/truck`, or one after the other.")


class MakeIdYearPath(MakeIdPath):
    rest: Text = Field(description="`modelyear/2015`, `vehicletype/truck`, or one after the other.")


class ManufacturerPath(BaseModel):
    manufacturer: Text = Field(description="Id, or a part of the name.")


class VehicleTypePath(BaseModel):
    vehicle_type: Text = Field(description="A part of the name, e.g. `car`.")


class VariablePath(BaseModel):
    variable: Text = Field(description="Id, or the whole name, e.g. `Battery Type`.")


class WmiPath(BaseModel):
    wmi: Text = Field(description="Three characters, or six: positions 1-3 and 12-14 of a VIN.")


class ManufacturersQuery(FormatQuery):
    page: int = Field(1, ge=1, le=100_000, description="100 manufacturers a page.")
    manufacturertype: str | None = Field(None, description="Not in the releases of vPIC: answered with 501.")


class DetailsQuery(FormatQuery):
    page: int = Field(1, ge=1, le=100_000, description="100 manufacturers a page.")


class YearQuery(FormatQuery):
    year: Year = None


class WmisQuery(FormatQuery):
    vehicletype: str | None = Field(None, max_length=200, description="Id, or a part of the name.")


class Wanted(NamedTuple):
    """What a caller gave where NHTSA takes an id or a name."""

    id: int | None
    name: str | None


def read_wanted(text: str) -> Wanted:
    """Tell an id from a name."""
    text = text.strip()
    if text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS:
        return Wanted(int(text), None)
    return Wanted(None, text)


def give(query: str, values: dict[str, Any], tidy: Callable[[Row], Row] | None = None, **more: Any) -> Any:
    """Answer with the rows of a query of queries/vpic.sql."""

    def build() -> Envelope:
        rows = database.fetch_all(database.query("vpic", query), values)
        return Envelope(results=[tidy(row) for row in rows] if tidy else rows, **more)

    return kept_answer(build)


@api.get("/GetAllMakes", summary="All makes")
def get_all_makes(query: FormatQuery) -> Any:
    return give("all_makes", {}, element="AllVehicleMakes")


@api.get("/GetAllManufacturers", summary="All manufacturers, a page of 100")
def get_all_manufacturers(query: ManufacturersQuery) -> Any:
    if query.manufacturertype:
        fail(
            501,
            "The releases of vPIC do not say of which type a manufacturer is: leave ManufacturerType out.",
        )
    return _manufacturers(Wanted(None, None), query.page, _manufacturer, "Manufacturers")


@api.get("/GetManufacturerDetails/<manufacturer>", summary="What the release tells of a manufacturer")
def get_manufacturer_details(path: ManufacturerPath, query: DetailsQuery) -> Any:
    wanted = read_wanted(path.manufacturer)
    return _manufacturers(wanted, query.page, _manufacturer_details, "ManufacturerDetails")


def _manufacturers(wanted: Wanted, page: int, tidy: Callable[[Row], Row], element: str) -> Any:
    values = {**wanted._asdict(), "limit": PAGE, "offset": (page - 1) * PAGE}
    return give("manufacturers", values, tidy, element=element)


def _manufacturer(row: Row) -> Row:
    # which type is the primary one, and the common name, are not in the releases
    types = [{"IsPrimary": False, "Name": name} for name in row["VehicleTypes"]]
    return {
        "Country": row["Country"], "Mfr_CommonName": None, "Mfr_ID": row["Mfr_ID"],
        "Mfr_Name": row["Mfr_Name"], "VehicleTypes": types,
    }  # fmt: skip


_NOT_IN_RELEASES = (
    "Address", "Address2", "City", "ContactEmail", "ContactFax", "ContactPhone", "DBAs", "LastUpdated",
    "OtherManufacturerDetails", "PostalCode", "PrimaryProduct", "PrincipalFirstName", "PrincipalLastName",
    "PrincipalPosition", "StateProvince", "SubmittedName", "SubmittedOn", "SubmittedPosition",
)  # fmt: skip


def _manufacturer_details(row: Row) -> Row:
    types = [
        {"GVWRFrom": None, "GVWRTo": None, "IsPrimary": False, "Name": name} for name in row["VehicleTypes"]
    ]
    details = dict.fromkeys(_NOT_IN_RELEASES) | _manufacturer(row)
    details |= {"EquipmentItems": [], "ManufacturerTypes": [], "VehicleTypes": types}
    return dict(sorted(details.items()))


@api.get("/GetMakeForManufacturer/<manufacturer>", summary="Makes of a manufacturer")
def get_make_for_manufacturer(path: ManufacturerPath, query: FormatQuery) -> Any:
    values = read_wanted(path.manufacturer)._asdict()
    criteria = f"Manufacturer:{path.manufacturer}"
    return give("makes_of_manufacturer", values, element="MakesForMfr", criteria=criteria, message=RESULTS)


@api.get("/GetMakesForManufacturerAndYear/<manufacturer>", summary="Makes of a manufacturer in a year")
def get_makes_for_manufacturer_and_year(path: ManufacturerPath, query: YearQuery) -> Any:
    if query.year is None:
        fail_field("year", "is needed, e.g. `year=2015`")
    values = {**read_wanted(path.manufacturer)._asdict(), "year": query.year}
    criteria = f"Manufacturer : {path.manufacturer}, Year: {query.year}"
    return give("makes_of_manufacturer_and_year", values, element="MakesForMfr", criteria=criteria)


@api.get("/GetMakesForVehicleType/<vehicle_type>", summary="Makes that have a vehicle type")
def get_makes_for_vehicle_type(path: VehicleTypePath, query: FormatQuery) -> Any:
    values = {"vehicle_type": path.vehicle_type.strip()}
    criteria = f"Vehicle Type: {path.vehicle_type}"
    return give("makes_of_vehicle_type", values, element="MakesForVehicleType", criteria=criteria)


@api.get("/GetModelsForMake/<make>", summary="Models of makes with a name")
def get_models_for_make(path: MakePath, query: FormatQuery) -> Any:
    values = {"id": None, "name": path.make.strip()}
    return give("models_of_make", values, element="ModelsForMake", criteria=f"Make:{path.make}")


@api.get("/GetModelsForMakeId/<make_id>", summary="Models of a make")
def get_models_for_make_id(path: MakeIdPath, query: FormatQuery) -> Any:
    values = {"id": path.make_id, "name": None}
    return give("models_of_make", values, element="ModelsForMake", criteria=f"Make:{path.make_id}")


@api.get("/GetModelsForMakeYear/make/<make>/<path:rest>", summary="Models of makes in a year, of a type")
def get_models_for_make_year(path: MakeYearPath, query: FormatQuery) -> Any:
    return _models({"id": None, "name": path.make.strip()}, f"Make:{path.make}", path.rest)


@api.get(
    "/GetModelsForMakeIdYear/makeid/<make_id>/<path:rest>", summary="Models of a make in a year, of a type"
)
def get_models_for_make_id_year(path: MakeIdYearPath, query: FormatQuery) -> Any:
    return _models({"id": path.make_id, "name": None}, f"Make ID:{path.make_id}", path.rest)


def _models(make: dict[str, Any], criteria: str, rest: str) -> Any:
    """Answer models by the named parts of an address, e.g. modelyear/2015/vehicletype/truck."""
    parts = rest.split("/")
    given = dict(zip(parts[::2], parts[1::2], strict=False))
    if len(parts) % 2 or not given or given.keys() - {"modelyear", "vehicletype"}:
        fail(404, "After the make comes `modelyear/2015`, `vehicletype/truck`, or one after the other.")
    year, vehicle_type = given.get("modelyear"), given.get("vehicletype")
    if year is not None:
        if not (year.isascii() and year.isdigit() and len(year) <= 4):
            fail_field("modelyear", f"{year[:20]!r} is not a year such as 2015")
        criteria += f" | ModelYear:{year}"
    if vehicle_type is not None:
        criteria += f" | VehicleType:{vehicle_type}"
    values = {**make, "year": year, "vehicle_type": vehicle_type.strip() if vehicle_type else None}
    tidy = None if vehicle_type else _without_type
    return give(
        "models_of_make_and_year", values, tidy, element="MakeModels", criteria=criteria, message=RESULTS
    )


def _without_type(row: Row) -> Row:
    return {name: row[name] for name in ("Make_ID", "Make_Name", "Model_ID", "Model_Name")}


@api.get("/GetVehicleTypesForMake/<make>", summary="Vehicle types of makes with a name")
def get_vehicle_types_for_make(path: MakePath, query: FormatQuery) -> Any:
    values = {"id": None, "name": path.make.strip()}
    return give("vehicle_types_of_make", values, element="VehicleTypesForMake", criteria=f"Make: {path.make}")


@api.get("/GetVehicleTypesForMakeId/<make_id>", summary="Vehicle types of a make")
def get_vehicle_types_for_make_id(path: MakeIdPath, query: FormatQuery) -> Any:
    def tidy(row: Row) -> Row:
        return {name: row[name] for name in ("VehicleTypeId", "VehicleTypeName")}

    values = {"id": path.make_id, "name": None}
    criteria = f"Make ID: {path.make_id}"
    return give("vehicle_types_of_make", values, tidy, element="VehicleTypesForMakeIds", criteria=criteria)


@api.get("/GetVehicleVariableList", summary="Variables that a VIN can tell")
def get_vehicle_variable_list(query: FormatQuery) -> Any:
    return give("variable_list", {}, element="VehicleVariables", message=RESULTS)


@api.get("/GetVehicleVariableValuesList/<variable>", summary="Values that a variable can have")
def get_vehicle_variable_values_list(path: VariablePath, query: FormatQuery) -> Any:
    def build() -> Envelope:
        results = read_values(read_wanted(path.variable))
        return Envelope("VehicleVariableValues", results, f"Variable:{path.variable}", RESULTS)

    return kept_answer(build)


def read_values(wanted: Wanted) -> list[Row]:
    """Read the values of a variable; none for one that has no list."""
    variable = database.fetch_one(database.query("vpic", "find_variable"), wanted._asdict())
    if variable is None:
        return []
    values = {"element_name": variable["name"]}
    if variable["lookup_table"] == "make":
        return database.fetch_all(database.query("vpic", "variable_values_make"), values)
    table = sql.Identifier("vpic", variable["lookup_table"])
    statement = sql.SQL(database.query("vpic", "variable_values")).format(lookup_table=table)
    return database.fetch_all(statement, values)


@api.get("/GetWMIsForManufacturer/<manufacturer>", summary="Manufacturer codes of a manufacturer")
def get_wmis_for_manufacturer(path: ManufacturerPath, query: WmisQuery) -> Any:
    return _wmis(path.manufacturer, query.vehicletype)


@api.get("/GetWMIsForManufacturer", summary="Manufacturer codes of a vehicle type")
def get_wmis_for_vehicle_type(query: WmisQuery) -> Any:
    if not query.vehicletype:
        fail_field("vehicletype", "is needed when there is no manufacturer")
    return _wmis(None, query.vehicletype)


def _wmis(manufacturer: str | None, vehicle_type: str | None) -> Any:
    if vehicle_type and "\x00" in vehicle_type:
        fail_field("vehicletype", "a NUL character cannot be part of it")
    maker = read_wanted(manufacturer) if manufacturer else Wanted(None, None)
    of_type = read_wanted(vehicle_type) if vehicle_type else Wanted(None, None)
    values = {**maker._asdict(), "type_id": of_type.id, "type_name": of_type.name}
    named = {"Manufacturer": manufacturer, "VehicleType": vehicle_type}
    criteria = " , ".join(f"{name}: {value}" for name, value in named.items() if value)
    return give("wmis_of_manufacturer", values, element="WMIsForManufacturer", criteria=criteria)


@api.get("/DecodeWMI/<wmi>", summary="What a manufacturer code stands for")
def decode_wmi(path: WmiPath, query: FormatQuery) -> Any:
    wmi = path.wmi.strip()
    if len(wmi) not in (3, 6):
        fail_field("wmi", "has three or six characters")
    return give("wmi", {"wmi": wmi}, element="DecodedWMI", criteria=f"WMI:{path.wmi}", message=RESULTS)


@api.get("/GetParts", summary="Not in the releases: 501")
def get_parts() -> Any:
    _refuse("documents that manufacturers hand in (49 CFR Parts 565 and 566)")


@api.get("/GetEquipmentPlantCodes", summary="Not in the releases: 501")
def get_equipment_plant_codes() -> Any:
    _refuse("plant codes of equipment")


@api.get("/GetCanadianVehicleSpecifications", summary="Not in the releases: 501")
def get_canadian_vehicle_specifications() -> Any:
    _refuse("Canadian vehicle specifications")


def _refuse(what: str) -> None:
    fail(501, f"The releases of vPIC hold no {what}: ask NHTSA's own service for them.")
