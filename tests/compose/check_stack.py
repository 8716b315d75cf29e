"""What docker-compose.yml promises, asked of the running stack. tests/compose/run.sh starts it and this.

The checks are in order and build on each other: the night's run comes first, then check_parks.py, and at last what
disturbs the house: check_disturbed.py.
"""

import json

import pytest
import stack
from stack import (
    KEYS,
    NIGHT,
    ONE_SHOTS,
    compose,
    execute,
    get,
    inspect,
    inspect_all,
    sql,
    wait_for,
)

SERVICES = compose("config", "--services").split()


# --- containers ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("service", ONE_SHOTS)
def test_one_shot_ended_well(service: str) -> None:
    assert inspect(service)["State"]["ExitCode"] == 0


@pytest.mark.parametrize("service", [name for name in SERVICES if name not in ONE_SHOTS])
def test_service_is_healthy(service: str) -> None:
    assert inspect(service)["State"]["Health"]["Status"] == "healthy"


@pytest.mark.parametrize("service", SERVICES)
def test_container_is_hardened(service: str) -> None:
    known = inspect(service)
    host = known["HostConfig"]
    assert "no-new-privileges:true" in host["SecurityOpt"]
    assert host["Memory"] > 0 and host["NanoCpus"] > 0
    assert host["LogConfig"] == {"Type": "json-file", "Config": {"max-file": "3", "max-size": "10m"}}
    assert not host["Privileged"]
    if service == "objectstore":  # its image changes user by itself; the stand-in does not
        return
    assert host["CapDrop"] == ["ALL"] and not host["CapAdd"]
    assert host["ReadonlyRootfs"]
    assert known["Config"]["User"].split(":")[0] not in ("", "0", "root")


@pytest.mark.parametrize("service", ["ingestion", "api", "retailers", "themeparks", "postgres", "gateway"])
def test_process_is_nobody_and_cannot_write(service: str) -> None:
    assert execute(service, "id", "-u").strip() != "0"
    said = execute(service, "sh", "-c", "echo x 2>/dev/null >/usr/x && echo written || echo refused")
    assert said.strip() == "refused"


def test_no_secret_shows_in_docker_inspect() -> None:
    values = [path.read_text().strip() for path in stack.SECRETS.iterdir()]
    known = stack.run(["docker", "inspect", *compose("ps", "--all", "--quiet").split()])
    assert not [value for value in values if value and value in known]


def test_only_the_gateway_is_published_and_only_here() -> None:
    published = {name: known["HostConfig"]["PortBindings"] for name, known in inspect_all().items()}
    assert [name for name, ports in published.items() if ports] == ["gateway"]
    assert {place["HostIp"] for ports in published["gateway"].values() for place in ports} == {"127.0.0.1"}


def test_database_store_and_stand_ins_have_no_way_out() -> None:
    containers = inspect_all()
    for service in ("postgres", "redis", "objectstore", "api", "retailers", "themeparks"):
        for network in containers[service]["NetworkSettings"]["Networks"]:
            said = stack.run(["docker", "network", "inspect", "-f", "{{.Internal}}", network])
            assert said.strip() == "true", f"{service} on {network}"


# --- SQL Server: its image is not for every machine, so the profile is off and Compose only reads it ------


def test_profile_mssql_is_off_and_nobody_waits_for_it() -> None:
    assert "mssql" not in SERVICES
    services = json.loads(compose("--profile", "mssql", "config", "--format", "json"))["services"]
    assert "mssql" in services
    assert not [name for name, known in services.items() if "mssql" in known.get("depends_on", {})]


def test_profile_mssql_is_hardened_as_far_as_its_image_allows() -> None:
    config = json.loads(compose("--profile", "mssql", "config", "--format", "json"))
    known = config["services"]["mssql"]
    assert known["image"].startswith("mcr.microsoft.com/mssql/server:2022-CU")
    assert (known["cap_drop"], known["cap_add"]) == (["ALL"], ["NET_BIND_SERVICE"])
    assert known["security_opt"] == ["no-new-privileges:true"] and "ports" not in known
    assert [config["networks"][name]["internal"] for name in known["networks"]] == [True]
    limits = known["deploy"]["resources"]["limits"]
    assert int(limits["memory"]) > 1024**2 * int(known["environment"]["MSSQL_MEMORY_LIMIT_MB"])
    assert {"mssql_sa_password", "mssql_source_password"} == {one["source"] for one in known["secrets"]}
    passwords = [
        (stack.SECRETS / name).read_text().strip() for name in ("mssql_sa_password", "mssql_source_password")
    ]
    assert not [value for value in passwords if value in json.dumps(config)]
    assert known["healthcheck"]["test"][-1] == "health"
    assert [v["target"] for v in known["volumes"] if v.get("read_only")] == ["/backup"]


def test_vehicle_etl_has_the_driver_and_knows_the_server() -> None:
    program = "import os, pyodbc; print(pyodbc.drivers(), os.environ['MSSQL_SOURCE_CONNECTION'])"
    said = execute("vehicle-etl", "python", "-c", program)
    assert "'FreeTDS'" in said and "Driver=FreeTDS;Server=mssql;" in said
    assert execute("vehicle-etl", "cat", "/run/secrets/mssql_source_password").strip()


def test_sql_server_that_is_not_there_is_said_in_a_line() -> None:
    """Through the real driver: the library is found, the name is not."""
    said = compose("exec", "-T", "-e", "VPIC_SOURCE=mssql", "vehicle-etl", "cronhouse", "doctor", "--only", "sources",
                   check=False)  # fmt: skip
    assert "SQL Server mssql:1433/vPICList_Lite1: cannot be reached" in said


# --- roles of the database ------------------------------------------------------------------------------


def test_api_writes_only_what_it_must() -> None:
    api = ("cronhouse_api", "api_password")
    for statement in (
        "DELETE FROM retail.fact_sales",
        "UPDATE ops.job_run SET status = 'succeeded'",
        "UPDATE ops.api_key SET role = 'admin'",
        "INSERT INTO ops.api_key (name, role, prefix, key_hash) VALUES ('x', 'admin', 'x', 'x')",
        "CREATE TABLE retail.x ()",
        "SELECT * FROM staging.retail_sales",
    ):
        assert stack.refused(statement, *api), statement
    allowed = "INSERT INTO ops.audit_log (actor, action, target) VALUES ('test', 'test', 'test')"
    sql(f"BEGIN; {allowed}; ROLLBACK", *api)
    assert sql("SELECT count(*) FROM retail.mv_daily_sales_summary", *api).isdecimal()


def test_reader_reads_the_published_schemas_alone() -> None:
    reader = ("cronhouse_reader", "reader_password")
    assert sql("SELECT count(*) FROM retail.fact_sales", *reader).isdecimal()
    for statement in (
        "SELECT * FROM ops.api_key",
        "DELETE FROM retail.fact_sales",
        "CREATE TABLE public.x ()",
    ):
        assert stack.refused(statement, *reader), statement


def test_roles_can_be_set_again() -> None:
    compose("up", "--no-deps", "--exit-code-from", "roles", "roles")


def test_a_wrong_password_is_refused() -> None:
    with pytest.raises(AssertionError, match="password authentication failed"):
        sql("SELECT 1", "cronhouse_job", "api_password")


# --- one night ------------------------------------------------------------------------------------------


def test_cron_runs_the_workflow() -> None:
    fires, day = stack.fire_at_next_minute()
    compose("up", "--detach", "--no-deps", "--force-recreate", *stack.JOB_SERVICES)
    late = (fires - fires.now(fires.tzinfo)).total_seconds() + 120
    wait_for("the night's run", lambda: stack.status_of("retail_views", day) == "succeeded", late)
    # the shops close on Saturdays, but late lines of the days before come on Saturdays too
    sold_on = sql("SELECT max(business_date) FROM retail.fact_sales")
    NIGHT.update(day=day, sold_on=sold_on, facts=sql(stack.FACTS))
    assert int(NIGHT["facts"].split()[0]) > 100
    statuses = "SELECT string_agg(DISTINCT status, ',') FROM ops.job_run WHERE workflow = 'retail'"
    assert sql(statuses) == "succeeded"


def test_jobs_land_objects_in_the_store() -> None:
    program = (
        "from shared.config import load_settings; from shared.objectstore import open_store\n"
        "store = open_store(load_settings())\n"
        "print(*[sum(1 for _ in store.list(prefix)) for prefix in ('landing/', 'raw/', 'processed/')])"
    )
    assert all(int(number) > 0 for number in execute("transformation", "python", "-c", program).split())


def test_logs_are_json_and_hold_no_secret() -> None:
    logs = compose("logs", "--no-log-prefix", "--no-color")
    assert '"job": "retail_ingest"' in logs
    values = [path.read_text().strip() for path in stack.SECRETS.iterdir()]
    assert not [value for value in values if value and value in logs]


# --- the gateway ----------------------------------------------------------------------------------------


def test_gateway_asks_for_a_key() -> None:
    answer = get("/api/retail/daily-sales")
    assert answer.status == 401
    assert answer.json["error"]["request_id"]


def test_api_answers_with_a_key() -> None:
    KEYS.update(reader=stack.make_key("reader"), operator=stack.make_key("operator"))
    answer = get(f"/api/retail/daily-sales?from={NIGHT['sold_on']}&to={NIGHT['sold_on']}", KEYS["reader"])
    assert answer.status == 200, answer.text
    assert NIGHT["sold_on"] in answer.text


def test_gateway_keeps_open_answers_and_no_others() -> None:
    assert "X-Cache" not in get("/api/workflows", KEYS["reader"]).headers
    assert get("/health").status == 200
    assert "X-Cache" not in get("/health").headers
    assert get("/metrics").status == 404
    page = get("/static/docs.js")
    assert page.status == 200 and page.headers["X-Cache"] in ("MISS", "HIT", "EXPIRED")


def test_ready_says_so() -> None:
    answer = get("/ready")
    assert answer.status == 200, answer.text
    assert set(answer.json["checks"].values()) == {"ok"}, answer.text


def test_what_the_gateway_refuses_has_the_shape_of_the_apis_errors() -> None:
    for path, status, code in (
        ("/api/vehicles/vin/" + "A" * 10_000, 414, "too_long"),
        ("/metrics", 404, "not_found"),
    ):
        answer = get(path)
        assert (answer.status, answer.json["error"]["code"]) == (status, code)
        assert answer.json["error"]["request_id"] == answer.headers["X-Request-ID"]
