"""Starting the retailers as a process: readiness, a clear word about what is wrong, a quick stop."""

import os
import re
import signal
import socket
import subprocess
import sys
import time

import pytest
import requests

from shared.config import ROOT


def environment(url: str, **more: str) -> dict[str, str]:
    own = {
        "PATH": os.environ["PATH"],
        "CRONHOUSE_ENV_FILE": os.devnull,
        "RETAILER_DATABASE_URL": url,
        "RETAILER_1_CREDENTIALS": "ck_a:cs_b",
        "RETAILER_2_CREDENTIALS": "token",
        "RETAILER_3_CREDENTIALS": "key",
        "RETAILERS_TODAY": "2026-11-20",
    }
    return {name: value for name, value in {**own, **more}.items() if value}


def start(env: dict[str, str], *args: str) -> subprocess.Popen:
    command = [sys.executable, "-m", "services.retailers", *args]
    return subprocess.Popen(
        command, cwd=ROOT, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def test_all_three_start_in_one_process_and_stop_on_sigterm(pg_server, served):
    process = start(environment(pg_server.url("retailer_1")), "--all")
    try:
        ready = [process.stdout.readline() for _ in range(3)]
        urls = [re.fullmatch(r"ready retailer_\d (http://\S+)\n", line)[1] for line in ready]
        dialects = [requests.get(f"{url}/health", timeout=30).json()["dialect"] for url in urls]
        assert dialects == ["woocommerce", "square", "csv_export"]
        process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        assert process.wait(timeout=10) == 0
        assert time.monotonic() - began < 2
    finally:
        process.kill()
        process.communicate()


def test_a_secret_may_come_from_a_file(pg_server, served, tmp_path):
    (tmp_path / "key").write_text("from-a-file\n", encoding="utf-8")
    env = environment(
        pg_server.url("postgres"),
        RETAILER_3_CREDENTIALS="",
        RETAILER_3_CREDENTIALS_FILE=str(tmp_path / "key"),
    )
    process = start(env, "--retailer", "retailer_3", "--port", "0")
    try:
        url = process.stdout.readline().split()[-1]
        answer = requests.get(
            f"{url}/exports/sales_2026-11-18.csv.gz", headers={"X-API-Key": "from-a-file"}, timeout=30
        )
        assert answer.status_code == 200
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"RETAILER_1_CREDENTIALS": "", "RETAILER_3_CREDENTIALS": ""}, "RETAILER_1_CREDENTIALS"),
        ({"RETAILER_1_CREDENTIALS": "no colon"}, "consumer_key:consumer_secret"),
        ({"RETAILER_DATABASE_URL": ""}, "RETAILER_DATABASE_URL is missing"),
        ({"RETAILERS_TODAY": "tomorrow"}, "RETAILERS_TODAY"),
        ({"RETAILER_DATABASE_URL": "postgresql://nobody@/postgres?host=/nowhere"}, "RETAILER_DATABASE_URL: "),
    ],
)
def test_a_wrong_setting_is_named_and_the_exit_code_is_2(pg_server, change, said):
    process = start(environment(pg_server.url("postgres"), **change), "--all")
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 2 and said in errors and "Traceback" not in errors
    if "RETAILER_3_CREDENTIALS" in change:
        assert "RETAILER_3_CREDENTIALS" in errors


def test_a_taken_port_is_named(pg_server, served):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        env = environment(pg_server.url("postgres"))
        _, errors = start(env, "--retailer", "retailer_2", "--port", port).communicate(timeout=60)
    assert f"cannot listen on 127.0.0.1:{port}" in errors


def test_health_tells_when_the_database_is_away(served, monkeypatch):
    from services.retailers import database

    monkeypatch.setattr(database, "_dsn", lambda *_, **__: "host=/nowhere dbname=gone")
    for shop in served:
        answer = requests.get(f"{shop.url}/health", timeout=30)
        assert answer.status_code == 503
