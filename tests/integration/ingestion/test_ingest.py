"""Ordinary days: what the retailers sold is what is landed, once, in its latest version."""

import gzip
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from services.ingestion.retail.raw import SCHEMA
from services.ingestion.retail.trace import trace
from shared.errors import ConfigError
from tests.integration.ingestion.conftest import (
    DAY,
    IDS,
    TODAY,
    Retailers,
    latest,
    make_run,
    query,
    raw_rows,
    run_ingest,
    settings_with,
    staging_columns,
)


def books(retailers: Retailers, name: str, day: date) -> tuple[int, Decimal]:
    """Return the lines and the sum of a day as the retailer itself knows them."""
    sales = retailers.sales(name, day)
    return sum(sale["lines"] for sale in sales), sum((Decimal(sale["total"]) for sale in sales), Decimal(0))


def landed(rows: list[dict], name: str, day: date) -> tuple[int, Decimal]:
    """Return the same of the raw files."""
    mine = [row for row in rows if (row["retailer_id"], row["business_date"]) == (name, day)]
    return len(mine), sum((row["total"] for row in mine), Decimal(0))


@pytest.mark.parametrize("name", IDS)
def test_the_lines_of_a_day_are_those_of_the_retailer_s_books(settings, retailers, ingest, name):
    ingest(only=(name,))
    assert landed(raw_rows(settings), name, DAY) == books(retailers, name, DAY)


def test_every_retailer_arrives_on_its_own_with_its_watermark(settings, ingest):
    counts = ingest()
    arrivals = query(settings, "SELECT * FROM ops.arrival ORDER BY source")
    assert [row["source"] for row in arrivals] == list(IDS)
    assert sum(row["landed_rows"] for row in arrivals) == counts.read == counts.written
    assert [row["source_rows"] for row in arrivals] == [None, None, arrivals[2]["landed_rows"]]
    for row in query(settings, "SELECT * FROM ops.pipeline_metadata"):
        assert row["last_processed_date"] == DAY
        newest = max(
            (r["updated_at"], r["transaction_id"])
            for r in raw_rows(settings)
            if r["retailer_id"] == row["source"]
        )
        assert (row["last_updated_at"], newest[0]) == (newest[0], row["last_updated_at"])


def test_every_row_names_the_landing_line_that_holds_it_verbatim(settings, ingest):
    ingest()
    lines: dict[str, list[str]] = {}
    for row in raw_rows(settings):
        key = row["landing_object"]
        if key not in lines:
            lines[key] = (
                gzip.decompress((settings.local_dir / "objects" / key).read_bytes()).decode().splitlines()
            )
        assert row["transaction_id"] in lines[key][row["landing_line"] - 1]
    registered = query(
        settings, "SELECT object_key, row_count FROM ops.loaded_object WHERE dataset = 'retail/landing'"
    )
    assert {row["object_key"]: row["row_count"] for row in registered} == {
        k: len(v) for k, v in lines.items()
    }


def test_raw_files_have_the_columns_of_the_staging_table_and_hold_one_business_day_each(settings, ingest):
    import pyarrow.parquet as pq

    ingest(only=("retailer_3",))
    assert list(SCHEMA.names) == [*staging_columns(settings), "landing_object", "landing_line"]
    for row in query(settings, "SELECT * FROM ops.loaded_object WHERE dataset = 'retail/raw'"):
        table = pq.read_table(settings.local_dir / "objects" / row["object_key"])
        assert table.schema.remove_metadata() == SCHEMA
        assert (
            set(table["business_date"].to_pylist())
            == {row["min_business_date"]}
            == {row["max_business_date"]}
        )
        assert f"day={row['min_business_date']:%d}/" in row["object_key"]
        assert table.num_rows == row["row_count"]


def test_a_date_that_arrived_is_not_fetched_again_unless_forced(settings, ingest):
    first = ingest()
    assert first.read > 0
    before = query(settings, "SELECT count(*) AS n FROM ops.loaded_object")
    assert ingest().read == 0
    assert query(settings, "SELECT count(*) AS n FROM ops.loaded_object") == before
    assert ingest(force=True).read == first.read


def test_a_forced_run_brings_the_same_rows_again(settings, ingest):
    ingest()
    once = raw_rows(settings)
    ingest(force=True)
    twice = raw_rows(settings)
    names = ("retailer_id", "transaction_id", "line_id", "total", "updated_at")

    def keys(rows: list[dict]) -> Counter:
        return Counter(tuple(row[name] for name in names) for row in rows)

    assert keys(twice) == Counter({key: 2 * n for key, n in keys(once).items()})


def test_days_in_a_row_meet_without_a_gap(settings, retailers, ingest):
    for back in (2, 1, 0):
        ingest(DAY - timedelta(days=back))
    rows = latest(raw_rows(settings))
    for name in IDS:
        for back in (2, 1, 0):
            day = DAY - timedelta(days=back)
            assert landed(rows, name, day) == books(retailers, name, day), (name, day)


def test_a_missed_day_is_caught_up_by_the_next_run_from_the_watermark(settings, retailers, ingest):
    ingest(DAY - timedelta(days=3))
    ingest(DAY)
    rows = latest(raw_rows(settings))
    for name in IDS:
        for back in (2, 1, 0):
            day = DAY - timedelta(days=back)
            assert landed(rows, name, day) == books(retailers, name, day), (name, day)


def test_returns_are_rows_of_their_own_with_negative_quantities(settings, retailers, ingest):
    for back in range(7):
        ingest(DAY - timedelta(days=back))
    rows = latest(raw_rows(settings))
    for name in IDS:
        back = [row for row in rows if row["retailer_id"] == name and row["quantity"] < 0]
        assert back, f"{name} took nothing back in a week"
        assert all(row["total"] <= 0 and row["unit_price"] >= 0 for row in back)


def test_a_day_that_is_not_over_is_landed_but_has_not_arrived(pg, retailers):
    settings = settings_with(pg, retailers.urls)
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)
    run_ingest(settings, tomorrow, only=("retailer_2",))
    assert query(settings, "SELECT * FROM ops.arrival") == []


def test_a_retailer_whose_day_ends_after_the_run_is_warned_of_with_the_hour(pg, retailers, caplog):
    settings = settings_with(pg, retailers.urls)
    today = datetime.now(UTC).date()  # over in Honolulu at 10:00 UTC tomorrow
    run_ingest(settings, today, only=("retailer_2",), change={"timezone": "Pacific/Honolulu"})
    (warning,) = [record.getMessage() for record in caplog.records if "has not arrived" in record.message]
    assert f"{today} is over there only at {today + timedelta(days=1)} 10:00 UTC" in warning
    assert "schedule the workflow after that hour" in warning
    assert query(settings, "SELECT * FROM ops.arrival") == []


def test_missing_settings_are_named_all_at_once_before_anything_is_asked(pg, retailers):
    with pytest.raises(ConfigError) as caught:
        run_ingest(settings_with(pg, {"retailer_2": retailers.urls["retailer_2"]}))
    assert [problem.split()[0] for problem in caught.value.problems] == [
        "RETAILER_1_URL",
        "RETAILER_1_CREDENTIALS",
        "RETAILER_3_URL",
        "RETAILER_3_CREDENTIALS",
    ]


def test_trace_tells_landing_line_raw_file_and_run(settings, ingest):
    ingest(only=("retailer_2",))
    row = raw_rows(settings)[0]
    findings = trace(settings, row["transaction_id"])
    assert [finding.stage for finding in findings] == ["landing", "raw", "run"]
    assert findings[0].where == f"{row['landing_object']}:{row['landing_line']}"
    assert "not loaded yet" in findings[1].what
    assert trace(settings, "no-such-order") == []


def test_a_run_that_is_asked_to_stop_leaves_nothing_half(settings, retailers):
    from services.ingestion.retail.jobs import ingest as job
    from shared.errors import Interrupted

    run = make_run(settings)
    run.stop.set()
    with pytest.raises(Interrupted):
        job(run)
    run.close()
    assert query(settings, "SELECT * FROM ops.loaded_object") == []


# From here on the books change: TODAY goes by, with a late sale and a correction at every retailer.


@pytest.fixture(scope="module")
def changed(retailer_process: Retailers) -> Retailers:
    """At noon of TODAY a sale of two days before is heard of, and one of DAY is corrected."""
    one = retailer_process
    one.set_clock(f"{TODAY}T20:00:00Z")
    for name in IDS:
        victim = next(sale for sale in one.sales(name, DAY) if sale["kind"] == "sale" and sale["lines"] > 1)
        one.mutate(
            name,
            kind="correction",
            reference=victim["reference"],
            updated_at=f"{TODAY}T12:00:00Z",
            lines=[{"line": 1, "quantity": 7, "unit_price": "1.25"}, {"line": 2, "drop": True}],
        )
        one.mutate(
            name,
            kind="late",
            reference=f"{name[-1]}99999",
            updated_at=f"{TODAY}T12:30:00Z",
            days_ago=2,
            lines=[{"sku": "22423", "name": "LATE", "quantity": 3, "unit_price": "12.75"}],
        )
    one.set_clock(f"{TODAY + timedelta(days=1)}T02:00:00Z")
    return one


@pytest.mark.parametrize("name", IDS)
def test_late_and_corrected_transactions_end_up_right_and_are_counted(
    settings, retailers, changed, ingest, name
):
    ingest(DAY, only=(name,))
    ingest(TODAY, only=(name,))
    rows = latest(raw_rows(settings))
    assert landed(rows, name, DAY) == books(retailers, name, DAY)
    late = [
        row
        for row in rows
        if row["product_id"] == "22423" and row["quantity"] == 3 and row["product_name"] == "LATE"
    ]
    if name == "retailer_2":
        late = [row for row in rows if row["product_name"] == "LATE"]
    assert [row["business_date"] for row in late] == [TODAY - timedelta(days=2)]
    (arrival,) = query(settings, "SELECT * FROM ops.arrival WHERE logical_date = %(day)s", day=TODAY)
    assert arrival["late_rows"] >= 1
    assert arrival["corrected_rows"] >= 1
