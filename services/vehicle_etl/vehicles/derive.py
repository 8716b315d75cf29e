"""What a release is given besides its own tables, before it is verified and swapped in."""

from importlib import import_module
from importlib.util import find_spec

from services.vehicle_etl.vehicles.releases import Release
from shared import db


def build(conn: db.Connection, release: Release) -> list[str]:
    """Build the derived tables of a release in its schema; return what was built."""
    built = []
    if _is_there("shared.vin.compile"):
        with db.transaction(conn):
            import_module("shared.vin.compile").compile_release(conn, release.schema)
        built.append("decoder")
    return built


def _is_there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False
