"""/vehicles of the console: lists that follow from each other, and decoded VINs, over three real makers."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from services.api import console_vehicles
from services.api.app import create_app
from shared import apikeys, db
from shared.config import Settings
from shared.local.postgres import EmbeddedPostgres
from tests.conftest import cloned_database, settings_for
from tests.integration.api.conftest import client_with
from tests.integration.api.few_makers import CIVIC, ENCLAVE, FIESTA, FIESTA_MEANT, load_few_makers

PAGE = {"Accept": "text/html"}


@pytest.fixture(scope="module")
def few(
    pg_server: EmbeddedPostgres, pg_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Settings]:
    with cloned_database(pg_server, pg_template) as url:
        settings = settings_for(url, tmp_path_factory.mktemp("few"), API_RATE_LIMIT="100000 per minute")
        load_few_makers(settings)
        yield settings


@pytest.fixture
def client(few: Settings) -> Iterator[FlaskClient]:
    app = create_app(few)
    yield client_with(app, make_key(few))
    app.extensions["pool"].forget_idle()


def make_key(settings: Settings) -> str:
    conn = db.connect(settings)
    try:
        with db.transaction(conn):
            db.execute(conn, "DELETE FROM ops.api_key")
            return apikeys.create_key(conn, "reader", "reader")
    finally:
        conn.close()


def show(client: FlaskClient, **asked: str) -> str:
    response = client.get("/vehicles", query_string=asked, headers=PAGE)
    assert response.status_code == 200, response.text
    assert response.headers["Cache-Control"] == "no-store"
    assert "<script" not in response.text
    return response.text


def text_of(page: str) -> str:
    """Return what stands on a page, tags and line ends left out."""
    text = re.sub(r"<[^>]+>", " ", page.partition("<main>")[2])
    return " ".join(text.split()).replace("&#34;", '"')


def options(page: str, name: str) -> list[str]:
    """Return what a list offers, without its invitation."""
    (found,) = re.findall(rf'<select id="{name}"[^>]*>(.*?)</select>', page, re.DOTALL)
    return re.findall(r'<option value="[^"]+"[^>]*>([^<]*)</option>', found)


def is_closed(page: str, name: str) -> bool:
    return f'name="{name}" disabled>' in page


def chosen(page: str) -> list[str]:
    return re.findall(r"<option[^>]* selected>([^<]*)</option>", page)


# --- lists -----------------------------------------------------------------------------------------------


def test_at_first_there_are_years_alone(client: FlaskClient) -> None:
    page = show(client)
    years = options(page, "year")
    assert years == sorted(years, reverse=True) and "2009" in years
    assert all(is_closed(page, name) for name in ("make", "model", "trim", "engine", "transmission"))


def test_each_choice_opens_the_next_list(client: FlaskClient) -> None:
    page = show(client, year="2009")
    assert "Honda" in options(page, "make")
    assert is_closed(page, "model")
    page = show(client, year="2009", make="Honda")
    assert "Civic" in options(page, "model") and is_closed(page, "trim")
    page = show(client, year="2009", make="Honda", model="civic")
    trims, engines = options(page, "trim"), options(page, "engine")
    assert "SI" in trims and len(engines) > 1 and options(page, "transmission")
    assert chosen(page) == ["2009", "Honda", "Civic"]
    narrowed = show(client, year="2009", make="Honda", model="civic", trim="SI")
    assert 0 < len(options(narrowed, "engine")) < len(engines)
    assert "2009 Honda Civic" in text_of(narrowed)


def test_a_choice_that_no_longer_fits_is_dropped_with_all_below_it(client: FlaskClient) -> None:
    page = show(client, year="2018", make="Honda", model="Enclave", trim="SI")
    assert chosen(page) == ["2018", "Honda"]
    assert "as model does not go with what stands above it" in text_of(page)
    assert "There are no vehicles of the year asked for" in text_of(show(client, year="1812"))


@pytest.mark.parametrize(
    "asked",
    [
        {"year": "abc"}, {"year": "99999"}, {"year": "2009", "make": "'; DROP TABLE ops.job_run; --"},
        {"year": "2009", "make": "\x00"}, {"year": "2009", "make": "x" * 5000}, {"make": "Honda"},
        {"year": "2009", "make": "Honda", "model": "<script>"}, {"nothing": "1"},
    ],
)  # fmt: skip
def test_what_is_not_on_a_list_is_never_more_than_dropped(client: FlaskClient, asked: dict[str, str]) -> None:
    assert len(chosen(show(client, **asked))) <= 2


# --- VINs ------------------------------------------------------------------------------------------------


def test_a_vin_without_fault(client: FlaskClient) -> None:
    page = text_of(show(client, vin=CIVIC))
    assert "2009 HONDA Civic" in page and "0 - VIN decoded clean" in page
    for fact in ("Sedan/Saloon", "2.0 L, 4 cylinders, Gasoline", "6 speeds, Manual/Standard", "ALLISTON"):
        assert fact in page
    for known in ("Valve Train Design Dual Overhead Cam (DOHC)", "Passive Safety System / Air Bag Location"):
        assert known in page
    assert "Suggested VIN" not in page and "Not Applicable" not in page


def test_a_wrong_vin_comes_with_errors_and_the_vin_that_was_meant(client: FlaskClient) -> None:
    page = show(client, vin=FIESTA)
    assert page.count("<li>") == 3 and "3 - VIN corrected, error in one position" in page
    assert '3FADP4C<mark class="other">J</mark>4FM126284' in page
    assert f'href="/vehicles?vin={FIESTA_MEANT}"' in page
    assert "8 J" in text_of(page)
    meant = text_of(show(client, vin=FIESTA_MEANT))
    assert "2015 FORD Fiesta" in meant and "Suggested VIN" not in meant


def test_positions_that_stay_open_are_marked_and_listed(client: FlaskClient) -> None:
    page = show(client, vin=ENCLAVE)
    assert page.count('<mark class="open">!</mark>') == 4 and "Decode this one" not in page
    assert "4 E 7 K 8 W 11 J" in text_of(page)
    assert ENCLAVE.upper() in page


def test_the_callers_model_year_counts(client: FlaskClient) -> None:
    page = text_of(show(client, vin=CIVIC, model_year="2008"))
    assert "2008 HONDA Civic" in page and "12 - Model Year Warning" in page


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"vin": "1" * 18}, "at most 17 characters, this one has 18."),
        ({"vin": "1" * 5000}, "this one has 200 or more."),
        ({"vin": CIVIC, "model_year": "abc"}, "The model year is a number from 1900 to 2200."),
        ({"vin": CIVIC, "model_year": "²"}, "The model year is a number"),
        ({"vin": "ÄÖÜ日本語🚗"}, "400 - Invalid Characters Present"),
        ({"vin": "' OR 1=1 --"}, "400 - Invalid Characters Present"),
        ({"vin": "<b>x</b>"}, "400 - Invalid Characters Present"),
        ({"vin": "*"}, "6 - Incomplete VIN"),
    ],
)
def test_what_is_no_vin_is_told_in_words(client: FlaskClient, asked: dict[str, str], says: str) -> None:
    page = show(client, **asked)
    assert says in text_of(page) and "<b>" not in page


# --- trouble ---------------------------------------------------------------------------------------------


def test_before_the_first_release_it_says_what_to_do(app: Flask, reader: FlaskClient) -> None:
    page = show(reader, vin=CIVIC)
    assert page.count("cronhouse run vehicles") == 2


def test_without_the_database_it_says_so(few: Settings, client: FlaskClient, tmp_path: Path) -> None:
    client.get("/api/workflows")  # the key is known from now on
    take_away_database(client, few, tmp_path)
    page = text_of(show(client, vin=CIVIC))
    assert "no VIN can be decoded at the moment" in page and "nothing can be chosen at the moment" in page


def test_without_the_database_what_was_shown_is_shown_again(
    few: Settings, client: FlaskClient, tmp_path: Path
) -> None:
    asked = {"vin": CIVIC, "year": "2009", "make": "Honda"}
    before = show(client, **asked)
    take_away_database(client, few, tmp_path)
    page = show(client, **asked)
    assert "This is what was known last." in page and "This is what was known last." not in before
    assert options(page, "model") == options(before, "model") and "2009 HONDA Civic" in page


def take_away_database(client: FlaskClient, few: Settings, folder: Path) -> None:
    pool = client.application.extensions["pool"]
    pool.settings = replace(few, database_url=f"postgresql://nobody@/none?host={folder}")
    pool.forget_idle()


def test_the_page_asks_for_a_key_and_every_page_leads_to_it(few: Settings, client: FlaskClient) -> None:
    assert 'href="/vehicles"' in client.get("/", headers=PAGE).text
    client.environ_base.pop("HTTP_AUTHORIZATION")
    response = client.get("/vehicles?vin=1", headers=PAGE)
    assert response.status_code == 303 and response.location.startswith("/sign-in?next=/vehicles")


# --- parts -----------------------------------------------------------------------------------------------


def test_possible_values_and_changes() -> None:
    assert console_vehicles.read_possible("(4:AB)(11:5K)") == [(4, "AB"), (11, "5K")]
    assert console_vehicles.read_possible("") == []
    assert console_vehicles.mark_changes("AB", "A!C ") == [("A", "same"), ("!", "open"), ("C", "other")]
