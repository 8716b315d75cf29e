"""Bad records: each becomes a letter with a clear reason, all others arrive, and the ledger stays even."""

import gzip
import json
from collections import Counter
from datetime import timedelta
from hashlib import sha256

import pytest

from services.ingestion.retail import intake
from services.ingestion.retail.jobs import ingest as ingest_job
from services.ingestion.retail.replay import replay
from services.ingestion.retail.trace import trace
from services.ingestion.sources.square import Square
from services.ingestion.sources.woocommerce import WooCommerce
from services.transformation.retail.jobs import transform
from shared import db
from shared.errors import DataError, FatalError
from tests.integration.ingestion.conftest import DAY, IDS, make_run, query, raw_rows, run_ingest

CSV = "retailer_3"
PATHS = {"retailer_1": "orders", "retailer_2": "orders", CSV: "exports"}
KINDS = {
    "missing_id": {
        "retailer_1": "missing required field `id`",
        "retailer_2": "missing required field `id`",
        CSV: "Expected `str` of length >= 1",
    },
    "bad_date": {
        "retailer_1": "Invalid RFC3339",
        "retailer_2": "Invalid RFC3339",
        CSV: "'yesterday' is not a time like 31/12/2026 23:59",
    },
    "negative_price": dict.fromkeys(IDS, "unit price is negative: -1.50"),
    "zero_quantity": dict.fromkeys(IDS, "quantity is zero"),
    "wrong_sum": dict.fromkeys(IDS, "does not add up"),
    "wrong_currency": {**dict.fromkeys(IDS[:2], "currency EUR, not GBP"), CSV: "currency 'EUR', not GBP"},
}
CASES = [(name, kind) for name in IDS for kind in KINDS]


def letters(settings) -> list[dict]:
    return query(settings, "SELECT * FROM ops.dead_letter ORDER BY dead_letter_id")


def transactions(settings) -> Counter:
    return Counter(row["transaction_id"] for row in raw_rows(settings))


def load(settings, day=DAY) -> None:
    run = make_run(settings, day)
    run.job = "retail_transform"
    try:
        transform(run)
    finally:
        run.close()


def ledger(settings) -> dict[str, int]:
    """Return the sums of the ledger, after comparing it with the facts that are really there."""
    (sums,) = query(
        settings,
        "SELECT sum(source_rows)::int AS source, sum(fact_rows)::int AS facts, "
        "sum(duplicate_rows)::int AS duplicates, sum(rejected_rows)::int AS rejected FROM ops.reconciliation",
    )
    (facts,) = query(settings, "SELECT count(*)::int AS n FROM retail.fact_sales")
    assert sums["facts"] == facts["n"]
    assert sums["source"] == sums["facts"] + sums["duplicates"] + sums["rejected"]
    return sums


@pytest.fixture(scope="module")
def whole(pg_server, retailer_process):
    """How many lines each transaction of DAY has when nothing is bad; filled on first use."""
    return {}


@pytest.fixture
def good(whole, pg, retailers):
    """Return the transactions of a retailer on an undisturbed day, without leaving a trace."""
    from tests.integration.ingestion.conftest import settings_with

    def read(name: str) -> Counter:
        if name not in whole:
            settings = settings_with(pg, retailers.urls)
            run_ingest(settings, only=(name,))
            whole[name] = transactions(settings)
            with db.connect(settings, autocommit=True) as conn:
                db.execute(conn, "TRUNCATE ops.arrival, ops.loaded_object, ops.pipeline_metadata")
            conn.close()
        return whole[name]

    return read


@pytest.mark.parametrize(("name", "kind"), CASES, ids=[f"{name}-{kind}" for name, kind in CASES])
def test_a_bad_record_is_a_letter_that_says_why_and_costs_itself_alone(settings, retailers, good, name, kind):
    expected = good(name)
    retailers.fault(name, "bad_record", kind=kind, times=1, path=PATHS[name])
    counts = run_ingest(settings, only=(name,))
    (letter,) = letters(settings)
    assert KINDS[kind][name] in letter["reason"]
    key, _, line = letter["position"].rpartition(":")
    landing = gzip.decompress((settings.local_dir / "objects" / key).read_bytes()).decode().splitlines()
    assert letter["payload"].split("\n")[0] == landing[int(line) - 1], "the position is where it lies"
    missing = expected - transactions(settings)
    if not (name == CSV and kind == "missing_id"):  # such a line is a transaction of its own
        assert len(missing) == 1
    assert counts.rejected == letter["rows"] == sum(missing.values())
    assert counts.read == counts.written + counts.rejected
    assert ledger_of_ingest(settings) == {"source": letter["rows"], "rejected": letter["rows"]}


def ledger_of_ingest(settings) -> dict[str, int]:
    (row,) = query(
        settings,
        "SELECT sum(source_rows)::int AS source, sum(rejected_rows)::int AS rejected FROM ops.reconciliation",
    )
    return row


@pytest.mark.parametrize("name", IDS)
def test_a_field_of_10_mb_is_refused_with_a_reason(settings, retailers, good, name):
    expected = good(name)
    retailers.fault(name, "big_field", times=1, path=PATHS[name])
    run_ingest(settings, only=(name,))
    (letter,) = letters(settings)
    assert "length <= 1000" in letter["reason"] or "longer than 131072 characters" in letter["reason"]
    assert letter["payload_bytes"] > 10_000_000
    assert len(letter["payload"]) < 100_000, "the database keeps the beginning, the landing zone all of it"
    assert sum((expected - transactions(settings)).values()) == letter["rows"]
    (result,) = replay(settings, letters(settings))
    assert not result.is_done
    assert result.message.endswith(letter["reason"]), "a replay reads all of it from the landing zone"


def test_a_shifted_column_is_a_letter_of_its_transaction(settings, retailers, good):
    expected = good(CSV)
    retailers.fault(CSV, "shifted_column", times=1)
    run_ingest(settings, only=(CSV,))
    (letter,) = letters(settings)
    assert "18 columns, expected 17: a column was shifted" in letter["reason"]
    assert sum((expected - transactions(settings)).values()) == letter["rows"]


def test_an_hour_that_does_not_exist_is_a_letter(settings, retailers):
    name, evening = CSV, DAY + timedelta(days=1)
    victim = retailers.sales(name, DAY)[0]
    retailers.set_clock(f"{evening}T20:00:00Z")
    retailers.mutate(
        name,
        kind="correction",
        reference=victim["reference"],
        updated_at=f"{evening}T12:00:00Z",
        printed_time="29/03/2026 01:30",
    )
    retailers.set_clock(f"{evening + timedelta(days=1)}T02:00:00Z")
    run_ingest(settings, evening, only=(name,))
    (letter,) = letters(settings)
    assert "29/03/2026 01:30 does not exist in Europe/London: clocks went forward" in letter["reason"]
    assert letter["field"] == "Timestamp"
    retailers.set_clock(f"{evening}T02:00:00Z")


def test_an_hour_that_exists_twice_is_taken_as_the_first(settings, retailers):
    name, evening = CSV, DAY + timedelta(days=1)
    retailers.set_clock(f"{evening}T20:00:00Z")
    retailers.mutate(
        name,
        kind="late",
        reference="700001",
        updated_at=f"{evening}T12:00:00Z",
        days_ago=1,
        printed_time="26/10/2025 01:30",
        lines=[{"sku": "22423", "quantity": 1, "unit_price": "1.00"}],
    )
    retailers.set_clock(f"{evening + timedelta(days=1)}T02:00:00Z")
    run_ingest(settings, evening, only=(name,))
    (row,) = [row for row in raw_rows(settings) if row["transaction_id"] == "700001"]
    assert f"{row['sold_at']:%Y-%m-%d %H:%M}" == "2025-10-26 00:30"
    retailers.set_clock(f"{evening}T02:00:00Z")


def test_the_same_bad_record_delivered_again_is_one_letter_and_a_duplicate_in_the_ledger(settings, retailers):
    for times in (1, 2):
        retailers.fault("retailer_2", "bad_record", kind="wrong_currency", times=1, path="orders")
        run_ingest(settings, only=("retailer_2",), force=times == 2)
    (letter,) = letters(settings)
    load(settings)
    sums = ledger(settings)
    assert sums["rejected"] == letter["rows"]


def test_too_many_bad_records_fail_the_retailer_and_nothing_of_it_is_taken(settings, retailers, monkeypatch):
    def never(self, lines, latest):
        raise DataError("the shop has changed its mind", "order")

    monkeypatch.setattr(Square, "parse", never)
    with pytest.raises(
        FatalError,
        match=r"591 of 591 lines are bad, more than 20%; nothing taken: 591 x the shop has changed",
    ):
        run_ingest(settings)
    assert letters(settings) == []
    assert [row["source"] for row in query(settings, "SELECT source FROM ops.arrival ORDER BY source")] == [
        "retailer_1",
        CSV,
    ]
    monkeypatch.undo()
    run_ingest(settings)
    assert len(query(settings, "SELECT * FROM ops.arrival")) == 3


def test_a_few_bad_records_never_fail_a_retailer(settings, retailers, monkeypatch):
    monkeypatch.setattr(intake, "FEW_REJECTS", 10_000)

    def never(self, lines, latest):
        raise DataError("bad")

    monkeypatch.setattr(WooCommerce, "parse", never)
    counts = run_ingest(settings, only=("retailer_1",))
    assert (counts.read, counts.written) == (counts.rejected, 0)
    assert len(letters(settings)) > 1


# --- replay -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", IDS)
def test_a_letter_that_can_be_read_now_is_replayed_once_and_nothing_is_lost_or_doubled(
    settings, retailers, good, name, monkeypatch
):
    expected = good(name)
    source = type(ingest_source(name))
    real, victims = source.parse, []

    def sometimes(self, lines, latest):
        if not victims:
            victims.append(lines)
            raise DataError("a mistake of ours")
        return real(self, lines, latest)

    monkeypatch.setattr(source, "parse", sometimes)
    run_ingest(settings, only=(name,))
    load(settings)
    before = ledger(settings)
    monkeypatch.undo()
    opened = letters(settings)
    (result,) = replay(settings, opened, "tester")
    assert result.is_done, result.message
    assert before["rejected"] == opened[0]["rows"] == result.rows
    assert transactions(settings) == expected
    (letter,) = letters(settings)
    assert (letter["state"], letter["settled_by"]) == ("replayed", "tester")
    load(settings)
    after = ledger(settings)
    assert after["rejected"] == 0
    assert (after["source"], after["facts"] + after["duplicates"]) == (before["source"], before["source"])
    (again,) = replay(settings, opened)
    assert (again.is_done, again.message) == (False, "is not open any more")
    assert transactions(settings) == expected


def ingest_source(name):
    from services.ingestion.retail.retailers import describe_retailers
    from services.ingestion.sources import open_source
    from shared.config import ROOT
    from shared.jobs.workflows import load_workflow

    return open_source(describe_retailers(load_workflow(ROOT / "workflows" / "retail.yml").params)[name])


def test_a_letter_that_fails_again_stays_open_with_its_new_reason(settings, retailers):
    retailers.fault("retailer_1", "bad_record", kind="wrong_sum", times=1, path="orders")
    run_ingest(settings, only=("retailer_1",))
    with db.connect(settings, autocommit=True) as conn:
        db.execute(conn, "UPDATE ops.dead_letter SET reason = 'old'")
    conn.close()
    (result,) = replay(settings, letters(settings))
    assert not result.is_done
    (letter,) = letters(settings)
    assert letter["state"] == "open"
    assert "does not add up" in letter["reason"]


def test_a_letter_of_an_order_that_is_no_sale_is_settled_without_rows(settings, retailers):
    retailers.fault("retailer_2", "bad_record", kind="wrong_sum", times=1, path="orders")
    run_ingest(settings, only=("retailer_2",))
    (letter,) = letters(settings)
    document = json.loads(letter["payload"])
    document["order"]["state"] = "OPEN"
    letter["payload"] = json.dumps(document)
    letter["fingerprint"] = sha256(letter["payload"].encode()).hexdigest()
    (result,) = replay(settings, [letter])
    assert (result.is_done, result.rows) == (True, 0)
    (void,) = query(settings, "SELECT * FROM ops.void_transaction")
    assert (void["transaction_id"], void["applied_run_id"]) == (document["order"]["id"], None)
    load(settings)
    assert ledger(settings)["rejected"] == 0
    assert any(
        found.where == "void" and "taken away by run" in found.what
        for found in trace(settings, void["transaction_id"])
    )


def test_trace_finds_letters_facts_and_the_runs_that_moved_them(settings, retailers):
    retailers.fault("retailer_2", "bad_record", kind="wrong_sum", times=1, path="orders")
    run = make_run(settings, only=("retailer_2",))
    ingest_job(run)
    run.close()
    load(settings)
    (letter,) = letters(settings)
    bad = json.loads(letter["payload"])["order"]["id"]
    assert [finding.stage for finding in trace(settings, bad)] == ["dead letter", "run"]
    found = trace(settings, raw_rows(settings)[0]["transaction_id"])
    assert [finding.stage for finding in found if finding.stage != "fact"] == ["landing", "raw", "run", "run"]
    assert any(finding.stage == "fact" and "quantity" in finding.what for finding in found)
    assert {finding.where for finding in found if finding.stage == "run"} == {str(DAY)}
