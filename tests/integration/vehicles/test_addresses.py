"""A dump at an address: fetched whole, not fetched in vain, and nothing secret in messages."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest

from shared import http
from tests.integration.vehicles.conftest import House
from tests.integration.vehicles.mini import Mini


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SimpleNamespace]:
    """A server of the files of a folder; `cut` bytes are kept back, `asked` has the paths."""
    monkeypatch.setattr(http, "FIRST_WAIT", 0.01)
    folder = tmp_path / "site"
    folder.mkdir()
    state = SimpleNamespace(folder=folder, asked=[], cut=0, url="")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            state.asked.append(path)
            file = folder / path.lstrip("/")
            if not file.exists():
                self.send_error(404)
                return
            body = file.read_bytes()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: len(body) - state.cut])

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    state.url = f"http://127.0.0.1:{server.server_port}"
    yield state
    server.shutdown()
    server.server_close()


def test_a_release_at_an_address(house: House, site: SimpleNamespace):
    Mini("2026_08").write(site.folder)
    address = f"{site.url}/mini_2026_08.plain.zip?token=secret"
    assert house.load(address).status == "succeeded" and house.live() == ("2026_08", 3)
    assert house.value("SELECT source FROM vehicles.release") == f"{site.url}/mini_2026_08.plain.zip"
    assert house.load(address).counts.read == 0
    assert len(site.asked) == 1  # its name says that it is not newer


def test_the_newest_month_of_an_address(house: House, site: SimpleNamespace):
    Mini("2026_07").write(site.folder)
    Mini("2026_08").write(site.folder)
    address = f"{site.url}/mini_{{release}}.plain.zip"
    assert house.load(address).status == "succeeded" and house.live()[0] == "2026_08"
    site.asked.clear()
    assert house.load(address).counts.read == 0
    assert site.asked and "/mini_2026_08.plain.zip" not in site.asked
    Mini("2026_09").write(site.folder)
    assert house.load(address).counts.read > 0 and house.live()[0] == "2026_09"


def test_an_address_with_nothing_there(house: House, site: SimpleNamespace):
    result = house.load(f"{site.url}/vPICList_lite_2026_08.plain.zip?token=secret")
    assert (
        result.status == "failed"
        and "there is no such file" in result.reason
        and "secret" not in result.reason
    )


def test_an_answer_that_is_cut_off(house: House, site: SimpleNamespace):
    Mini("2026_08").write(site.folder)
    site.cut = 100
    result = house.load(f"{site.url}/mini_2026_08.plain.zip?token=secret")
    assert result.status == "failed" and "cut off" in result.reason and "secret" not in result.reason
    assert house.schemas() == []


def test_an_address_of_another_kind(house: House):
    result = house.load("s3://bucket/vPICList_lite_2026_08.plain.zip")
    assert result.exit_code == 2 and "neither a path nor an http(s) address" in result.reason
