"""/metrics: Prometheus text, computed from schema ops at every scrape. Times are Unix seconds."""

from collections.abc import Iterator
from typing import Any

from flask import Response
from flask_openapi3 import APIBlueprint, Tag
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from services.api import database
from shared.errors import CronhouseError

api = APIBlueprint("metrics", __name__, abp_tags=[Tag(name="health")])
STATUSES = ("running", "succeeded", "failed", "skipped", "abandoned")
_JOB_GAUGES = {
    "run_duration_seconds": ("Seconds the newest run of the job took, so far if it is running.", "seconds"),
    "run_rows_read": ("Rows the newest run read.", "rows_read"),
    "run_rows_written": ("Rows the newest run wrote.", "rows_written"),
    "run_rows_rejected": ("Rows the newest run rejected.", "rows_rejected"),
}


@api.get("/metrics", summary="Prometheus text")
def metrics() -> Any:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector())  # type: ignore[arg-type]
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


class _Collector:
    """Reads everything once a scrape; with the database away it says just that."""

    def collect(self) -> Iterator[Any]:
        try:
            families = [*_jobs(), *_quality(), *_letters_and_incidents(), *_arrivals(), *_requests()]
        except CronhouseError:
            families = []
        up = bool(families)
        yield GaugeMetricFamily("cronhouse_database_up", "1 when the database answers.", value=float(up))
        yield from families


def _read(name: str) -> list[dict[str, Any]]:
    return database.fetch_all(database.query("health", name))


def _gauge(name: str, text: str, labels: tuple[str, ...], rows: list[dict[str, Any]], column: str) -> Any:
    family = GaugeMetricFamily(f"cronhouse_{name}", text, labels=labels)
    for row in rows:
        if row[column] is not None:
            family.add_metric([str(row[label]) for label in labels], float(row[column]))
    return family


def _jobs() -> Iterator[Any]:
    rows, labels = _read("job_states"), ("workflow", "job")
    for row in rows:
        row["success"] = row["succeeded_at"].timestamp() if row["succeeded_at"] else None
    text = "When the job last succeeded; absent when it never did."
    yield _gauge("job_last_success_timestamp_seconds", text, labels, rows, "success")
    yield _gauge("job_last_success_age_seconds", "Seconds since then.", labels, rows, "success_age_seconds")
    for name, (text, column) in _JOB_GAUGES.items():
        yield _gauge(name, text, labels, rows, column)
    status = GaugeMetricFamily(
        "cronhouse_job_last_status", "1 for the status of the newest run.", labels=(*labels, "status")
    )
    for row in rows:
        for name in STATUSES:
            status.add_metric([row["workflow"], row["job"], name], float(row["status"] == name))
    yield status
    runs = CounterMetricFamily("cronhouse_runs", "Runs that ops.job_run holds.", labels=(*labels, "status"))
    for row in _read("runs_by_status"):
        runs.add_metric([row["workflow"], row["job"], row["status"]], float(row["runs"]))
    yield runs


def _quality() -> Iterator[Any]:
    rows = _read("quality_scores")
    yield _gauge("quality_score_percent", "Newest quality score.", ("workflow",), rows, "score")
    yield _gauge("quality_checks_failed", "Checks that failed in it.", ("workflow",), rows, "failed")


def _letters_and_incidents() -> Iterator[Any]:
    labels = ("pipeline", "source")
    letters = _read("open_dead_letters")
    yield _gauge("dead_letters_open", "Records that wait for a decision.", labels, letters, "letters")
    yield _gauge("dead_letter_rows_open", "Source lines in them.", labels, letters, "rows")
    counts = {row["severity"]: row["incidents"] for row in _read("open_incidents")}
    rows = [{"severity": name, "incidents": counts.get(name, 0)} for name in ("warning", "critical")]
    yield _gauge("incidents_open", "Open incidents.", ("severity",), rows, "incidents")


def _arrivals() -> Iterator[Any]:
    rows, labels = _read("arrivals"), ("pipeline", "source")
    text = "Days from the newest day that arrived whole to yesterday; 0 is up to date."
    yield _gauge("arrival_lag_days", text, labels, rows, "lag_days")
    yield _gauge("landed_rows", "Rows that ops.arrival counts as landed.", labels, rows, "landed_rows")


def _requests() -> Iterator[Any]:
    rows = _read("open_requests")
    yield _gauge(
        "run_requests_queued", "Requests that wait for their service.", ("service",), rows, "requests"
    )
    text = "Seconds the oldest of them has waited."
    yield _gauge("run_request_oldest_seconds", text, ("service",), rows, "oldest_seconds")
