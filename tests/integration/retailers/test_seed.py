"""The books: the source data survives, moves by whole weeks and repeats without a seam."""

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta

import pyarrow.parquet as pq
import pytest

from services.retailers import seed
from services.retailers.database import connect
from tests.integration.retailers.conftest import administer, retailer_settings

YESTERDAY = date(2026, 11, 19)


def query(settings, text: str) -> list[dict]:
    conn = connect(settings)
    with conn, conn.cursor() as cursor:
        cursor.execute(text)
        rows = cursor.fetchall()
    conn.close()
    return rows


@pytest.mark.parametrize("yesterday", [date(2026, 11, 16) + timedelta(days=n) for n in range(7)])
def test_the_last_source_day_falls_on_yesterday_or_within_a_week_and_weekdays_stay(yesterday):
    anchor = seed.first_anchor(yesterday)
    last = anchor + timedelta(days=seed.DAYS - 1)
    assert yesterday <= last < yesterday + timedelta(days=7)
    assert anchor.weekday() == seed.FIRST_DAY.weekday()


def test_every_source_line_is_in_exactly_one_retailers_books(served):
    source = pq.read_table(seed.FILE).to_pylist()
    expected = Counter(
        (seed.retailer_number(r["invoice_no"]), r["invoice_no"], r["stock_code"], r["description"],
         r["quantity"], round(r["unit_price"], 4))
        for r in source
    )  # fmt: skip
    found: Counter = Counter()
    for shop in served:
        rows = query(
            shop.settings,
            "SELECT reference, sku, line.name, quantity, unit_price FROM sale JOIN line USING (sale_id) "
            "JOIN product USING (product_id) WHERE reference !~ '-'",
        )
        for row in rows:
            key = (row["reference"], row["sku"], row["name"], int(row["quantity"]), float(row["unit_price"]))
            found[shop.settings.number, *key] += 1
    assert found == expected


def test_the_dirt_of_the_source_survives(served):
    dirt = Counter()
    for shop in served:
        dirt.update(
            query(
                shop.settings,
                "SELECT count(*) FILTER (WHERE quantity < 0 AND kind = 'return') AS cancelled, "
                "count(*) FILTER (WHERE kind = 'adjustment') AS written_off, "
                "count(*) FILTER (WHERE customer_id IS NULL) AS guests, "
                "count(*) FILTER (WHERE line.name IS NULL) AS nameless, "
                "count(*) FILTER (WHERE unit_price = 0) AS free "
                "FROM sale JOIN line USING (sale_id) WHERE reference !~ '-'",
            )[0]
        )
    assert dirt == {"cancelled": 4968, "written_off": 803, "guests": 77363, "nameless": 991, "free": 1566}


def test_no_trading_on_saturdays_in_any_cycle(served):
    for shop in served:
        days = query(
            shop.settings,
            "SELECT DISTINCT extract(isodow FROM sold_at)::int AS day FROM sale WHERE version = 1",
        )
        assert {row["day"] for row in days} == {1, 2, 3, 4, 5, 7}


def test_opening_again_changes_nothing(served):
    for shop in served:
        before = query(shop.settings, "SELECT count(*), max(sale_id), max(sold_at) FROM sale")
        until = seed.open_books(shop.settings)
        assert query(shop.settings, "SELECT count(*), max(sale_id), max(sold_at) FROM sale") == before
        assert until >= YESTERDAY + seed.AHEAD


@pytest.fixture
def own_books(pg_server):
    """Books of retailer_2 of which this test alone may change the day."""
    yield lambda today: replace(retailer_settings(pg_server, today)[1], database="own_books")
    administer(pg_server, "DROP DATABASE own_books WITH (FORCE)")


def test_a_later_start_adds_the_new_days_from_the_repetition(own_books):
    first = own_books("2026-11-20")
    seed.open_books(first)
    anchor = query(first, "SELECT anchor FROM seed")[0]["anchor"]
    later = own_books("2027-09-01")
    seed.open_books(later)
    assert query(later, "SELECT anchor FROM seed")[0]["anchor"] == anchor
    cycles = query(
        later,
        "SELECT a.sold_at AT TIME ZONE 'Europe/London' AS first, "
        "b.sold_at AT TIME ZONE 'Europe/London' AS again "
        "FROM sale AS a JOIN sale AS b ON b.reference = a.reference || '-1' ORDER BY a.sale_id",
    )
    assert len(cycles) > 4000
    assert {row["again"] - row["first"] for row in cycles} == {timedelta(days=231)}
    gaps = query(
        later,
        "SELECT count(*) AS n FROM (SELECT reference FROM sale GROUP BY 1 HAVING count(*) > 1) AS twice",
    )
    assert gaps[0]["n"] == 0


def test_a_start_cut_off_in_the_middle_leaves_nothing_and_the_next_one_is_whole(own_books, monkeypatch):
    settings = own_books("2026-11-20")
    monkeypatch.setattr(seed, "_first_time", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        seed.open_books(settings)
    monkeypatch.undo()
    seed.open_books(settings)
    assert query(settings, "SELECT count(*) AS n FROM seed")[0]["n"] == 1
