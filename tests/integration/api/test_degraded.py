"""Degrade, never fall over: a real PostgreSQL that is stopped and started, a real Redis that is killed."""

import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from redis import Redis

from services.api import database, health, quality
from services.api.app import create_app
from shared import apikeys, db
from shared.cache import MemoryCache, RedisCache, open_cache
from shared.config import Settings
from shared.local.postgres import EmbeddedPostgres
from shared.migrations import migrate
from tests.conftest import settings_for
from tests.integration.api.conftest import RedisServer, client_with, error_of

SCORES = "/api/quality/scores"


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedPostgres]:
    """A server of this module alone, because it is stopped now and then."""
    folder = Path(tempfile.mkdtemp(prefix="cronhouse-degraded-"))
    folder.chmod(0o755)
    postgres = EmbeddedPostgres(folder)
    postgres.start()
    postgres.create_database("cronhouse")
    migrate(settings_for(postgres.url("cronhouse"), folder))
    yield postgres
    postgres.remove()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def settings(server: EmbeddedPostgres, tmp_path: Path) -> Settings:
    server.start()
    return settings_for(server.url("cronhouse"), tmp_path, API_RATE_LIMIT="100000 per minute")


@pytest.fixture
def keys(settings: Settings) -> dict[str, str]:
    conn = db.connect(settings)
    with db.transaction(conn):
        db.execute(
            conn, "TRUNCATE ops.api_key, ops.quality_score, ops.audit_log, ops.run_request, vehicles.garage"
        )
        db.execute(conn, "INSERT INTO ops.quality_score VALUES ('retail', '2026-01-01', 1, 99.5, 20, 1, 0)")
        made = {role: apikeys.create_key(conn, f"a {role}", role) for role in apikeys.ROLES}
    conn.close()
    return made


@pytest.fixture(autouse=True)
def _no_memory_of_readiness(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "REMEMBER_SECONDS", 0.0)
    monkeypatch.setattr(health, "STORE_SECONDS", 0.0)


def ready(app: Flask) -> tuple[int, dict]:
    response = app.test_client().get("/ready")
    return response.status_code, response.json


# --- the database ---------------------------------------------------------------------------------------


def test_database_away(app: Flask, server: EmbeddedPostgres, operator: FlaskClient) -> None:
    assert ready(app)[0] == 200
    warm = operator.get(SCORES)
    page = operator.get("/")
    assert warm.headers["X-Cache"] == "MISS" and page.status_code == 200
    server.stop()

    status, told = ready(app)
    assert (status, told["status"], told["checks"]["database"]) == (503, "not ready", "away")
    assert told["reasons"] == ["the database cannot be reached"]
    assert app.test_client().get("/health").status_code == 200
    assert "cronhouse_database_up 0.0" in app.test_client().get("/metrics").text

    stale = operator.get(SCORES)
    assert stale.status_code == 200 and stale.json == warm.json
    assert stale.headers["X-Cache"] == "STALE" and stale.headers["Warning"].startswith("110 ")
    unknown = operator.get(f"{SCORES}?limit=7")
    assert error_of(unknown, 503)["code"] == "unavailable" and unknown.headers["Retry-After"]
    error_of(operator.get("/api/workflows/retail/runs"), 503)
    error_of(operator.post("/api/workflows/retail/run", json={"date": "2026-01-05"}), 503)
    old_page = operator.get("/")
    assert old_page.status_code == 200 and "The database cannot be reached" in old_page.text
    error_of(client_with(app, "ch_00000000_" + "0" * 48).get(SCORES), 503)


def test_pool_finds_the_database_again(app: Flask, server: EmbeddedPostgres, operator: FlaskClient) -> None:
    threads = [threading.Thread(target=operator.get, args=(SCORES,)) for _ in range(4)]  # several connections
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    server.stop()
    server.start()
    assert operator.get(SCORES).status_code == 200  # at once: no request pays for the restart
    assert operator.post("/api/workflows/retail/run", json={"date": "2026-01-05"}).status_code == 202
    assert ready(app)[0] == 200


def test_pool_finds_the_database_again_after_failing(
    app: Flask, server: EmbeddedPostgres, reader: FlaskClient
) -> None:
    server.stop()
    error_of(reader.get("/api/workflows"), 503)
    server.start()
    time.sleep(1.1)  # requests fail at once for a second after a failed connect
    assert reader.get("/api/workflows").status_code == 200


def test_key_revoked_while_the_database_is_there_opens_nothing_later(
    app: Flask, server: EmbeddedPostgres, settings: Settings, reader: FlaskClient
) -> None:
    assert reader.get(SCORES).status_code == 200
    conn = db.connect(settings)
    with db.transaction(conn):
        apikeys.revoke_key(conn, "a reader")
    conn.close()
    error_of(reader.get(SCORES), 401)
    server.stop()
    error_of(reader.get(SCORES), 503)


def test_busy_pool_is_said_and_not_waited_for_forever(
    app: Flask, reader: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = app.extensions["pool"]
    taken = [pool.take() for _ in range(12)]
    monkeypatch.setattr(pool._free, "acquire", lambda timeout: False)
    error_of(reader.get("/api/workflows"), 503)
    monkeypatch.undo()
    for conn in taken:
        pool.give(conn)
    assert reader.get("/api/workflows").status_code == 200


def test_api_that_starts_before_its_database_comes_up_later(
    server: EmbeddedPostgres, settings: Settings
) -> None:
    server.stop()
    app = create_app(settings)
    assert ready(app)[0] == 503
    server.start()
    time.sleep(1.1)
    assert ready(app)[0] == 200


def test_missing_migration_is_named(settings: Settings, server: EmbeddedPostgres) -> None:
    server.create_database("empty")
    app = create_app(replace(settings, database_url=server.url("empty")))
    status, told = ready(app)
    assert status == 503 and told["checks"]["migrations"] == "missing"
    assert "0001.ops" in told["reasons"][0] and "cronhouse migrate" in told["reasons"][0]
    error_of(client_with(app, "ch_00000000_" + "0" * 48).get("/api/workflows"), 503)


def test_slow_statement_is_cut_off(app: Flask, reader: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.api.database.STATEMENT_TIMEOUT", "50ms")
    monkeypatch.setattr(quality, "_version", lambda: database.fetch_value("SELECT pg_sleep(2)"))
    app.extensions["pool"].forget_idle()
    error = error_of(reader.get(SCORES), 503)
    assert "took too long" in error["message"]


def test_reading_endpoints_cannot_write(app: Flask) -> None:
    with app.app_context(), pytest.raises(Exception, match="read-only transaction"):
        database.fetch_value("INSERT INTO ops.audit_log (actor, action, target) VALUES ('a', 'b', 'c')")


# --- the store and the jobs -----------------------------------------------------------------------------


def test_store_away_degrades(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    app = create_app(replace(settings, object_store_url=f"file://{tmp_path}/file/below"))
    status, told = ready(app)
    assert (status, told["status"], told["checks"]["store"]) == (200, "degraded", "away")


def test_late_job_degrades(app: Flask, settings: Settings) -> None:
    conn = db.connect(settings)
    with db.transaction(conn):
        db.execute(
            conn,
            "INSERT INTO ops.job_run (workflow, job, service, logical_date, status, host, pid, finished_at)"
            " VALUES ('retail', 'retail_ingest', 'ingestion', current_date - 4, 'succeeded', 'box', 1,"
            "         now() - interval '3 days')",
        )
    status, told = ready(app)
    with db.transaction(conn):
        db.execute(conn, "TRUNCATE ops.job_run CASCADE")
    conn.close()
    assert (status, told["status"]) == (200, "degraded")
    assert told["reasons"] == ["job retail_ingest is late: it last succeeded 3 days ago"]


# --- Redis ----------------------------------------------------------------------------------------------


@pytest.fixture
def with_redis(settings: Settings, redis_server: RedisServer) -> Flask:
    environ = {**settings.environ, "API_RATE_LIMIT": "5 per minute"}
    return create_app(replace(settings, redis_url=redis_server.url, environ=environ))


def test_a_request_is_counted_with_one_question_to_redis(
    settings: Settings, redis_server: RedisServer
) -> None:
    environ = {**settings.environ, "API_RATE_LIMIT": "50 per minute"}
    client = create_app(replace(settings, redis_url=redis_server.url, environ=environ)).test_client()
    with Redis(unix_socket_path=str(redis_server.socket)) as redis:
        client.get("/api/workflows")  # the first one loads the script
        before = redis.info("commandstats")
        answers = [client.get("/api/workflows").headers for _ in range(5)]
        after = redis.info("commandstats")
    assert [answer["X-RateLimit-Remaining"] for answer in answers] == ["48", "47", "46", "45", "44"]
    assert all(0 <= int(answer["X-RateLimit-Reset"]) - time.time() <= 61 for answer in answers)
    asked = {name: after[name]["calls"] - before.get(name, {"calls": 0})["calls"] for name in after}
    inside = {"cmdstat_incrby": 5, "cmdstat_ttl": 5}  # what the script does
    assert {name: count for name, count in asked.items() if count and name != "cmdstat_info"} == {
        "cmdstat_evalsha": 5, **inside,
    }  # fmt: skip


def test_processes_share_answers_and_limits(
    with_redis: Flask, settings: Settings, redis_server: RedisServer, keys: dict[str, str]
) -> None:
    environ = {**settings.environ, "API_RATE_LIMIT": "5 per minute"}
    twin = create_app(replace(settings, redis_url=redis_server.url, environ=environ))
    one, two = (client_with(app, keys["reader"]) for app in (with_redis, twin))
    assert one.get(SCORES).headers["X-Cache"] == "MISS"
    assert two.get(SCORES).headers["X-Cache"] == "HIT"
    statuses = [client.get(SCORES).status_code for _ in range(2) for client in (one, two)]
    assert statuses == [200, 200, 200, 429]


def test_redis_killed_in_the_middle(
    with_redis: Flask, redis_server: RedisServer, keys: dict[str, str]
) -> None:
    client = client_with(with_redis, keys["reader"])
    assert client.get(SCORES).status_code == 200
    redis_server.kill()
    began = time.monotonic()
    statuses = [client.get(SCORES).status_code for _ in range(6)]
    assert statuses == [200] * 5 + [429]  # counted in the process from now on
    assert time.monotonic() - began < 4
    status, told = ready(with_redis)
    assert (status, told["status"], told["checks"]["cache"]) == (200, "degraded", "away")
    redis_server.start()
    assert ready(with_redis)[1]["checks"]["cache"] == "ok"
    operator = client_with(with_redis, keys["operator"])
    assert [operator.get(SCORES).headers["X-Cache"] for _ in range(2)] == ["MISS", "HIT"]


def test_api_starts_without_redis(settings: Settings, keys: dict[str, str], tmp_path: Path) -> None:
    app = create_app(replace(settings, redis_url=f"unix://{tmp_path}/none.sock"))
    client = client_with(app, keys["reader"])
    assert [client.get(SCORES).headers["X-Cache"] for _ in range(2)] == ["MISS", "MISS"]


def test_hung_redis_costs_a_moment_only(settings: Settings, keys: dict[str, str], tmp_path: Path) -> None:
    import socket

    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "deaf.sock"))
    listener.listen()
    app = create_app(replace(settings, redis_url=f"unix://{tmp_path}/deaf.sock"))
    client = client_with(app, keys["reader"])
    client.get(SCORES)
    began = time.monotonic()
    assert {client.get(SCORES).status_code for _ in range(8)} == {200}
    assert time.monotonic() - began < 1.5  # left alone after the first silence, asked again now and then
    listener.close()


# --- the cache by itself --------------------------------------------------------------------------------


def test_caches_keep_and_forget(settings: Settings, redis_server: RedisServer) -> None:
    for cache in (MemoryCache(), open_cache(replace(settings, redis_url=redis_server.url))):
        cache.set("a", b"1", 60)
        cache.set("b", b"\x00\xff", 60)
        cache.delete("b")
        assert (cache.get("a"), cache.get("b"), cache.is_alive()) == (b"1", None, True)
        cache.set("c", b"2", 1)
        time.sleep(1.1)
        assert cache.get("c") is None


def test_memory_cache_stays_small() -> None:
    cache = MemoryCache(entries=3, total_bytes=100)
    for name in "abcd":
        cache.set(name, b"x" * 10, 60)
    assert cache.get("a") is None and cache.get("b") is not None
    cache.set("e", b"x" * 10, 60)
    assert cache.get("c") is None and cache.get("b") is not None  # c was used least lately
    cache.set("big", b"x" * 200, 60)
    assert cache.get("big") is None and cache.used <= 100


def test_cache_without_redis_finds_nothing_and_raises_nothing(tmp_path: Path) -> None:
    cache = RedisCache(f"unix://{tmp_path}/none.sock", "x:")
    cache.set("a", b"1", 60)
    cache.delete("a")
    assert cache.get("a") is None and not cache.is_alive()
