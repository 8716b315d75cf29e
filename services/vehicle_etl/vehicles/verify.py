"""Verification of a release: its checks, against what the source sent and against the live release."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from psycopg2 import sql

from services.vehicle_etl.vehicles import releases, sample
from services.vehicle_etl.vehicles.checks import CATALOGUE, FIRST_YEAR, NEEDED_ROWS, YEARS_AHEAD
from services.vehicle_etl.vehicles.releases import STATEMENTS, Release, query
from shared import db, quality
from shared.quality_rules import option_params, read_rules


class Verdict(NamedTuple):
    """The results of the checks, and how the answers to the sample of VINs changed."""

    results: list[quality.Result]
    changes: Sequence[sample.Change]


def verify(
    conn: db.Connection, release: Release, before: Release | None, params: Mapping[str, Any]
) -> Verdict:
    """Judge a release by the rules of the workflow file; `before` is the release whose rows it may not lose."""
    rules = read_rules(params.get("quality"), CATALOGUE)
    with db.transaction(conn):
        releases.set_search_path(conn, release.schema)
        values = {
            "counts": json.dumps(count_rows(conn, release)),
            "sent": json.dumps(dict(release.tables)),
            "before": json.dumps(dict(before.tables) if before else {}),
            "needed": list(NEEDED_ROWS),
            "first_year": FIRST_YEAR,
            "last_year": datetime.now(UTC).year + YEARS_AHEAD,
            "lost_rows_min_rows": 1,
            **option_params(rules),
        }
        found = quality.observe(conn, STATEMENTS["checks"], values)
    comparison = sample.compare(conn, before, release)
    found.update(comparison.observations())
    return Verdict(quality.evaluate(rules, found), comparison.changes)


def count_rows(conn: db.Connection, release: Release) -> dict[str, int]:
    """Count the rows of every table that the source sent and that is there."""
    rows = db.fetch_all(conn, query("tables"), {"schemas": [release.schema]})
    tables = [row["table_name"] for row in rows if row["table_name"] in release.tables]
    parts = (
        sql.SQL("SELECT {} AS table_name, count(*) AS rows FROM {}").format(
            sql.Literal(table), sql.Identifier(release.schema, table)
        )
        for table in tables
    )
    counted = db.fetch_all(conn, sql.SQL(" UNION ALL ").join(parts))
    return {row["table_name"]: row["rows"] for row in counted}
