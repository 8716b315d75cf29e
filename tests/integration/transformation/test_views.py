"""The views for BI: their numbers, when they are refreshed, and that the page about them is right."""

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from services.transformation.retail.jobs import refresh_views
from shared import db
from shared.config import ROOT
from shared.errors import FatalError
from shared.jobs.workflows import find_workflow
from tests.integration.transformation.scenario import LATER
from tests.integration.transformation.test_trouble import locked, start, wait_for_block
from tests.integration.transformation.warehouse import DAY, Warehouse, line

VIEWS = (
    "mv_daily_sales_by_product", "mv_daily_sales_summary", "mv_monthly_sales_by_category",
    "mv_quarterly_sales_summary", "mv_top_products_by_revenue", "mv_weekly_sales_trends",
)  # fmt: skip


def load(house: Warehouse, *rows: dict) -> None:
    """Load lines and refresh."""
    house.put(rows)
    house.transform()
    house.refresh()


def test_daily_summary_shows_returns_apart(house: Warehouse):
    load(
        house,
        line("T1", "1", quantity=Decimal(4), discount=Decimal(1)),  # 9
        line("T1", "2", product_id="P2", quantity=Decimal(-1)),  # -2.5, in the same receipt
        line("T2", "1", quantity=Decimal(1), customer_id="C2"),  # 2.5
        line("T3", "1", quantity=Decimal(-2)),  # -5
        line("T4", "1", quantity=Decimal(2), customer_id=""),  # 5
    )
    (row,) = house.rows("SELECT * FROM retail.mv_daily_sales_summary")
    assert row == {
        "business_date": DAY, "retailer_id": "retailer_1", "retailer_name": "Harbour Gifts", "currency": "GBP",
        "transactions": 3, "return_transactions": 2, "customers": 2, "lines": 5,
        "units_sold": 7, "units_returned": 3, "gross_sales": Decimal("16.50"), "discounts": 1,
        "returns": Decimal("7.50"), "net_sales": 9, "average_basket": Decimal("5.50"),
    }  # fmt: skip


def test_the_views_agree_with_the_facts(house: Warehouse):
    days = [date(2025, 12, 29) + timedelta(days=n) for n in range(0, 80, 3)]
    rows = [
        line(f"T{n}", str(n % 4), retailer_id=f"retailer_{1 + n % 3}", business_date=days[n % len(days)],
             product_id=f"P{n % 11}", product_name=f"MUG {n % 11}", quantity=Decimal((n % 9) - 2))
        for n in range(600) if n % 9 != 2
    ]  # fmt: skip
    load(house, *rows)
    facts = "SELECT sum(total) FROM retail.fact_sales"
    for view in VIEWS[1:4] + VIEWS[5:]:
        assert house.value(f"SELECT sum(net_sales) FROM retail.{view}") == house.value(facts), view
    recent = " WHERE business_date > (SELECT max(business_date) - 14 FROM retail.fact_sales)"
    assert house.value("SELECT sum(net_sales) FROM retail.mv_daily_sales_by_product") == house.value(
        facts + recent
    )
    assert house.value("SELECT sum(net_sales) FROM retail.daily_sales_by_product") == house.value(facts)
    counts = house.rows(
        "SELECT sum(transactions)::int AS n FROM retail.mv_weekly_sales_trends UNION ALL "
        "SELECT sum(transactions)::int FROM retail.mv_quarterly_sales_summary UNION ALL "
        "SELECT count(DISTINCT (retailer_key, transaction_id))::int FROM retail.fact_sales WHERE quantity > 0"
    )
    assert len({row["n"] for row in counts}) == 1


def test_months_by_category_and_top_products(house: Warehouse):
    def sale(number: int, product: str, name: str, quantity: int, day: date = DAY) -> dict:
        return line(
            f"T{number}", product_id=product, product_name=name, quantity=Decimal(quantity), business_date=day
        )

    february = date(2026, 2, 2)
    load(
        house,
        sale(1, "P1", "BLUE MUG", 6), sale(2, "P1", "BLUE MUG", 2, DAY - timedelta(days=1)),
        sale(3, "P2", "CANDLE", 4), sale(4, "P3", "PLATE", 9), sale(5, "P3", "PLATE", -9),
        sale(6, "P2", "CANDLE", 1, february),
    )  # fmt: skip
    months = house.rows(
        "SELECT month, category, products_sold, net_sales, share_of_month_percent AS share "
        "FROM retail.mv_monthly_sales_by_category ORDER BY month, category"
    )
    assert [tuple(row.values()) for row in months] == [
        (2, "Lighting", 1, Decimal("2.50"), 100),
        (3, "Kitchen", 2, 20, Decimal("80.95")),
        (3, "Lighting", 1, 10, Decimal("19.05")),
    ]
    top = house.rows(
        "SELECT month, revenue_rank, product_id, days_sold, net_sales "
        "FROM retail.mv_top_products_by_revenue ORDER BY month, revenue_rank"
    )
    assert [tuple(row.values()) for row in top] == [
        (2, 1, "P2", 1, Decimal("2.50")),
        (3, 1, "P1", 2, 20),
        (3, 2, "P2", 1, 10),
    ]


def test_weeks_and_quarters_are_compared_with_those_before(house: Warehouse):
    monday = date(2026, 1, 5)
    weeks = {monday: 4, monday + timedelta(days=7): 6, monday + timedelta(days=21): 3, date(2025, 2, 3): 8}
    load(
        house,
        *(line(f"T{n}", business_date=day, quantity=Decimal(q)) for n, (day, q) in enumerate(weeks.items())),
    )
    rows = house.rows(
        "SELECT iso_year, iso_week, net_sales, previous_week_net_sales, change_percent, four_week_average_net_sales "
        "FROM retail.mv_weekly_sales_trends ORDER BY week_start"
    )
    assert [tuple(row.values()) for row in rows] == [
        (2025, 6, 20, None, None, 20),
        (2026, 2, 10, None, None, 10),
        (2026, 3, 15, 10, 50, Decimal("12.50")),
        (2026, 5, Decimal("7.50"), None, None, Decimal("10.83")),
    ]
    quarters = house.rows(
        "SELECT year, quarter, net_sales, previous_year_net_sales, change_on_year_percent "
        "FROM retail.mv_quarterly_sales_summary ORDER BY quarter_start"
    )
    assert [tuple(row.values()) for row in quarters] == [
        (2025, 1, 20, None, None),
        (2026, 1, Decimal("32.50"), 20, Decimal("62.50")),
    ]


def test_a_correction_reaches_every_view(house: Warehouse):
    january = date(2026, 1, 20)
    load(house, line("T1", business_date=january, quantity=Decimal(8)), line("T2"))
    load(house, line("T1", quantity=Decimal(4), updated_at=LATER))  # moved to DAY
    days = house.rows("SELECT business_date, net_sales FROM retail.mv_daily_sales_summary")
    assert days == [{"business_date": DAY, "net_sales": 15}]
    for view in VIEWS:
        assert house.value(f"SELECT sum(net_sales) FROM retail.{view}") == 15, view


def test_views_are_refreshed_only_when_their_input_changed(house: Warehouse):
    refreshed = "SELECT view_name, run_id, refreshed_at FROM ops.view_refresh ORDER BY view_name"
    load(house, line("T1"))
    first = house.rows(refreshed)
    assert [row["view_name"] for row in first] == [f"retail.{view}" for view in VIEWS]
    house.refresh()
    house.put([line("T1")])  # a duplicate changes nothing
    house.transform()
    house.refresh()
    assert house.rows(refreshed) == first
    load(house, line("T2"))
    assert all(row["run_id"] == house.run_id for row in house.rows(refreshed))
    house.refresh(force=True)
    assert all(row["run_id"] == house.run_id for row in house.rows(refreshed))


def test_a_run_that_died_between_two_views_goes_on_with_the_rest(house: Warehouse):
    load(house, line("T1"))
    house.put([line("T2")])
    house.transform()
    with db.transaction(house.conn):
        db.execute(
            house.conn, "ALTER MATERIALIZED VIEW retail.mv_quarterly_sales_summary RENAME TO mv_quarterly_x"
        )
        db.execute(house.conn, "DROP INDEX retail.mv_quarterly_sales_summary_key")  # CONCURRENTLY needs it
    with pytest.raises(Exception, match="concurrently"):
        house.refresh()
    assert house.value("SELECT net_sales FROM retail.mv_daily_sales_summary") == 10
    assert house.value("SELECT net_sales FROM retail.mv_quarterly_x") == 5
    with db.transaction(house.conn):
        db.execute(
            house.conn, "ALTER MATERIALIZED VIEW retail.mv_quarterly_x RENAME TO mv_quarterly_sales_summary"
        )
        db.execute(
            house.conn,
            "CREATE UNIQUE INDEX k ON retail.mv_quarterly_sales_summary (quarter_start, retailer_id)",
        )
    house.refresh()
    for view in VIEWS:
        assert house.value(f"SELECT sum(net_sales) FROM retail.{view}") == 10, view


def test_a_load_that_commits_late_under_an_older_run_is_summarised(house: Warehouse):
    house.put([line("T1")])
    with locked(house.settings, "retail.dim_product"):
        slow = start(house)
        wait_for_block(house)
        house.run_id += 5
        house.refresh()
    slow.result(30)
    house.refresh()
    assert house.value("SELECT net_sales FROM retail.mv_daily_sales_summary") == 5


def test_views_are_empty_and_not_broken_before_the_first_load(house: Warehouse):
    house.refresh()
    for view in VIEWS:
        assert house.value(f"SELECT count(*) FROM retail.{view}") == 0


def test_every_view_has_a_unique_index_and_comments(house: Warehouse):
    indexed = house.rows(
        "SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid WHERE i.indisunique "
        "AND i.indpred IS NULL AND c.relkind = 'm' AND c.relnamespace = 'retail'::regnamespace ORDER BY 1"
    )
    assert tuple(row["relname"] for row in indexed) == VIEWS
    for view in VIEWS:
        assert house.value(f"SELECT obj_description('retail.{view}'::regclass)")


PAGE = (ROOT / "docs" / "retail-views.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```sql\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def test_every_example_for_bi_users_runs_and_finds_something(house: Warehouse):
    rows = []
    for number, day in enumerate(date(2025, 12, 1) + timedelta(days=n) for n in range(100)):
        quantity = Decimal(12 - number // 7)
        rows.append(line(f"T{number}", "1", product_id="85123A", business_date=day, quantity=quantity))
        rows.append(line(f"T{number}", "2", product_id="P2", product_name="CANDLE", business_date=day))
    rows.append(line("R1", quantity=Decimal(-1), sold_at=datetime(2026, 3, 10, 15, tzinfo=UTC)))
    rows.append(line("R2", business_date=date(2026, 3, 9), quantity=Decimal(-60)))
    load(house, *rows)
    assert len(EXAMPLES) >= 10
    for example in EXAMPLES:
        assert house.rows(example), example
    for view in VIEWS:
        assert f"`{view}`" in PAGE


def test_a_date_that_has_not_passed_the_gate_keeps_the_views_as_they_were_on_later_dates_too(
    house: Warehouse,
):
    load(house, line("T1"))
    before = house.rows("SELECT * FROM retail.mv_daily_sales_summary")
    next_day, day_after = DAY + timedelta(days=1), DAY + timedelta(days=2)
    house.put([line("T2")], day=next_day)
    house.put([line("T3")], day=day_after)
    for day in (next_day, day_after):
        on_record(house, "retail_transform", day, house.run_id + 1)
        house.transform(day)
    on_record(house, "retail_quality", next_day, 900, "failed")
    on_record(house, "retail_quality", day_after, 901)
    with pytest.raises(
        FatalError, match=rf"retail_quality has not passed for {next_day}: the views stay as they were"
    ):
        refresh_after_gate(house, day_after)
    assert house.rows("SELECT * FROM retail.mv_daily_sales_summary") == before
    on_record(house, "retail_quality", next_day, 902)
    refresh_after_gate(house, day_after)
    assert house.value("SELECT sum(lines) FROM retail.mv_daily_sales_summary") == 3


def test_a_gate_that_passed_before_the_load_does_not_count(house: Warehouse):
    house.put([line("T1")])
    on_record(house, "retail_quality", DAY, house.run_id + 1)
    house.run_id += 1
    on_record(house, "retail_transform", DAY, house.run_id + 1)
    house.transform()
    with pytest.raises(FatalError, match="has not passed"):
        refresh_after_gate(house, DAY)


def test_a_gate_that_cron_started_before_the_load_and_that_waited_for_it_counts(house: Warehouse):
    house.put([line("T1")])
    on_record(house, "retail_transform", DAY, house.run_id + 1)
    house.transform()
    on_record(house, "retail_quality", DAY, 1)
    refresh_after_gate(house, DAY)
    assert house.value("SELECT sum(lines) FROM retail.mv_daily_sales_summary") == 1


def on_record(house: Warehouse, job: str, day: date, run_id: int, status: str = "succeeded") -> None:
    """Put a run into ops.job_run under a number of its own."""
    with db.transaction(house.conn):
        db.execute(
            house.conn,
            "INSERT INTO ops.job_run (run_id, workflow, job, service, logical_date, status, host, pid) "
            "OVERRIDING SYSTEM VALUE VALUES (%s, 'retail', %s, 's', %s, %s, 'h', 1)",
            (run_id, job, day, status),
        )


def refresh_after_gate(house: Warehouse, day: date) -> None:
    """Run retail_views as the real workflow file has it: after retail_quality."""
    run = house.make_run("retail_views", day)
    run.workflow = find_workflow(house.settings, "retail")
    try:
        refresh_views(run)
    finally:
        run.close()
