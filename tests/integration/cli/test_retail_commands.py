"""reconcile, trace, deadletter and doctor on a day of the three retailers, loaded by the real jobs."""

import json
from datetime import date

import pytest

from services.ingestion.retail.landing import read_lines
from shared import cli, db, state
from shared.jobs.sequence import run_dates
from shared.jobs.workflows import find_workflow
from shared.objectstore import open_store
from tests.integration.cli.conftest import Answer
from tests.integration.ingestion.conftest import (  # noqa: F401 - fixtures
    DAY,
    TODAY,
    query,
    retailer_process,
    retailer_template,
    retailers,
    settings,
)
from tests.integration.parks_live.conftest import Api, served_api  # noqa: F401 - a fixture


@pytest.fixture
def call(settings, monkeypatch, capsys):  # noqa: F811
    for name, value in settings.environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("THEMEPARKS_API_URL", "http://127.0.0.1:9/v1")  # never the real one
    monkeypatch.setenv("CRONHOUSE_ENV_FILE", "/dev/null")

    def call(*arguments: str) -> Answer:
        capsys.readouterr()
        code = cli.call(list(arguments))
        said = capsys.readouterr()
        return Answer(code, said.out, said.err)

    return call


@pytest.fixture
def loaded(settings):  # noqa: F811
    """DAY is ingested and loaded."""
    return load(settings)


def load(settings, day: date = DAY, **more):  # noqa: F811
    workflow = find_workflow(settings, "retail")
    jobs = [workflow.jobs[name] for name in ("retail_ingest", "retail_transform")]
    results = run_dates(settings, workflow, jobs, [day], **more)
    assert [result.status for result in results] == ["succeeded", "succeeded"], results
    return settings


def execute(settings, statement: str) -> None:  # noqa: F811
    conn = db.connect(settings, autocommit=True)
    db.execute(conn, statement)
    conn.close()


def some_order(settings) -> str:  # noqa: F811
    return query(settings, "SELECT min(transaction_id) AS id FROM retail.fact_sales WHERE quantity > 0")[0][
        "id"
    ]


# --- reconcile ---------------------------------------------------------------------------------------------

RANGE = ("--from", "2026-06-01", "--to", "2026-06-30")


def test_every_line_of_a_loaded_day_is_accounted_for(call, loaded):
    answer = call("reconcile", "retail", *RANGE, "--json")
    assert answer.code == 0, answer.out
    said = answer.json
    assert {row["source"] for row in said["deliveries"]} == {"retailer_1", "retailer_2", "retailer_3"}
    facts = query(loaded, "SELECT count(*) AS n FROM retail.fact_sales")[0]["n"]
    assert sum(row["in_table"] for row in said["days"]) == facts == sum(row["facts"] for row in said["days"])
    assert all(row["landed"] == row["raw_rows"] + row["rejected"] for row in said["deliveries"])
    assert "all balance" in call("reconcile", "retail", *RANGE).out


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM retail.fact_sales WHERE ctid = (SELECT min(ctid) FROM retail.fact_sales)",
        "UPDATE ops.arrival SET landed_rows = landed_rows + 1 WHERE source = 'retailer_1'",
        "UPDATE ops.arrival SET source_rows = source_rows - 1 WHERE source = 'retailer_3'",
        "DELETE FROM ops.loaded_object WHERE object_key = "
        "(SELECT min(object_key) FROM ops.loaded_object WHERE dataset = 'retail/raw')",
        "UPDATE ops.loaded_object SET row_count = row_count + 1 WHERE object_key = "
        "(SELECT min(object_key) FROM ops.loaded_object WHERE dataset = 'retail/raw')",
        "DELETE FROM ops.reconciliation WHERE source = 'retailer_2'",
    ],
)
def test_a_lost_line_is_found_whichever_stage_lost_it(call, loaded, damage):
    execute(loaded, damage)
    answer = call("reconcile", "retail", *RANGE)
    assert answer.code == 1
    assert "do NOT balance" in answer.out


def test_a_day_done_twice_still_balances(call, loaded):
    load(loaded, force=True)
    answer = call("reconcile", "retail", *RANGE, "--json")
    assert answer.code == 0, answer.out
    assert sum(row["duplicates"] for row in answer.json["days"]) > 0


def test_one_source_can_be_looked_at_alone(call, loaded):
    said = call("reconcile", "retail", *RANGE, "--source", "retailer_2", "--json").json
    assert {row["source"] for part in ("days", "deliveries", "loads") for row in said[part]} == {"retailer_2"}


# --- trace -------------------------------------------------------------------------------------------------


def test_a_transaction_is_followed_from_landing_to_the_facts(call, loaded):
    order = some_order(loaded)
    rows = call("trace", "retail", order, "--json").json
    stages = list(dict.fromkeys(row["stage"] for row in rows))
    assert stages == ["landing", "raw", "fact", "run"]
    key, _, line = rows[0]["where"].rpartition(":")
    assert order.encode() in next(read_lines(open_store(loaded), key, int(line), 1))
    assert {row["source"] for row in rows if row["stage"] == "run"} == {"retail_ingest", "retail_transform"}


def test_a_long_order_is_shown_in_short(call, loaded):
    (order,) = query(
        loaded, "SELECT transaction_id FROM retail.fact_sales GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1"
    )
    lines = call("trace", "retail", order["transaction_id"]).out.splitlines()
    assert len(lines) < 30
    assert any("more (--json shows all)" in line for line in lines)


def test_what_was_never_seen_is_said(call, loaded):
    answer = call("trace", "retail", "no-such-order")
    assert answer.code == 1
    assert "nothing of 'no-such-order' was found" in answer.err
    assert "cannot trace records" in call("trace", "house", "1").err


# --- deadletter --------------------------------------------------------------------------------------------


@pytest.fixture
def letters(loaded):
    """Two open letters: one whose payload reads well by now, one that is hopeless."""
    row = query(
        loaded,
        "SELECT object_key, created_run_id FROM ops.loaded_object "
        "WHERE dataset = 'retail/landing' AND source = 'retailer_2' ORDER BY 1 LIMIT 1",
    )[0]
    good = next(read_lines(open_store(loaded), row["object_key"], 1, 1)).decode()
    conn = db.connect(loaded)
    with db.transaction(conn):
        state.write_dead_letters(
            conn, "retail", "retail_ingest", DAY, row["created_run_id"],
            [
                state.DeadLetter("retailer_2", f"{row['object_key']}:1", good, "the parser was wrong"),
                state.DeadLetter("retailer_2", f"{row['object_key']}:2", "{broken", "not JSON"),
            ],
        )  # fmt: skip
        rejected = state.Reconciled("retailer_2", DAY, 2, 0, 0, 2)
        state.write_reconciliation(conn, "retail", row["created_run_id"], [rejected])
    conn.close()
    return loaded


def test_letters_are_listed_by_what_one_looks_for(call, letters):
    reasons = {row["reason"] for row in call("deadletter", "list", "--json").json}
    assert reasons == {"the parser was wrong", "not JSON"}
    (one,) = call("deadletter", "list", "--reason-like", "PARSER", "--source", "retailer_2", "--json").json
    assert one["reason"] == "the parser was wrong"
    assert call("deadletter", "list", "--pipeline", "weather").out == "no open dead letters\n"
    shown = call("deadletter", "show", "2")
    assert "not JSON" in shown.out and shown.out.endswith("{broken\n")
    assert call("deadletter", "show", "2", "--json").json["payload"] == "{broken"
    assert "there is no dead letter 99" in call("deadletter", "show", "99").err


def test_a_replay_settles_what_reads_well_and_keeps_the_rest(call, letters):
    answer = call("deadletter", "replay", "--all")
    assert answer.code == 1
    assert "1 replayed, 1 not" in answer.out
    assert answer.out.startswith("1: ") and answer.err.startswith("2: ")
    states = query(letters, "SELECT state, settled_by FROM ops.dead_letter ORDER BY dead_letter_id")
    assert [row["state"] for row in states] == ["replayed", "open"]
    assert "@" in states[0]["settled_by"]
    (audit,) = query(letters, "SELECT * FROM ops.audit_log")
    assert (audit["action"], audit["target"]) == ("deadletter.replay", "retail")
    assert audit["detail"] == {"replayed": [1], "failed": [2]}
    load(letters, force=True)
    again = call("deadletter", "replay", "1")
    assert again.code == 1 and "1: there is no open letter with this id" in again.err


def test_a_replayed_letter_is_loaded_and_the_books_still_balance(call, letters):
    facts = "SELECT count(*) AS n FROM retail.fact_sales"
    before = query(letters, facts)
    call("deadletter", "discard", "2", "--reason", "hopeless")
    assert call("deadletter", "replay", "1").code == 0
    workflow = find_workflow(letters, "retail")
    run_dates(letters, workflow, [workflow.jobs["retail_transform"]], [TODAY])
    assert query(letters, facts) == before  # the order was there already
    (row,) = [
        row
        for row in call("reconcile", "retail", *RANGE, "--source", "retailer_2", "--json").json["days"]
        if row["business_date"] == str(DAY)
    ]
    assert (row["rejected"], row["balanced"]) == (1, True)


def test_a_discard_keeps_who_and_why(call, letters):
    assert call("deadletter", "discard", "2").code == 2  # no reason
    answer = call("deadletter", "discard", "2", "77", "--reason", "a test of the shop")
    assert answer.code == 1
    assert "1 discarded" in answer.out and "77: there is no open letter" in answer.err
    row = query(letters, "SELECT state, settled_by FROM ops.dead_letter WHERE dead_letter_id = 2")[0]
    assert row["state"] == "discarded" and row["settled_by"].endswith(": a test of the shop")
    (audit,) = query(letters, "SELECT * FROM ops.audit_log")
    assert audit["detail"] == {"reason": "a test of the shop", "letters": [2]}


@pytest.mark.parametrize(
    "arguments", [("replay",), ("replay", "1", "--all"), ("replay", "1", "--source", "x")]
)
def test_letters_are_named_by_id_or_all_that_match(call, letters, arguments):
    assert call("deadletter", *arguments).code == 2
    assert {row["state"] for row in query(letters, "SELECT state FROM ops.dead_letter")} == {"open"}


# --- doctor ------------------------------------------------------------------------------------------------


def findings(answer: Answer) -> dict[str, list[tuple[bool, str]]]:
    parts: dict[str, list[tuple[bool, str]]] = {}
    for item in json.loads(answer.out)["findings"]:
        parts.setdefault(item["part"], []).append((item["good"], item["message"]))
    return parts


def test_a_well_house_gets_a_clean_bill(call, retailers, monkeypatch, served_api: Api):  # noqa: F811
    monkeypatch.setenv("THEMEPARKS_API_URL", f"{served_api.url}/v1")
    answer = call("doctor", "--json")
    found = findings(answer)
    assert answer.code == 0, answer.out
    parks = ("ARCHIVE_S3_BUCKET of parks", "THEMEPARKS_API_URL of parks")
    sources = [*parks, *(f"retailer_{n} of retail" for n in (1, 2, 3)), "VPIC_SOURCE of vehicles"]
    assert found["sources"] == [(True, f"{source} answers") for source in sources]
    assert any("migrations are all applied" in message for _, message in found["database"])
    assert call("doctor").out.splitlines()[-1] == "all is well"


def test_what_is_wrong_is_named_with_what_to_do(call, retailers, monkeypatch, tmp_path):  # noqa: F811
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("OBJECT_STORE_URL", f"file://{tmp_path}/file/objects")
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    monkeypatch.setenv("RETAILER_1_CREDENTIALS", "ck_wrong:cs_wrong")
    monkeypatch.setenv("RETAILER_2_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("THEMEPARKS_API_URL", "http://127.0.0.1:1/v1")
    answer = call("doctor", "--json")
    assert answer.code == 1
    found = findings(answer)
    assert not found["store"][0][0] and "OBJECT_STORE_URL" in found["store"][0][1]
    assert not found["cache"][0][0] and "REDIS_URL" in found["cache"][0][1]
    assert [good for good, _ in found["sources"]] == [True, False, False, False, True, True]
    assert "cannot be reached" in found["sources"][1][1] and "needs a way out" in found["sources"][1][1]
    assert "check RETAILER_1_CREDENTIALS" in found["sources"][2][1]
    assert "ck_wrong" not in answer.out
    assert answer.json["good"] is False


def test_a_database_that_is_away_does_not_stop_the_examination(call, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nowhere")
    found = findings(call("doctor", "--json"))
    assert found["database"][0][0] is False and "cannot connect" in found["database"][0][1]
    assert found["disk"][0][0] is True


def test_wrong_settings_are_all_named(call, monkeypatch):
    monkeypatch.setenv("LOG_FORMAT", "xml")
    monkeypatch.setenv("API_PORT", "many")
    found = findings(call("doctor", "--json"))
    assert len(found["settings"]) == 2


def test_pending_migrations_are_named(call, settings):  # noqa: F811
    execute(settings, "DELETE FROM _yoyo_migration WHERE migration_id LIKE '0003%'")
    answer = call("doctor", "--only", "database")
    assert answer.code == 1
    assert "run `cronhouse migrate`: 0003" in answer.out
