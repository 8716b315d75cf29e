"""The load of the star: raw objects through staging into facts and dimensions, in the caller's transaction."""

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import psycopg2
from psycopg2 import sql

from services.transformation.retail.raw import Object, RawCsv
from shared import db, state
from shared.errors import ConfigError, FatalError
from shared.objectstore import ObjectStore
from shared.sql import SqlFolder

SQL = SqlFolder(Path(__file__).parent / "sql")
FACTS, NEW_MONTHS = sql.Identifier("retail", "fact_sales"), sql.Identifier("staging", "new_months")
Stage = Callable[[str], AbstractContextManager[Any]]


@dataclass(frozen=True)
class Loaded:
    """Lines that a load staged, facts it inserted, facts that newer versions replaced."""

    lines: int
    inserted: int
    superseded: int


def lock_load(conn: db.Connection) -> None:
    """Wait until no other load is under way; held to the end of the transaction."""
    db.execute(conn, SQL["lock_load"])


def load(
    conn: db.Connection, store: ObjectStore, objects: Sequence[Object], *,
    run_id: int, retailers: Mapping[str, Mapping[str, Any]],
    stage: Stage = lambda name: nullcontext(), check_stop: Callable[[], None] = lambda: None,
) -> Loaded:  # fmt: skip
    """Load raw objects, rows of ops.loaded_object, into the star, and take away what is void by now.

    Never commits: facts, dimensions, ledger and the mark on the objects are one transaction of the caller's,
    who holds the lock of `lock_load`.

    Raises:
        FatalError: an object is damaged, or of a retailer that the workflow file does not know.
        ConfigError: a retailer of the workflow file lacks a field.
    """
    lock_load(conn)
    db.execute(conn, SQL["set_session"])
    with stage("copy"):
        copy_objects(conn, store, objects, check_stop)
    with stage("dimensions"):
        new_months = _group_batch(conn)
        changed = _merge_dimensions(conn, retailers)
    with stage("facts"):
        _sort_out_versions(conn)
        inserted = _insert_facts(conn, run_id, new_months)
    with stage("ledger"):
        db.execute(conn, SQL["mark_voids"], {"run_id": run_id})
        return _write_down(conn, objects, run_id, inserted, changed)


def copy_objects(
    conn: db.Connection, store: ObjectStore, objects: Sequence[Object],
    check_stop: Callable[[], None] = lambda: None,
) -> None:  # fmt: skip
    """Fill the staging table with the objects' lines."""
    db.execute(conn, SQL["empty_staging"])
    with RawCsv(store, objects, check_stop) as stream, conn.cursor() as cursor:
        try:
            cursor.copy_expert(SQL["copy_staging"], stream, size=1 << 18)
        except psycopg2.Error as exc:
            if stream.error is not None:
                raise stream.error from None
            raise _copy_error(exc, stream) from exc
        if cursor.rowcount != stream.rows:
            raise FatalError(f"COPY took {cursor.rowcount} of {stream.rows} staged lines: run it again")


def _copy_error(exc: psycopg2.Error, stream: RawCsv) -> Exception:
    """Add to a value error which object the line stands in."""
    error = db.map_error(exc)
    line = re.search(r"line (\d+)", exc.diag.context or "")
    if (exc.pgcode or "")[:2] in ("22", "23") and line:
        context = (exc.diag.context or "").splitlines()[0]
        return FatalError(f"{error} in raw object {stream.object_at(int(line[1]))} ({context})")
    return error


def _group_batch(conn: db.Connection) -> list[date]:
    """Group the staged lines; make the months they need and return those that are new."""
    for name in ("group_transactions", "group_products", "end_parallel"):
        db.execute(conn, SQL[name])
    return [row["month"] for row in db.fetch_all(conn, SQL["make_months"])]


def _merge_dimensions(conn: db.Connection, retailers: Mapping[str, Mapping[str, Any]]) -> int:
    """Bring the dimensions up to date, always in this order; return how many rows changed."""
    changed = 0
    for retailer_id, values in sorted(retailers.items()):
        fields = {name: values.get(name) for name in ("name", "source", "timezone", "currency")}
        missing = [name for name, value in fields.items() if not value]
        if missing:
            raise ConfigError(f"workflow file: retailers: {retailer_id} lacks {', '.join(missing)}")
        changed += db.execute(conn, SQL["merge_retailer"], {"retailer_id": retailer_id, **fields})
    unknown = [row["retailer_id"] for row in db.fetch_all(conn, SQL["find_unknown_retailers"])]
    if unknown:
        raise FatalError(
            f"raw objects hold lines of {', '.join(unknown)}, which the workflow file does not have under retailers: "
            "add it there and run again"
        )
    return changed + sum(
        db.execute(conn, SQL[name]) for name in ("merge_stores", "merge_customers", "merge_products")
    )


def _sort_out_versions(conn: db.Connection) -> None:
    """Find what cannot simply be inserted, and take superseded facts away."""
    for name in (
        "find_voids", "group_versions", "analyze_batch", "find_known", "find_contested", "analyze_contested",
        "delete_superseded",
    ):  # fmt: skip
        db.execute(conn, SQL[name])


def _insert_facts(conn: db.Connection, run_id: int, new_months: list[date]) -> int:
    inserted = _insert_new(conn, run_id, new_months)
    db.execute(conn, SQL["make_inserted"])
    db.execute(conn, SQL["insert_contested"], {"run_id": run_id})
    return inserted + int(db.fetch_value(conn, SQL["count_inserted"]))


def _insert_new(conn: db.Connection, run_id: int, new_months: list[date]) -> int:
    """Insert what nothing contests, into new months before these have an index; publish them."""
    parts = db.fetch_all(conn, SQL["count_expected"], {"new_months": new_months})
    for part in parts:
        statement = sql.SQL(SQL["insert_new"]).format(facts=NEW_MONTHS if part["is_new"] else FACTS)
        days = part["days"] if len(parts) > 1 else None
        inserted = db.execute(conn, statement, {"run_id": run_id, "days": days})
        if inserted != part["lines"]:
            raise FatalError(
                f"{inserted} of {part['lines']} new lines became facts: nothing is kept, this is a bug"
            )
    if new_months:
        db.execute(conn, SQL["publish_months"])
    return sum(part["lines"] for part in parts)


def _write_down(
    conn: db.Connection, objects: Sequence[Object], run_id: int, inserted: int, changed: int
) -> Loaded:
    db.execute(conn, SQL["write_ledger"], {"run_id": run_id})
    values = {"run_id": run_id, "inserted": inserted, "dimensions_changed": changed}
    row = db.fetch_one(conn, SQL["write_load"], values)
    assert row is not None
    state.mark_loaded(conn, [item["object_key"] for item in objects], run_id)
    return Loaded(int(row["lines"]), int(row["inserted"]), int(row["superseded"]))
