"""Alerts worth reading: one message an incident, repeats counted in it, its recovery announced.

Messages go to ALERT_URLS through apprise, and always to the log. Telling people never breaks a job: a
receiver that is down or slow is logged, and the next repeat of the incident tries again.
"""

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from shared import db
from shared.config import Settings
from shared.errors import CronhouseError
from shared.sql import read_queries

REMIND_HOURS = 24
SEND_TIMEOUT_SECONDS = 15.0
_Q = Path(__file__).parent / "queries" / "alerts.sql"
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Message:
    title: str
    body: str
    kind: str  # apprise: failure, warning, success, info


def raise_incident(
    conn: db.Connection, settings: Settings, key: str, severity: str, title: str, reason: str,
    look_closer: str, run_id: int | None = None,
) -> bool:  # fmt: skip
    """Open an incident, or count its repeat; True when people were told now.

    They are told once, again after 24 hours, and when a warning becomes critical. `severity` is warning or
    critical. `conn` is in autocommit, else the caller commits. Never raises.
    """
    values = {
        "incident": key, "severity": severity, "title": title, "reason": reason, "look_closer": look_closer,
        "run_id": run_id, "remind_hours": REMIND_HOURS,
    }  # fmt: skip
    try:
        row = db.fetch_one(conn, read_queries(_Q)["raise_incident"], values) or {}
    except CronhouseError as exc:
        _log.error("incident %s could not be kept: %s", key, exc)
        return False
    said = reason if look_closer in reason else f"{reason} (look closer: {look_closer})"
    _log.log(
        logging.ERROR if severity == "critical" else logging.WARNING, "incident %s: %s: %s", key, title, said,
        extra={"fields": {"incident": key, "times_seen": row["times_seen"]}},
    )  # fmt: skip
    if not row["due"]:
        return False
    kind = "failure" if severity == "critical" else "warning"
    if _send(settings.alert_urls, _Message(f"[{severity}] {title}", _incident_body(key, values, row), kind)):
        return True
    _forget_notice(conn, row["alert_id"])
    return False


def recover(conn: db.Connection, settings: Settings, key: str, note: str = "") -> bool:
    """Close the incident and announce it to those who were told of it; False when it was not open.

    Never raises.
    """
    try:
        row = db.fetch_one(conn, read_queries(_Q)["recover"], {"incident": key})
    except CronhouseError as exc:
        _log.error("the recovery of %s could not be kept: %s", key, exc)
        return False
    if row is None:
        return False
    lasted = _duration(row["resolved_at"] - row["opened_at"])
    said = f"{row['title']}; {note}" if note else row["title"]
    _log.info("recovered after %s: %s", lasted, said, extra={"fields": {"incident": key}})
    if row["was_notified"]:
        story = f"It lasted {lasted} and was seen {_times(row['times_seen'])}. It was: {row['reason']}"
        body = "\n".join(line for line in (note, story, f"incident: {key}") if line)
        _send(settings.alert_urls, _Message(f"[recovered] {row['title']}", body, "success"))
    return True


def send_test(settings: Settings) -> list[bool]:
    """Send a test message to each of ALERT_URLS; tell for each whether it took it."""
    body = "Alerts of Cronhouse reach you here.\nlook closer: cronhouse alerts list"
    return [_send([url], _Message("[test] Cronhouse", body, "info")) for url in settings.alert_urls]


def read_open(conn: db.Connection, prefix: str = "") -> list[dict[str, Any]]:
    """List the open incidents whose key begins with `prefix`, oldest first."""
    return db.fetch_all(conn, read_queries(_Q)["list_open"], {"prefix": prefix})


def _incident_body(key: str, values: dict[str, Any], row: dict[str, Any]) -> str:
    lines = [values["reason"], f"look closer: {values['look_closer']}"]
    if values["run_id"] is not None:
        lines.append(f"run: {values['run_id']}")
    if row["times_seen"] > 1:
        lines.append(f"open since {_clock(row['opened_at'])}, seen {_times(row['times_seen'])}")
    return "\n".join([*lines, f"incident: {key}"])


def _forget_notice(conn: db.Connection, alert_id: int) -> None:
    """Say that nobody could be told, so that the next repeat tries again."""
    try:
        db.execute(conn, read_queries(_Q)["not_notified"], {"alert_id": alert_id})
    except CronhouseError as exc:
        _log.error("alert %s: %s", alert_id, exc)


def _send(urls: Sequence[str], message: _Message) -> bool:
    """Send to every URL within a time limit; True when at least one took it.

    It runs in a daemon thread: a receiver that sends one byte a minute cannot hold the process.
    """
    taken: list[str] = []
    if not urls:
        return False
    worker = threading.Thread(target=_send_all, args=(urls, message, taken), daemon=True, name="alerts")
    worker.start()
    worker.join(SEND_TIMEOUT_SECONDS)
    if worker.is_alive():
        _log.error(
            "alert %r: a receiver took over %.0f s, not waiting longer", message.title, SEND_TIMEOUT_SECONDS
        )
    return bool(taken)


def _send_all(urls: Sequence[str], message: _Message, taken: list[str]) -> None:
    try:
        import apprise

        logging.getLogger("apprise").setLevel(logging.CRITICAL)  # its lines may hold tokens; ours do not
        for number, url in enumerate(urls, 1):
            where = f"ALERT_URLS entry {number} ({url.partition(':')[0]})"
            channel = apprise.Apprise()
            if not channel.add(url):
                _log.error("alert %r not sent: %s is no URL that apprise knows", message.title, where)
            elif channel.notify(title=message.title, body=message.body, notify_type=message.kind):
                taken.append(url)
            else:
                _log.error("alert %r not sent: %s did not take it", message.title, where)
    except Exception as exc:  # noqa: BLE001 - whatever a plugin does, the job goes on
        _log.error("alert %r not sent: %s", message.title, type(exc).__name__)


def _duration(span: timedelta) -> str:
    minutes = int(span.total_seconds()) // 60
    if minutes < 1:
        return "less than a minute"
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // 1440} days"


def _clock(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
