"""The vehicle endpoints while the database or Redis is away, and across a change of release."""

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import quote

import pytest
from flask import Flask
from flask.testing import FlaskClient

from services.api.app import create_app
from shared import apikeys, db
from shared.config import Settings
from shared.local.postgres import EmbeddedPostgres
from tests.integration.api.conftest import RedisServer, client_with, error_of

URL = "/api/vehicles/"
ESCAPE, TOYOTA, TESLA = "1FMCU0EG0BKA41755", "4T1VK14C1NC926192", "5YJSB1EA2KF100003"
OPEN = (
    "GetAllMakes?format=json", "GetAllMakes", "GetModelsForMakeYear/make/ford/modelyear/2011", "DecodeWMI/1FT",
    f"DecodeVin/{ESCAPE}", f"DecodeVinValues/{ESCAPE}", f"vin/{ESCAPE}",
)  # fmt: skip


class Door:
    """A way to the session's server that can be shut: a link to its socket."""

    def __init__(self, server: EmbeddedPostgres, settings: Settings, folder: Path) -> None:
        self.settings, (self.socket,) = settings, server.sockets.glob(".s.PGSQL.5432")
        self.link = folder / self.socket.name
        self.url = str(settings.database_url).replace(quote(str(server.sockets), ""), quote(str(folder), ""))
        assert self.url != settings.database_url
        self.open()

    def open(self) -> None:
        self.link.symlink_to(self.socket)

    def shut(self) -> None:
        """Take the way in away, and whoever is in."""
        self.link.unlink()
        conn = db.connect(self.settings, autocommit=True)
        mine = (
            "pid <> pg_backend_pid() AND datname = current_database() AND application_name = 'cronhouse:api'"
        )
        db.execute(conn, f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {mine}")
        conn.close()


@pytest.fixture
def door(pg_server: EmbeddedPostgres, vpic_settings: Settings) -> Iterator[Door]:
    with tempfile.TemporaryDirectory(prefix="cronhouse-door-") as folder:
        yield Door(pg_server, vpic_settings, Path(folder))


@pytest.fixture
def app(door: Door) -> Iterator[Flask]:
    application = create_app(replace(door.settings, database_url=door.url))
    yield application
    application.extensions["pool"].forget_idle()


def test_without_a_database_nothing_is_made_up(app: Flask, door: Door) -> None:
    client = app.test_client()
    door.shut()
    for address in OPEN:
        assert error_of(client.get(URL + address), 503)["code"] == "unavailable", address
    posts = (
        ("DecodeVINValuesBatch", {"data": {"data": ESCAPE}}),
        ("vin/batch", {"json": {"vins": [ESCAPE]}}),
    )
    for address, body in posts:
        response = client.post(URL + address, **body)
        assert (
            error_of(response, 503) and response.headers["Retry-After"] == "5"
        )  # not the rate limit's minute
    error_of(client_with(app, "ch_00000000_" + "0" * 48).get(URL + "garage"), 503)


def test_what_was_asked_before_is_still_answered_and_marked(app: Flask, door: Door) -> None:
    client = app.test_client()
    before = {address: client.get(URL + address).data for address in OPEN}
    door.shut()
    app.extensions["decoding"].doubt()  # the seconds in which the release is believed are over
    for address in OPEN:
        response = client.get(URL + address)
        assert response.status_code == 200 and response.data == before[address], address
        assert "Stale" in response.headers["Warning"] and response.headers["Cache-Control"] == "no-store"
    error_of(client.get(f"{URL}DecodeVin/{TOYOTA}"), 503)  # a manufacturer that is not in memory
    door.open()
    app.extensions["pool"]._rest_until = 0.0
    assert "Warning" not in client.get(f"{URL}DecodeVin/{TOYOTA}").headers


def test_garage_is_not_written_without_a_database(app: Flask, door: Door, vpic_conn: db.Connection) -> None:
    key = apikeys.create_key(vpic_conn, "a driver", "reader")
    client = client_with(app, key)
    assert client.get(URL + "garage").json["data"] == []
    door.shut()
    error_of(client.post(URL + "garage", json={"vin": ESCAPE}), 503)
    db.execute(vpic_conn, "DELETE FROM ops.api_key WHERE name = 'a driver'")


def test_without_redis_answers_come_from_the_database(
    vpic_settings: Settings, redis_server: RedisServer
) -> None:
    application = create_app(replace(vpic_settings, redis_url=redis_server.url))
    client = application.test_client()
    assert client.get(URL + "GetAllMakes").headers["X-Cache"] == "MISS"
    assert client.get(URL + "GetAllMakes").headers["X-Cache"] == "HIT"
    redis_server.kill()
    for address in OPEN:
        assert client.get(URL + address).status_code == 200
    assert client.get(URL + "GetAllMakes").headers["X-Cache"] == "MISS"
    application.extensions["pool"].forget_idle()


def test_house_without_a_release_says_what_to_do(settings: Settings) -> None:
    client: FlaskClient = create_app(settings).test_client()
    for address in OPEN:
        assert "run the workflow" in error_of(client.get(URL + address), 503)["message"]


def test_another_release_is_taken_up_after_a_few_seconds(
    vpic_app: Flask, vpic: FlaskClient, vpic_conn: db.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoding, seconds = vpic_app.extensions["decoding"], [1000.0]
    monkeypatch.setattr("services.api.decoding.time", SimpleNamespace(monotonic=lambda: seconds[0]))
    decoding.doubt()
    assert vpic.get(f"{URL}vin/{ESCAPE}").status_code == 200
    held = decoding._release
    db.execute(vpic_conn, "UPDATE vpic.release SET release_id = release_id + 1")
    try:
        seconds[0] += 4.9
        assert vpic.get(f"{URL}vin/{ESCAPE}").status_code == 200
        assert decoding._release is held
        seconds[0] += 0.2
        assert vpic.get(f"{URL}vin/{ESCAPE}").status_code == 200
        assert decoding._release.number == held.number + 1
        assert decoding._release.decoder is not held.decoder
    finally:
        db.execute(vpic_conn, "UPDATE vpic.release SET release_id = release_id - 1")
        decoding.doubt()


def test_after_a_swap_what_is_not_in_memory_is_read_of_the_same_release(
    vpic_settings: Settings, vpic_conn: db.Connection
) -> None:
    application = create_app(vpic_settings)
    client = application.test_client()
    assert client.get(f"{URL}vin/{ESCAPE}").json["data"]["make"] == "FORD"
    where = "vpic"

    def move(schema: str) -> None:
        nonlocal where
        db.execute(vpic_conn, f"ALTER SCHEMA {where} RENAME TO {schema}")
        where = schema

    try:
        move("vpic_previous")
        assert client.get(f"{URL}vin/{TOYOTA}").json["data"]["make"] == "TOYOTA"
        move("vpic_gone")  # as a second swap does, which drops it
        assert "try again" in error_of(client.get(f"{URL}vin/{TESLA}"), 503)["message"]
    finally:
        move("vpic")
    assert client.get(f"{URL}vin/{TESLA}").json["data"]["make"] == "TESLA"
    application.extensions["pool"].forget_idle()
