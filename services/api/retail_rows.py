"""What the rows of /api/retail hold, for the OpenAPI document. The views say what the columns mean
(docs/data-model.md); a test compares the names."""

from datetime import date

from pydantic import BaseModel, Field


class OfRetailer(BaseModel):
    """What every row has. Amounts are in the retailer's own currency."""

    retailer_id: str
    retailer_name: str
    currency: str = Field(description="ISO 4217.")
    units_sold: float
    units_returned: float
    gross_sales: float = Field(description="Totals of sold lines, after discount.")
    returns: float = Field(description="Totals of returned lines, as a positive amount.")
    net_sales: float = Field(description="gross_sales - returns.")


class OfProduct(BaseModel):
    product_id: str
    product_name: str | None
    category: str


class DailySales(OfRetailer):
    business_date: date
    transactions: int
    return_transactions: int
    customers: int
    lines: int
    discounts: float
    average_basket: float | None


class OfMonth(OfRetailer):
    month_start: date
    year: int
    month: int


class MonthlyCategory(OfMonth):
    category: str
    products_sold: int
    discounts: float
    share_of_month_percent: float | None


class TopProduct(OfMonth, OfProduct):
    revenue_rank: int = Field(description="1 to 100 within the month and retailer.")
    days_sold: int


class WeeklyTrend(OfRetailer):
    week_start: date = Field(description="The Monday.")
    iso_year: int
    iso_week: int
    trading_days: int
    transactions: int
    discounts: float
    average_basket: float | None
    previous_week_net_sales: float | None
    change_percent: float | None
    four_week_average_net_sales: float


class QuarterlySales(OfRetailer):
    quarter_start: date
    year: int
    quarter: int
    trading_days: int
    transactions: int
    return_transactions: int
    discounts: float
    average_basket: float | None
    returned_percent: float | None
    previous_year_net_sales: float | None
    change_on_year_percent: float | None


class DailyProduct(OfRetailer, OfProduct):
    business_date: date
    discounts: float
    average_price: float | None


class PageInfo(BaseModel):
    limit: int
    offset: int
    next: str | None = Field(description="Address of the next page, null on the last one.")


class DailySalesPage(BaseModel):
    data: list[DailySales]
    page: PageInfo


class MonthlyCategoriesPage(BaseModel):
    data: list[MonthlyCategory]
    page: PageInfo


class TopProductsPage(BaseModel):
    data: list[TopProduct]
    page: PageInfo


class WeeklyTrendsPage(BaseModel):
    data: list[WeeklyTrend]
    page: PageInfo


class QuarterlySalesPage(BaseModel):
    data: list[QuarterlySales]
    page: PageInfo


class DailyProductsPage(BaseModel):
    data: list[DailyProduct]
    page: PageInfo
