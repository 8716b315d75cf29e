"""/api/retail: the six views of the star, with filters, paging and CSV of any size."""

from typing import Any, Literal

from flask_openapi3 import APIBlueprint, Tag
from psycopg2 import sql
from pydantic import Field

from services.api import database
from services.api import retail_rows as rows
from services.api.answers import cached_json, csv_download, wants_csv
from services.api.errors import RESPONSES, fail_field
from services.api.parameters import Days, Paged, Text, page_of

tag = Tag(
    name="retail",
    description="Sales of all retailers. With `Accept: text/csv` (or `format=csv`) all rows that match come "
    "as a file: paging is for JSON alone. `sort=-net_sales` sorts downwards. A month, week or quarter is in "
    "a range of days when one of its days is.",
)
api = APIBlueprint(
    "retail",
    __name__,
    url_prefix="/api/retail",
    abp_tags=[tag],
    abp_responses=RESPONSES,
    abp_security=[{"bearer": []}, {"key": []}],
)


class Filters(Days, Paged):
    """Filters that every view has."""

    retailer: Text | None = Field(None, description="Id of one retailer, e.g. `retailer_1`.")
    format: Literal["json", "csv"] | None = Field(None, description="Else the Accept header decides.")


class DailySalesQuery(Filters):
    sort: Literal["business_date", "-business_date", "net_sales", "-net_sales", "-transactions"] = (
        "-business_date"
    )


class MonthlyCategoriesQuery(Filters):
    category: Text | None = None
    sort: Literal["month_start", "-month_start", "net_sales", "-net_sales", "-units_sold"] = "-month_start"


class TopProductsQuery(Filters):
    category: Text | None = None
    product: Text | None = Field(None, description="Id of one product, as the retailer writes it.")
    rank: int | None = Field(None, ge=1, le=100, description="The first ranks of each month only.")
    sort: Literal["month_start", "-month_start", "-net_sales", "-units_sold"] = "-month_start"


class WeeklyTrendsQuery(Filters):
    sort: Literal["week_start", "-week_start", "-net_sales", "change_percent", "-change_percent"] = (
        "-week_start"
    )


class QuarterlySalesQuery(Filters):
    sort: Literal["quarter_start", "-quarter_start", "-net_sales"] = "-quarter_start"


class DailyProductsQuery(Filters):
    category: Text | None = None
    product: Text | None = Field(None, description="Id of one product, as the retailer writes it.")
    sort: Literal["business_date", "-business_date", "net_sales", "-net_sales", "-units_sold"] = (
        "-business_date"
    )


@api.get("/daily-sales", responses={200: rows.DailySalesPage}, summary="A row a business day and retailer")
def daily_sales(query: DailySalesQuery) -> Any:
    return answer("daily_sales", query, ("-business_date", "retailer_id"))


@api.get(
    "/monthly-categories",
    responses={200: rows.MonthlyCategoriesPage},
    summary="A row a month, retailer and category",
)
def monthly_categories(query: MonthlyCategoriesQuery) -> Any:
    return answer("monthly_categories", query, ("-month_start", "retailer_id", "category"))


@api.get(
    "/top-products",
    responses={200: rows.TopProductsPage},
    summary="The 100 products with the largest net sales of each month and retailer",
)
def top_products(query: TopProductsQuery) -> Any:
    return answer("top_products", query, ("-month_start", "retailer_id", "revenue_rank"))


@api.get("/weekly-trends", responses={200: rows.WeeklyTrendsPage}, summary="A row an ISO week and retailer")
def weekly_trends(query: WeeklyTrendsQuery) -> Any:
    return answer("weekly_trends", query, ("-week_start", "retailer_id"))


@api.get("/quarterly-sales", responses={200: rows.QuarterlySalesPage}, summary="A row a quarter and retailer")
def quarterly_sales(query: QuarterlySalesQuery) -> Any:
    return answer("quarterly_sales", query, ("-quarter_start", "retailer_id"))


@api.get(
    "/daily-products",
    responses={200: rows.DailyProductsPage},
    summary="A row a business day, retailer and product; without `from` those of the newest 14 days",
)
def daily_products(query: DailyProductsQuery) -> Any:
    name = "daily_products"
    if query.from_ is not None:
        first = database.fetch_value(database.query("retail", "first_product_day"))
        if first is not None and query.from_ < first:
            name = "daily_products_of_all_days"
    return answer(name, query, ("-business_date", "retailer_id", "product_id"))


def answer(name: str, query: Any, key: tuple[str, ...]) -> Any:
    """Answer a query of queries/retail.sql with a page of JSON from the cache, or with all rows as CSV.

    `key` is the unique key of its rows: it makes the order of every sorting complete.
    """
    values = query.model_dump(by_alias=True)
    statement = sorted_by(database.query("retail", name), values.pop("sort"), *key)
    if wants_csv():
        check_retailer(query.retailer)
        file_name = name.removesuffix("_of_all_days").replace("_", "-")
        return csv_download(file_name, statement, {**values, "limit": None, "offset": 0})

    def build() -> dict[str, Any]:
        check_retailer(query.retailer)
        found = database.fetch_all(statement, {**values, "limit": query.limit + 1})
        return page_of(found, query.limit, query.offset)

    return cached_json(read_version, build)


def sorted_by(statement: str, *columns: str) -> sql.Composed:
    """Fill in the order: a column with `-` before it goes downwards, nulls come last."""
    directions: dict[str, str] = {}
    for column in columns:  # the first mention of a column counts
        name = column.removeprefix("-")
        directions.setdefault(name, " DESC NULLS LAST" if column.startswith("-") else " ASC NULLS LAST")
    parts = [sql.Identifier(name) + sql.SQL(direction) for name, direction in directions.items()]
    return sql.SQL(statement).format(order=sql.SQL(", ").join(parts))


def read_version() -> Any:
    """Return when the views were refreshed: answers hold until the next time."""
    return database.fetch_value(database.query("retail", "version"))


def check_retailer(retailer: str | None) -> None:
    """Refuse a retailer that is not there: an empty answer would look like a day without sales."""
    if retailer is None:
        return
    known = [row["retailer_id"] for row in database.fetch_all(database.query("retail", "retailers"))]
    if retailer not in known:
        there = ", ".join(known) or "none yet"
        fail_field("retailer", f"there is no retailer {retailer!r}; there are: {there}")
