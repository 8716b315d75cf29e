"""The console in a real browser: it draws, it asks no other host, and it fits a phone."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from shared import apikeys, db
from shared.config import ROOT, Settings
from tests.integration.transformation.warehouse import Warehouse, line

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
YESTERDAY = datetime.now(UTC).date() - timedelta(days=1)
RUN = """
INSERT INTO ops.job_run (workflow, job, service, logical_date, status, reason, started_at, finished_at, host,
                         pid, rows_read, rows_written, rows_rejected, stage_seconds)
VALUES ('retail', %(job)s, 'ingestion', %(day)s, %(status)s, %(reason)s, now() - interval '5 minutes', now(),
        'box', 1, 2000, 1990, 10, '{"fetch": 1.5, "write": 0.5}')
RETURNING run_id
"""
REST = """
INSERT INTO ops.job_log (run_id, line, logged_at, level, message)
VALUES (%(run)s, 1, now(), 'info', 'landing retailer_1'),
       (%(run)s, 2, now(), 'error', 'no <b>answer</b>');
INSERT INTO ops.quality_result (run_id, workflow, table_name, check_name, logical_date, severity, passed,
                                expected, message)
VALUES (%(run)s, 'retail', 'fact_sales', 'volume', %(day)s, 'warning', false, '>= 1000', 'few lines');
INSERT INTO ops.alert (incident, severity, title, reason, look_closer, run_id)
VALUES ('job_failed:retail_ingest', 'critical', 'retail_ingest failed', 'retailer_2 is closed',
        'cronhouse logs 1', %(run)s);
INSERT INTO ops.dead_letter (pipeline, job, source, logical_date, position, payload, payload_bytes, reason,
                             field, fingerprint, run_id)
VALUES ('retail', 'retail_ingest', 'retailer_1', %(day)s, 'x:1', '{}', 2, 'not a date: 31/02/2026',
        'sold_at', 'f', %(run)s);
"""
TROUBLES = (
    "retailer_2 is closed",
    "few lines",
    "not a date: 31/02/2026",
    "Missing dates",
    "cronhouse logs 1",
)


def fill(settings: Settings) -> str:
    """Give the house twenty days of sales and of runs, with some trouble; return a reader's key."""
    conn = db.connect(settings)
    house = Warehouse(settings, conn)
    days = [YESTERDAY - timedelta(days=back) for back in range(20)]
    for retailer in ("retailer_1", "retailer_2", "retailer_3"):
        house.put(
            line(f"{day}", "1", retailer_id=retailer, business_date=day, quantity=Decimal(100 + day.day))
            for day in days
        )
    house.transform(YESTERDAY)
    house.refresh()
    with db.transaction(conn):
        for day in reversed(days):
            for job in ("retail_ingest", "retail_transform", "retail_quality", "retail_views"):
                failed = job == "retail_ingest" and day == days[5]
                values = {"job": job, "day": day, "status": "failed" if failed else "succeeded"}
                run = db.fetch_value(
                    conn, RUN, values | {"reason": "retailer_2 is closed" if failed else None}
                )
            score = "INSERT INTO ops.quality_score VALUES ('retail', %s, %s, %s, 20, 1, 0)"
            db.execute(conn, score, (day, run, 95 + day.day % 5))
        db.execute(conn, REST, {"run": run, "day": YESTERDAY})
        key = apikeys.create_key(conn, "browser", "reader")
    conn.close()
    return key


@pytest.fixture
def site(pg: Settings, tmp_path: Path) -> Iterator[tuple[str, str]]:
    """The API as it runs in production, not embedded; its address and a reader's key."""
    key = fill(pg)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environ = {
        "PATH": os.environ["PATH"], "DATABASE_URL": str(pg.database_url),
        "CRONHOUSE_LOCAL_DIR": str(pg.local_dir),
        "API_PORT": str(port), "API_WORKERS": "1", "CRONHOUSE_ENV_FILE": str(tmp_path / "none"),
    }  # fmt: skip
    config = "python:services.api.gunicorn_conf"
    command = [sys.executable, "-m", "gunicorn", "-c", config, "services.api.app:create_app()"]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=log, stderr=log)
    try:
        wait_for(f"http://127.0.0.1:{port}/health", tmp_path / "log")
        yield f"http://127.0.0.1:{port}", key
    finally:
        process.terminate()
        assert process.wait(30) == 0, (tmp_path / "log").read_text()


def wait_for(url: str, log: Path) -> None:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        try:
            urllib.request.urlopen(url, timeout=2)
            return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"{url} does not answer:\n{log.read_text()}")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    names = (os.environ.get("CHROMIUM", "chromium"), "chromium-browser", "google-chrome")
    path = next(filter(None, map(shutil.which, names)), None)
    assert path, "Chromium is missing: run scripts/install_browser.sh"
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield started
        started.close()


class Watched:
    """A page that remembers every request and every complaint of the browser."""

    def __init__(self, browser: Browser, base: str, **options: object) -> None:
        self.base = base
        self.context = browser.new_context(**options)  # type: ignore[arg-type]
        self.page: Page = self.context.new_page()
        self.asked: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self._heard)

    def _heard(self, message: object) -> None:
        if message.type in ("error", "warning"):  # type: ignore[attr-defined]
            self.complaints.append(message.text)  # type: ignore[attr-defined]

    def sign_in(self, key: str) -> None:
        self.page.goto(f"{self.base}/")
        self.page.fill("#key", key)
        self.page.click("main button")
        self.page.wait_for_selector(".state")

    def check(self) -> None:
        """No complaint, no other host, nothing wider than the window."""
        assert self.complaints == []
        assert self.asked and all(url.startswith((f"{self.base}/", "data:")) for url in self.asked)
        width = self.page.viewport_size["width"]  # type: ignore[index]
        assert self.page.evaluate("document.documentElement.scrollWidth") <= width
        self.context.close()


def visible_size(page: Page, selector: str) -> tuple[float, float]:
    box = page.locator(selector).first.bounding_box()
    assert box is not None, selector
    return box["width"], box["height"]


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_overview_is_drawn(browser: Browser, site: tuple[str, str], width: int, scheme: str) -> None:
    base, key = site
    size = {"width": width, "height": 800}
    watched = Watched(browser, base, viewport=size, color_scheme=scheme, java_script_enabled=False)
    watched.sign_in(key)
    page = watched.page

    bars = page.locator(".chart .column rect:not(.reach)")
    assert bars.count() == 3 * 20
    assert all(box["height"] > 20 and box["width"] > 2 for box in map(_box, bars.all()[:6]))
    assert page.locator(".point").count() == 20 and page.locator(".trend").count() == 19
    assert visible_size(page, ".chart .plot")[0] > width * 0.6
    assert page.locator(".legend li").all_inner_texts() == ["Harbour Gifts", "Oak & Thistle", "Paper Lane"]
    assert "£" in page.locator(".tiles").inner_text()
    assert page.locator(".strip .failed").count() == 1
    assert page.locator(".runs tbody tr").count() == 15
    text = page.locator("main").inner_text()
    assert [part for part in TROUBLES if part not in text] == []
    ink, paper = (page.locator("body").evaluate(f"e => getComputedStyle(e).{name}") for name in
                  ("color", "backgroundColor"))  # fmt: skip
    assert (sum(_rgb(ink)) > sum(_rgb(paper))) == (scheme == "dark")
    watched.check()


def _box(locator: object) -> dict[str, float]:
    box = locator.bounding_box()  # type: ignore[attr-defined]
    assert box is not None
    return box


def _rgb(text: str) -> list[int]:
    return [int(part) for part in text[text.index("(") + 1 : -1].split(",")[:3]]


@pytest.mark.parametrize("width", [1280, 390])
def test_run_page_shows_stages_and_log(browser: Browser, site: tuple[str, str], width: int) -> None:
    base, key = site
    watched = Watched(browser, base, viewport={"width": width, "height": 800})
    watched.sign_in(key)
    page = watched.page
    page.goto(f"{base}/runs/80")
    assert page.locator(".log li").count() == 2
    assert page.locator(".log b").count() == 1  # the level; what the line says is text
    assert "no <b>answer</b>" in page.locator(".log").inner_text()
    fetch, write = (_box(bar)["width"] for bar in page.locator(".stages rect").all())
    assert fetch == pytest.approx(3 * write, rel=0.05)
    watched.check()


def test_signing_in_with_a_wrong_key_and_out_again(browser: Browser, site: tuple[str, str]) -> None:
    base, key = site
    page = Watched(browser, base).page
    page.goto(f"{base}/runs/80")
    assert page.url.startswith(f"{base}/sign-in?next=")
    page.fill("#key", "ch_wrong")
    page.click("main button")
    assert "not known" in page.locator("[role=alert]").inner_text()
    page.fill("#key", key)
    page.click("main button")
    assert page.url == f"{base}/runs/80"
    page.click("text=Sign out")
    page.goto(f"{base}/")
    assert page.url.startswith(f"{base}/sign-in")


def test_documentation_needs_no_other_host(browser: Browser, site: tuple[str, str]) -> None:
    base, _ = site
    watched = Watched(browser, base, viewport={"width": 1280, "height": 800})
    watched.page.goto(f"{base}/docs")
    watched.page.wait_for_selector(".opblock")
    assert watched.page.locator(".opblock").count() > 20
    watched.page.click('[data-path="/api/retail/daily-sales"]')
    watched.page.wait_for_selector("text=Else the Accept header decides.")
    watched.check()
