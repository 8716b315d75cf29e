"""What a release is given besides its own tables, before it is verified and swapped in."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from services.vehicle_etl.vehicles.releases import Release
from shared import db

Stage = Callable[[str], AbstractContextManager[Any]]


def build(conn: db.Connection, release: Release, stage: Stage) -> None:
    """Build the tables of the decoder and of the dropdowns in the schema of a release."""
    from services.vehicle_etl.dropdowns import build_dropdowns
    from shared.vin.compile import compile_release

    with stage("decoder"), db.transaction(conn):
        compile_release(conn, release.schema)
    with stage("dropdowns"), db.transaction(conn):
        build_dropdowns(conn, release.schema)
