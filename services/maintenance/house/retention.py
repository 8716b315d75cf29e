"""What goes when it is old enough: objects of the store, partitions of the fact tables."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from psycopg2 import sql

from shared import db
from shared.jobs import Run
from shared.objectstore import ObjectInfo
from shared.sql import read_queries

_Q = Path(__file__).parent / "sql" / "queries.sql"
PAGE = 500
LOCK_TIMEOUT = "5s"  # dropping a partition locks the fact table: rather try again later than queue readers up


def delete_objects(run: Run, workflow: str, kind: str, days: int) -> int:
    """Delete the objects of a dataset that were written over `days` ago; return how many went.

    What is not loaded yet stays. An object goes before its row does, so a killed run leaves no object that
    nobody knows of; those that an ingestion was killed over (in the store, in no row) go by their own age.
    """
    values = {"dataset": f"{workflow}/{kind}", "raw_dataset": f"{workflow}/raw", "days": days, "limit": PAGE}
    folders = [row["prefix"] for row in db.fetch_all(run.conn, read_queries(_Q)["object_folders"], values)]
    gone = size = 0
    while page := db.fetch_all(run.conn, read_queries(_Q)["expired_objects"], values):
        run.check_stop()
        for row in page:
            run.store.delete(row["object_key"])
        keys = [row["object_key"] for row in page]
        with db.transaction(run.conn) as conn:
            db.execute(conn, read_queries(_Q)["forget_objects"], {"keys": keys})
        gone, size = gone + len(page), size + sum(row["size_bytes"] for row in page)
    strays = sum(_delete_strays(run, folder, days) for folder in folders)
    kept = db.fetch_value(run.conn, read_queries(_Q)["kept_objects"], values)
    run.conn.rollback()
    if gone or strays or kept:
        run.log.info(
            "%s/%s: deleted %d objects over %d days old (%.1f MB) and %d that no run knew; "
            "kept %d old ones that are not loaded", workflow, kind, gone, days, size / 1e6, strays, kept,
            extra={"fields": {"deleted": gone, "bytes": size, "strays": strays, "kept": kept}},
        )  # fmt: skip
    return gone + strays


def _delete_strays(run: Run, folder: str, days: int) -> int:
    before = datetime.now(UTC) - timedelta(days=days)
    old = (info for info in run.store.list(folder) if info.modified < before)
    gone = 0
    for page in _pages(old):
        run.check_stop()
        values = {"keys": [info.key for info in page]}
        for row in db.fetch_all(run.conn, read_queries(_Q)["unregistered"], values):
            run.store.delete(row["key"])
            gone += 1
    return gone


def _pages(items: Iterator[ObjectInfo]) -> Iterator[list[ObjectInfo]]:
    while page := list(islice(items, PAGE)):
        yield page


def drop_partitions(run: Run, workflow: str, days: int, today: date) -> int:
    """Drop the partitions of `<workflow>.fact_*` whose last day is over `days` ago; return how many went.

    The ledger of their days goes in the same transaction: it would speak of facts that are gone.
    """
    values: dict[str, Any] = {"schema": workflow, "cutoff": today - timedelta(days=days)}
    rows = db.fetch_all(run.conn, read_queries(_Q)["old_partitions"], values)
    for row in rows:
        run.check_stop()
        table = sql.Identifier(row["schema"], row["partition"])
        with db.transaction(run.conn) as conn:
            db.execute(conn, "SELECT set_config('lock_timeout', %(text)s, true)", {"text": LOCK_TIMEOUT})
            db.execute(conn, sql.SQL("DROP TABLE {}").format(table))
            db.execute(conn, read_queries(_Q)["forget_days"], {"pipeline": workflow, **row})
        run.log.info(
            "dropped %s.%s (%s to before %s, about %d rows, %.1f MB)", row["schema"], row["partition"],
            row["first_day"], row["next_day"], row["row_estimate"], row["bytes"] / 1e6,
            extra={"fields": {"partition": row["partition"], "bytes": row["bytes"]}},
        )  # fmt: skip
    return len(rows)
