"""The three retailers over real HTTP, their books in the session's PostgreSQL, their clocks standing."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg2
import pytest
import requests
from requests.auth import HTTPBasicAuth
from werkzeug.serving import make_server

from services.retailers.app import create_app
from services.retailers.seed import open_all
from services.retailers.settings import RetailerSettings, load_settings
from shared.local.postgres import EmbeddedPostgres

TODAY = "2026-11-20"  # a Friday; the books of that day are opened at 02:00 UTC
KEY, SECRET, TOKEN, API_KEY = "ck_test", "cs_test", "square-token", "csv-key"
RETAILERS = ["retailer_1", "retailer_2", "retailer_3"]


@dataclass
class Shop:
    """One served retailer, and requests as its adapter would make them."""

    settings: RetailerSettings
    url: str
    stop: Any

    def get(self, path: str, **params: Any) -> requests.Response:
        return requests.get(self.url + path, params=params, timeout=30, **self._key())

    def post(self, path: str, body: Any, **options: Any) -> requests.Response:
        return requests.post(self.url + path, json=body, timeout=30, **{**self._key(), **options})

    def fault(self, name: str, **options: Any) -> requests.Response:
        return requests.post(f"{self.url}/_faults", json={"fault": name, **options}, timeout=30)

    def mutate(self, **change: Any) -> dict:
        answer = requests.post(f"{self.url}/_mutations", json=change, timeout=30)
        assert answer.status_code == 201, answer.text
        return answer.json()

    def sales(self, day: str) -> list[dict]:
        return self.get("/_sales", day=day).json()

    def set_clock(self, moment: str | None) -> None:
        requests.post(f"{self.url}/_clock", json={"now": moment}, timeout=30).raise_for_status()

    def _key(self) -> dict:
        return {
            "woocommerce": {"auth": HTTPBasicAuth(KEY, SECRET)},
            "square": {"headers": {"Authorization": f"Bearer {TOKEN}"}},
            "csv_export": {"headers": {"X-API-Key": API_KEY}},
        }[self.settings.dialect]


def retailer_settings(server: EmbeddedPostgres, today: str = TODAY) -> list[RetailerSettings]:
    environ = {
        "RETAILER_DATABASE_URL": server.url("postgres"),
        "RETAILER_1_CREDENTIALS": f"{KEY}:{SECRET}",
        "RETAILER_2_CREDENTIALS": TOKEN,
        "RETAILER_3_CREDENTIALS": API_KEY,
        "RETAILER_FAULTS": "1",
        "RETAILERS_TODAY": today,
    }
    return load_settings(RETAILERS, environ)


@pytest.fixture(scope="session")
def served(pg_server: EmbeddedPostgres) -> Iterator[list[Shop]]:
    """All three, seeded once; other tests may have left books that were opened on another day."""
    for name in RETAILERS:
        administer(pg_server, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    everyone = retailer_settings(pg_server)
    open_all(everyone)
    shops = [serve(settings) for settings in everyone]
    yield shops
    for shop in shops:
        shop.stop()


def administer(server: EmbeddedPostgres, statement: str) -> None:
    conn = psycopg2.connect(server.url("postgres"))
    conn.autocommit = True
    with conn.cursor() as cursor:
        cursor.execute(statement)
    conn.close()


def serve(settings: RetailerSettings) -> Shop:
    server = make_server("127.0.0.1", 0, create_app(settings), threaded=True)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    return Shop(settings, f"http://127.0.0.1:{server.port}", server.shutdown)


def _quiet(shop: Shop) -> Iterator[Shop]:
    """Hand out a shop without faults and put its clock back afterwards."""
    yield shop
    requests.delete(f"{shop.url}/_faults", timeout=30)
    shop.set_clock(f"{TODAY}T02:00:00+00:00")


@pytest.fixture
def woo(served: list[Shop]) -> Iterator[Shop]:
    yield from _quiet(served[0])


@pytest.fixture
def tills(served: list[Shop]) -> Iterator[Shop]:
    yield from _quiet(served[1])


@pytest.fixture
def files(served: list[Shop]) -> Iterator[Shop]:
    yield from _quiet(served[2])
