"""The parks page in a real browser without scripts: a ride chosen, an import paused and resumed with a button."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from shared import apikeys, db
from shared.local.postgres import EmbeddedPostgres
from tests.conftest import cloned_database, settings_for
from tests.e2e.test_console import Watched, browser
from tests.e2e.test_vehicles_page import _serve, fits, shoot
from tests.integration.api.few_rides import load_few_rides

__all__ = ["browser"]  # a fixture


@pytest.fixture(scope="module")
def site(
    pg_server: EmbeddedPostgres, pg_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, str]]:
    """The API as it runs in production over a small park; its address and an operator's key."""
    folder = tmp_path_factory.mktemp("parks")
    with cloned_database(pg_server, pg_template) as url:
        conn = db.connect(settings_for(url, folder))
        try:
            load_few_rides(conn)
            with db.transaction(conn):
                key = apikeys.create_key(conn, "operator", "operator")
        finally:
            conn.close()
        with _serve(url, folder) as base:
            yield base, key


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_a_ride_is_looked_at_and_an_import_is_steered(
    browser: Browser, site: tuple[str, str], width: int, scheme: str
) -> None:
    base, key = site
    size = {"width": width, "height": 800}
    watched = Watched(browser, base, viewport=size, color_scheme=scheme, java_script_enabled=False)
    watched.sign_in(key)
    page = watched.page
    page.click("nav >> text=Parks")
    assert "35 min" in page.locator(".board").inner_text()

    page.get_by_label("Day", exact=True).fill("2019-07-31")
    page.click("button:text-is('Show')")
    assert "Seven Dwarfs Mine Train, Wed 31 Jul 2019" in page.locator("#a-day").inner_text()
    assert page.locator("svg[aria-label^='Mean posted wait of each hour'] circle").count() == 26
    fits(page, width)
    shoot(page, f"parks-{width}")

    imports = page.locator("section[aria-labelledby=imports]")
    button = page.locator("button:text-is('Pause')").bounding_box()
    assert button is not None and button["x"] + button["width"] <= width  # seen without scrolling sideways
    page.click("button:text-is('Pause')")
    assert page.url == f"{base}/parks#imports" and "Paused" in imports.inner_text()
    page.click("button:text-is('Resume')")
    assert "Pending" in imports.inner_text()
    watched.check()
