"""cronhouse profile."""

from contextlib import closing
from typing import Any

import click

from shared.cli.common import json_option, print_rows, show, start

WIDEST = 40


@click.command("profile", epilog="Example: cronhouse profile retail.fact_sales")
@click.argument("table")
@json_option
def command(table: str, as_json: bool) -> int:
    """Profile the columns of a table.

    Rows, nulls, distinct values, smallest, largest, mean and the commonest values of each column of a table
    or view, in one scan. What is found is kept in ops.column_profile.
    """
    from psycopg2 import sql

    from shared import db
    from shared.profile import profile_table
    from shared.relations import find_relation

    settings = start(quiet=True)
    with closing(db.connect(settings, application_name="cronhouse:profile")) as conn, db.transaction(conn):
        relation = find_relation(conn, table)
        quoted = sql.Identifier(relation.schema, relation.name).as_string(conn)
        rows = [vars(profile) for profile in profile_table(conn, quoted)]
    if as_json:
        print_rows(rows, as_json)
        return 0
    click.echo(f"{relation}: {show(rows[0]['row_count'])} rows")
    print_rows([_short(row) for row in rows], as_json)
    return 0


def _short(row: dict[str, Any]) -> dict[str, Any]:
    mean = row["mean_value"]
    return {
        "column": row["column_name"],
        "nulls": row["null_count"],
        "distinct": row["distinct_count"],
        "smallest": _cut(row["min_value"]),
        "largest": _cut(row["max_value"]),
        "mean": None if mean is None else round(float(mean), 4),
        "commonest": _cut(", ".join(f"{top['value']} ({top['rows']:,})" for top in row["top_values"][:3])),
    }


def _cut(text: str | None) -> str | None:
    """Return a text that fits into a column of a terminal."""
    line = " ".join(text.split()) if text is not None else None
    return line if line is None or len(line) <= WIDEST else line[: WIDEST - 1] + "…"
