"""cronhouse key and cronhouse alerts."""

import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from shared import apikeys, db
from tests.integration.cli.conftest import Desk


def test_a_key_is_printed_once_and_only_its_hash_is_kept(desk: Desk) -> None:
    answer = desk.call("key", "create", "dashboard", "--role", "reader", "--expires", "90d")
    key = answer.out.strip()
    assert answer.code == 0 and key.startswith("ch_")
    (row,) = desk.rows("SELECT *, expires_at - now() AS left FROM ops.api_key")
    assert row["key_hash"] == hashlib.sha256(key.encode()).hexdigest()
    assert 89 <= row["left"].days <= 90
    assert key not in json.dumps(desk.rows("SELECT * FROM ops.audit_log"), default=str)
    conn = db.connect(desk.settings)
    assert apikeys.find_key(conn, key).role == "reader"
    conn.close()


def test_a_revoked_key_is_refused_and_both_are_on_record(desk: Desk) -> None:
    key = desk.call("key", "create", "robot", "--role", "operator").out.strip()
    assert desk.call("key", "revoke", "robot").code == 0
    (row,) = desk.call("key", "list", "--json").json
    assert (row["name"], row["state"]) == ("robot", "revoked")
    assert key.rpartition("_")[2] not in desk.call("key", "list").out
    audit = desk.rows("SELECT action, target, actor FROM ops.audit_log ORDER BY audit_id")
    assert [(row["action"], row["target"]) for row in audit] == [
        ("key.create", "robot"),
        ("key.revoke", "robot"),
    ]
    assert "@" in audit[0]["actor"]


def test_mistakes_are_named(desk: Desk) -> None:
    desk.call("key", "create", "one", "--role", "admin")
    assert "there is a key named 'one'" in desk.call("key", "create", "one", "--role", "admin").err
    assert desk.call("key", "create", "two", "--role", "king").code == 2
    assert desk.call("key", "create", "two", "--role", "admin", "--expires", "soon").code == 2
    assert "no key named 'nobody'" in desk.call("key", "revoke", "nobody").err
    assert len(desk.rows("SELECT 1 FROM ops.api_key")) == 1


@pytest.fixture
def receiver() -> Iterator[tuple[str, list[dict]]]:
    """A webhook that keeps what it is sent."""
    got: list[dict] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *arguments: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"json://user:secret@127.0.0.1:{server.server_port}/hook", got
    server.shutdown()
    server.server_close()


def test_a_test_message_reaches_the_receivers(desk: Desk, receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    url, got = receiver
    monkeypatch.setenv("ALERT_URLS", f"{url} json://127.0.0.1:1/closed")
    answer = desk.call("alerts", "test")
    assert answer.code == 1
    assert "sent: ALERT_URLS entry 1 (json)\nNOT sent: ALERT_URLS entry 2 (json)\n" in answer.out
    assert "secret" not in answer.out + answer.err
    assert [message["title"] for message in got] == ["[test] Cronhouse"]


def test_without_receivers_it_says_what_to_set(desk: Desk) -> None:
    answer = desk.call("alerts", "test")
    assert answer.code == 2 and "ALERT_URLS" in answer.err


def test_lists_open_incidents_and_past_ones_on_request(desk: Desk) -> None:
    assert desk.call("alerts", "list").out == "no open incidents\n"
    for incident, end in (("job_failed:a", "now()"), ("job_failed:b", "NULL")):
        desk.execute(
            "INSERT INTO ops.alert (incident, severity, title, reason, look_closer, resolved_at) VALUES "
            f"('{incident}', 'critical', 't', 'r', 'cronhouse logs 1', {end})"
        )
    assert [row["incident"] for row in desk.call("alerts", "list", "--json").json] == ["job_failed:b"]
    assert [row["incident"] for row in desk.call("alerts", "list", "--all", "--json").json] == [
        "job_failed:b",
        "job_failed:a",
    ]
    assert "cronhouse logs 1" in desk.call("alerts", "list").out
