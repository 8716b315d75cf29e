#!/usr/bin/env python3
"""Write docs/data-model.md from the catalogue of a freshly migrated database.

Starts an embedded server of its own in a temporary folder; nothing that runs is touched.
"""

import shutil
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from shared import db  # noqa: E402
from shared.config import load_settings  # noqa: E402
from shared.sql import read_queries  # noqa: E402

PAGE = ROOT / "docs" / "data-model.md"
QUERIES = ROOT / "scripts" / "data_model.sql"
INTRODUCTION = """\
# Data model

<!-- Made by `make docs` (scripts/generate_data_model.py) from a freshly migrated database. Change the
comments in database/migrations instead; a test compares this page with the database. -->

Every schema, table, column, key and view of the warehouse as the migrations leave it. Times are UTC. Monthly
partitions of a table (`fact_sales_2026_01`, ...) are made as they are needed and have its columns. How the
tables are filled is in [architecture.md](architecture.md); what the views are good for is in
[retail-views.md](retail-views.md).
"""


def main() -> int:
    """Write the page."""
    PAGE.write_text(page_of_fresh_database(), encoding="utf-8")
    print(f"wrote {PAGE.relative_to(ROOT)}")
    return 0


def page_of_fresh_database() -> str:
    """Migrate a database of its own and return the page about it."""
    from shared.local.postgres import EmbeddedPostgres
    from shared.migrations import migrate

    folder = Path(tempfile.mkdtemp(prefix="cronhouse-docs-"))
    folder.chmod(0o755)
    server = EmbeddedPostgres(folder)
    try:
        server.start()
        server.create_database("cronhouse")
        settings = load_settings(
            {"DATABASE_URL": server.url("cronhouse"), "CRONHOUSE_LOCAL_DIR": str(folder)}
        )
        migrate(settings)
        conn = db.connect(settings, application_name="data model")
        try:
            return render(conn)
        finally:
            conn.close()
    finally:
        server.remove()
        shutil.rmtree(folder, ignore_errors=True)


def render(conn: db.Connection) -> str:
    """Return the page about a migrated database."""
    found = {name: db.fetch_all(conn, text) for name, text in read_queries(QUERIES).items()}
    parts = [INTRODUCTION]
    for schema in found["schemas"]:
        parts.append(_schema(schema, found))
    return "\n".join(parts)


def _schema(schema: dict[str, Any], found: dict[str, list[dict[str, Any]]]) -> str:
    name = schema["schema"]
    mine = {key: [row for row in rows if row["schema"] == name] for key, rows in found.items()}
    lines = [f"## Schema `{name}`", "", *_text(schema["comment"])]
    lines += ["| table or view | what one row is |", "|---|---|"]
    for row in mine["relations"]:
        lines.append(f"| [`{row['relation']}`](#{name}{row['relation']}) | {_cell(row['comment'])} |")
    lines.append("")
    for row in mine["relations"]:
        lines += _relation(row, mine)
    if mine["functions"]:
        lines += ["### Functions", ""]
        lines += [f"- `{row['signature']}`: {row['comment'] or ''}".rstrip(": ") for row in mine["functions"]]
        lines.append("")
    return "\n".join(lines)


def _relation(row: dict[str, Any], mine: dict[str, list[dict[str, Any]]]) -> list[str]:
    name = row["relation"]
    lines = [f"### `{row['schema']}.{name}`", ""]
    lines += _text(f"*{row['kind'].capitalize()}.* {row['comment'] or ''}".strip())
    lines += ["| column | type | rule | meaning |", "|---|---|---|---|"]
    for column in _of(mine["columns"], name):
        cells = (f"`{column['name']}`", column["type"], column["rule"], _cell(column["comment"]))
        lines.append(f"| {' | '.join(cells)} |")
    lines.append("")
    rules = [
        f"- {rule['kind']}: `{rule['definition'].replace('::text', '')}`"
        for key in ("constraints", "indexes") for rule in _of(mine[key], name)
    ]  # fmt: skip
    return [*lines, *rules, ""] if rules else lines


def _of(rows: Iterable[dict[str, Any]], relation: str) -> list[dict[str, Any]]:
    return [row for row in rows if row["relation"] == relation]


def _text(text: str | None) -> list[str]:
    return [text, ""] if text else []


def _cell(text: str | None) -> str:
    return (text or "").replace("|", "\\|").replace("\n", " ")


if __name__ == "__main__":
    sys.exit(main())
