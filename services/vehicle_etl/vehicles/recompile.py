"""Releases whose decoder tables other code of Cronhouse compiled: they are compiled once more where they are."""

import logging

from services.vehicle_etl.vehicles import releases
from services.vehicle_etl.vehicles.releases import Release
from shared import db
from shared.vin.compile import compile_release
from shared.vin.store import is_outdated


def outdated(conn: db.Connection) -> list[Release]:
    """Return the live and the previous release where this code cannot read their parts. Ends the transaction."""
    found = (releases.find(conn, "live"), releases.find(conn, "previous"))
    return [release for release in found if release is not None and is_outdated(conn, release.schema)]


def recompile(conn: db.Connection, release: Release, log: logging.Logger) -> None:
    """Compile a release again, in one transaction; readers find the older parts until its end.

    To be called with the lock of `releases.locked`.

    Raises:
        FatalError: the tables of the release are not what this code compiles.
        DataError: it has nothing to compile.
    """
    log.info("release %s (%s) was compiled by other code: compiling it", release.name, release.state)
    with db.transaction(conn):
        parts = compile_release(conn, release.schema)
    log.info("release %s is compiled: %d parts", release.name, parts)
