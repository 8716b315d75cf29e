"""The whole chain as cron runs it, on the three months that come along: archive, hours, statistics, quality, export."""

import csv
import io
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from shared import cli, db
from shared.config import ROOT, Settings
from shared.jobs.runner import Result, run_job
from shared.jobs.workflows import find_job
from tests.integration.parks.conftest import LEFT_BY_IMPORT, all_rows

TRUTH = ROOT / "tests" / "data" / "parks" / "truth_daily_2019_05_07.csv"
HOURS = ROOT / "services" / "themeparks" / "data" / "park_hours.csv"
RUN_DAY = date(2026, 11, 20)
WHOLE = ROOT.parent / "shared" / "data" / "parks"  # three years of it, where there is more than comes along
LEFT_BY_STATISTICS = {
    "days": "SELECT * FROM parks.ride_daily_stats ORDER BY ride_id, local_date",
    "hours": "SELECT * FROM parks.ride_hourly_stats ORDER BY ride_id, hour_start",
    "park days": "SELECT * FROM parks.park_daily_stats ORDER BY park_id, local_date",
    "park hours": "SELECT * FROM parks.park_hourly_stats ORDER BY park_id, hour_start",
}


class Chain:
    """The jobs of the workflow through the real runner, and the commands of people beside them."""

    def __init__(self, settings: Settings, conn: db.Connection, call: Callable[..., str]) -> None:
        self.settings, self.conn, self.call = settings, conn, call

    def run(self, job: str, **options: Any) -> Result:
        workflow, spec = find_job(self.settings, job)
        result = run_job(self.settings, workflow, spec, RUN_DAY, **options)
        assert result.status == "succeeded", result
        return result

    def rows(self, query: str) -> list[dict[str, Any]]:
        with db.transaction(self.conn):
            return db.fetch_all(self.conn, query)

    def statistics(self) -> dict[str, list[dict[str, Any]]]:
        return {name: self.rows(query) for name, query in LEFT_BY_STATISTICS.items()}

    def exported(self) -> dict[tuple[str, str], tuple[int, int, Decimal, int]]:
        """Samples, minimum, mean and maximum by entity and local date, as the export has them."""
        text = self.call("export", "parks.ride_daily_stats", "--format", "csv")
        return {
            (row["entity_id"], row["local_date"]): (
                int(row["samples"]), int(row["min_wait"]), Decimal(row["mean_wait"]), int(row["max_wait"]),
            )
            for row in csv.DictReader(io.StringIO(text))
            if row["samples"] != "0"
        }  # fmt: skip


@pytest.fixture
def chain(
    pg: Settings,
    conn: db.Connection,
    monkeypatch: pytest.MonkeyPatch,
    capsysbinary: pytest.CaptureFixture[bytes],
) -> Chain:
    monkeypatch.setenv("DATABASE_URL", pg.database_url or "")
    monkeypatch.setenv("CRONHOUSE_ENV_FILE", "/dev/null")
    for name in ("ARCHIVE_S3_BUCKET", "DASK_SCHEDULER"):
        monkeypatch.delenv(name, raising=False)

    def call(*arguments: str) -> str:
        capsysbinary.readouterr()
        code = cli.call(list(arguments))
        said = capsysbinary.readouterr()
        assert code == 0, said.err.decode()
        return said.out.decode()

    return Chain(pg, conn, call)


def read_truth(path: Path, before: str = "9999") -> dict[tuple[str, str], tuple[int, int, Decimal, int]]:
    """Read what the source itself says of the days before a date."""
    with path.open(newline="") as file:
        return {
            (row["entity_id"], row["local_date"]): (
                int(row["n_posted"]), int(row["min_wait"]), Decimal(row["mean_wait"]), int(row["max_wait"]),
            )
            for row in csv.DictReader(file)
            if row["local_date"] < before
        }  # fmt: skip


def test_from_the_archive_to_the_truth_and_once_more(chain: Chain) -> None:
    assert chain.run("parks_archive").counts.written > 50_000
    # an import alone makes the parks known by the slugs that the file of hours has
    assert "the hours of 184 park-days changed" in chain.call("parks", "hours", str(HOURS))
    chain.run("parks_stats")
    # the evening of July 31 is in the object of August 1, which is not here
    truth, found = read_truth(TRUTH, before="2019-07-31"), chain.exported()
    assert len(truth) == 637
    assert {key: found.get(key) for key in truth} == truth
    assert not chain.rows("SELECT FROM parks.dirty_day")
    assert not chain.rows(
        "SELECT FROM parks.ride_daily_stats WHERE covered_share > 1 OR operating_minutes + down_minutes > open_minutes"
    )

    # ten minutes later: an object that was written just now may have neighbours that are not committed yet
    with db.transaction(chain.conn):
        db.execute(
            chain.conn, "UPDATE parks.archive_object SET imported_at = imported_at - interval '1 hour'"
        )
    chain.run("parks_quality")
    looked_at = chain.rows(
        "SELECT count(DISTINCT local_date) AS n FROM parks.quality_day WHERE archive_rows > 0"
    )
    # April 30 and July 31 are whole only with objects that are not here
    assert looked_at[0]["n"] == 91
    gaps = chain.rows("SELECT local_date::text AS day, cause FROM parks.gap")
    # one of each of the two parks; of the four others that the resort has, the archive knows nothing
    assert gaps == [{"day": "2019-06-12", "cause": "source_silent"}] * 2
    assert chain.rows("SELECT FROM ops.quality_score WHERE workflow = 'parks'")

    # all of it again, taken by force: the same rows everywhere
    history, statistics = all_rows(chain.conn), chain.statistics()
    chain.run("parks_archive", force=True)
    chain.run("parks_stats", force=True)
    again = all_rows(chain.conn)
    for name in set(LEFT_BY_IMPORT) - {"ledger", "issues"}:  # these count what came a second time
        assert again[name] == history[name], name
    assert chain.statistics() == statistics


@pytest.mark.skipif(not (WHOLE / "archive").exists(), reason="the whole archive is not here")
def test_every_ride_day_of_the_whole_archive_and_nothing_new_the_second_time(chain: Chain) -> None:
    archive = ("parks", "import", "--all", "--source", str(WHOLE / "archive"))
    assert "822,119 events: 822,104 imported, 15 duplicates, 0 rejected" in chain.call(*archive)
    chain.call("parks", "hours", str(WHOLE / "park_hours.csv"))
    chain.run("parks_stats")
    truth, found = read_truth(WHOLE / "truth_daily.csv"), chain.exported()
    assert len(truth) == 6433
    assert {key: found.get(key) for key in truth} == truth
    assert "the archive has nothing new" in chain.call(*archive)
    assert not chain.rows("SELECT FROM parks.dirty_day")
