"""Sizes from the catalog, growth, forecasts and the incidents, over real tables and days written by hand."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from services.maintenance.parks.jobs import watch_storage
from services.maintenance.parks.params import parse_size, validate
from services.maintenance.parks.storage import HISTORY
from shared.config import ROOT
from shared.jobs import Counts, Run
from shared.jobs.workflows import Workflow
from shared.jobs.yamlfile import read_yaml
from tests.integration.parks_watch.conftest import World, every, uid

TODAY = datetime.now(UTC).date()
MB = 10**6


class Storekeeper:
    """Days of measurements, and the job over them. What the job measures itself today is replaced by `today`."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.params: dict[str, Any] = dict(read_yaml(ROOT / "workflows" / "parks.yml")[0])
        self.params["storage"] = {**self.params["storage"], "window_days": 10}
        self.run_id = 200

    def run(self) -> Counts:
        self.run_id += 1
        workflow = Workflow("parks", "", {}, self.params, ROOT / "workflows" / "parks.yml")
        run = Run(self.run_id, "parks_storage", workflow, TODAY - timedelta(days=1), self.world.settings)
        try:
            return watch_storage(run)
        finally:
            run.close()

    def real(self) -> dict[str, int]:
        """Return today's real sizes by relation."""
        rows = self.world.rows(
            "SELECT relation, total_bytes FROM ops.storage_metrics WHERE measured_on = %(d)s", d=TODAY
        )
        return {row["relation"]: row["total_bytes"] for row in rows}

    def past(self, sizes: dict[int, int], relation: str = HISTORY[0], partitions: int = 3) -> None:
        """Write what a relation took so many days ago; the other relations as today."""
        for ago, size in sizes.items():
            self.world.do(
                """INSERT INTO ops.storage_metrics
                   SELECT %(day)s, relation, partitions, row_estimate, table_bytes, index_bytes, total_bytes
                   FROM ops.storage_metrics WHERE measured_on = %(today)s
                   ON CONFLICT DO NOTHING""",
                day=TODAY - timedelta(days=ago), today=TODAY,
            )  # fmt: skip
            self.world.do(
                """UPDATE ops.storage_metrics SET total_bytes = %(size)s, partitions = %(partitions)s
                   WHERE measured_on = %(day)s AND relation = %(relation)s""",
                day=TODAY - timedelta(days=ago), size=size, partitions=partitions, relation=relation,
            )  # fmt: skip

    def growth(self, scope: str = HISTORY[0]) -> dict[str, Any]:
        query = "SELECT * FROM parks.storage_growth WHERE measured_on = %(d)s AND scope = %(scope)s"
        return self.world.rows(query, d=TODAY, scope=scope)[0]

    def incidents(self) -> set[tuple[str, str]]:
        rows = self.world.rows("SELECT incident, severity FROM ops.alert WHERE resolved_at IS NULL")
        return {(row["incident"], row["severity"]) for row in rows}

    def imports(self, ago: int, events: int) -> None:
        self.world.object(TODAY - timedelta(days=ago), events, None, None)
        self.world.do(
            "UPDATE parks.archive_object SET imported_at = %(at)s WHERE file_date = %(day)s",
            at=datetime.combine(TODAY, datetime.min.time(), UTC) - timedelta(days=ago, hours=-12),
            day=TODAY - timedelta(days=ago),
        )  # fmt: skip


@pytest.fixture
def keeper(world: World) -> Storekeeper:
    """Three months with rows, measured today."""
    made = Storekeeper(world)
    ride = world.rides(world.park("Park", "park"), [(uid("a"), "A")])[uid("a")]
    for month in (1, 2, 3):
        first = datetime(TODAY.year - 2, month, 2, tzinfo=UTC)
        world.post(ride, every(first, first + timedelta(days=5), 10), source="ARCHIVE")
    world.conn.autocommit = True
    world.conn.cursor().execute("VACUUM ANALYZE parks.ride_status_snapshots")
    world.conn.autocommit = False
    made.run()
    return made


def test_partitions_toast_and_indexes_are_summed_and_nothing_is_left_out(keeper: Storekeeper) -> None:
    wanted = keeper.world.rows(
        """SELECT sum(pg_total_relation_size(c.oid))::bigint AS bytes
           FROM pg_class AS c WHERE c.oid IN (SELECT relid FROM pg_partition_tree('parks.ride_status_snapshots'))"""
    )[0]["bytes"]
    assert keeper.real()["parks.ride_status_snapshots"] == wanted > 100_000
    all_bytes = keeper.world.value(
        """SELECT sum(pg_total_relation_size(c.oid))::bigint FROM pg_class AS c
           JOIN pg_namespace AS n ON n.oid = c.relnamespace
           WHERE c.relkind IN ('r', 'p', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')"""
    )
    # the measurement itself has been written since: a little more is there now
    assert 0.9 * all_bytes < keeper.growth("database")["total_bytes"] <= all_bytes
    assert not any("snapshots_20" in name for name in keeper.real())
    rows = keeper.world.rows(
        "SELECT * FROM parks.storage_partitions WHERE table_name = 'ride_status_snapshots'"
    )
    assert sum(row["total_bytes"] for row in rows) == wanted and len(rows) == 3
    assert {row["row_estimate"] for row in rows} == {721}
    assert min(row["first_day"] for row in rows) == date(TODAY.year - 2, 1, 1)


def test_short_series_says_that_it_is_not_known(keeper: Storekeeper) -> None:
    size = keeper.real()[HISTORY[0]]
    keeper.past({n: size - n * MB for n in range(1, 6)})
    keeper.run()
    row = keeper.growth()
    assert row["bytes_per_day"] is None and row["days_until_full"] is None
    assert row["note"] == "the growth is not known: 5 days without imports, 7 are needed"
    assert keeper.world.value("SELECT count(*) FROM parks.storage_forecast") == 0


def test_growth_is_the_slope_of_the_days_also_where_some_were_not_measured(keeper: Storekeeper) -> None:
    size = keeper.real()[HISTORY[0]]
    keeper.past({n: size - n * 2 * MB for n in (1, 2, 5, 6, 9, 10)})
    keeper.params["storage"]["capacity"] = "50GB"
    keeper.run()
    assert keeper.growth()["bytes_per_day"] == 2 * MB
    whole = keeper.growth("database")
    assert whole["bytes_per_day"] == pytest.approx(2 * MB, rel=0.05)
    left = (50_000 * MB - whole["total_bytes"]) // whole["bytes_per_day"]
    assert whole["days_until_full"] == left and keeper.growth("parks")["days_until_full"] is None


def test_days_of_imports_and_dropped_partitions_are_no_growth(keeper: Storekeeper) -> None:
    size = keeper.real()[HISTORY[0]]
    # 1 MB a day, 500 MB by an import five days ago, 300 MB less by a drop two days ago
    sizes = {
        n: size - n * MB + (300 * MB if n > 2 else 0) - (500 * MB if n >= 5 else 0) for n in range(1, 11)
    }
    keeper.past({n: s for n, s in sizes.items() if n > 2}, partitions=4)
    keeper.past({n: s for n, s in sizes.items() if n <= 2}, partitions=3)
    keeper.imports(5, 2_000_000)
    keeper.imports(8, 500)  # a day's own file is no import day
    keeper.run()
    assert keeper.growth()["bytes_per_day"] == MB
    assert keeper.growth()["days_used"] == 7


def test_shrinking_is_told_and_never_full(keeper: Storekeeper) -> None:
    size = keeper.real()[HISTORY[0]]
    keeper.past({n: size + n * 5 * MB for n in range(1, 11)})
    keeper.run()
    assert (
        keeper.growth()["bytes_per_day"] == -5 * MB and keeper.growth()["note"] == "it shrinks, over 10 days"
    )
    assert keeper.growth("database")["days_until_full"] is None
    assert keeper.world.value("SELECT min(forecast_bytes) FROM parks.storage_forecast") == 0


def test_incidents_at_60_and_80_percent_and_when_it_is_over(keeper: Storekeeper) -> None:
    whole = keeper.growth("database")["total_bytes"]
    for share, wanted in ((0.65, "warning"), (0.85, "critical")):
        keeper.params["storage"]["capacity"] = int(whole / share)
        assert keeper.run().rejected == 1
        assert keeper.incidents() == {("storage_used:database", wanted)}
    assert keeper.world.value("SELECT count(*) FROM ops.alert") == 1  # one incident that became worse
    keeper.params["storage"]["capacity"] = int(whole * 100)
    assert keeper.run().rejected == 0 and keeper.incidents() == set()
    keeper.params["storage"]["capacity"] = False
    keeper.run()
    row = keeper.growth("database")
    assert row["capacity_bytes"] is None and row["days_until_full"] is None
    assert row["note"].endswith(
        "; what it may take is not known: set storage.capacity in workflows/parks.yml"
    )
    assert "storage.capacity" not in keeper.growth()["note"]


def test_changed_growth_is_an_incident_and_noise_is_none(keeper: Storekeeper) -> None:
    size = keeper.real()[HISTORY[0]]
    late = {n: size - n * 15 * MB for n in range(1, 11)}
    keeper.past(late | {n: late[10] - (n - 10) * 10 * MB for n in range(11, 21)})
    keeper.run()
    assert keeper.growth()["earlier_bytes_per_day"] == pytest.approx(10 * MB, rel=0.01)
    assert keeper.incidents() == {("storage_growth:database", "warning"), ("storage_growth:parks", "warning")}
    keeper.past({n: size - n * 10 * MB for n in range(1, 21)})
    keeper.run()
    assert keeper.incidents() == set()


def test_forecast_is_kept_and_checked_when_its_day_comes(keeper: Storekeeper) -> None:
    size = keeper.real()[HISTORY[0]]
    keeper.past({n: size - n * MB for n in range(1, 11)})
    keeper.run()
    made = keeper.world.rows(
        "SELECT * FROM parks.storage_forecast WHERE scope = %(s)s ORDER BY target_on", s=HISTORY[0]
    )
    assert [(f["target_on"] - TODAY).days for f in made] == [7, 30, 90]
    assert [f["forecast_bytes"] - size for f in made] == [7 * MB, 30 * MB, 90 * MB]
    # it is seven days later, and a day between them imported much
    for table, column in (("ops.storage_metrics", "measured_on"), ("parks.storage_growth", "measured_on"),
                          ("parks.storage_forecast", "made_on")):  # fmt: skip
        keeper.world.do(f"UPDATE {table} SET {column} = {column} - 100")
        keeper.world.do(f"UPDATE {table} SET {column} = {column} + 93")
    keeper.world.do("UPDATE parks.storage_forecast SET target_on = target_on - 7")
    keeper.imports(3, 1_000_000)
    for n, total in ((6, 1), (4, 3), (2, 5)):
        keeper.world.do(
            "INSERT INTO parks.storage_growth VALUES (%(d)s, %(s)s, %(b)s, 1, 7, 1, NULL, NULL, '')",
            d=TODAY - timedelta(days=n), s=HISTORY[0], b=size + total * MB + (40 * MB if n == 2 else 0),
        )  # fmt: skip
    keeper.run()
    query = "SELECT * FROM parks.storage_forecast WHERE scope = %(s)s AND actual_bytes IS NOT NULL"
    (checked,) = keeper.world.rows(query, s=HISTORY[0])
    assert checked["target_on"] == TODAY and checked["actual_bytes"] == keeper.real()[HISTORY[0]]
    assert checked["import_bytes"] == 42 * MB  # the step from 4 days ago to 2 days ago


def test_strategies_are_compared_from_the_months_of_the_catalog(keeper: Storekeeper) -> None:
    query = "SELECT * FROM parks.storage_strategy WHERE measured_on = %(d)s"
    rows = {row["strategy"]: row for row in keeper.world.rows(query, d=TODAY)}
    assert set(rows) == {"keep_all", "raw_1_years", "raw_2_years", "raw_5_years", "objects"}
    assert rows["keep_all"]["today_bytes"] == keeper.growth("parks")["total_bytes"]
    assert rows["keep_all"]["in_1_year"] is None  # growth is not known yet
    raw = keeper.world.value("SELECT sum(total_bytes)::bigint FROM parks.storage_partitions")
    assert rows["raw_1_years"]["today_bytes"] == rows["keep_all"]["today_bytes"] - raw
    assert rows["raw_5_years"]["today_bytes"] == rows["keep_all"]["today_bytes"]
    assert rows["objects"]["today_bytes"] is None and rows["objects"]["note"].startswith("not known")
    size = keeper.real()[HISTORY[0]]
    for relation in HISTORY[1:]:
        keeper.past({n: keeper.real()[relation] for n in range(1, 11)}, relation)
    keeper.past({n: size - n * MB for n in range(1, 11)})
    keeper.imports(200, 1000)  # 1000 bytes: one byte an event
    keeper.run()
    rows = {row["strategy"]: row for row in keeper.world.rows(query, d=TODAY)}
    assert rows["keep_all"]["in_5_years"] - rows["keep_all"]["today_bytes"] == pytest.approx(
        5 * 365 * MB, rel=0.01
    )
    assert rows["raw_2_years"]["in_5_years"] - rows["raw_1_years"]["in_5_years"] == pytest.approx(
        365 * MB, rel=0.01
    )
    assert rows["raw_5_years"]["in_5_years"] == pytest.approx(rows["keep_all"]["in_5_years"] - raw, rel=0.01)
    assert rows["objects"]["today_bytes"] == pytest.approx(
        rows["raw_1_years"]["today_bytes"] + 3 * 721, abs=100
    )
    assert rows["objects"]["in_5_years"] > rows["raw_1_years"]["in_5_years"]


def test_mistakes_of_the_section_are_named() -> None:
    params = dict(read_yaml(ROOT / "workflows" / "parks.yml")[0])
    assert validate(params) == []
    bad = {
        **params["storage"],
        "capacity": "much",
        "window_days": 3,
        "alert_share": 80,
        "depth": 1,
        "horizons": [],
    }
    assert validate({"storage": bad}) == [
        "storage.depth: no such key; known are capacity, warn_share, alert_share, window_days, growth_change, "
        "growth_floor, import_day_events, horizons",
        "storage.capacity: 'much' is not a size such as 500MB, 100GB or 2TB",
        "storage.alert_share: 80 is not a share above 0, up to 1",
        "storage.window_days: 3 is not a whole number from 7 up",
        "storage.horizons: expected a list of days such as [7, 30, 90]",
    ]
    assert validate({}) == [
        "storage: expected a mapping with "
        + ", ".join(
            (
                "capacity",
                "warn_share",
                "alert_share",
                "window_days",
                "growth_change",
                "growth_floor",
                "import_day_events",
                "horizons",
            )
        )
    ]
    assert parse_size("1.5GB") == 1_500_000_000
