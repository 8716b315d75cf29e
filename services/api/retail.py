"""/api/retail: the six views of the star, with filters, paging and CSV of any size."""

from dataclasses import dataclass
from typing import Any, Literal

from flask_openapi3 import APIBlueprint, Tag
from psycopg2 import sql
from pydantic import Field

from services.api import database
from services.api.answers import cached_json, csv_download, wants_csv
from services.api.errors import RESPONSES, fail_field
from services.api.parameters import Days, Paged, Text, page_of

tag = Tag(
    name="retail",
    description="Sales of all retailers. With `Accept: text/csv` (or `format=csv`) all rows "
    "that match come as a file: paging is for JSON alone.",
)
api = APIBlueprint(
    "retail", __name__, url_prefix="/api/retail", abp_tags=[tag], abp_responses=RESPONSES,
    abp_security=[{"bearer": []}, {"key": []}],
)  # fmt: skip


class Filters(Days, Paged):
    """Filters that every view has."""

    retailer: Text | None = Field(None, description="Id of one retailer, e.g. `retailer_1`.")
    order: Literal["asc", "desc"] = "desc"
    format: Literal["json", "csv"] | None = Field(
        None, description="For links; else the Accept header decides."
    )


@dataclass(frozen=True)
class Listing:
    """One endpoint: the statement of its name in queries/retail.sql, and the columns it can be sorted by,
    each with the columns that break its ties."""

    name: str
    sorts: dict[str, tuple[str, ...]]

    def statement(self, sort: str, order: str) -> sql.Composed:
        """Return the statement, sorted; every column name in it is one of ours."""
        direction = sql.SQL(" ASC") if order == "asc" else sql.SQL(" DESC")
        columns = [sql.Identifier(name) + direction for name in (sort, *self.sorts[sort])]
        text = database.query("retail", self.name.replace("-", "_"))
        return sql.SQL(text).format(order=sql.SQL(", ").join(columns))


def answer(listing: Listing, query: Any) -> Any:
    """Answer with a page of JSON from the cache, or with all rows as CSV."""
    values = query.model_dump(by_alias=True)
    statement = listing.statement(values.pop("sort"), values.pop("order"))
    if wants_csv():
        check_retailer(query.retailer)
        return csv_download(listing.name, statement, {**values, "limit": None, "offset": 0})

    def build() -> dict[str, Any]:
        check_retailer(query.retailer)
        rows = database.fetch_all(statement, {**values, "limit": query.limit + 1})
        return page_of(rows, query.limit, query.offset)

    return cached_json(read_version, build)


def read_version() -> Any:
    """Return the newest run that refreshed the views: answers hold until the next one."""
    return database.fetch_value(database.query("retail", "version"))


def check_retailer(retailer: str | None) -> None:
    """Refuse a retailer that is not there: an empty answer would look like a day without sales."""
    if retailer is None:
        return
    known = [row["retailer_id"] for row in database.fetch_all(database.query("retail", "retailers"))]
    if retailer not in known:
        fail_field(
            "retailer", f"there is no retailer {retailer!r}; there are: {', '.join(known) or 'none yet'}"
        )
