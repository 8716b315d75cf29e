"""Bad input as it comes over the wire: gunicorn with its own settings, over a whole release."""

import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shared.config import ROOT, Settings

ESCAPE = "1FMCU0EG0BKA41755"
VEHICLES = "/api/vehicles/"


class Server:
    """A running server; `ask` returns status, headers in lower case, and body."""

    def __init__(self, port: int) -> None:
        self.port = port

    def ask(
        self, path: str, body: str | None = None, kind: str = "application/json"
    ) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            headers = {"Content-Type": kind} if body is not None else {}
            connection.request("GET" if body is None else "POST", path, body, headers)
            response = connection.getresponse()
            return (
                response.status,
                {name.lower(): value for name, value in response.getheaders()},
                response.read(),
            )
        finally:
            connection.close()


@pytest.fixture(scope="module")
def server(vpic_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder: Path = tmp_path_factory.mktemp("http")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environ = {
        "PATH": os.environ["PATH"], "DATABASE_URL": str(vpic_settings.database_url), "API_WORKERS": "1",
        "CRONHOUSE_LOCAL_DIR": str(folder), "API_PORT": str(port), "CRONHOUSE_ENV_FILE": str(folder / "none"),
    }  # fmt: skip
    command = [
        sys.executable, "-m", "gunicorn", "-c", "python:services.api.gunicorn_conf", "services.api.app:create_app()",
    ]  # fmt: skip
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=log, stderr=log)
    try:
        running = Server(port)
        while True:
            assert process.poll() is None, (folder / "log").read_text()
            try:
                if running.ask("/health")[0] == 200:
                    break
            except OSError:
                time.sleep(0.1)
        yield running
    finally:
        process.terminate()
        assert process.wait(60) == 0, (folder / "log").read_text()
    assert "Traceback" not in (folder / "log").read_text()


@pytest.mark.parametrize("endpoint", ["DecodeVin/", "DecodeVinValues/", "DecodeVinExtended/", "vin/"])
@pytest.mark.parametrize(
    ("vin", "status"),
    [
        ("", 404), ("1", 200), (ESCAPE[:16], 200), (ESCAPE + "9", 422), ("A" * 4000, 422),
        ("%C3%9C%E2%82%AC%F0%9F%9A%97", 200), ("%FF%FE", 200), ("%00", 200), ("'%20OR%201=1--", 200), ("..%2f..", 404),
    ],
)  # fmt: skip
def test_vin_of_any_kind_has_an_answer(server: Server, endpoint: str, vin: str, status: int) -> None:
    found, headers, body = server.ask(
        f"{VEHICLES}{endpoint}{vin}" + ("" if endpoint == "vin/" else "?format=json")
    )
    assert found == status, body[:300]
    content: dict[str, Any] = json.loads(body)
    if status != 200:
        assert content["error"]["request_id"] == headers["x-request-id"]


def test_address_longer_than_the_server_reads_is_refused_by_it(server: Server) -> None:
    """gunicorn reads 8,190 characters; the gateway before it refuses likewise, in the shape of our errors."""
    status, _, body = server.ask(f"{VEHICLES}vin/{'A' * 10_000}")
    assert status == 414 and len(body) < 1000
    assert server.ask(f"{VEHICLES}vin/{ESCAPE}")[0] == 200


@pytest.mark.parametrize(
    ("path", "body", "kind"),
    [
        ("vin/batch", json.dumps({"vins": [ESCAPE] * 10_001}), "application/json"),
        ("DecodeVINValuesBatch", "data=" + ";".join([ESCAPE] * 10_001), "application/x-www-form-urlencoded"),
    ],
)
def test_batch_of_10001_is_refused(server: Server, path: str, body: str, kind: str) -> None:
    status, _, answer = server.ask(VEHICLES + path, body, kind)
    assert status == 422
    assert "10,001 VINs; at most 10,000" in json.loads(answer)["error"]["message"]


def test_half_a_character_in_a_batch_is_a_vin_that_cannot_be(server: Server) -> None:
    status, _, body = server.ask(f"{VEHICLES}vin/batch", '{"vins": ["\\ud800", "1FMCU0EG0BKA41755"]}')
    vehicles = json.loads(body)["data"]
    assert status == 200 and [vehicle["is_valid"] for vehicle in vehicles] == [False, True]


@pytest.mark.parametrize(
    ("path", "says"),
    [
        (f"DecodeVin/{ESCAPE}?modelyear=abc&format=json", "modelyear: expected a whole number"),
        (f"vin/{ESCAPE}?model_year=abc", "model_year: expected a whole number"),
        ("dropdown/makes?year=abc", "year: expected a whole number"),
        ("dropdown/models?make=", "make: is empty"),
        ("dropdown/models", "make: is needed"),
        ("dropdown/models?year=2011&make=NOSUCH", "there is no make 'NOSUCH' for this ModelYear"),
    ],
)
def test_what_is_wrong_is_said_in_plain_words(server: Server, path: str, says: str) -> None:
    status, _, body = server.ask(VEHICLES + path)
    assert status in (404, 422) and says in json.loads(body)["error"]["message"]
