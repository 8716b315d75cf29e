"""/api/retail: the six views over HTTP."""

import csv
import io
import tempfile
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import psycopg2
import pytest
from flask import Flask
from flask.testing import FlaskClient

from services.api import database, retail_rows
from services.api.answers import csv_cell
from shared import db
from shared.config import Settings
from shared.local.postgres import EmbeddedPostgres
from tests.conftest import settings_for
from tests.integration.api.conftest import client_with, error_of
from tests.integration.transformation.warehouse import Warehouse, line

FIRST, DAYS = date(2026, 1, 1), 120
LAST = FIRST + timedelta(days=DAYS - 1)
KEPT_DAYS = 14  # of daily sales by product
PRODUCTS = (("A1", '=HYPERLINK("http://evil")', "Home"), ("B'2", 'tea "pot", blue', "Kitchen"))
VIEWS = {
    "daily-sales": ("mv_daily_sales_summary", retail_rows.DailySales, 2 * DAYS),
    "monthly-categories": ("mv_monthly_sales_by_category", retail_rows.MonthlyCategory, 2 * 2 * 4),
    "top-products": ("mv_top_products_by_revenue", retail_rows.TopProduct, 2 * 2 * 4),
    "weekly-trends": ("mv_weekly_sales_trends", retail_rows.WeeklyTrend, 2 * 18),
    "quarterly-sales": ("mv_quarterly_sales_summary", retail_rows.QuarterlySales, 2 * 2),
    "daily-products": ("mv_daily_sales_by_product", retail_rows.DailyProduct, 2 * 2 * KEPT_DAYS),
}


def sales_of(retailer: str, number: int) -> list[dict]:
    """Return the lines of one retailer and day: both products sold, one of the first come back."""
    day = FIRST + timedelta(days=number)
    common = {"retailer_id": retailer, "business_date": day, "discount": Decimal("0.25")}
    lines = []
    for line_id, (product_id, name, category) in enumerate(PRODUCTS, 1):
        product = {"product_id": product_id, "product_name": name, "category": category}
        price = Decimal(100 - 40 * line_id)
        lines.append(line(f"{day}", str(line_id), **common, **product, quantity=Decimal(3), unit_price=price))
        if line_id == 1:
            back = {**common, **product, "quantity": Decimal(-1), "discount": Decimal(0), "unit_price": price}
            lines.append(line(f"{day}-R", "1", **back))
    return lines


@pytest.fixture(scope="module")
def pg_template(pg_server: EmbeddedPostgres, pg_template: str) -> str:
    """The migrated database with four months of sales, loaded by the real jobs."""
    name = "template_with_sales"
    admin = psycopg2.connect(pg_server.url("postgres"))
    admin.autocommit = True
    with admin.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name} TEMPLATE {pg_template}")
    admin.close()
    with tempfile.TemporaryDirectory() as folder:
        settings = settings_for(pg_server.url(name), Path(folder))
        conn = db.connect(settings)
        house = Warehouse(settings, conn)
        for retailer in ("retailer_1", "retailer_2"):
            house.put(row for number in range(DAYS) for row in sales_of(retailer, number))
        house.transform()
        house.refresh()
        conn.close()
    return name


@pytest.fixture
def house(pg: Settings, conn: db.Connection) -> Warehouse:
    made = Warehouse(pg, conn)
    made.run_id += 1000
    return made


def all_rows(client: FlaskClient, address: str | None) -> list[dict]:
    rows: list[dict] = []
    while address:
        answer = client.get(address).json
        rows += answer["data"]
        address = answer["page"]["next"]
    return rows


@pytest.mark.parametrize("name", VIEWS)
def test_rows_are_those_of_the_view_page_by_page(reader: FlaskClient, conn: db.Connection, name: str) -> None:
    view, model, count = VIEWS[name]
    rows = all_rows(reader, f"/api/retail/{name}?limit=37")
    names = "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0"
    columns = {row["attname"] for row in db.fetch_all(conn, names, (f"retail.{view}",))}
    assert len(rows) == count == len({str(sorted(row.items())) for row in rows})
    assert set(rows[0]) == columns == set(model.model_fields)
    model.model_validate(rows[0])


@pytest.mark.parametrize("name", VIEWS)
def test_csv_has_every_row(reader: FlaskClient, name: str) -> None:
    response = reader.get(f"/api/retail/{name}?limit=1", headers={"Accept": "text/csv"})
    assert response.status_code == 200 and response.mimetype == "text/csv"
    assert response.headers["Content-Disposition"] == f'attachment; filename="{name}.csv"'
    rows = list(csv.DictReader(io.StringIO(response.get_data(as_text=True))))
    assert len(rows) == VIEWS[name][2] and set(rows[0]) == set(VIEWS[name][1].model_fields)
    assert reader.get(f"/api/retail/{name}?format=csv").data == response.data
    assert reader.get(f"/api/retail/{name}?format=json", headers={"Accept": "text/csv"}).is_json


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("daily-sales?retailer=retailer_1", DAYS),
        ("daily-sales?from=2026-01-05&to=2026-01-06", 4),
        ("daily-sales?from=2027-01-01", 0),
        ("monthly-categories?category=Home&retailer=retailer_2", 4),
        ("monthly-categories?from=2026-01-31&to=2026-02-01", 8),  # both months are touched
        ("top-products?rank=1", 8),
        ("top-products?product=A1&from=2026-03-15&to=2026-03-16", 2),
        ("weekly-trends?from=2026-01-11&to=2026-01-12", 4),  # a Sunday and a Monday
        ("quarterly-sales?to=2026-03-31", 2),
        ("daily-products?product=B'2&from=2026-04-01&to=2026-04-01", 2),
        ("daily-products?from=2026-01-01&to=2026-01-01", 4),  # before the days that the view keeps
        (f"daily-products?from={LAST - timedelta(days=40)}", 4 * 41),  # from before to after
    ],
)
def test_filters(reader: FlaskClient, query: str, count: int) -> None:
    assert len(all_rows(reader, f"/api/retail/{query}")) == count


def test_amounts_are_numbers_and_days_are_days(reader: FlaskClient) -> None:
    (row,) = reader.get("/api/retail/daily-sales?retailer=retailer_1&from=2026-01-01&to=2026-01-01").json[
        "data"
    ]
    assert (row["business_date"], row["currency"], row["transactions"]) == ("2026-01-01", "GBP", 1)
    assert (row["gross_sales"], row["returns"], row["net_sales"]) == (239.5, 60, 179.5)


def test_rows_are_sorted_completely(reader: FlaskClient) -> None:
    rows = all_rows(reader, "/api/retail/daily-sales?limit=50&sort=net_sales")
    assert [row["net_sales"] for row in rows] == sorted(row["net_sales"] for row in rows)
    newest = reader.get("/api/retail/daily-sales?limit=2").json["data"]
    assert [(row["business_date"], row["retailer_id"]) for row in newest] == [
        (str(FIRST + timedelta(days=DAYS - 1)), "retailer_1"),
        (str(FIRST + timedelta(days=DAYS - 1)), "retailer_2"),
    ]
    nulls_last = all_rows(reader, "/api/retail/weekly-trends?sort=-change_percent&limit=1000")
    assert nulls_last[-1]["change_percent"] is None and nulls_last[0]["change_percent"] is not None


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("daily-sales?retailer=retailer_9", "retailer"),
        ("daily-sales?retailer=", "retailer"),
        ("daily-sales?limit=1001", "limit"),
        ("daily-sales?limit=99999999999999999999", "limit"),
        ("daily-sales?offset=-1", "offset"),
        ("daily-sales?from=31/01/2026", "from"),
        ("daily-sales?category=Home", "category"),
        ("daily-sales?sort=net_sales;DROP TABLE ops.job_run", "sort"),
        ("daily-sales?sort=1", "sort"),
        ("top-products?rank=0", "rank"),
        ("daily-sales?format=xml", "format"),
        ("daily-products?product=" + "x" * 201, "product"),
    ],
)
def test_wrong_parameters_are_named(reader: FlaskClient, query: str, field: str) -> None:
    for headers in ({}, {"Accept": "text/csv"}):
        error = error_of(reader.get(f"/api/retail/{query}", headers=headers), 422)
        assert [detail["field"] for detail in error["details"]] == [field]


def test_unknown_retailer_is_told_who_there_is(reader: FlaskClient) -> None:
    error = error_of(reader.get("/api/retail/daily-sales?retailer=nobody"), 422)
    assert "there are: retailer_1, retailer_2" in error["message"]


@pytest.mark.parametrize(
    "text",
    [
        "' OR '1'='1",
        "'; DROP TABLE retail.fact_sales; --",
        "%(limit)s",
        "{order}",
        "\\'",
        "a%b_c",
        "é\U0001f600",
    ],
)
def test_hostile_text_is_only_text(reader: FlaskClient, conn: db.Connection, text: str) -> None:
    answer = reader.get("/api/retail/daily-products", query_string={"category": text, "product": text})
    assert answer.status_code == 200 and answer.json["data"] == []
    error_of(reader.get("/api/retail/daily-sales", query_string={"retailer": text}), 422)
    assert db.fetch_value(conn, "SELECT to_regclass('retail.fact_sales') IS NOT NULL")


def test_next_page_keeps_the_filters(reader: FlaskClient) -> None:
    page = reader.get("/api/retail/daily-products", query_string={"product": "B'2", "limit": 1}).json["page"]
    assert page["next"] == "/api/retail/daily-products?product=B%272&limit=1&offset=1"


# --- kept answers ---------------------------------------------------------------------------------------


def test_answer_holds_until_the_views_are_refreshed(reader: FlaskClient, house: Warehouse) -> None:
    address = "/api/retail/daily-sales?retailer=retailer_1&limit=1"
    first = reader.get(address)
    assert first.headers["X-Cache"] == "MISS" and first.headers["Cache-Control"] == "private, no-cache"
    assert reader.get(address).headers["X-Cache"] == "HIT"
    same = reader.get(address, headers={"If-None-Match": first.headers["ETag"]})
    assert same.status_code == 304 and same.data == b""
    house.put([line("new", "1", business_date=LAST, quantity=Decimal(1), unit_price=Decimal(7))])
    house.transform()
    assert reader.get(address).headers["X-Cache"] == "HIT"  # loaded, but the gate has not let it through
    house.refresh()
    changed = reader.get(address, headers={"If-None-Match": first.headers["ETag"]})
    assert changed.status_code == 200 and changed.json["data"][0]["gross_sales"] == 246.5


def test_kept_answer_is_nobody_elses_question(reader: FlaskClient) -> None:
    one = reader.get("/api/retail/daily-sales?retailer=retailer_1").json
    two = reader.get("/api/retail/daily-sales?retailer=retailer_2").json
    assert one["data"][0]["retailer_id"] == "retailer_1" and two["data"][0]["retailer_id"] == "retailer_2"


def test_kept_answer_needs_a_key_too(app: Flask, reader: FlaskClient) -> None:
    assert reader.get("/api/retail/daily-sales").status_code == 200
    error_of(client_with(app, None).get("/api/retail/daily-sales"), 401)


# --- CSV ------------------------------------------------------------------------------------------------


def test_formulas_in_csv_are_text(reader: FlaskClient) -> None:
    response = reader.get("/api/retail/top-products?from=2026-04-01&format=csv")
    rows = list(csv.DictReader(io.StringIO(response.get_data(as_text=True))))
    assert {row["product_name"] for row in rows} == {'\'=HYPERLINK("http://evil")', 'tea "pot", blue'}
    assert float(rows[0]["net_sales"]) > 0


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+44", "'+44"),
        ("-x", "'-x"),
        ("@a", "'@a"),
        ("\tx", "'\tx"),
        ("plain", "plain"),
        ("", ""),
    ],
)
def test_cells(value: str, cell: str) -> None:
    assert csv_cell(value) == cell


def test_negative_numbers_stay_numbers(reader: FlaskClient, house: Warehouse) -> None:
    house.put([line("back", "1", business_date=LAST, quantity=Decimal(-9), unit_price=Decimal(100))])
    house.transform()
    house.refresh()
    address = f"/api/retail/daily-sales?format=csv&retailer=retailer_1&from={LAST}"
    (row,) = csv.DictReader(io.StringIO(reader.get(address).get_data(as_text=True)))
    assert row["net_sales"] == "-720.50"


def test_download_is_streamed_in_batches(
    app: Flask, reader: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BATCH_ROWS", 10)
    response = reader.get("/api/retail/daily-sales", headers={"Accept": "text/csv"})
    chunks = [chunk for chunk in response.iter_encoded() if chunk]
    assert len(chunks) == 2 * DAYS / 10 and b"".join(chunks).count(b"\r\n") == 2 * DAYS + 1
    response.close()
    assert app.extensions["pool"]._free._value == 12  # its connection is back


def test_broken_off_download_gives_its_connection_back(app: Flask, reader: FlaskClient) -> None:
    response = reader.get("/api/retail/daily-products?format=csv")
    response.close()
    assert reader.head("/api/retail/daily-products?format=csv").status_code == 200
    assert app.extensions["pool"]._free._value == 12
    assert reader.get("/api/retail/daily-sales").status_code == 200


# --- before the first load ------------------------------------------------------------------------------


def test_missing_views_are_said_plainly(reader: FlaskClient, conn: db.Connection) -> None:
    with db.transaction(conn):
        db.execute(conn, "DROP MATERIALIZED VIEW retail.mv_weekly_sales_trends")
        db.execute(conn, "REFRESH MATERIALIZED VIEW retail.mv_quarterly_sales_summary WITH NO DATA")
    assert "migrate" in error_of(reader.get("/api/retail/weekly-trends"), 503)["message"]
    assert "migrate" in error_of(reader.get("/api/retail/quarterly-sales?format=csv"), 503)["message"]
