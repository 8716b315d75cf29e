"""The subset of vPIC cut down to three makers: all of a release, made in seconds."""

import logging
from contextlib import closing

from services.vehicle_etl.dropdowns import build_dropdowns
from services.vehicle_etl.sources import SUBSET
from services.vehicle_etl.sources.dump_file import open_dump
from services.vehicle_etl.vehicles import releases
from services.vehicle_etl.vehicles.load import load
from shared import db
from shared.config import Settings
from shared.vin.compile import compile_release

CIVIC = "2HGFA55519H703111"
FIESTA, FIESTA_MEANT = "3FADP4C24FM126284", "3FADP4CJ4FM126284"
ENCLAVE, ENCLAVE_MARKED = "5gaardaa6ja111111", "5GA!RD!!6J!111111"
WMIS = ("2HG", "3FA", "5GA")
RUN = """
INSERT INTO ops.job_run (workflow, job, service, logical_date, status, finished_at, host, pid)
VALUES ('vehicles', 'vehicles_load', 'vehicle_etl', '2026-11-20', 'succeeded', now(), 'box', 1)
RETURNING run_id
"""
CUT = """
DELETE FROM wmi WHERE wmi <> ALL(%(wmis)s);
DELETE FROM wmi_vinschema WHERE wmiid NOT IN (SELECT id FROM wmi);
DELETE FROM wmi_make WHERE wmiid NOT IN (SELECT id FROM wmi);
DELETE FROM pattern WHERE vinschemaid NOT IN (SELECT vinschemaid FROM wmi_vinschema);
CREATE INDEX ON pattern (vinschemaid);
ANALYZE;
"""


def load_few_makers(settings: Settings) -> None:
    """Make three makers of the subset the live release, decoder and dropdown tables included."""
    conn = db.connect(settings, application_name="test")
    with closing(conn), closing(open_dump(str(SUBSET), lambda name: True)) as source:
        with db.transaction(conn):
            run_id = db.fetch_value(conn, RUN)
        release = releases.begin(conn, source.release, "few makers", run_id)
        load(conn, release, source, logging.getLogger("test"), lambda: None)
        with db.transaction(conn):
            releases.set_search_path(conn, release.schema)
            db.execute(conn, CUT, {"wmis": list(WMIS)})
            compile_release(conn, release.schema)
            build_dropdowns(conn, release.schema)
            db.execute(conn, f"ALTER SCHEMA {release.schema} RENAME TO vpic")
