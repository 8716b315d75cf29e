"""Incidents against a real webhook receiver: one message each, repeats grouped, recovery announced."""

import json
import logging
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from shared import alerts, db
from shared.config import Settings

KEY = "job_failed:retail_ingest"


class Receiver(ThreadingHTTPServer):
    """Takes what apprise posts to json:// and answers with `status`, after `delay` seconds."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.messages: list[dict[str, Any]] = []
        self.status = 200
        self.delay = 0.0

    @property
    def url(self) -> str:
        return f"json://127.0.0.1:{self.server_address[1]}/secret-token"

    @property
    def titles(self) -> list[str]:
        return [message["title"] for message in self.messages]


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        time.sleep(self.server.delay)
        self.server.messages.append(json.loads(body))
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Stay silent."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def auto(pg: Settings) -> Iterator[db.Connection]:
    connection = db.connect(pg, application_name="test", autocommit=True)
    yield connection
    connection.close()


@pytest.fixture
def told(pg: Settings, receiver: Receiver) -> Settings:
    return replace(pg, alert_urls=(receiver.url,))


def fail(
    conn: db.Connection, settings: Settings, key: str = KEY, severity: str = "critical", run_id: int = 42
) -> bool:
    return alerts.raise_incident(
        conn, settings, key, severity, f"{key} went wrong", "disk is full", f"cronhouse logs {run_id}", run_id
    )


def rows(conn: db.Connection) -> list[dict[str, Any]]:
    return db.fetch_all(conn, "SELECT * FROM ops.alert ORDER BY alert_id")


def test_an_incident_is_one_message_with_reason_run_and_command(
    auto: db.Connection, told: Settings, receiver: Receiver
) -> None:
    assert fail(auto, told)
    (message,) = receiver.messages
    assert message["title"] == "[critical] job_failed:retail_ingest went wrong"
    assert message["type"] == "failure"
    for text in ("disk is full", "look closer: cronhouse logs 42", "run: 42", f"incident: {KEY}"):
        assert text in message["message"]


def test_repeats_are_counted_and_not_sent(auto: db.Connection, told: Settings, receiver: Receiver) -> None:
    assert [fail(auto, told, run_id=n) for n in (42, 43, 44)] == [True, False, False]
    assert len(receiver.messages) == 1
    (row,) = rows(auto)
    assert (row["times_seen"], row["run_id"], row["look_closer"]) == (3, 44, "cronhouse logs 44")


def test_two_incidents_are_two_messages(auto: db.Connection, told: Settings, receiver: Receiver) -> None:
    fail(auto, told)
    fail(auto, told, "data_missing:retail:retailer_1", "warning")
    assert [message["type"] for message in receiver.messages] == ["failure", "warning"]


def test_people_are_reminded_after_a_day(auto: db.Connection, told: Settings, receiver: Receiver) -> None:
    fail(auto, told)
    db.execute(auto, "UPDATE ops.alert SET notified_at = now() - interval '23 hours 59 minutes'")
    assert not fail(auto, told)
    db.execute(auto, "UPDATE ops.alert SET notified_at = now() - interval '24 hours 1 minute'")
    assert fail(auto, told)
    assert not fail(auto, told)
    assert "seen 3 times" in receiver.messages[-1]["message"]
    assert len(receiver.messages) == 2


def test_a_warning_that_becomes_critical_is_told_again(
    auto: db.Connection, told: Settings, receiver: Receiver
) -> None:
    assert [fail(auto, told, severity=s) for s in ("warning", "critical", "warning", "warning")] == [
        True, True, False, False,
    ]  # fmt: skip
    assert [message["type"] for message in receiver.messages] == ["warning", "failure"]


def test_recovery_is_announced_once(auto: db.Connection, told: Settings, receiver: Receiver) -> None:
    fail(auto, told)
    fail(auto, told)
    db.execute(auto, "UPDATE ops.alert SET opened_at = now() - interval '3 hours'")
    assert alerts.recover(auto, told, KEY, "retail_ingest succeeded (run 45)")
    assert not alerts.recover(auto, told, KEY)
    assert receiver.titles[1:] == ["[recovered] job_failed:retail_ingest went wrong"]
    assert receiver.messages[-1]["type"] == "success"
    for text in ("retail_ingest succeeded (run 45)", "lasted 3 h", "seen 2 times", "disk is full"):
        assert text in receiver.messages[-1]["message"]
    assert rows(auto)[0]["resolved_at"] is not None


def test_a_failure_after_the_recovery_is_a_new_incident(
    auto: db.Connection, told: Settings, receiver: Receiver
) -> None:
    fail(auto, told)
    alerts.recover(auto, told, KEY)
    assert fail(auto, told)
    assert len(rows(auto)) == 2
    assert len(receiver.messages) == 3


def test_recovery_of_what_nobody_was_told_is_logged_only(
    auto: db.Connection, pg: Settings, told: Settings, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    fail(auto, pg)  # no ALERT_URLS at that time
    assert "disk is full" in caplog.text
    assert rows(auto)[0]["notified_at"] is None
    assert alerts.recover(auto, told, KEY)
    assert receiver.messages == []
    assert "recovered after less than a minute" in caplog.text


def test_a_receiver_that_is_down_breaks_nothing_and_is_tried_again(
    auto: db.Connection, told: Settings, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.status = 503
    assert not fail(auto, told)
    assert "ALERT_URLS entry 1 (json) did not take it" in caplog.text
    assert "secret-token" not in caplog.text
    receiver.status = 200
    assert fail(auto, told)
    assert receiver.messages[-1]["message"].count("seen 2 times") == 1


def test_a_closed_port_breaks_nothing(auto: db.Connection, pg: Settings, receiver: Receiver) -> None:
    """One receiver is gone, the other one is told all the same."""
    both = replace(pg, alert_urls=("json://127.0.0.1:9/", receiver.url))
    assert fail(auto, both)
    assert len(receiver.messages) == 1


def test_a_url_that_is_none_breaks_nothing(
    auto: db.Connection, pg: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    assert not fail(auto, replace(pg, alert_urls=("nonsense://secret-token",)))
    assert "ALERT_URLS entry 1 (nonsense) is no URL that apprise knows" in caplog.text
    assert "secret-token" not in caplog.text


def test_a_slow_receiver_does_not_hold_the_job(
    auto: db.Connection, told: Settings, receiver: Receiver, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    fail(auto, told, "warm:up")  # the first use of apprise pays its import
    monkeypatch.setattr(alerts, "SEND_TIMEOUT_SECONDS", 0.3)
    receiver.delay = 2.0
    start = time.monotonic()
    assert not fail(auto, told)
    assert time.monotonic() - start < 1.5
    assert "not waiting longer" in caplog.text


def test_a_database_that_is_away_breaks_nothing(
    pg: Settings, told: Settings, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    connection = db.connect(pg, autocommit=True)
    connection.close()
    assert not fail(connection, told)
    assert not alerts.recover(connection, told, KEY)
    assert "could not be kept" in caplog.text


def test_two_processes_that_see_the_same_incident_send_one_message(
    pg: Settings, told: Settings, receiver: Receiver
) -> None:
    def one(_: int) -> bool:
        connection = db.connect(pg, autocommit=True)
        try:
            return fail(connection, told)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(one, range(4))) == [False, False, False, True]
    assert len(receiver.messages) == 1


def test_open_incidents_by_prefix(auto: db.Connection, pg: Settings) -> None:
    fail(auto, pg)
    fail(auto, pg, "job_stale:x")
    alerts.recover(auto, pg, KEY)
    assert [row["incident"] for row in alerts.read_open(auto)] == ["job_stale:x"]
    assert alerts.read_open(auto, "job_failed:") == []
