"""The vehicles page in a real browser without scripts: chosen step by step, decoded, on a desk and a phone."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from shared.config import ROOT
from shared.local.postgres import EmbeddedPostgres
from tests.conftest import cloned_database, settings_for
from tests.e2e.test_console import Watched, browser, wait_for
from tests.integration.api.few_makers import CIVIC, ENCLAVE, FIESTA, FIESTA_MEANT, load_few_makers
from tests.integration.api.test_vehicles_page import make_key

__all__ = ["browser"]  # a fixture


@pytest.fixture(scope="module")
def site(
    pg_server: EmbeddedPostgres, pg_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, str]]:
    """The API as it runs in production over three makers; its address and a reader's key."""
    folder = tmp_path_factory.mktemp("vehicles")
    with cloned_database(pg_server, pg_template) as url:
        settings = settings_for(url, folder)
        load_few_makers(settings)
        key = make_key(settings)
        with _serve(url, folder) as base:
            yield base, key


class _serve:
    """gunicorn over a database, at a free port."""

    def __init__(self, url: str, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.log = folder / "log"
        environ = {
            "PATH": os.environ["PATH"], "DATABASE_URL": url, "CRONHOUSE_LOCAL_DIR": str(folder / "local"),
            "API_PORT": str(self.port), "API_WORKERS": "1", "CRONHOUSE_ENV_FILE": str(folder / "none"),
        }  # fmt: skip
        config = "python:services.api.gunicorn_conf"
        command = [sys.executable, "-m", "gunicorn", "-c", config, "services.api.app:create_app()"]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=log, stderr=log)

    def __enter__(self) -> str:
        base = f"http://127.0.0.1:{self.port}"
        wait_for(f"{base}/health", self.log)
        return base

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        assert self.process.wait(30) == 0, self.log.read_text()


def choose(page: Page, label: str, value: str) -> None:
    page.get_by_label(label, exact=True).select_option(label=value)
    page.click("text=Show")


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_a_vehicle_is_chosen_and_vins_are_decoded(
    browser: Browser, site: tuple[str, str], width: int, scheme: str
) -> None:
    base, key = site
    size = {"width": width, "height": 800}
    watched = Watched(browser, base, viewport=size, color_scheme=scheme, java_script_enabled=False)
    watched.sign_in(key)
    page = watched.page
    page.click("nav >> text=Vehicles")

    choose(page, "Year", "2009")
    choose(page, "Make", "Honda")
    choose(page, "Model", "Civic")
    assert page.get_by_label("Engine", exact=True).locator("option").count() > 2
    choose(page, "Trim", "SI")
    assert "2009 Honda Civic" in page.locator(".facts").inner_text()
    fits(page, width)
    shoot(page, f"chosen-{width}")

    decode(page, CIVIC)
    assert "2009 HONDA Civic" in page.locator("#vehicle").inner_text()
    assert page.locator(".groups table").count() > 5
    fits(page, width)
    shoot(page, f"decoded-{width}")
    page.click("text=Trims, engines and transmissions of the 2009 HONDA Civic")
    assert page.get_by_label("Model", exact=True).locator("option[selected]").inner_text() == "Civic"

    decode(page, FIESTA)
    assert page.locator(".errors li").count() == 3
    assert page.locator(".suggested .vin").inner_text() == FIESTA_MEANT
    shoot(page, f"wrong-{width}")
    page.click("text=Decode this one")
    assert "2015 FORD Fiesta" in page.locator("#vehicle").inner_text()
    assert page.locator(".suggested").count() == 0

    decode(page, ENCLAVE)
    assert page.locator(".possible tbody tr").count() == 4
    fits(page, width)
    watched.check()


def decode(page: Page, vin: str) -> None:
    page.get_by_label("VIN", exact=True).fill(vin)
    page.click("button:text-is('Decode')")
    page.wait_for_selector("#vehicle")


def fits(page: Page, width: int) -> None:
    """Nothing is wider than the window, every field has a name and is large enough for a thumb."""
    widest = page.evaluate("document.documentElement.scrollWidth")
    assert widest <= width
    for control in page.locator(".ask input, .ask select, .ask button").all():
        box = control.bounding_box()
        assert box is not None and box["height"] >= 36 and box["width"] >= 60
        assert control.evaluate("e => e.tagName === 'BUTTON' || e.labels.length === 1")


def shoot(page: Page, name: str) -> None:
    """Keep a picture where SCREENSHOTS says, for people to look at."""
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=f"{folder}/vehicles-{name}.png", full_page=True)
