"""Late jobs and data that did not come become incidents, and stop being ones."""

from datetime import UTC, date, datetime, timedelta

import pytest

from services.maintenance.house.jobs import watch
from services.maintenance.house.watch import last_due_date
from shared.jobs.workflows import load_workflows
from tests.integration.maintenance.conftest import House

SECTION = {"look_back": "14d", "due": "6h"}


def last_due() -> date:
    """Ask now, not when this file was imported: at the hour when a day falls due the two differ."""
    return last_due_date(datetime.now(UTC), SECTION)


def succeed(house: House, job: str, hours_ago: float, workflow: str = "retail") -> None:
    house.do(
        """INSERT INTO ops.job_run
               (workflow, job, service, logical_date, status, started_at, finished_at, host, pid)
           VALUES (%(workflow)s, %(job)s, 's', %(date)s, 'succeeded', %(at)s, %(at)s, 'h', 1)""",
        workflow=workflow, job=job, at=datetime.now(UTC) - timedelta(hours=hours_ago), date=last_due(),
    )  # fmt: skip


def arrive(house: House, source: str, *days_ago: int) -> None:
    for days in days_ago:
        house.do(
            """INSERT INTO ops.arrival (pipeline, source, logical_date, landed_rows, rejected_rows, run_id)
               VALUES ('retail', %(source)s, %(day)s, 1, 0, 1)""",
            source=source, day=last_due() - timedelta(days=days),
        )  # fmt: skip


def open_incidents(house: House) -> dict[str, str]:
    rows = house.rows("SELECT incident, reason FROM ops.alert WHERE resolved_at IS NULL ORDER BY 1")
    return {row["incident"]: row["reason"] for row in rows}


@pytest.fixture
def busy_house(house: House) -> House:
    """Every job succeeded an hour ago."""
    for job in ("ingest", "transform", "quality", "views"):
        succeed(house, f"retail_{job}", 1)
    for job in ("partitions", "retention", "storage", "watch"):
        succeed(house, f"house_{job}", 1, "house")
    return house


def test_a_house_in_order_has_no_incident(busy_house: House) -> None:
    arrive(busy_house, "retailer_1", *range(5))
    counts = busy_house.run(watch)
    assert open_incidents(busy_house) == {}
    jobs = sum(len(workflow.jobs) for workflow in load_workflows(busy_house.settings).values())
    assert (counts.read, counts.rejected) == (jobs + 1, 0)  # and the days of one source


def test_a_late_job_is_an_incident_until_it_succeeds(busy_house: House) -> None:
    busy_house.do(
        "UPDATE ops.job_run SET finished_at = finished_at - interval '30 hours' WHERE job = 'retail_quality'"
    )
    assert busy_house.run(watch).rejected == 1
    (reason,) = open_incidents(busy_house).values()
    assert reason.startswith("retail_quality last succeeded at ")
    busy_house.run(watch)
    (row,) = busy_house.rows("SELECT * FROM ops.alert")
    assert (row["incident"], row["times_seen"]) == ("job_stale:retail_quality", 2)
    assert row["look_closer"] == "cronhouse history retail_quality"
    succeed(busy_house, "retail_quality", 0)
    busy_house.run(watch)
    assert open_incidents(busy_house) == {}


def test_data_that_did_not_come_is_an_incident_until_it_does(busy_house: House) -> None:
    arrive(busy_house, "retailer_1", *range(10))
    arrive(busy_house, "retailer_2", 0, 1, 3, 4, 5, 6, 7, 8, 9)
    busy_house.run(watch)
    missing = last_due() - timedelta(days=2)
    assert open_incidents(busy_house) == {
        "data_missing:retail:retailer_2": f"nothing of retailer_2 arrived in retail for {missing}"
    }
    arrive(busy_house, "retailer_2", 2)
    busy_house.run(watch)
    assert open_incidents(busy_house) == {}


def test_many_missing_dates_are_summed_up(busy_house: House) -> None:
    arrive(busy_house, "retailer_1", *range(14))
    arrive(busy_house, "retailer_2", 13)
    busy_house.run(watch)
    assert open_incidents(busy_house)["data_missing:retail:retailer_2"].endswith(" and 3 more")


def test_a_source_that_the_workflow_file_dropped_is_not_waited_for(busy_house: House) -> None:
    arrive(busy_house, "retailer_1", *range(5))
    arrive(busy_house, "retailer_9", 4)
    busy_house.run(watch)
    assert open_incidents(busy_house) == {}


def test_an_incident_of_what_is_no_longer_watched_is_closed(busy_house: House) -> None:
    for key in ("data_missing:retail:retailer_9", "job_stale:gone_job", "job_failed:retail_ingest"):
        busy_house.do(
            """INSERT INTO ops.alert (incident, severity, title, reason, look_closer)
               VALUES (%(key)s, 'critical', 't', 'r', 'l')""",
            key=key,
        )
    busy_house.run(watch)
    assert list(open_incidents(busy_house)) == ["job_failed:retail_ingest"]


def test_what_is_due_depends_on_the_hour() -> None:
    def due(text: str) -> str:
        return str(last_due_date(datetime.fromisoformat(text), SECTION))

    assert due("2026-03-10T05:59:00+00:00") == "2026-03-08"
    assert due("2026-03-10T06:00:00+00:00") == "2026-03-09"
