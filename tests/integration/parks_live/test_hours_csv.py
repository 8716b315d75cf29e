"""cronhouse parks hours: opening hours of earlier years from a CSV file."""

from datetime import UTC, date, datetime

import pytest
from click.testing import CliRunner

from services.ingestion.parks import hours
from services.ingestion.parks.hours import load_csv
from services.ingestion.sources.parks_metadata import Hours
from services.themeparks.hours import DATA
from services.themeparks.world import KINGDOM, RESORT, STUDIOS
from shared import db
from shared.errors import FatalError
from tests.integration.parks_live.conftest import issues, rows

HEAD = "park_slug,date,open_local,close_local,emh_open_local,emh_close_local\n"


@pytest.fixture
def parks(conn):
    with db.transaction(conn):
        db.execute(conn, "INSERT INTO parks.destinations VALUES (%s)", (RESORT,))
        for park, slug, name in (
            (KINGDOM, "magickingdompark", None),
            (STUDIOS, None, "Disney's Hollywood Studios"),
        ):
            db.execute(
                conn, "INSERT INTO parks.parks (park_id, destination_id, slug, name, timezone) "
                "VALUES (%s, %s, %s, %s, 'America/New_York')", (park, RESORT, slug, name),
            )  # fmt: skip


def test_a_file_is_loaded_once_and_again_changes_nothing(conn, parks):
    assert load_csv(conn, DATA / "park_hours.csv", {}) == (184, 184)
    assert load_csv(conn, DATA / "park_hours.csv", {}) == (184, 0)
    day = rows(
        conn,
        "SELECT * FROM parks.opening_hours WHERE park_id::text = %(id)s AND local_date = '2019-07-04' ORDER BY opens_at",  # noqa: E501
        id=KINGDOM,
    )
    assert [row["kind"] for row in day if row["kind"] == "OPERATING"] == ["OPERATING"]
    assert rows(conn, "SELECT count(*) AS n FROM parks.dirty_day")[0]["n"] == 184


def test_hours_past_midnight_and_for_some_guests(conn, parks, tmp_path):
    path = tmp_path / "hours.csv"
    path.write_text(
        f"{HEAD}magickingdompark,2015-01-01,2015-01-01T08:00:00-05:00,2015-01-02T01:00:00-05:00,"
        "2015-01-01T07:00:00-05:00,2015-01-02T03:00:00-05:00\n"
    )
    load_csv(conn, path, {})
    found = rows(
        conn, "SELECT local_date, kind, opens_at, closes_at FROM parks.opening_hours ORDER BY opens_at"
    )
    assert [(row["kind"], row["opens_at"].hour, row["closes_at"].hour) for row in found] == [
        ("EXTRA_HOURS", 12, 13), ("OPERATING", 13, 6), ("EXTRA_HOURS", 6, 8),
    ]  # fmt: skip
    assert {row["local_date"] for row in found} == {date(2015, 1, 1)}


def test_two_stretches_of_a_day_may_stand_far_apart(conn, parks, tmp_path, monkeypatch):
    monkeypatch.setattr(hours, "BATCH", 2)
    days = [f"2018-03-{number:02}" for number in (10, 11, 12, 13)]
    early, late = (
        [f"magickingdompark,{day},{day}T{opens}:00,{day}T{closes}:00,,\n" for day in days]
        for opens, closes in (("09:00", "12:00"), ("14:00", "22:00"))
    )
    path = tmp_path / "hours.csv"
    path.write_text(HEAD + "".join(early + late))
    assert load_csv(conn, path, {}) == (8, 4)
    found = rows(conn, "SELECT count(*) AS n FROM parks.opening_hours GROUP BY local_date")
    assert [row["n"] for row in found] == [2, 2, 2, 2]


def test_equal_hours_of_another_source_are_that_sources_now(conn, parks, tmp_path):
    day, instant = date(2018, 3, 12), datetime(2018, 3, 12, 13, tzinfo=UTC)
    published = [(KINGDOM, Hours(day, "OPERATING", instant, instant.replace(hour=23), ""))]
    with db.transaction(conn):
        assert hours.put_hours(conn, published, "api", KINGDOM, day, day) == 1
        db.execute(conn, "DELETE FROM parks.dirty_day")
    path = tmp_path / "hours.csv"
    path.write_text(f"{HEAD}magickingdompark,{day},{day}T09:00:00-04:00,{day}T19:00:00-04:00,,\n")
    assert load_csv(conn, path, {}) == (1, 0)
    assert rows(conn, "SELECT source FROM parks.opening_hours") == [{"source": "csv:hours.csv"}]
    with db.transaction(conn):
        assert hours.put_hours(conn, [], "api", KINGDOM, day, day) == 0  # the API drops the day
    assert len(rows(conn, "SELECT FROM parks.opening_hours")) == 1
    assert not rows(conn, "SELECT FROM parks.dirty_day")


def test_23_a_time_that_the_clock_change_leaves_out(conn, parks, tmp_path):
    """Case 23, in a file: without an offset, in the park's zone."""
    path = tmp_path / "hours.csv"
    path.write_text(f"{HEAD}magickingdompark,2018-03-11,2018-03-11T02:30:00,2018-03-11T22:00:00,,\n")
    load_csv(conn, path, {})
    assert rows(conn, "SELECT opens_at FROM parks.opening_hours") == [
        {"opens_at": datetime(2018, 3, 11, 7, 30, tzinfo=UTC)}
    ]
    assert len(issues(conn, "DST_GAP")) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("park,date\n", "hours.csv; |the column park_slug is missing"),
        (f"{HEAD}nowhere,2018-03-11,,,,\n", "line 2: no park is known as 'nowhere'.*--park nowhere=UUID"),
        (f"{HEAD}magickingdompark,11.3.2018,,,,\n", "line 2: date: '11.3.2018' is no date"),
        (
            f"{HEAD}magickingdompark,2018-03-11,nine,2018-03-11T22:00:00,,\n",
            "line 2: open_local: 'nine' is no time",
        ),
        (f"{HEAD}magickingdompark,2018-03-11,2018-03-11T22:00:00,2018-03-11T09:00:00,,\n", "before it opens"),
    ],
)
def test_a_file_that_cannot_be_read_says_where(conn, parks, tmp_path, text, message):
    path = tmp_path / "hours.csv"
    path.write_text(text)
    with pytest.raises(FatalError, match=message):
        load_csv(conn, path, {})
    assert not rows(conn, "SELECT FROM parks.opening_hours")


def test_the_command_takes_the_park_of_a_slug(conn, parks, settings, tmp_path, monkeypatch):
    from shared.cli.parks import command

    path = tmp_path / "hours.csv"
    path.write_text(f"{HEAD}mk,2018-03-11,2018-03-11T09:00:00,2018-03-11T22:00:00,,\n")
    monkeypatch.setenv("DATABASE_URL", settings.database_url)
    result = CliRunner().invoke(
        command, ["hours", str(path), "--park", f"mk={KINGDOM}"], standalone_mode=False
    )
    assert result.exception is None and "1 lines read; the hours of 1 park-days changed" in result.output
