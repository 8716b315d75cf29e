"""The vPIC web API: asked politely, kept, and clear about what went wrong."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest

from services.vehicle_etl.sources.web_api import WebApi
from shared import cli, db
from shared.errors import FatalError, TransientError

ANSWERS = {
    "/vehicles/GetAllMakes": [{"Make_ID": 460, "Make_Name": "FORD"}, {"Make_ID": 474, "Make_Name": "HONDA"}],
    "/vehicles/GetModelsForMakeId/460": [
        {"Make_ID": 460, "Make_Name": "FORD", "Model_ID": 1801, "Model_Name": "F-150"}
    ],
    "/vehicles/DecodeVinValues/1FTFW1ET*DF": [{"VIN": "1FTFW1ET*DF", "Make": "FORD", "Doors": ""}],
}


@pytest.fixture
def site() -> Iterator[SimpleNamespace]:
    """The API; `trouble` is a list of statuses to answer with first."""
    state = SimpleNamespace(asked=[], trouble=[], body=None)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.asked.append(self.path)
            status = state.trouble.pop(0) if state.trouble else 200
            found = ANSWERS.get(self.path.partition("?")[0])
            body = state.body or json.dumps({"Count": 1, "Message": "ok", "Results": found}).encode()
            self.send_response(status)
            if status == 429:
                self.send_header("Retry-After", "3")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    state.url = f"http://127.0.0.1:{server.server_port}"
    yield state
    server.shutdown()
    server.server_close()


@pytest.fixture
def slept() -> list[float]:
    return []


@pytest.fixture
def api(conn: db.Connection, site: SimpleNamespace, slept: list[float]) -> Iterator[WebApi]:
    api = WebApi(conn, site.url, sleep=slept.append)
    yield api
    api.close()


def test_answers_are_staged_and_not_asked_for_again(api: WebApi, site, conn):
    assert api.models("ford")[0]["Model_Name"] == "F-150"
    assert api.decode("1ftfw1et*df")["Make"] == "FORD"
    assert [path.partition("?")[2] for path in site.asked] == ["format=json"] * 3
    assert api.models("FORD") and api.makes() and api.decode("1FTFW1ET*DF")
    assert len(site.asked) == api.asked == 3
    assert db.fetch_value(conn, "SELECT count(*) FROM vehicles.api_staging") == 3
    with db.transaction(conn):
        db.execute(conn, "UPDATE vehicles.api_staging SET fetched_at = fetched_at - interval '8 days'")
    api.makes()
    assert len(site.asked) == 4


def test_there_is_a_pause_between_two_questions(api: WebApi, slept):
    api.makes()
    assert slept == []
    api.models("FORD")
    assert len(slept) == 1 and 0.2 < slept[0] <= 0.5


def test_an_api_that_wants_patience_gets_it(api: WebApi, site, slept):
    site.trouble = [429, 503]
    assert len(api.makes()) == 2
    assert slept[0] == 3.0 and len(site.asked) == 3


def test_what_goes_wrong_is_said_and_not_kept(api: WebApi, site, conn):
    with pytest.raises(FatalError, match="no make 'FJORD'"):
        api.models("FJORD")
    site.body = b'{"Message": "no luck", "Results": null}'
    with pytest.raises(FatalError, match="has no Results: no luck"):
        api.decode("A/../B")
    site.body, site.trouble = b"<html>", [503] * 4
    with pytest.raises(TransientError, match="answered 503"):
        api.decode("AB")
    assert db.fetch_value(conn, "SELECT count(*) FROM vehicles.api_staging") == 1


def test_the_command(pg, site, monkeypatch, capsys):
    monkeypatch.setenv("CRONHOUSE_ENV_FILE", "/dev/null")
    for name, value in {**pg.environ, "VPIC_API_URL": site.url}.items():
        monkeypatch.setenv(name, value)
    assert cli.call(["vehicles", "look"]) == 0
    assert "HONDA" in capsys.readouterr().out
    assert cli.call(["vehicles", "look", "--make", "Ford", "--vin", "1FTFW1ET*DF"]) == 0
    said = capsys.readouterr().out
    assert "F-150" in said and "Doors" not in said
    assert cli.call(["vehicles", "look", "--vin", "1FTFW1ET*DF", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["Make"] == "FORD"
