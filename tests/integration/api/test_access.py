"""Who may do what: keys, roles, the console's cookie, the embedded house."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from services.api import auth
from services.api.app import create_app
from services.api.open_endpoints import OPEN_ENDPOINTS
from shared import apikeys, db
from shared.config import Settings
from tests.integration.api.conftest import client_with, error_of

EXAMPLE = {
    "name": "retail",
    "run_id": 1,
    "request_id": 1,
    "import_id": 1,
    "issue_id": 1,
    "filename": "console.css",
    "vehicle_id": 1,
    "action": "pause",
    "park_id": "75ea578a-adc8-4116-a54d-dccb60765ef9",
    "id": "75ea578a-adc8-4116-a54d-dccb60765ef9",
}


def test_every_route_outside_the_open_list_asks_for_a_key(app: Flask) -> None:
    client = app.test_client()
    guarded = 0
    for rule in app.url_map.iter_rules():
        if rule.endpoint in OPEN_ENDPOINTS:
            continue
        with app.test_request_context():
            path = app.url_map.bind("localhost").build(rule.endpoint, {a: EXAMPLE[a] for a in rule.arguments})
        for method in rule.methods - {"OPTIONS"}:
            response = client.open(path, method=method)
            assert response.status_code == 401, f"{method} {path}"
            assert response.headers["WWW-Authenticate"].startswith("Bearer")
            guarded += 1
    assert guarded > 30


def test_every_open_endpoint_exists(app: Flask) -> None:
    assert set(app.view_functions) >= OPEN_ENDPOINTS


def test_open_endpoints_answer_without_a_key(app: Flask) -> None:
    for path in (
        "/health",
        "/ready",
        "/metrics",
        "/docs",
        "/docs/openapi.json",
        "/sign-in",
        "/static/console.css",
    ):
        assert app.test_client().get(path).status_code == 200, path


def test_key_is_taken_from_either_header(app: Flask, keys: dict[str, str]) -> None:
    client = app.test_client()
    assert client.get("/api/workflows", headers={"X-API-Key": keys["reader"]}).status_code == 200
    assert (
        client.get("/api/workflows", headers={"Authorization": f"bearer {keys['reader']}"}).status_code == 200
    )


@pytest.mark.parametrize(
    "key", ["", "x", "ch_00000000_" + "0" * 48, "ch_' OR 1=1 --_" + "0" * 48, "ch_%00_x", "ch_" + "é" * 20]
)
def test_unknown_key_is_refused(app: Flask, keys: dict[str, str], key: str) -> None:
    response = app.test_client().get("/api/workflows", headers={"X-API-Key": key.encode().decode("latin-1")})
    assert error_of(response, 401)["code"] == "unauthorized"


def test_right_prefix_with_wrong_secret_is_refused(app: Flask, keys: dict[str, str]) -> None:
    wrong = keys["reader"][:-1] + ("0" if keys["reader"][-1] != "0" else "1")
    error_of(client_with(app, wrong).get("/api/workflows"), 401)


def test_revoked_key_is_refused_at_once(app: Flask, reader: FlaskClient, conn: db.Connection) -> None:
    assert reader.get("/api/workflows").status_code == 200
    with db.transaction(conn):
        assert apikeys.revoke_key(conn, "a reader")
    assert "revoked" in error_of(reader.get("/api/workflows"), 401)["message"]
    with db.transaction(conn):
        assert not apikeys.revoke_key(conn, "a reader")


def test_expired_key_is_refused(app: Flask, conn: db.Connection) -> None:
    with db.transaction(conn):
        key = apikeys.create_key(conn, "old", "admin", datetime.now(UTC) - timedelta(seconds=1))
    assert "expired" in error_of(client_with(app, key).get("/api/workflows"), 401)["message"]


def test_only_the_hash_of_a_key_is_kept(conn: db.Connection, keys: dict[str, str]) -> None:
    kept = " ".join(map(str, db.fetch_all(conn, "SELECT * FROM ops.api_key")))
    for key in keys.values():
        assert key not in kept and key.rpartition("_")[2] not in kept


def test_use_of_a_key_is_noted_once_a_minute(reader: FlaskClient, conn: db.Connection) -> None:
    reader.get("/api/workflows")
    first = db.fetch_value(conn, "SELECT last_used_at FROM ops.api_key WHERE role = 'reader'")
    conn.rollback()
    reader.get("/api/workflows")
    assert first is not None
    assert db.fetch_value(conn, "SELECT last_used_at FROM ops.api_key WHERE role = 'reader'") == first


@pytest.mark.parametrize(("role", "status"), [("reader", 403), ("operator", 202), ("admin", 202)])
def test_asking_for_a_run_needs_an_operator(app: Flask, keys: dict[str, str], role: str, status: int) -> None:
    response = client_with(app, keys[role]).post("/api/workflows/retail/run", json={"date": "2026-01-05"})
    assert response.status_code == status
    if status == 403:
        assert "operator" in error_of(response, 403)["message"]


# --- keys as a library ----------------------------------------------------------------------------------


def test_key_names_and_roles_are_checked(conn: db.Connection) -> None:
    for name, role in (("a", "root"), ("", "reader"), ("x" * 64, "reader"), ("<script>", "reader")):
        with pytest.raises(Exception, match="role|key name"), db.transaction(conn):
            apikeys.create_key(conn, name, role)
    with db.transaction(conn):
        apikeys.create_key(conn, "twice", "reader")
    with pytest.raises(Exception, match="already"), db.transaction(conn):
        apikeys.create_key(conn, "twice", "admin")


def test_keys_are_listed_with_their_state(conn: db.Connection) -> None:
    with db.transaction(conn):
        apikeys.create_key(conn, "one", "reader")
        apikeys.create_key(conn, "two", "reader", datetime.now(UTC) - timedelta(days=1))
        apikeys.create_key(conn, "three", "admin")
        apikeys.revoke_key(conn, "three")
    states = {row["name"]: row["state"] for row in apikeys.list_keys(conn)}
    assert states == {"one": "active", "two": "expired", "three": "revoked"}
    assert "key_hash" not in apikeys.list_keys(conn)[0]


# --- the console's cookie -------------------------------------------------------------------------------


def sign_in(client: FlaskClient, key: str, following: str = "/"):
    return client.post("/sign-in", data={"key": key, "next": following})


def test_browser_without_a_key_is_led_to_the_form(app: Flask) -> None:
    response = app.test_client().get("/runs/7?after_line=3", headers={"Accept": "text/html"})
    assert response.status_code == 303
    assert response.location == "/sign-in?next=/runs/7?after_line%3D3"


def test_cookie_is_out_of_reach_of_scripts_and_other_sites(app: Flask, keys: dict[str, str]) -> None:
    response = sign_in(app.test_client(), keys["reader"], "/runs/7")
    cookie = response.headers["Set-Cookie"]
    assert response.status_code == 303 and response.location == "/runs/7"
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie and keys["reader"] not in cookie
    secure = app.test_client().post("https://localhost/sign-in", data={"key": keys["reader"]})
    assert "Secure" in secure.headers["Set-Cookie"]


def test_cookie_reads_but_never_writes(app: Flask, keys: dict[str, str]) -> None:
    client = app.test_client()
    sign_in(client, keys["admin"])
    assert client.get("/").status_code == 200
    assert client.get("/api/workflows").status_code == 200
    error_of(client.post("/api/workflows/retail/run", json={"date": "2026-01-05"}), 403)
    garage = client.post("/api/vehicles/garage", json={"vin": "1HGCM82633A004352"})
    assert "may only look; to change something send a key" in error_of(garage, 403)["message"]


def test_signing_out_takes_the_cookie_away(app: Flask, keys: dict[str, str]) -> None:
    client = app.test_client()
    sign_in(client, keys["reader"])
    client.post("/sign-out")
    assert client.get("/api/workflows").status_code == 401


def test_cookie_dies_with_its_key(app: Flask, keys: dict[str, str], conn: db.Connection) -> None:
    client = app.test_client()
    sign_in(client, keys["reader"])
    with db.transaction(conn):
        apikeys.revoke_key(conn, "a reader")
    assert client.get("/api/workflows").status_code == 401


def test_made_up_and_old_cookies_are_refused(app: Flask, keys: dict[str, str], conn: db.Connection) -> None:
    key = apikeys.find_key(conn, keys["reader"])
    good = auth.make_cookie(key)
    old = auth.make_cookie(key, now=1_000_000)
    stretched = good.replace(good.split(".")[1], "9999999999")
    for value in (old, stretched, good[:-1], "", "..", "a.b.c", "é.1.x", f"{key.prefix}.9999999999.é"):
        client = app.test_client()
        client.set_cookie(auth.COOKIE, value)
        assert client.get("/api/workflows").status_code == 401, value
    client.set_cookie(auth.COOKIE, good)
    assert client.get("/api/workflows").status_code == 200


@pytest.mark.parametrize(
    "target",
    ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", "/sign-out", "/ a"],
)
def test_form_leads_nowhere_else(app: Flask, keys: dict[str, str], target: str) -> None:
    assert sign_in(app.test_client(), keys["reader"], target).location == "/"


def test_wrong_key_in_the_form_is_said_plainly(app: Flask) -> None:
    response = sign_in(app.test_client(), "ch_nonsense")
    assert response.status_code == 401 and "not known" in response.text


def test_guessing_keys_in_the_form_is_slowed_down(settings: Settings) -> None:
    client = create_app(settings).test_client()
    statuses = [sign_in(client, f"ch_{n:08x}_{'0' * 48}").status_code for n in range(12)]
    assert statuses[:10] == [401] * 10 and statuses[10:] == [429] * 2


# --- the embedded house ---------------------------------------------------------------------------------


@pytest.fixture
def embedded(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Flask:
    """An app that believes to be embedded, over the test's database."""
    monkeypatch.setattr("shared.db.database_url", lambda _settings, url=settings.database_url: url)
    return create_app(replace(settings, database_url=None))


def test_embedded_house_lets_its_own_machine_read(embedded: Flask) -> None:
    client = embedded.test_client()
    assert client.get("/api/workflows").status_code == 200
    assert client.get("/", headers={"Host": "127.0.0.1:8000"}).status_code == 200
    error_of(client.post("/api/workflows/retail/run", json={"date": "2026-01-05"}), 403)


def test_embedded_house_shows_its_own_machine_where_to_sign_in(embedded: Flask, keys: dict[str, str]) -> None:
    client = embedded.test_client()
    page = {"Accept": "text/html"}
    assert "an operator's key gives the buttons" in client.get("/sign-in", headers=page).text
    assert (
        'href="/sign-in?next=/parks?day%3D2026-01-05">Sign in</a>'
        in client.get("/parks?day=2026-01-05", headers=page).text
    )
    sign_in(client, keys["reader"])
    text = client.get("/parks", headers=page).text
    assert "Sign in</a>" not in text and "<button>Sign out</button>" in text


@pytest.mark.parametrize(
    ("address", "headers"),
    [
        ("192.0.2.7", {}),  # another machine
        ("127.0.0.1", {"Host": "evil.example"}),  # a web site whose name points here
        ("127.0.0.1", {"X-Forwarded-For": "192.0.2.7"}),  # a proxy on this machine
    ],
)
def test_embedded_house_asks_others_for_a_key(embedded: Flask, address: str, headers: dict[str, str]) -> None:
    client = embedded.test_client()
    response = client.get("/api/workflows", headers=headers, environ_base={"REMOTE_ADDR": address})
    error_of(response, 401)


def test_embedded_house_still_refuses_a_wrong_key(embedded: Flask) -> None:
    error_of(client_with(embedded, "ch_nonsense").get("/api/workflows"), 401)


# --- rate limits ----------------------------------------------------------------------------------------


def limited(settings: Settings, limit: str) -> Flask:
    return create_app(replace(settings, environ={**settings.environ, "API_RATE_LIMIT": limit}))


def test_rate_limit_counts_each_key_by_itself(settings: Settings, keys: dict[str, str]) -> None:
    app = limited(settings, "3 per minute")
    reader, operator = client_with(app, keys["reader"]), client_with(app, keys["operator"])
    assert [reader.get("/api/workflows").status_code for _ in range(4)] == [200, 200, 200, 429]
    assert operator.get("/api/workflows").status_code == 200
    refused = reader.get("/api/workflows")
    assert error_of(refused, 429)["code"] == "too_many_requests"
    assert 0 < int(refused.headers["Retry-After"]) <= 60


def test_rate_limit_counts_strangers_by_address(settings: Settings) -> None:
    client = limited(settings, "2 per minute").test_client()
    assert [client.get("/api/workflows").status_code for _ in range(3)] == [401, 401, 429]
    other = client.get("/api/workflows", environ_base={"REMOTE_ADDR": "192.0.2.9"})
    assert other.status_code == 401


def test_probes_are_never_limited(settings: Settings) -> None:
    client = limited(settings, "1 per minute").test_client()
    assert {client.get(path).status_code for path in ("/health", "/ready", "/metrics") for _ in range(3)} == {
        200
    }


def test_forwarded_address_counts_only_behind_a_known_proxy(settings: Settings) -> None:
    plain = limited(settings, "1 per minute").test_client()
    proxied = create_app(
        replace(
            settings,
            environ={**settings.environ, "API_RATE_LIMIT": "1 per minute", "API_TRUSTED_PROXIES": "1"},
        )
    ).test_client()
    addresses = ({"X-Forwarded-For": "192.0.2.1"}, {"X-Forwarded-For": "192.0.2.2"})
    assert [plain.get("/api/workflows", headers=h).status_code for h in addresses] == [401, 429]
    assert [proxied.get("/api/workflows", headers=h).status_code for h in addresses] == [401, 401]


@pytest.mark.parametrize(
    ("name", "value"),
    [("API_RATE_LIMIT", "many"), ("API_TRUSTED_PROXIES", "-1"), ("API_TRUSTED_PROXIES", "all")],
)
def test_wrong_setting_stops_the_start(settings: Settings, name: str, value: str) -> None:
    with pytest.raises(Exception, match=name):
        create_app(replace(settings, environ={**settings.environ, name: value}))
