"""The page /vehicles of the console: what can be chosen, and a VIN decoded."""

import re
from typing import Any

from flask import Blueprint, g, request

from services.api import vin as vin_api
from services.api.console_choice import AWAY, EMPTY, read_choice
from services.api.console_page import page
from services.api.decoding import decoding
from services.api.errors import MISSING_TABLE_OR_SCHEMA
from shared.errors import ConfigError, CronhouseError, TransientError
from shared.vin import Decoded
from shared.vin.decoder import LONGEST

blueprint = Blueprint("console_vehicles", __name__)
YEARS = range(1900, 2201)
NOTHING = "Not Applicable"  # what vPIC says of a car's trailer hitch and a bus's sidecar
_ONE_ERROR = re.compile(r"; (?=\d+ - )")
_POSSIBLE = re.compile(r"\((\d+):([^)]*)\)")
_ENGINE = (("DisplacementL", "{} L"), ("EngineCylinders", "{} cylinders"), ("FuelTypePrimary", "{}"))
_FACTS = (
    ("Vehicle type", ("VehicleType",)),
    ("Body", ("BodyClass",)),
    ("Trim", ("Trim", "Series")),
    ("Transmission", ("TransmissionSpeeds", "TransmissionStyle")),
    ("Drive", ("DriveType",)),
    ("Manufacturer", ("Manufacturer",)),
    ("Built in", ("PlantCity", "PlantState", "PlantCountry")),
)


@blueprint.get("/vehicles")
def vehicles() -> Any:
    """Show the lists as far as something was chosen, and the VIN that was given."""
    asked = {name: value[:200].replace("\x00", "") for name, value in request.args.items()}
    vin, year = asked.get("vin", "").strip(), asked.get("model_year", "").strip()
    problem = _problem(vin, year)
    found = None
    if vin and not problem:
        try:
            found = _decode(vin, int(year) if year else None)
        except (TransientError, ConfigError):
            problem = AWAY.replace("nothing can be chosen", "no VIN can be decoded")
        except CronhouseError as exc:
            if getattr(exc.__cause__, "pgcode", None) not in MISSING_TABLE_OR_SCHEMA:
                raise
            problem = EMPTY
    return page(
        "vehicles.html", choice=read_choice(asked), vin=vin, year=year, problem=problem, found=found,
        longest=LONGEST, is_stale=g.get("is_stale", False),
    )  # fmt: skip


def _problem(vin: str, year: str) -> str | None:
    if len(vin) > LONGEST:
        return f"A VIN has at most {LONGEST} characters, this one has {len(vin)}{' or more' * (len(vin) == 200)}."
    if year and not (year.isascii() and year.isdecimal() and int(year) in YEARS):
        return f"The model year is a number from {YEARS[0]} to {YEARS[-1]}."
    return None


def _decode(vin: str, year: int | None) -> dict[str, Any]:
    (found,) = decoding().decode(decoding().release(), [(vin, year)], _describe)
    return found


def _describe(decoded: Decoded) -> dict[str, Any]:
    """Arrange a decoded VIN as the page shows it."""
    told = vin_api.describe(decoded)
    values = {code: value for code, value in told["values"].items() if value != NOTHING}
    suggested = told["suggested_vin"]
    return {
        **told,
        "name": " ".join(str(told[part]) for part in ("model_year", "make", "model") if told[part]),
        "facts": read_facts(values),
        "groups": read_groups(decoded),
        "errors": [text for text in _ONE_ERROR.split(told["error_text"]) if text],
        "suggested": mark_changes(told["vin"], suggested) if suggested else [],
        "suggested_whole": suggested if suggested and "!" not in suggested else None,
        "possible": read_possible(told["possible_values"] or ""),
    }


def read_facts(values: dict[str, str]) -> list[tuple[str, str]]:
    """Return what people ask first about a vehicle."""
    engine = ", ".join(text.format(_short(values[code])) for code, text in _ENGINE if code in values)
    if "TransmissionSpeeds" in values:
        values = {**values, "TransmissionSpeeds": f"{values['TransmissionSpeeds']} speeds"}
    facts = [(name, ", ".join(values[code] for code in codes if code in values)) for name, codes in _FACTS]
    facts.insert(3, ("Engine", engine))
    return [(name, value) for name, value in facts if value]


def _short(value: str) -> str:
    """Write 1.999221808 litres, converted from cubic inches, as 2.0."""
    is_long = re.fullmatch(r"\d+\.\d{3,}", value)
    return f"{float(value):.1f}" if is_long else value


def read_groups(decoded: Decoded) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return (variable, value) by vPIC's groups, without what does not apply to the vehicle."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for variable, value in decoded.variables():
        if variable.group and value and value != NOTHING:
            groups.setdefault(variable.group, []).append((variable.name, value))
    return list(groups.items())


def mark_changes(given: str, suggested: str) -> list[tuple[str, str]]:
    """Return the characters of a suggested VIN, each `same`, `other`, or `open` where several could stand."""
    return [
        (character, "open" if character == "!" else "same" if given[at : at + 1] == character else "other")
        for at, character in enumerate(suggested.rstrip())
    ]


def read_possible(text: str) -> list[tuple[int, str]]:
    """Read "(4:ABC)(11:J)" into positions and the characters that may stand there."""
    return [(int(position), characters) for position, characters in _POSSIBLE.findall(text)]
