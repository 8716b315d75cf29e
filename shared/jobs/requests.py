"""Runs that somebody asked for over the API. The container of a service takes its own, once a minute."""

import logging
from pathlib import Path

from shared import db
from shared.config import Settings
from shared.errors import ConfigError, CronhouseError
from shared.jobs.runner import CONFIGURATION, FAILED, OK, run_job
from shared.jobs.workflows import find_job
from shared.sql import read_queries

_Q = Path(__file__).resolve().parent.parent / "queries" / "requests.sql"
log = logging.getLogger("cronhouse.requests")


def run_requested(settings: Settings, service: str) -> int:
    """Take and run every open request of a service, oldest first; return 0, or the last bad exit code.

    A job waits for its upstream as under cron. A request whose taker died is taken again.
    """
    worst = OK
    conn = db.connect(settings, application_name=f"cronhouse:requests:{service}", autocommit=True)
    try:
        while True:
            request = db.fetch_one(conn, read_queries(_Q)["take_request"], {"service": service})
            if request is None:
                return worst
            code = _run(settings, request)
            db.execute(conn, read_queries(_Q)["close_request"], {"id": request["request_id"], "code": code})
            worst = code or worst
    finally:
        conn.close()


def _run(settings: Settings, request: dict[str, object]) -> int:
    name = str(request["job"])
    log.info(
        "request %s: %s for %s, asked for by %s",
        *(request[k] for k in ("request_id", "job", "logical_date", "requested_by")),
    )
    try:
        workflow, spec = find_job(settings, name)
        return run_job(
            settings, workflow, spec, request["logical_date"], force=bool(request["forced"]),  # type: ignore[arg-type]
            requested_by=str(request["requested_by"]),
        ).exit_code  # fmt: skip
    except ConfigError as exc:
        log.error("request %s: %s", request["request_id"], exc)
        return CONFIGURATION
    except CronhouseError as exc:
        log.error("request %s: %s", request["request_id"], exc)
        return FAILED
