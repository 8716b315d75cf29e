"""Addresses as NHTSA takes them: in any case, with or without a slash at the end, parameters in any case."""

import re
from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask

PREFIX = "/api/vehicles/"
NAMES = (
    "DecodeVin",
    "DecodeVinValues",
    "DecodeVinExtended",
    "DecodeVinValuesExtended",
    "DecodeVINValuesBatch",
    "DecodeWMI",
    "GetAllMakes",
    "GetAllManufacturers",
    "GetCanadianVehicleSpecifications",
    "GetEquipmentPlantCodes",
    "GetMakeForManufacturer",
    "GetMakesForManufacturerAndYear",
    "GetMakesForVehicleType",
    "GetManufacturerDetails",
    "GetModelsForMake",
    "GetModelsForMakeId",
    "GetModelsForMakeIdYear",
    "GetModelsForMakeYear",
    "GetParts",
    "GetVehicleTypesForMake",
    "GetVehicleTypesForMakeId",
    "GetVehicleVariableList",
    "GetVehicleVariableValuesList",
    "GetWMIsForManufacturer",
)
_NAMES = {name.lower(): name for name in NAMES}
_WITH_NAMED_PARTS = ("GetModelsForMakeYear", "GetModelsForMakeIdYear")  # make/honda/modelyear/2015
_JSON = {"application/json": "application/json; charset=utf-8"}
_PARAMETER = re.compile(r"(?:^|(?<=&))[^=&]+")


def canonical_path(path: str) -> str | None:
    """Return our spelling of an address of NHTSA's API; None for one that is none."""
    if path[: len(PREFIX)].lower() != PREFIX:
        return None
    first, *parts = path[len(PREFIX) :].rstrip("/").split("/")
    name = _NAMES.get(first.lower())
    if name is None:
        return None
    if name in _WITH_NAMED_PARTS:
        parts[::2] = [part.lower() for part in parts[::2]]
    return "/".join([PREFIX + name, *parts])


class AnyCase:
    """Wraps the WSGI application: requests for NHTSA's addresses come in our spelling.

    JSON leaves with NHTSA's Content-Type: clients tell NHTSA's errors from others by it.
    """

    def __init__(self, application: Callable[..., Iterable[bytes]]) -> None:
        self.application = application

    def __call__(self, wsgi: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = canonical_path(wsgi["PATH_INFO"])
        if path is None:
            return self.application(wsgi, start_response)
        wsgi["PATH_INFO"] = path
        query = wsgi.get("QUERY_STRING", "")
        wsgi["QUERY_STRING"] = _PARAMETER.sub(lambda name: name[0].lower(), query)

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            headers = [(name, _JSON.get(value, value)) for name, value in headers]
            return start_response(status, headers, exc_info)

        return self.application(wsgi, start)


def install(app: Flask) -> None:
    """Put the wrapper before an application."""
    app.wsgi_app = AnyCase(app.wsgi_app)  # type: ignore[method-assign]
