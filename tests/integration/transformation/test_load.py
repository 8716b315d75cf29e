"""What a load leaves: versions, late lines, dimensions, the ledger, and the same rows when it runs again."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import pyarrow as pa
import pytest

from services.transformation.retail import raw
from shared.errors import ConfigError, FatalError
from tests.integration.transformation.warehouse import DAY, Warehouse, assert_conserved, line

LATER = datetime(2026, 3, 12, 9, tzinfo=UTC)


def test_a_line_becomes_a_fact_with_its_dimensions(house: Warehouse):
    house.put([line(discount=Decimal("0.50"), category="Tableware")])
    counts = house.transform()
    assert (counts.read, counts.written) == (1, 1)
    (fact,) = house.facts()
    assert fact["quantity"] == 2
    assert fact["total"] == Decimal("4.50")
    assert fact["sold_at"] == datetime(2026, 3, 10, 12, tzinfo=UTC)
    product = house.rows("SELECT * FROM retail.dim_product")[0]
    assert (product["product_name"], product["category"]) == ("BLUE MUG", "Tableware")
    assert house.value("SELECT weekday_name FROM retail.dim_date WHERE date_key = '2026-03-10'") == "Tuesday"
    assert (
        house.value("SELECT tableoid::regclass::text FROM retail.fact_sales") == "retail.fact_sales_2026_03"
    )
    retailer = house.rows("SELECT * FROM retail.dim_retailer WHERE retailer_id = 'retailer_1'")[0]
    assert (retailer["retailer_name"], retailer["source_kind"]) == ("Harbour Gifts", "woocommerce")


def test_rerun_and_forced_rerun_leave_the_same_facts(house: Warehouse):
    house.put([line("T1", "1"), line("T1", "2"), line("T2", "1", retailer_id="retailer_2")])
    house.transform()
    once = house.facts()
    house.transform()
    assert house.facts() == once
    assert house.ledger()[0]["duplicate_rows"] == 0
    counts = house.transform(force=True)
    assert (counts.read, counts.written) == (3, 0)
    assert house.facts() == once
    assert [row["duplicate_rows"] for row in house.ledger()] == [2, 1]
    assert_conserved(house)


def test_only_objects_up_to_the_logical_date_are_loaded(house: Warehouse):
    house.put([line("T1")], day=DAY)
    house.put([line("T2")], day=DAY + timedelta(days=1))
    house.transform(DAY)
    assert [fact["transaction_id"] for fact in house.facts()] == ["T1"]
    house.transform(DAY + timedelta(days=1))
    assert [fact["transaction_id"] for fact in house.facts()] == ["T1", "T2"]


def test_a_correction_replaces_every_line_wherever_it_lies(house: Warehouse):
    january = date(2026, 1, 31)
    house.put([line("T1", "1", business_date=january), line("T1", "2", business_date=january), line("T9")])
    house.transform()
    house.put([line("T1", "1", quantity=Decimal(7), updated_at=LATER)])
    counts = house.transform()
    assert counts.written == 1
    assert [(f["transaction_id"], f["business_date"], f["quantity"]) for f in house.facts()] == [
        ("T1", DAY, 7),
        ("T9", DAY, 2),
    ]
    assert house.ledger()[0] == {
        "source": "retailer_1", "business_date": january, "source_rows": 2, "fact_rows": 0, "duplicate_rows": 2,
    }  # fmt: skip
    assert_conserved(house)


def test_the_same_version_on_another_day_is_a_duplicate(house: Warehouse):
    """As when the time zone of a retailer is set right and its files are fetched again."""
    house.put([line("T1", "1"), line("T1", "2")])
    house.transform()
    house.put(
        [
            line(
                "T1",
                "1",
                business_date=DAY - timedelta(days=1),
                updated_at=house.facts()[0]["source_updated_at"],
            ),
            line(
                "T1",
                "2",
                business_date=DAY - timedelta(days=1),
                updated_at=house.facts()[0]["source_updated_at"],
            ),
        ]
    )
    assert house.transform().written == 0
    assert [(f["line_id"], f["business_date"]) for f in house.facts()] == [("1", DAY), ("2", DAY)]
    assert_conserved(house)


def test_the_same_version_on_two_days_of_one_batch_is_one_fact(house: Warehouse):
    house.put([line("T1", "1")])
    same = datetime.combine(DAY, time(12), UTC)
    house.put([line("T1", "1", business_date=DAY - timedelta(days=1), updated_at=same)])
    assert house.transform().written == 1
    assert [f["line_id"] for f in house.facts()] == ["1"]
    assert_conserved(house)


def test_an_older_version_that_comes_late_is_a_duplicate(house: Warehouse):
    house.put([line("T1", "1", updated_at=LATER)])
    house.transform()
    house.put([line("T1", "1", quantity=Decimal(9)), line("T1", "2")])
    assert house.transform().written == 0
    assert [fact["quantity"] for fact in house.facts()] == [2]
    assert_conserved(house)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["old first", "new first"])
def test_of_two_versions_in_one_batch_the_newest_wins(house: Warehouse, order: tuple[int, int]):
    versions = [
        [line("T1", "1"), line("T1", "2"), line("T2", "1")],
        [line("T1", "1", quantity=Decimal(5), updated_at=LATER)],
    ]
    for index in order:
        house.put(versions[index])
    counts = house.transform()
    assert (counts.read, counts.written) == (4, 2)
    assert [(f["transaction_id"], f["line_id"], f["quantity"]) for f in house.facts()] == [
        ("T1", "1", 5),
        ("T2", "1", 2),
    ]
    assert_conserved(house)


def test_a_line_sent_twice_is_one_fact(house: Warehouse):
    house.put([line("T1", "1"), line("T1", "1"), line("T1", "2"), line("T2", "1")])
    house.put([line("T2", "1")])
    counts = house.transform()
    assert (counts.read, counts.written) == (5, 3)
    assert house.ledger()[0]["duplicate_rows"] == 2
    assert_conserved(house)


@pytest.mark.parametrize("rows", [1, 2, 3, 20_000])
def test_chunks_of_any_size_leave_the_same_facts(
    house: Warehouse, monkeypatch: pytest.MonkeyPatch, rows: int
):
    """A line that stands again in its chunk or in a later one, a transaction cut in two."""
    monkeypatch.setattr(raw, "BATCH_ROWS", rows)
    house.put([line("T1", str(number)) for number in range(5)] + [line("T1", "1"), line("T2", "1")])
    house.put([line("T2", "1"), line("T2", "2"), line("T3", "1", business_date=date(2026, 2, 28))])
    house.put([line("T3", "1"), line("T4", "1"), line("T4", "2")])
    counts = house.transform()
    assert (counts.read, counts.written) == (13, 10)
    assert [(f["transaction_id"], f["line_id"]) for f in house.facts()] == [
        *(("T1", str(number)) for number in range(5)), ("T2", "1"), ("T2", "2"), ("T3", "1"), ("T4", "1"), ("T4", "2"),
    ]  # fmt: skip
    assert_conserved(house)


def test_new_and_old_months_in_one_batch(house: Warehouse):
    house.put([line("T1", "1"), line("T2", "1")])
    house.transform()
    february, may = date(2026, 2, 28), date(2026, 5, 1)
    house.put(
        [
            line("T1", "1", business_date=february, updated_at=LATER),  # moves into a new month
            line("T3", "1", business_date=february),
            line("T4", "1", business_date=february),
            line("T4", "1", business_date=february),  # twice in a new month
            line("T5", "1"),
            line("T6", "1", business_date=may),
        ]
    )
    assert house.transform().written == 5
    query = "SELECT transaction_id, tableoid::regclass::text AS partition FROM retail.fact_sales ORDER BY 1"
    assert [(row["transaction_id"], row["partition"][-7:]) for row in house.rows(query)] == [
        ("T1", "2026_02"), ("T2", "2026_03"), ("T3", "2026_02"), ("T4", "2026_02"), ("T5", "2026_03"),
        ("T6", "2026_05"),
    ]  # fmt: skip
    assert (
        house.rows("SELECT inhrelid FROM pg_inherits WHERE inhparent = 'staging.new_months'::regclass") == []
    )
    indexes = house.rows(
        "SELECT tablename, count(*) FILTER (WHERE indexdef LIKE 'CREATE UNIQUE%%') AS keys, count(*) AS indexes "
        "FROM pg_indexes WHERE schemaname = 'retail' AND tablename LIKE 'fact_sales_%%' GROUP BY tablename ORDER BY 1"
    )
    assert [tuple(row.values()) for row in indexes] == [
        ("fact_sales_2026_02", 1, 2), ("fact_sales_2026_03", 1, 2), ("fact_sales_2026_05", 1, 2),
    ]  # fmt: skip
    assert house.value("SELECT count(*) FROM retail.dim_date") == 28 + 31 + 31
    assert_conserved(house)


@pytest.mark.parametrize("month", ["new", "old"])
def test_a_repeated_line_that_nobody_noticed_fails_the_load(
    house: Warehouse, monkeypatch: pytest.MonkeyPatch, month: str
):
    """The key is guarded by its index, also where that is built after the facts."""
    if month == "old":
        house.put([line("T0")])
        house.transform()
    monkeypatch.setattr(raw, "number_lines", lambda table, chunk: pa.repeat(chunk, len(table)))
    house.put([line("T1", "1"), line("T1", "2"), line("T1", "1")])
    before = house.content()
    with pytest.raises(FatalError, match="unique"):
        house.transform()
    assert house.content() == before
    monkeypatch.undo()
    assert house.transform().written == 2
    assert_conserved(house)


def test_a_line_that_was_missing_joins_its_transaction(house: Warehouse):
    house.put([line("T1", "1")])
    house.transform()
    house.put([line("T1", "1"), line("T1", "2")])
    assert house.transform().written == 1
    assert [fact["line_id"] for fact in house.facts()] == ["1", "2"]
    assert_conserved(house)


def test_the_same_transaction_number_at_two_retailers_is_two_transactions(house: Warehouse):
    house.put([line("T1", "1", retailer_id="retailer_1")])
    house.put([line("T1", "1", retailer_id="retailer_2", updated_at=LATER)])
    assert house.transform().written == 2


def test_unknown_customer_and_store_get_their_member(house: Warehouse):
    house.put([line(customer_id="", customer_country="France", store_id="", store_name="Somewhere")])
    house.transform()
    assert (house.facts()[0]["customer_id"], house.facts()[0]["store_id"]) == ("", "")
    unknown = house.rows("SELECT country, updated_at FROM retail.dim_customer WHERE customer_id = ''")
    assert unknown == [{"country": None, "updated_at": datetime(1970, 1, 1, tzinfo=UTC)}] * 3
    assert (
        house.rows("SELECT store_name FROM retail.dim_store WHERE store_id = ''")
        == [{"store_name": None}] * 3
    )


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_dimensions_take_the_newest_name_in_any_order(house: Warehouse, order: tuple[int, ...]):
    lines = [
        line("T1", product_name="OLD NAME", customer_country="Spain", store_name="Old"),
        line("T2", product_name="NEW NAME", customer_country="Italy", store_name="New", updated_at=LATER),
        line(
            "T3",
            product_name=None,
            customer_country=None,
            store_name="",
            updated_at=LATER + timedelta(days=1),
        ),
    ]
    for index in order:
        house.put([lines[index]])
        house.transform()
    assert house.value("SELECT product_name FROM retail.dim_product") == "NEW NAME"
    assert house.value("SELECT country FROM retail.dim_customer WHERE customer_id = 'C1'") == "Italy"
    assert house.value("SELECT store_name FROM retail.dim_store WHERE store_id = 'S1'") == "New"


def test_category_comes_from_the_source_else_the_first_rule(house: Warehouse):
    names = {
        "P1": ("CHRISTMAS CANDLE", None),
        "P2": ("CANDLE", "Own"),
        "P3": ("XYZZY", None),
        "P4": (None, None),
    }
    house.put([line("T1", p, product_id=p, product_name=name, category=c) for p, (name, c) in names.items()])
    house.transform()
    found = house.rows("SELECT category FROM retail.dim_product ORDER BY product_id")
    assert [row["category"] for row in found] == ["Christmas", "Own", "Uncategorised", "Uncategorised"]


def test_dimension_keys_are_not_used_up_by_known_members(house: Warehouse):
    for number in range(4):
        house.put([line(f"T{number}")])
        house.transform()
    assert house.value("SELECT last_value FROM retail.dim_retailer_retailer_key_seq") == 3
    assert house.value("SELECT last_value FROM retail.dim_product_product_key_seq") == 1
    assert house.value("SELECT last_value FROM retail.dim_customer_customer_key_seq") == 4


def test_a_changed_retailer_of_the_workflow_file_is_taken_over(house: Warehouse):
    house.put([line("T1")])
    house.transform()
    house.params["retailers"] = dict(house.params["retailers"])
    house.params["retailers"]["retailer_1"] = {**house.params["retailers"]["retailer_1"], "name": "Renamed"}
    house.put([line("T2")])
    house.transform()
    query = "SELECT retailer_name FROM retail.dim_retailer WHERE retailer_id = 'retailer_1'"
    assert house.value(query) == "Renamed"


def test_lines_of_an_undeclared_retailer_stop_the_load(house: Warehouse):
    house.put([line("T1"), line("T2", retailer_id="retailer_9")])
    with pytest.raises(FatalError, match="retailer_9.*workflow file"):
        house.transform()
    assert house.facts() == []


def test_a_retailer_without_currency_is_a_mistake_of_the_workflow_file(house: Warehouse):
    house.params["retailers"] = {"retailer_1": {"name": "X", "source": "square", "timezone": "UTC"}}
    house.put([line("T1")])
    with pytest.raises(ConfigError, match="retailer_1 lacks currency"):
        house.transform()


def test_odd_text_survives_the_way_through_csv(house: Warehouse):
    names = ['say "hi"', "a,b;c", "line\nbreak", "tab\t\\N", "\\.", "Café ☕ 北京", " spaces "]
    house.put([line(f"T{i}", product_id=f"P{i}", product_name=name) for i, name in enumerate(names)])
    house.transform()
    found = house.rows("SELECT product_name FROM retail.dim_product ORDER BY product_id")
    assert [row["product_name"] for row in found] == names
    assert [row["product_name"] for row in house.processed()] == names


def test_fractions_of_a_second_are_kept(house: Warehouse):
    exact = datetime(2026, 3, 10, 12, 0, 0, 123456, tzinfo=UTC)
    house.put([line("T1", "1", sold_at=exact), line("T1", "2")])
    house.transform()
    assert [fact["sold_at"] for fact in house.facts()] == [exact, exact.replace(microsecond=0)]


def test_columns_are_taken_by_name_and_zones_are_heeded(house: Warehouse):
    import pyarrow as pa

    from services.ingestion.retail.raw import SCHEMA
    from tests.integration.transformation.warehouse import to_parquet

    paris = SCHEMA.set(
        SCHEMA.get_field_index("sold_at"), pa.field("sold_at", pa.timestamp("ms", tz="Europe/Paris"))
    )
    turned = pa.schema([*reversed(list(paris)), pa.field("extra", pa.int32())])
    body = to_parquet([line("T1") | {"extra": 1}], turned)
    house.register("raw/x.parquet", house.store.put("raw/x.parquet", body), 1, "retailer_1", DAY)
    house.transform()
    assert house.facts()[0]["sold_at"] == datetime(2026, 3, 10, 12, tzinfo=UTC)


def test_nothing_pending_ends_without_heavy_imports(house: Warehouse):
    import subprocess
    import sys

    code = (
        "import sys; from datetime import date; from shared.config import load_settings; "
        "from shared.jobs import Run; from services.transformation.retail.jobs import transform; "
        "run = Run(1, 'retail_transform', None, date(2026, 3, 10), load_settings()); print(transform(run)); "
        "print([m for m in ('pyarrow', 'boto3', 'requests') if m in sys.modules])"
    )
    environ = {**house.settings.environ, "PYTHONPATH": str(house.settings.root)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == ["Counts(read=0, written=0, rejected=0)", "[]"]
