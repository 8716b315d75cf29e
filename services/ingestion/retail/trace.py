"""Where one transaction went: landing lines, raw files, facts, dead letters, and the runs that moved it."""

from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from services.ingestion.retail.intake import PIPELINE
from services.ingestion.retail.raw import DATASET
from shared import db
from shared.config import Settings
from shared.objectstore import ObjectStore, open_store
from shared.sql import read_queries

QUERIES = Path(__file__).parent / "sql" / "queries.sql"
ORDER = ("landing", "raw", "fact", "dead letter", "run")


@dataclass(frozen=True)
class Finding:
    """One place where the transaction stands. `stage` is one of ORDER, `run_id` the run that put it there."""

    stage: str
    source: str
    where: str
    what: str
    run_id: int | None


def trace(settings: Settings, transaction_id: str, everywhere: bool = False) -> list[Finding]:
    """Find a transaction, in the order it travels.

    Raw files of the days of its facts are read; all of them when it has no facts, or `everywhere` is set.
    """
    queries = read_queries(QUERIES)
    with closing(db.connect(settings, application_name="cronhouse:trace")) as conn:
        facts = db.fetch_all(conn, queries["facts_of"], {"transaction_id": transaction_id})
        values = {"pipeline": PIPELINE, "transaction_id": transaction_id}
        voids = db.fetch_all(conn, queries["voids_of"], values)
        letters = db.fetch_all(conn, queries["letters_of"], values)
        days: list[date] | None = sorted({row["business_date"] for row in facts}) or None
        objects = db.fetch_all(
            conn, queries["raw_objects"], {"dataset": DATASET, "days": None if everywhere else days}
        )
        findings = _in_raw(open_store(settings), objects, transaction_id)
        findings += _in_facts(facts) + _as_void(voids)
        findings += [
            Finding("dead letter", row["source"], row["position"],
                    f"letter {row['dead_letter_id']}, {row['state']}: {row['reason']}", row["run_id"])
            for row in letters
        ]  # fmt: skip
        run_ids = sorted({finding.run_id for finding in findings if finding.run_id is not None})
        runs = db.fetch_all(conn, queries["runs"], {"run_ids": run_ids})
    findings += [
        Finding("run", row["job"], str(row["logical_date"]), _describe_run(row),
                row["run_id"])
        for row in runs
    ]  # fmt: skip
    return sorted(findings, key=lambda finding: ORDER.index(finding.stage))


def _in_raw(store: ObjectStore, objects: list[dict[str, Any]], transaction_id: str) -> list[Finding]:
    import pyarrow.parquet as pq

    findings: list[Finding] = []
    wanted = ["transaction_id", "line_id", "updated_at", "landing_object", "landing_line"]
    for item in objects:
        with store.open(item["object_key"]) as body:
            rows = pq.read_table(
                body, columns=wanted, filters=[("transaction_id", "=", transaction_id)]
            ).to_pylist()
        if not rows:
            continue
        version = max(row["updated_at"] for row in rows)
        loaded = f"loaded by run {item['loaded_run_id']}" if item["loaded_run_id"] else "not loaded yet"
        places = sorted({(row["landing_object"], row["landing_line"]) for row in rows})
        findings += [
            Finding("landing", item["source"], f"{key}:{line}", "as it came", item["created_run_id"])
            for key, line in places
        ]
        what = f"{len(rows)} lines, version of {version:%Y-%m-%d %H:%M:%S} UTC, {loaded}"
        findings.append(Finding("raw", item["source"], item["object_key"], what, item["created_run_id"]))
        if item["loaded_run_id"]:
            what = f"{len(rows)} lines of {item['object_key'].rpartition('/')[2]} taken into the star"
            findings.append(Finding("fact", item["source"], "load", what, item["loaded_run_id"]))
    return findings


def _in_facts(facts: list[dict[str, Any]]) -> list[Finding]:
    return [
        Finding("fact", row["retailer_id"], f"{row['business_date']} line {row['line_id']}",
                f"quantity {row['quantity'].normalize():f}, total {row['total']}, "
                f"version of {row['source_updated_at']:%Y-%m-%d %H:%M:%S} UTC", row["run_id"])
        for row in facts
    ]  # fmt: skip


def _as_void(voids: list[dict[str, Any]]) -> list[Finding]:
    return [
        Finding("fact", row["source"], "void",
                f"no lines in the version of {row['version']:%Y-%m-%d %H:%M:%S} UTC, "
                + (f"older facts taken away by run {row['applied_run_id']}" if row["applied_run_id"]
                   else "the next load takes older facts away"), row["run_id"])
        for row in voids
    ]  # fmt: skip


def _describe_run(row: dict[str, Any]) -> str:
    return f"{row['status']}, started {row['started_at']:%Y-%m-%d %H:%M}"
