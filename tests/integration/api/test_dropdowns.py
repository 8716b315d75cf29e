"""/api/vehicles/dropdown over a small release: a real PostgreSQL, a real Redis, both of which go away."""

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from services.api import dropdowns, front
from services.api.app import create_app
from services.vehicle_etl.dropdowns import build_dropdowns
from shared import db
from shared.config import Settings
from shared.local.postgres import EmbeddedPostgres
from tests.conftest import settings_for
from tests.integration.api.conftest import RedisServer, client_with, error_of
from tests.integration.vehicles_dropdowns import release

LEVELS = ("years", "makes", "models", "trims", "engines", "transmissions")
URL = "/api/vehicles/dropdown/"
NOW = datetime(2026, 11, 20, tzinfo=UTC)
HONDA, FIAT, KENTUCKY = 474, 492, 900
ACCORD, CIVIC, F500, F124, F1000 = 1861, 1863, 500, 2124, 3000


def write_release(conn: db.Connection, schema: str, release_id: int, odd_model: str = "124") -> None:
    """Two makes with models that a VIN's fourth letter tells, and a maker of trailers without models."""
    release.create(conn, schema, release_id)
    makes = {HONDA: "HONDA", FIAT: "Fiat", KENTUCKY: "Kentucky Trailer"}
    models = {ACCORD: "Accord", CIVIC: "civic", F500: "500", F124: odd_model, F1000: "1000 S"}
    owners = {ACCORD: HONDA, CIVIC: HONDA, F500: FIAT, F124: FIAT, F1000: FIAT}
    write = lambda table, rows: release.insert(conn, schema, table, rows)  # noqa: E731
    write("make", [{"id": number, "name": name} for number, name in makes.items()])
    write("model", [{"id": number, "name": name} for number, name in models.items()])
    write("make_model", [{"id": m, "makeid": make, "modelid": m} for m, make in owners.items()])
    write("fueltype", [{"id": 4, "name": "Gasoline"}])
    write("transmission", [{"id": 2, "name": "Automatic"}, {"id": 3, "name": "Manual/Standard"}])
    for number, (wmi, make, kind) in enumerate(
        (("1HG", HONDA, 2), ("ZFA", FIAT, 2), ("1KT", KENTUCKY, 6)), 1
    ):
        write(
            "wmi", [{"id": number, "wmi": wmi, "vehicletypeid": kind, "publicavailabilitydate": "2015-01-01"}]
        )
        write("wmi_make", [{"wmiid": number, "makeid": make}])
        write("vinschema", [{"id": number, "name": wmi, "tobeqced": False}])
        years = {"yearfrom": 2019, "yearto": None if make == FIAT else 2020}
        write("wmi_vinschema", [{"id": number, "wmiid": number, "vinschemaid": number, **years}])
    patterns = [
        (1, "A", 28, str(ACCORD)), (1, "C", 28, str(CIVIC)),
        (1, "A1", 38, "LX"), (1, "A2", 38, "EX-L"), (1, "C1", 38, "Si"), (1, "*9", 38, "Ghost"),
        (1, "*1*[AB]", 13, "1.5"), (1, "*2*[BC]", 13, "2"), (1, "***A", 9, "4"), (1, "****", 24, "4"),
        (1, "****6", 37, "3"), (1, "****7", 37, "2"), (1, "****7", 63, "7"), (1, "A1**7", 63, "10"),
        (2, "F5", 28, str(F500)), (2, "F1", 28, str(F124)), (2, "F2", 28, str(F1000)),
    ]  # fmt: skip
    columns = ("vinschemaid", "keys", "elementid", "attributeid")
    rows = [dict(zip(columns, row, strict=True)) for row in patterns]
    write("pattern", [{"id": n, "createdon": "2020-01-01", **row} for n, row in enumerate(rows, 1)])
    build_dropdowns(conn, schema, NOW)


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedPostgres]:
    """A server of this module alone, because it is stopped now and then."""
    folder = Path(tempfile.mkdtemp(prefix="cronhouse-dropdowns-"))
    folder.chmod(0o755)
    postgres = EmbeddedPostgres(folder)
    postgres.start()
    postgres.create_database("cronhouse")
    yield postgres
    postgres.remove()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def settings(server: EmbeddedPostgres, tmp_path: Path) -> Settings:
    server.start()
    made = settings_for(server.url("cronhouse"), tmp_path, API_RATE_LIMIT="100000 per minute")
    conn = db.connect(made)
    with db.transaction(conn):
        db.execute(conn, "DROP SCHEMA IF EXISTS vpic CASCADE; DROP SCHEMA IF EXISTS vpic_load_2 CASCADE")
        write_release(conn, "vpic", 1)
    conn.close()
    return made


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return client_with(app, None)


@pytest.fixture
def conn(settings: Settings) -> Iterator[db.Connection]:
    connection = db.connect(settings)
    yield connection
    connection.close()


def names(client: FlaskClient, path: str, column: str) -> list[Any]:
    response = client.get(URL + path)
    assert response.status_code == 200, response.text
    assert response.json["Count"] == len(response.json["Results"])
    return [row[column] for row in response.json["Results"]]


def swap(conn: db.Connection, release_id: int = 2, odd_model: str = "Spider") -> None:
    """Bring a release in as the load does it: built beside the live one, then renamed."""
    with db.transaction(conn):
        write_release(conn, "vpic_load_2", release_id, odd_model)
    with db.transaction(conn):
        db.execute(conn, "DROP SCHEMA vpic CASCADE; ALTER SCHEMA vpic_load_2 RENAME TO vpic")


# --- what can be chosen ---------------------------------------------------------------------------------


def test_levels_follow_from_one_another(client: FlaskClient) -> None:
    assert names(client, "years", "ModelYear") == [
        *range(2028, 2018, -1)
    ]  # the open end is the year after next
    assert names(client, "makes?year=2019", "Make_Name") == ["Fiat", "HONDA", "Kentucky Trailer"]
    assert names(client, "makes?year=2021", "Make_Name") == ["Fiat"]
    assert names(client, "models?year=2020&make=474", "Model_Name") == ["Accord", "civic"]
    assert names(client, "trims?year=2020&make=474&model=1861", "Trim") == ["EX-L", "Ghost", "LX"]
    assert names(client, f"engines?year=2020&model={ACCORD}&trim=LX", "Engine_Name") == [
        "1.5L 4-cylinder Gasoline",
        "1.5L Gasoline",
        "Gasoline",
    ]
    found = client.get(URL + f"models?make={HONDA}").json
    assert found["Results"][0] == {
        "Make_ID": HONDA, "Make_Name": "HONDA", "Model_ID": ACCORD, "Model_Name": "Accord",
    }  # fmt: skip
    assert found["SearchCriteria"] == "Make:474" and found["Stale"] is False


def test_only_what_a_vin_can_have(client: FlaskClient) -> None:
    litres = names(client, f"engines?model={ACCORD}&trim=LX", "DisplacementL")
    assert "1.5" in litres and "2.0" not in litres  # the keys of 2.0 ask for a 2 where LX asks for a 1
    assert names(client, f"trims?model={CIVIC}", "Trim") == ["Ghost", "Si"]
    speeds = names(client, f"transmissions?model={ACCORD}&trim=LX&engine=1.5l gasoline", "TransmissionSpeeds")
    assert speeds == ["7", None]  # 10 speeds has the longer key, so it never wins


def test_natural_order(client: FlaskClient) -> None:
    assert names(client, "models?make=fiat", "Model_Name") == ["124", "500", "1000 S"]
    keys = sorted(["F-1000", "f-150", "F-150 Lightning", "Accord", "3", "124"], key=dropdowns.natural)
    assert keys == ["3", "124", "Accord", "f-150", "F-150 Lightning", "F-1000"]


def test_names_serve_as_well_as_ids(client: FlaskClient) -> None:
    by_id = client.get(f"{URL}trims?year=2020&make={HONDA}&model={ACCORD}").json["Results"]
    assert client.get(URL + "trims?year=2020&make=honda&model=ACCORD").json["Results"] == by_id
    assert client.get(URL + "trims?model=%20accord%20").json["Results"] == by_id
    trim = by_id[-1]["Trim_ID"]
    assert names(client, f"engines?model={ACCORD}&trim={trim}", "Engine_ID") == names(
        client, f"engines?model={ACCORD}&trim=lx", "Engine_ID"
    )
    assert names(client, "models?make=fiat&year=2020", "Model_ID") == [F124, F500, F1000]
    assert client.get(URL + "trims?make=fiat&model=500").json["Count"] == 0


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("makes?year=1999", "year"),
        ("models?make=Trabant", "make"),
        ("models?make=honda&year=2027", "make"),
        ("models?make=999999999999999999999999", "make"),
        ("trims?model=500&make=honda", "model"),
        ("engines?model=accord&trim=Si", "trim"),
        ("transmissions?model=accord&engine=V12", "engine"),
    ],
)
def test_what_is_not_there_is_not_found(client: FlaskClient, path: str, field: str) -> None:
    error = error_of(client.get(URL + path), 404)
    assert [detail["field"] for detail in error["details"]] == [field]


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("makes?year=abc", "year"),
        ("makes?year=", "year"),
        ("makes?year=-1", "year"),
        ("makes?year=99999999999999999999", "year"),
        ("makes?year=2020.5", "year"),
        ("makes?year=2020&year=2021", "year"),
        ("makes?make=honda", "make"),
        ("years?year=2020", "year"),
        ("models", "make"),
        ("models?make=", "make"),
        ("trims?make=honda", "model"),
        ("trims?model=a%00b", "model"),
        ("models?make=" + "x" * 201, "make"),
    ],
)
def test_wrong_parameters_are_named(client: FlaskClient, path: str, field: str) -> None:
    error = error_of(client.get(URL + path), 422)
    assert [detail["field"] for detail in error["details"]] == [field]


SQL = (
    "' OR 1=1 --",
    "'; DROP SCHEMA vpic CASCADE; --",
    '"; SELECT pg_sleep(10); --',
    "%(year)s",
    "{make}",
    "\\",
    "' UNION SELECT 1, current_user --",
    "𝐇onda\u202e",
)


@pytest.mark.parametrize("text", SQL)
def test_sql_in_every_parameter_is_only_text(client: FlaskClient, conn: db.Connection, text: str) -> None:
    for level, parameter, more in (
        ("models", "make", {}),
        ("trims", "make", {"model": "accord"}),
        ("trims", "model", {}),
        ("engines", "trim", {"model": "accord"}),
        ("transmissions", "engine", {"model": "accord"}),
    ):
        response = client.get(URL + level, query_string={parameter: text, **more})
        assert error_of(response, 404)["details"][0]["field"] == parameter
    for level in LEVELS[1:]:
        error_of(client.get(URL + level, query_string={"year": text, "make": text, "model": text}), 422)
    error_of(client.get(URL + text), 404)
    assert db.fetch_value(conn, "SELECT count(*) FROM vpic.dropdown_make") > 0


# --- what is kept ---------------------------------------------------------------------------------------


def test_answers_are_kept_and_revalidated(client: FlaskClient) -> None:
    first = client.get(URL + "makes?year=2020")
    again = client.get(URL + "makes?year=2020")
    assert (first.headers["X-Cache"], again.headers["X-Cache"]) == ("MISS", "HIT")
    assert again.data == first.data and again.headers["X-Request-ID"] != first.headers["X-Request-ID"]
    assert first.headers["Cache-Control"] == "public, max-age=60"
    own = {"X-Request-ID", "X-Cache", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"}
    assert {k: v for k, v in again.headers if k not in own} == {
        k: v for k, v in first.headers if k not in own
    }
    given = client.get(URL + "makes?year=2020", headers={"X-Request-ID": "from-gateway.7"})
    assert given.headers["X-Request-ID"] == "from-gateway.7"
    for headers in (
        {"If-None-Match": first.headers["ETag"]},
        {"If-None-Match": f'"x", {first.headers["ETag"]}'},
    ):
        unchanged = client.get(URL + "makes?year=2020", headers=headers)
        assert unchanged.status_code == 304 and not unchanged.data
        assert unchanged.headers["ETag"] == first.headers["ETag"]
    assert client.get(URL + "makes?year=2020", headers={"If-None-Match": '"x"'}).status_code == 200
    assert client.head(URL + "makes?year=2020").status_code == 200


def test_unchanged_answers_of_another_process_are_304(app: Flask, settings: Settings) -> None:
    etag = client_with(app, None).get(URL + "years").headers["ETag"]
    other = client_with(create_app(settings), None)
    assert other.get(URL + "years", headers={"If-None-Match": etag}).status_code == 304
    assert other.get(URL + "years").status_code == 200


def test_kept_answer_asks_neither_flask_nor_redis_nor_the_database(
    app: Flask, client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    client.get(URL + "years")
    caplog.set_level("INFO", "cronhouse.api")
    app.before_request_funcs.setdefault(None, []).insert(0, lambda: pytest.fail("Flask was asked"))
    assert client.get(URL + "years").headers["X-Cache"] == "HIT"
    assert "GET /api/vehicles/dropdown/years 200" in caplog.text  # it is logged all the same


def test_spelling_of_a_name_is_kept_once(client: FlaskClient, app: Flask) -> None:
    first = client.get(URL + "models?make=HONDA")
    again = client.get(URL + "models?make=%20honda")
    assert (first.headers["X-Cache"], again.headers["X-Cache"]) == ("MISS", "HIT")
    assert again.data == first.data


def test_errors_are_not_kept(client: FlaskClient, conn: db.Connection) -> None:
    error_of(client.get(URL + "trims?model=Spider"), 404)
    swap(conn)
    assert client.get(URL + "trims?model=Spider").status_code == 200


def test_another_release_is_seen_after_seconds(
    client: FlaskClient, conn: db.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(front, "CONFIRMED_SECONDS", 0.0)
    old = client.get(URL + "models?make=fiat")
    swap(conn)
    new = client.get(URL + "models?make=fiat", headers={"If-None-Match": old.headers["ETag"]})
    assert new.status_code == 200 and new.headers["ETag"] != old.headers["ETag"]
    assert [row["Model_Name"] for row in new.json["Results"]] == ["500", "1000 S", "Spider"]


def test_release_that_comes_while_an_answer_is_read(
    app: Flask, client: FlaskClient, conn: db.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    build, calls = dropdowns.build, []

    def build_and_swap(level: str, given: dict[str, Any]) -> bytes:
        body = build(level, given)
        if not calls:
            swap(conn)
        calls.append(level)
        return body

    monkeypatch.setattr(dropdowns, "build", build_and_swap)
    assert names(client, "models?make=fiat", "Model_Name") == ["500", "1000 S", "Spider"]
    assert len(calls) == 2


def test_memory_is_bounded(app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(front, "ENTRIES", 3)
    for year in range(2020, 2028):
        assert client.get(f"{URL}makes?year={year}").status_code == 200
    assert len(app.extensions["front"]._entries) == 3
    monkeypatch.setattr(front, "TOTAL_BYTES", 10)
    client.get(URL + "years")
    assert not app.extensions["front"]._entries and app.extensions["front"]._bytes == 0


# --- what goes away -------------------------------------------------------------------------------------


@pytest.mark.parametrize("with_redis", [False, True])
def test_database_away(
    settings: Settings, server: EmbeddedPostgres, redis_server: RedisServer, with_redis: bool
) -> None:
    settings = replace(settings, redis_url=redis_server.url if with_redis else None)
    app = create_app(settings)
    client = client_with(app, None)
    warm = client.get(URL + "makes?year=2020")
    server.stop()
    app.extensions["front"].doubt()  # the seconds in which the release is believed are over
    stale = client.get(URL + "makes?year=2020")
    assert stale.status_code == 200 and stale.json == {**warm.json, "Stale": True}
    assert stale.headers["X-Cache"] == "STALE" and stale.headers["Warning"].startswith("110 ")
    assert "ETag" not in stale.headers and stale.headers["Cache-Control"] == "no-store"
    unknown = client.get(URL + "makes?year=2021")
    assert error_of(unknown, 503)["code"] == "unavailable" and unknown.headers["Retry-After"]
    other = client_with(create_app(settings), None).get(URL + "makes?year=2020")
    assert other.status_code == (200 if with_redis else 503)  # another process knows it from Redis alone
    server.start()
    back = client_with(create_app(settings), None).get(URL + "makes?year=2020")
    assert back.status_code == 200 and back.json == warm.json


def test_redis_away(settings: Settings, redis_server: RedisServer, server: EmbeddedPostgres) -> None:
    app = create_app(replace(settings, redis_url=redis_server.url))
    client = client_with(app, None)
    shared = client.get(URL + "years")
    redis_server.kill()
    assert client.get(URL + "years").headers["X-Cache"] == "HIT"
    assert client.get(URL + "makes?year=2020").headers["X-Cache"] == "MISS"
    server.stop()  # and the database too: the memory of the process is left
    app.extensions["front"].doubt()
    stale = client.get(URL + "years")
    assert stale.headers["X-Cache"] == "STALE" and stale.json["Results"] == shared.json["Results"]


def test_processes_share_answers_through_redis(settings: Settings, redis_server: RedisServer) -> None:
    settings = replace(settings, redis_url=redis_server.url)
    assert client_with(create_app(settings), None).get(URL + "years").headers["X-Cache"] == "MISS"
    assert client_with(create_app(settings), None).get(URL + "years").headers["X-Cache"] == "HIT"


def test_before_the_first_release(client: FlaskClient, conn: db.Connection) -> None:
    with db.transaction(conn):
        db.execute(conn, "DROP SCHEMA vpic CASCADE")
    assert "run the workflow once" in error_of(client.get(URL + "years"), 503)["message"]
