"""/api/parks, /api/parks/{id}/live and /api/attractions/near."""

import csv
import io
import math
import random
from datetime import UTC, datetime, timedelta

import pytest

from services.api.app import create_app
from services.api.parks import EARTH, boxes
from services.ingestion.parks.metadata import describe
from services.themeparks.world import KINGDOM, RESORT
from shared import apikeys, db
from shared.sql import read_queries
from tests.integration.api.conftest import client_with, error_of
from tests.integration.parks_live.conftest import captured, make_run, rows

CASTLE = {"lat": 28.4195, "lon": -81.5812}


@pytest.fixture
def reader(settings):
    app = create_app(settings)
    conn = db.connect(settings)
    with db.transaction(conn):
        key = apikeys.create_key(conn, "a reader", "reader")
    conn.close()
    yield client_with(app, key)
    app.extensions["pool"].forget_idle()


@pytest.fixture
def described(settings):
    run = make_run(settings, "parks_metadata")
    describe(run)
    run.close()


def test_parks_have_todays_hours_in_their_own_zone(reader, described, cycle, conn):
    cycle(datetime.now(UTC).replace(microsecond=0))
    answer = reader.get(f"/api/parks?destination={RESORT}&limit=100").json
    found = {park["name"]: park for park in answer["data"]}
    kingdom = found["Magic Kingdom Park"]
    assert (
        kingdom["timezone"] == "America/New_York"
        and kingdom["attractions"] >= 35
        and kingdom["last_polled_at"]
    )
    (hours,) = rows(
        conn, "SELECT min(opens_at) AS a, max(closes_at) AS b FROM parks.opening_hours WHERE park_id::text = %(id)s "
        "AND kind = 'OPERATING' AND local_date::text = %(day)s", id=KINGDOM, day=kingdom["local_date"],
    )  # fmt: skip
    assert (
        kingdom["opens_at"] == f"{hours['a']:%Y-%m-%dT%H:%M:%SZ}"
        and kingdom["closes_at"] == f"{hours['b']:%Y-%m-%dT%H:%M:%SZ}"
    )
    assert kingdom["is_open"] is (hours["a"] <= datetime.now(UTC) < hours["b"])
    assert reader.get("/api/parks?limit=1000").json["page"]["next"] is None
    everything = reader.get("/api/parks?limit=1000").json["data"]
    assert len(everything) == 127 and kingdom["is_timezone_known"] is True
    unknown = [park for park in everything if not park["is_timezone_known"]]
    assert unknown and {park["timezone"] for park in unknown} == {"UTC"}


def test_the_live_board_has_queues_and_says_who_is_absent(reader, api, cycle):
    now = datetime.now(UTC).replace(microsecond=0)
    entries = captured("live_all_queues_SYNTHETIC.json")["liveData"]
    api.live(*entries)
    cycle(now)
    api.live(*entries[:2])
    cycle(now + timedelta(seconds=1))
    answer = reader.get(f"/api/parks/{KINGDOM}/live").json
    board = {row["name"]: row for row in answer["data"]}
    tron = board["TRON Lightcycle / Run"]
    assert (tron["status"], tron["wait_minutes"], tron["is_present"]) == ("OPERATING", 65, True)
    queues = {queue["queue_type"]: queue for queue in tron["queues"]}
    assert len(queues) == 5 and queues["PAID_RETURN_TIME"]["price_minor"] == 2100
    assert queues["RETURN_TIME"]["return_start_at"] == "2026-04-14T23:20:00Z"
    assert (
        not board["Pirates of the Caribbean"]["is_present"]
        and board["Pirates of the Caribbean"]["status"] == "DOWN"
    )
    waits = reader.get(f"/api/parks/{KINGDOM}/live?sort=-wait_minutes&status=OPERATING").json["data"]
    assert [row["wait_minutes"] for row in waits] == [65, None]
    text = reader.get(f"/api/parks/{KINGDOM}/live?format=csv").text
    assert len(list(csv.DictReader(io.StringIO(text)))) == 4


@pytest.mark.parametrize(
    ("path", "status", "field"),
    [
        ("/api/parks/11111111-1111-4111-8111-111111111111/live", 404, None),
        ("/api/parks/nowhere/live", 422, "park_id"),
        ("/api/parks?destination=x", 422, "destination"),
        ("/api/parks?limit=0", 422, "limit"),
        (f"/api/parks/{KINGDOM}/live?status=OPEN", 422, "status"),
        ("/api/attractions/near?lat=1", 422, "lon"),
        ("/api/attractions/near?lat=91&lon=0", 422, "lat"),
        ("/api/attractions/near?lat=nan&lon=0", 422, "lat"),
        ("/api/attractions/near?lat=1&lon=0&radius=-1", 422, "radius"),
        ("/api/attractions/near?lat=1&lon=0&radius=1e9", 422, "radius"),
        ("/api/attractions/near?lat=1&lon=0&indoors=true", 422, "indoors"),
        ("/api/attractions/near?lat=1&lon=0&max_height_cm=x", 422, "max_height_cm"),
    ],
)
def test_what_cannot_be_asked(reader, path, status, field):
    error = error_of(reader.get(path), status)
    assert field is None or error["details"][0]["field"] == field


def test_a_key_is_asked_for(reader, settings):
    for path in ("/api/parks", f"/api/parks/{KINGDOM}/live", "/api/attractions/near?lat=1&lon=1"):
        assert create_app(settings).test_client().get(path).status_code == 401


def test_attractions_near_a_point_nearest_first(reader, described):
    found = reader.get("/api/attractions/near", query_string={**CASTLE, "radius": 150, "limit": 1000}).json[
        "data"
    ]
    distances = [row["distance_m"] for row in found]
    assert found and distances == sorted(distances) and max(distances) <= 150
    for row in found:
        assert row["distance_m"] == pytest.approx(
            great_circle(CASTLE["lat"], CASTLE["lon"], row["latitude"], row["longitude"]), abs=0.06
        )
    wide = reader.get("/api/attractions/near", query_string={**CASTLE, "radius": 5000, "limit": 1000}).json[
        "data"
    ]
    within = [
        row
        for row in wide
        if great_circle(CASTLE["lat"], CASTLE["lon"], row["latitude"], row["longitude"]) <= 150
    ]
    assert [row["entity_id"] for row in within] == [row["entity_id"] for row in found]


def test_indoor_only_and_under_a_height(reader, described):
    where = {**CASTLE, "radius": 20_000, "limit": 1000}
    everything = reader.get("/api/attractions/near", query_string=where).json["data"]
    indoor = reader.get("/api/attractions/near", query_string={**where, "indoor": "true"}).json["data"]
    outdoor = reader.get("/api/attractions/near", query_string={**where, "indoor": "false"}).json["data"]
    assert {row["is_indoor"] for row in indoor} == {True} and {row["is_indoor"] for row in outdoor} == {False}
    unknown = [row for row in everything if row["is_indoor"] is None]
    assert len(indoor) + len(outdoor) + len(unknown) == len(everything)
    small = reader.get("/api/attractions/near", query_string={**where, "max_height_cm": 97}).json["data"]
    assert {row["min_height_cm"] for row in small} - {None} == {81, 89, 97}
    assert len(small) == len([row for row in everything if (row["min_height_cm"] or 0) <= 97])
    text = reader.get("/api/attractions/near", query_string={**where, "indoor": "true", "format": "csv"}).text
    assert [row["entity_id"] for row in csv.DictReader(io.StringIO(text))] == [
        row["entity_id"] for row in indoor
    ]


def test_a_height_is_held_against_the_upper_limit_of_a_ride_too(reader, described, conn):
    where = {**CASTLE, "radius": 20_000, "limit": 1000}
    nearest = reader.get("/api/attractions/near", query_string={**where, "max_height_cm": 150}).json["data"][
        0
    ]
    with db.transaction(conn):
        db.execute(
            conn, "UPDATE parks.entity_metadata AS m SET max_height_cm = 120, valid_from = valid_from + interval '1 s' "
            "FROM parks.rides AS r WHERE r.ride_id = m.ride_id AND r.entity_id::text = %s", (nearest["entity_id"],)
        )  # fmt: skip

    def may_ride(**height):
        found = reader.get("/api/attractions/near", query_string={**where, **height}).json["data"]
        return nearest["entity_id"] in [row["entity_id"] for row in found]

    assert [may_ride(max_height_cm=tall) for tall in (120, 121)] == [True, False] and may_ride()


def great_circle(lat1, lon1, lat2, lon2):
    """The distance by another formula than the query's: the angle between two unit vectors."""
    a, b = (
        (math.cos(math.radians(lat)) * math.cos(math.radians(lon)), math.cos(math.radians(lat)) * math.sin(math.radians(lon)),  # noqa: E501
         math.sin(math.radians(lat))) for lat, lon in ((lat1, lon1), (lat2, lon2))
    )  # fmt: skip
    cross = (a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])
    return EARTH * math.atan2(math.hypot(*cross), sum(x * y for x, y in zip(a, b, strict=True)))


@pytest.fixture(scope="module")
def many(pg_server, pg_template):
    """A database with 60,000 described attractions all over the world, poles and the 180th meridian included."""
    from tests.conftest import cloned_database
    from tests.conftest import settings_for as make

    with cloned_database(pg_server, pg_template) as url:
        from pathlib import Path

        conn = db.connect(make(url, Path("/nonexistent")))
        with db.transaction(conn):
            db.execute(
                conn, "INSERT INTO parks.rides (entity_id, name, entity_type) "
                "SELECT md5(n::text)::uuid, 'ride ' || n, 'ATTRACTION' FROM generate_series(1, 60000) AS n",
            )  # fmt: skip
            db.execute(conn, "SELECT setseed(0.5)")
            db.execute(
                conn,
                "INSERT INTO parks.entity_metadata (ride_id, valid_from, latitude, longitude, min_height_cm, entity_type, "  # noqa: E501
                "is_indoor, completeness, fingerprint) SELECT ride_id, now(), degrees(asin(2 * random() - 1)), "
                "random() * 360 - 180, CASE WHEN ride_id %% 2 = 0 THEN 80 + ride_id %% 50 END, 'ATTRACTION', "
                "ride_id %% 3 = 0, 60, 'x' FROM parks.rides",
                {},
            )
        conn.autocommit = True
        db.execute(conn, "ANALYZE parks.entity_metadata")
        db.execute(conn, "ANALYZE parks.rides")
        yield conn
        conn.close()


def near_values(lat, lon, radius, **more):
    return {"lat": lat, "lon": lon, "radius": radius, "indoor": None, "max_height_cm": None, "limit": None, "offset": 0,
            **boxes(lat, lon, radius), **more}  # fmt: skip


def near_statement():
    from services.api.database import QUERIES

    return read_queries(QUERIES / "parks.sql")["near"]


@pytest.mark.parametrize("lon", [-81.58, 179.99], ids=["one-box", "across-180"])
def test_near_reads_the_index_of_places(many, lon):
    """EXPLAIN: the GiST index, and no scan of the whole table."""
    plan = "\n".join(
        row["QUERY PLAN"]
        for row in db.fetch_all(
            many, f"EXPLAIN {near_statement()}", near_values(28.4, lon, 2000, indoor=True)
        )
    )
    assert "entity_metadata_place" in plan and "Seq Scan on entity_metadata" not in plan, plan


@pytest.mark.parametrize(
    ("lat", "lon", "radius"),
    [
        (28.4, -81.58, 100_000),
        (-17.5, 179.95, 100_000),
        (-17.5, -179.95, 100_000),
        (89.9, 10, 100_000),
        (-90, 0, 100_000),
        (0, 0, 99_000),
    ],
)
def test_near_finds_what_a_scan_of_all_places_finds(many, lat, lon, radius):
    places = db.fetch_all(
        many,
        "SELECT entity_id::text AS id, latitude, longitude FROM parks.entity_metadata JOIN parks.rides USING (ride_id)",
    )
    expected = {
        row["id"] for row in places if great_circle(lat, lon, row["latitude"], row["longitude"]) <= radius
    }
    found = db.fetch_all(many, near_statement(), near_values(lat, lon, radius))
    assert {row["entity_id"] for row in found} == expected and expected


def test_a_box_holds_its_circle():
    """Points on the circle, at random places and radii, are in the box or in its second half."""
    dice = random.Random(7)
    for _ in range(2000):
        lat, lon, radius = dice.uniform(-90, 90), dice.uniform(-180, 180), dice.uniform(1, 100_000)
        box = boxes(lat, lon, radius)
        bearing, angle = dice.uniform(0, 2 * math.pi), radius / EARTH
        p = math.radians(lat)
        q = math.asin(math.sin(p) * math.cos(angle) + math.cos(p) * math.sin(angle) * math.cos(bearing))
        turn = math.atan2(
            math.sin(bearing) * math.sin(angle) * math.cos(p), math.cos(angle) - math.sin(p) * math.sin(q)
        )
        there = (lon + math.degrees(turn) + 540) % 360 - 180
        assert box["south"] - 1e-9 <= math.degrees(q) <= box["north"] + 1e-9
        first = box["west"] - 1e-9 <= there <= box["east"] + 1e-9
        second = box["west2"] is not None and box["west2"] - 1e-9 <= there <= box["east2"] + 1e-9
        assert first or second, (lat, lon, radius)
