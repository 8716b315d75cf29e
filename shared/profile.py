"""Column profiles of any table or view: nulls, distinct values, smallest, largest, mean, commonest values."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from psycopg2 import sql
from psycopg2.extras import Json

from shared import db
from shared.errors import ConfigError
from shared.sql import read_queries

_Q = Path(__file__).parent / "queries" / "profile.sql"
TOP_VALUES = 10
MAX_CHARS = 200
# categories of pg_type whose values have an order of their own: numbers, strings, dates and times, spans
_ORDERED = "NSDT"


@dataclass(frozen=True)
class ColumnProfile:
    """What one column holds. `mean_value` is null unless the column holds numbers; `top_values` are
    {"value": text, "rows": n}, the commonest first."""

    column_name: str
    row_count: int
    null_count: int
    distinct_count: int
    min_value: str | None
    max_value: str | None
    mean_value: Decimal | None
    top_values: Sequence[dict[str, Any]]


def profile_table(conn: db.Connection, table: str, run_id: int | None = None) -> list[ColumnProfile]:
    """Profile every column of `schema.table` in one scan and keep it in ops.column_profile.

    The values are grouped column by column in that scan, so memory stays within work_mem and a table with
    many distinct values spills to disk. In the caller's transaction.

    Raises:
        ConfigError: there is no such table or view, or it has no columns.
    """
    columns = db.fetch_all(conn, read_queries(_Q)["columns"], {"table": table})
    if not columns:
        raise ConfigError(f"there is no table or view {table!r}; name its schema too: retail.fact_sales")
    statement = _statement(columns[0]["schema"], columns[0]["relation"], columns)
    params = {"top": TOP_VALUES, "chars": MAX_CHARS}
    profiles = [ColumnProfile(**row) for row in db.fetch_all(conn, statement, params)]
    name = f"{columns[0]['schema']}.{columns[0]['relation']}"
    db.execute_many(conn, read_queries(_Q)["write_profiles"], [_row(name, run_id, p) for p in profiles])
    return profiles


def _row(table: str, run_id: int | None, p: ColumnProfile) -> tuple[Any, ...]:
    return (
        table, p.column_name, run_id, p.row_count, p.null_count, p.distinct_count,
        p.min_value, p.max_value, p.mean_value, Json(p.top_values),
    )  # fmt: skip


def _statement(schema: str, relation: str, columns: Sequence[dict[str, Any]]) -> sql.Composed:
    """Compose one statement: group by each column in one scan, then sum the groups up column by column."""
    names = [sql.Identifier(f"c{number}") for number in range(len(columns))]
    values = [
        sql.SQL("{}{}").format(_identifier(c["name"]), sql.SQL("" if c["category"] in _ORDERED else "::text"))
        for c in columns
    ]
    parts = [_summary(number, name, columns[number]) for number, name in enumerate(names)]
    return sql.SQL(
        "WITH source AS (SELECT {values} FROM {table}), grouped AS MATERIALIZED ("
        "SELECT {names}, count(*) AS n, ({which}) AS which FROM source "
        "GROUP BY GROUPING SETS ({sets})) {parts}"
    ).format(
        values=sql.SQL(", ").join(
            sql.SQL("{} AS {}").format(value, name) for value, name in zip(values, names, strict=True)
        ),
        table=_identifier(schema, relation),
        names=sql.SQL(", ").join(names),
        which=sql.SQL(" + ").join(
            sql.SQL("(1 - grouping({})) * {}").format(name, sql.Literal(number))
            for number, name in enumerate(names)
        ),
        sets=sql.SQL(", ").join(sql.SQL("({})").format(name) for name in names),
        parts=sql.SQL(" UNION ALL ").join(parts),
    )


_SUMMARY = """
(SELECT {label} AS column_name,
        COALESCE(sum(n), 0)::bigint AS row_count,
        COALESCE(sum(n) FILTER (WHERE {c} IS NULL), 0)::bigint AS null_count,
        count({c}) AS distinct_count,
        left(min({c})::text, %(chars)s) AS min_value,
        left(max({c})::text, %(chars)s) AS max_value,
        ({mean})::numeric AS mean_value,
        COALESCE((SELECT jsonb_agg(jsonb_build_object('value', left({c}::text, %(chars)s), 'rows', n)
                                   ORDER BY n DESC, {c}::text)
                  FROM (SELECT {c}, n FROM grouped WHERE which = {number} AND {c} IS NOT NULL
                        ORDER BY n DESC, {c}::text LIMIT %(top)s) AS top), '[]') AS top_values
 FROM grouped WHERE which = {number})"""
_MEAN = "sum({c} * n) / NULLIF(sum(n) FILTER (WHERE {c} IS NOT NULL), 0)"


def _summary(number: int, name: sql.Identifier, column: dict[str, Any]) -> sql.Composed:
    return sql.SQL(_SUMMARY).format(
        label=sql.Literal(column["name"].replace("%", "%%")),
        c=name,
        number=sql.Literal(number),
        mean=sql.SQL(_MEAN if column["is_number"] else "NULL").format(c=name),
    )


def _identifier(*names: str) -> sql.Identifier:
    """Quote a name for a statement with parameters, in which the driver reads % as the start of one."""
    return sql.Identifier(*(name.replace("%", "%%") for name in names))
