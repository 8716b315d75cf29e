"""What disturbs the house: parts that go away, containers that are killed and stopped in the middle of their work.

Comes after check_stack.py, whose night is the one that is run again here.
"""

import time
from datetime import date, timedelta

import stack
from stack import KEYS, NIGHT, compose, execute, get, inspect, sql, wait_for

WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND usename = 'cronhouse_job'"


def test_the_api_answers_without_its_cache() -> None:
    compose("stop", "redis")
    try:
        assert get(f"/api/retail/daily-sales?from={NIGHT['day']}", KEYS["reader"]).status == 200
        ready = get("/ready")
        assert (ready.status, ready.json["status"]) == (200, "degraded")
    finally:
        compose("up", "--detach", "--no-deps", "--wait", "redis")


def test_without_the_api_the_gateway_says_so() -> None:
    compose("stop", "api")
    try:
        answer = get("/api/workflows", KEYS["reader"])
        assert answer.status in (502, 504) and answer.json["error"]["code"] == "unavailable"
        assert answer.headers["Retry-After"]
    finally:
        compose("up", "--detach", "--no-deps", "--wait", "api")


def test_the_api_finds_a_restarted_database_again() -> None:
    compose("stop", "postgres")
    assert get("/ready").status == 503
    assert get("/health").status == 200
    compose("up", "--detach", "--no-deps", "--wait", "postgres")
    wait_for("the API", lambda: get("/api/workflows", KEYS["reader"]).status == 200, 30)
    assert get("/ready").json["checks"]["database"] == "ok"


def test_a_killed_container_loses_nothing() -> None:
    """The same night again on an empty warehouse, with -9 for ingestion and then for the load."""
    day: date = NIGHT["day"]
    sql("TRUNCATE retail.fact_sales, retail.dim_product, retail.dim_customer, retail.dim_store, "
        "retail.dim_retailer, staging.retail_sales, ops.job_run, ops.job_log, ops.pipeline_metadata, "
        "ops.arrival, ops.loaded_object, ops.reconciliation, ops.dead_letter CASCADE")  # fmt: skip
    with stack.slow_retailers(2):
        start("ingestion", "retail_ingest", day)
        wait_for("ingestion to run", lambda: stack.status_of("retail_ingest", day) == "running", 60)
        time.sleep(3)  # in the middle of its pages
        kill("ingestion")
    execute("ingestion", "cronhouse", "run", "retail_ingest", "--date", str(day))

    with stack.locked("retail.fact_sales"):
        start("transformation", "retail_transform", day)
        wait_for("the load to stand still", lambda: sql(WAITING) != "0", 60)
        kill("transformation")
    execute("transformation", "cronhouse", "run", "retail_transform", "--date", str(day))

    assert sql(stack.FACTS) == NIGHT["facts"]
    abandoned = "SELECT string_agg(job, ',' ORDER BY run_id) FROM ops.job_run WHERE status = 'abandoned'"
    assert sql(abandoned) == "retail_ingest,retail_transform"
    balance = "SELECT sum(fact_rows) - (SELECT count(*) FROM retail.fact_sales) FROM ops.reconciliation"
    assert sql(balance) == "0"


def test_a_request_runs_and_sigterm_reaches_it() -> None:
    """Over the API an operator asks for a day; the container is stopped while cron's job is at it."""
    day = NIGHT["day"] - timedelta(days=1)
    assert get("/api/workflows/retail/run", KEYS["reader"], {"date": str(day)}).status == 403
    with stack.slow_retailers(3):
        wish = {"date": str(day), "jobs": ["retail_ingest"]}
        answer = get("/api/workflows/retail/run", KEYS["operator"], wish)
        assert answer.status == 202, answer.text
        wait_for("the tick", lambda: stack.status_of("retail_ingest", day) == "running", 100)
        time.sleep(1)
        began = time.monotonic()
        compose("stop", "ingestion")
        assert time.monotonic() - began < 35  # of the 40 that Docker gives
    assert inspect("ingestion")["State"]["ExitCode"] not in (137, 139)
    assert stack.status_of("retail_ingest", day) == "abandoned"
    compose("up", "--detach", "--no-deps", "ingestion")


def start(service: str, job: str, day: date) -> None:
    """Start a job in a container and do not wait for it."""
    compose("exec", "--detach", service, "cronhouse", "run", job, "--date", str(day))


def kill(service: str) -> None:
    """End a container as the machine's own end would, and start it again."""
    stack.run(["docker", "kill", "--signal", "KILL", inspect(service)["Id"]])
    compose("up", "--detach", "--no-deps", service)
