"""DecodeVin and its sisters, as NHTSA answers them."""

from typing import Any

from flask import request
from flask_openapi3 import APIBlueprint, Tag
from pydantic import BaseModel, Field

from services.api.decoding import MAX_BODY_BYTES, MOST_VINS, Release, decoding, mark_stale
from services.api.errors import ErrorAnswer, fail_field
from services.api.vpic.envelope import Envelope, FormatQuery, Row, Year, answer
from shared.vin import Decoded
from shared.vin.decoder import LONGEST

MESSAGE = (
    "Results returned successfully. NOTE: Any missing decoded values should be interpreted as NHTSA does not have "
    "data on the specific variable. Missing value should NOT be interpreted as an indication that a feature or "
    "technology is unavailable for a vehicle."
)
NOT_DECODED = "400"  # NHTSA's code for characters that do not belong into a VIN
_IDS = {26: "MakeID", 27: "ManufacturerId", 28: "ModelID"}
SHOWN_VIN = 40

tag = Tag(
    name="vPIC decoding",
    description="Open. VINs decoded as NHTSA's live service decodes them, whole or in part (`*` for an unknown "
    "character).",
)
api = APIBlueprint(
    "vpic_decode",
    __name__,
    url_prefix="/api/vehicles",
    abp_tags=[tag],
    abp_responses=dict.fromkeys((413, 422, 429, 503), ErrorAnswer),
)


class VinPath(BaseModel):
    vin: str = Field(description="Up to 17 characters.")


class DecodeQuery(FormatQuery):
    modelyear: Year = Field(None, description="What the caller believes.")


@api.before_request
def _take_large_batches() -> None:
    request.max_content_length = request.max_form_memory_size = MAX_BODY_BYTES


@api.get("/DecodeVin/<vin>", summary="A row a variable")
def decode_vin(path: VinPath, query: DecodeQuery) -> Any:
    return _rows(path.vin, query, private=False)


@api.get("/DecodeVinExtended/<vin>", summary="A row a variable, with those of other programmes of NHTSA")
def decode_vin_extended(path: VinPath, query: DecodeQuery) -> Any:
    return _rows(path.vin, query, private=True)


@api.get("/DecodeVinValues/<vin>", summary="One flat row")
def decode_vin_values(path: VinPath, query: DecodeQuery) -> Any:
    return _flat(path.vin, query, private=False)


@api.get("/DecodeVinValuesExtended/<vin>", summary="One flat row, with those of other programmes of NHTSA")
def decode_vin_values_extended(path: VinPath, query: DecodeQuery) -> Any:
    return _flat(path.vin, query, private=True)


@api.post(
    "/DecodeVINValuesBatch",
    summary="A flat row a VIN, of at most 10,000 VINs",
    description="A form with `data=VIN,year;VIN;...`; `format` stands there or in the address. NHTSA takes 50.",
)
def decode_vin_values_batch(query: FormatQuery) -> Any:
    form = {name.lower(): value for name, value in request.form.items()}
    vins = read_batch(form.get("data", ""))
    release = decoding().release()
    results = decoding().decode(release, vins, lambda decoded: flat_row(release, decoded))
    return mark_stale(answer(Envelope("DecodedVINValues", results, "", MESSAGE), form.get("format")))


def _rows(vin: str, query: DecodeQuery, private: bool) -> Any:
    check_length(vin)
    release = decoding().release()
    wanted = [(vin, query.modelyear)]
    (rows,) = decoding().decode(release, wanted, lambda decoded: variable_rows(decoded), private)
    return mark_stale(answer(Envelope("DecodedVariable", rows, f"VIN:{vin}", MESSAGE)))


def _flat(vin: str, query: DecodeQuery, private: bool) -> Any:
    check_length(vin)
    release = decoding().release()
    shown = release.shown(private)

    def describe(decoded: Decoded) -> tuple[Row, int]:
        missing = shown - {row["element_id"] for row in decoded.rows()}
        return flat_row(release, decoded), len(decoded.rows()) + len(missing)

    ((row, count),) = decoding().decode(release, [(vin, query.modelyear)], describe, private)
    return mark_stale(answer(Envelope("DecodedVINValues", [row], f"VIN(s): {vin}", MESSAGE, count)))


def check_length(vin: str) -> None:
    """Refuse what is too long for a VIN. Shorter ones are decoded as far as they go, as NHTSA does."""
    if len(vin.strip(" ")) > LONGEST:
        fail_field("vin", f"a VIN has at most {LONGEST} characters, this one has {len(vin.strip(' '))}")


def variable_rows(decoded: Decoded) -> list[Row]:
    """Return a row for each variable; the id of a value is there for those with a list of values alone."""
    return [
        {
            "Value": row["value"],
            "ValueId": row["attribute_id"] if row["data_type"] == "lookup" else "",
            "Variable": row["variable"],
            "VariableId": row["element_id"],
        }
        for row in decoded.rows(include_all=True)
    ]


def flat_row(release: Release, decoded: Decoded) -> Row:
    """Return one row with all variables by their codes; what is not known is empty."""
    values: dict[str, str] = dict.fromkeys([variable.code for variable in release.variables], "")
    values |= dict.fromkeys(_IDS.values(), "") | {"VIN": decoded.vin or ""}
    if decoded.failure is not None:
        values |= {"ErrorCode": NOT_DECODED, "ErrorText": f"{NOT_DECODED} - {decoded.failure.reason}"}
        values["VIN"] = values["VIN"][:SHOWN_VIN]
    keys: dict[str, str] = {}
    for row in decoded.rows():
        code, key = row["code"], row["keys"] or ""
        # of several values NHTSA shows one, by a rule that its recorded answers do not tell: this comes nearest
        if code not in values or row["value"] is None or (code in keys and key <= keys[code]):
            continue
        keys[code], values[code] = key, row["value"]
        if row["element_id"] in _IDS:
            values[_IDS[row["element_id"]]] = row["attribute_id"]
    return dict(sorted(values.items()))


def read_batch(text: str) -> list[tuple[str, int | None]]:
    """Read `VIN,year;VIN;...`; blanks and line ends around a VIN or year do not matter."""
    entries = [entry for entry in text.replace("\n", ";").split(";") if entry.strip()]
    if not entries:
        fail_field("data", "is empty; expected a form in UTF-8 with data=VIN,year;VIN;...")
    if len(entries) > MOST_VINS:
        fail_field("data", f"holds {len(entries):,} VINs; at most {MOST_VINS:,} are decoded at once")
    return [_read_entry(number, entry) for number, entry in enumerate(entries, 1)]


def _read_entry(number: int, entry: str) -> tuple[str, int | None]:
    vin, _, year = (part.strip() for part in entry.partition(","))
    if year and not (year.isascii() and year.isdigit() and len(year) == 4):
        fail_field("data", f"VIN {number}: {year[:20]!r} is not a model year such as 2015")
    return vin, int(year) if year else None
