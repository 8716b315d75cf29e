"""The id of a request and the line that the log gets of it."""

import logging
import re
import secrets

log = logging.getLogger("cronhouse.api")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


def read_request_id(given: str) -> str:
    """Return the id that the gateway gave the request, a new one when it gave none that can be trusted."""
    return given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(8)


def write_line(
    method: str,
    path: str,
    status: int,
    seconds: float,
    request_id: str,
    actor: str | None,
    remote: str | None,
) -> None:
    """Write one line a request: without the query string, which may hold what nobody should log."""
    fields = {
        "request_id": request_id, "status": status, "seconds": round(seconds, 3),
        "actor": actor, "remote": remote,
    }  # fmt: skip
    shown = path.encode("ascii", "backslashreplace").decode()[:200]
    log.info("%s %s %d %.3fs", method, shown, status, seconds, extra={"fields": fields})
