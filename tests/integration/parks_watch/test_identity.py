"""Rides of another system matched to ours, against a real list of 47 rides and its truth."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest

from services.ingestion.parks import identity_store as store
from services.ingestion.parks.identity import External, is_near, split_queue
from shared import cli
from shared.config import ROOT
from shared.errors import DataError, FatalError
from tests.integration.parks_watch.conftest import World, uid

DATA = ROOT / "tests" / "data" / "parks"
COLUMNS = store.Columns("internal_ride_id", "name", "park_slug")
KINGDOM, STUDIOS = "75ea578a-adc8-4116-a54d-dccb60765ef9", "288747d1-8b4f-4a64-867e-ea7c9b27bad8"
ROCK = "e516f303-e82d-4fd3-8fbf-8e6ab624cf89"


def read(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def two_parks(world: World) -> World:
    """Magic Kingdom as the API describes it, Hollywood Studios as far as the truth knows it."""
    world.park("Magic Kingdom Park", "magickingdompark", park_id=KINGDOM)
    world.park("Disney's Hollywood Studios", "disneyshollywoodstudios", park_id=STUDIOS)
    children = json.loads((DATA / "children_75ea578a.json").read_text(encoding="utf-8"))["children"]
    for kind in ("ATTRACTION", "SHOW", "RESTAURANT"):
        world.rides(KINGDOM, [(c["id"], c["name"]) for c in children if c["entityType"] == kind], kind)
    studios = {
        row["internal_ride_id"]
        for row in read("internal_rides.csv")
        if row["park_slug"] != "magickingdompark"
    }
    names = {row["themeparks_wiki_id"]: row["name_wiki_2026"] for row in read("internal_rides_truth.csv")
             if row["internal_ride_id"] in studios}  # fmt: skip
    names |= {row["themeparks_wiki_id"]: row["name"] for row in read("metadata_truth.csv")
              if row["park"] == "disneyshollywoodstudios"}  # fmt: skip
    world.rides(STUDIOS, names.items())
    return world


def judge(world: World) -> tuple[int, int, int]:
    """Return how many mappings are right, how many are wrong, how many there should be."""
    truth = {row["internal_ride_id"]: row["themeparks_wiki_id"] for row in read("internal_rides_truth.csv")}
    made = world.rows(
        "SELECT external_id, entity_id::text AS entity FROM parks.ride_mapping JOIN parks.rides USING (ride_id)"
    )
    right = sum(truth.get(row["external_id"]) == row["entity"] for row in made)
    return right, len(made) - right, len(truth)


def match(
    world: World, rides: list[External], manual: list[store.Manual] | None = None, dry_run: bool = False
) -> store.Report:
    return store.match_rides(
        world.conn, "legacy", rides, manual or [], source="test.csv", actor="ana", dry_run=dry_run
    )


def ride(name: str, park: str = KINGDOM, number: str = "1", uuid: str = "") -> External:
    return External(number, name, park, uuid)


def test_nothing_is_matched_wrongly_and_what_is_left_waits_for_people(two_parks: World) -> None:
    report = match(two_parks, store.read_rides(DATA / "internal_rides.csv", COLUMNS))
    right, wrong, wanted = judge(two_parks)
    assert (right, wrong, wanted) == (43, 0, 44)  # precision 1, recall 0.977
    assert report.counts() == {"exact": 42, "fuzzy": 1, "review": 4, "decided before": 0}
    waiting = two_parks.rows("SELECT external_id, candidates FROM parks.match_review ORDER BY 1")
    assert [row["external_id"] for row in waiting] == ["4106", "4108", "4114", "4121"]
    assert waiting[3]["candidates"][0]["name"] == "Rock 'n' Roller Coaster Starring The Muppets"


def test_former_name_of_a_ride_matches_it(two_parks: World) -> None:
    """Rethemed under its own UUID: the archive knows it by its old name."""
    earlier = two_parks.rows("SELECT now() - interval '9 years' AS at")[0]["at"]
    two_parks.rides(STUDIOS, [(ROCK, "Rock 'n' Roller Coaster Starring Aerosmith")], seen=earlier)
    match(two_parks, store.read_rides(DATA / "internal_rides.csv", COLUMNS))
    assert judge(two_parks) == (44, 0, 44)
    assert two_parks.value("SELECT name FROM parks.rides WHERE entity_id = %(id)s", id=ROCK).endswith(
        "The Muppets"
    )


def test_dry_run_reports_the_same_and_writes_nothing(two_parks: World) -> None:
    rides = store.read_rides(DATA / "internal_rides.csv", COLUMNS)
    dry = match(two_parks, rides, dry_run=True)
    assert dry.batch_id is None
    for table in ("ride_mapping", "match_review", "match_batch"):
        assert two_parks.value(f"SELECT count(*) FROM parks.{table}") == 0
    assert match(two_parks, rides).verdicts == dry.verdicts


def test_matching_again_leaves_the_same_rows(two_parks: World) -> None:
    rides = store.read_rides(DATA / "internal_rides.csv", COLUMNS)
    match(two_parks, rides)
    query = "SELECT external_id, ride_id, method FROM parks.ride_mapping ORDER BY 1"
    before, reviews = (
        two_parks.rows(query),
        two_parks.rows("SELECT review_id, external_id FROM parks.match_review ORDER BY 1"),
    )
    match(two_parks, rides)
    assert two_parks.rows(query) == before
    assert two_parks.rows("SELECT review_id, external_id FROM parks.match_review ORDER BY 1") == reviews


def test_same_name_in_two_parks_is_told_apart_by_the_park(world: World) -> None:
    first, second = world.park("East", "east"), world.park("West", "west")
    east = world.rides(first, [(uid("soarin east"), "Soarin'")])
    west = world.rides(second, [(uid("soarin west"), "Soarin’")])
    match(world, [ride("Soarin'", "east"), ride("Soarin'", "west", "2"), ride("Soarin'", "north", "3")])
    found = {row["external_id"]: row["ride_id"] for row in world.rows("SELECT * FROM parks.ride_mapping")}
    assert found == {"1": east[uid("soarin east")], "2": west[uid("soarin west")]}
    assert world.value("SELECT reason FROM parks.match_review") == "there is no park 'north'"


def test_two_parks_of_one_name_are_not_chosen_between(world: World) -> None:
    for number in ("anaheim", "paris"):
        world.rides(
            world.park("Disneyland Park", None, park_id=uid(number)), [(uid(f"s{number}"), "Space Mountain")]
        )
    match(world, [ride("Space Mountain", "Disneyland Park"), ride("Space Mountain", uid("paris"), "2")])
    assert [row["external_id"] for row in world.rows("SELECT external_id FROM parks.ride_mapping")] == ["2"]
    assert "2 parks are called" in world.value("SELECT reason FROM parks.match_review")


def test_two_rides_of_one_name_go_to_people(world: World) -> None:
    """Two stations of one railway, a show and an attraction of one name."""
    park = world.park("Park", "park")
    world.rides(
        park, [(uid("a"), "Railroad Station"), (uid("b"), "Railroad  Station™"), (uid("c"), "PhilharMagic")]
    )
    world.rides(park, [(uid("d"), "PhilharMagic")], "SHOW")
    match(world, [ride("Railroad Station", "park"), ride("PhilharMagic", "park", "2")])
    assert world.value("SELECT count(*) FROM parks.ride_mapping") == 0
    rows = world.rows("SELECT reason, candidates FROM parks.match_review")
    assert (
        all(row["reason"].startswith("2 rides") and len(row["candidates"]) == 2 for row in rows)
        and len(rows) == 2
    )


def test_several_ids_are_one_ride_and_a_single_rider_line_is_its_queue(world: World) -> None:
    park = world.park("Epcot", "epcot")
    world.rides(park, [(uid("track"), "Test Track"), (uid("everest"), "Expedition Everest")])
    names = ("Test Track", "Test Track Single Rider", "Test Track - Single Rider Line", "TEST TRACK")
    match(world, [ride(name, "epcot", str(n)) for n, name in enumerate(names)])
    rows = world.rows(
        "SELECT external_id, queue_type::text AS queue, ride_id FROM parks.ride_mapping ORDER BY 1"
    )
    assert [row["queue"] for row in rows] == ["STANDBY", "SINGLE_RIDER", "SINGLE_RIDER", "STANDBY"]
    assert len({row["ride_id"] for row in rows}) == 1


def test_uuid_wins_over_the_name_and_an_unknown_one_is_no_reason_to_guess(world: World) -> None:
    park = world.park("Park", "park")
    rides = world.rides(park, [(uid("a"), "Alpha Coaster"), (uid("b"), "Beta Coaster")])
    match(world, [
        ride("Beta Coaster", "park", "1", uid("a").upper()), ride("Beta Coaster", "park", "2", uid("nobody")),
        ride("Beta Coaster", "park", "3", "17"), ride("Alpha Coaster", "nowhere", "4", uid("a")),
    ])  # fmt: skip
    rows = world.rows("SELECT external_id, ride_id, method FROM parks.ride_mapping ORDER BY 1")
    assert [(row["external_id"], row["ride_id"], row["method"]) for row in rows] == [
        ("1", rides[uid("a")], "uuid"),
        ("4", rides[uid("a")], "uuid"),
    ]
    assert world.value("SELECT count(*) FROM parks.match_review") == 2


@pytest.mark.parametrize(
    ("one", "other", "near"),
    [
        ("jingle cruise", "jungle cruise", True),
        ("prince charming regal carousel", "prince charming regal carrousel", True),
        ("swiss family tree house", "swiss family treehouse", True),
        ("the barnstormer", "barnstormer", True),
        ("test track 2", "test track ii", True),
        ("star tours i", "star tours ii", False),
        ("star tours", "star tours ii", False),
        ("mission space 1", "mission space 2", False),
        ("splash mountain", "space mountain", False),
        ("walt disney world railroad fantasyland", "walt disney world railroad frontierland", False),
        ("meet daring disney pals", "meet dashing disney pals", False),
        ("big thunder mountain", "big thunder mountain railroad", False),
        ("dumbo", "jumbo", False),
        ("meet mickey", "meet minnie", False),
    ],
)
def test_what_is_near_enough(one: str, other: str, near: bool) -> None:
    assert is_near(one, other) is near
    assert is_near(other, one) is near


def test_words_of_a_single_rider_line_alone_are_no_name() -> None:
    assert split_queue("single rider") == ("single rider", "STANDBY")


def test_best_must_beat_the_second(world: World) -> None:
    park = world.park("Park", "park")
    world.rides(park, [(uid("a"), "Enchanted Garden Walks"), (uid("b"), "Enchanted Garden Walls")])
    match(world, [ride("Enchanted Garden Walkz", "park")])
    assert world.value("SELECT count(*) FROM parks.ride_mapping") == 0
    assert "too much alike" in world.value("SELECT reason FROM parks.match_review")


def test_manual_file_wins_and_people_s_word_stays(two_parks: World, tmp_path: Path) -> None:
    rides = store.read_rides(DATA / "internal_rides.csv", COLUMNS)
    file = tmp_path / "manual.csv"
    file.write_text(f"external_id,entity_id\n4121,{ROCK}\n4163,{uid('x')}\n")
    with pytest.raises(DataError, match="4163 .* there is no such ride"):
        match(two_parks, rides, store.read_manual(file))
    file.write_text(f"external_id,entity_id,queue_type\n4121,{ROCK},\n4163,,\n4127,{ROCK},single_rider\n")
    match(two_parks, rides, store.read_manual(file))
    query = "SELECT method, queue_type::text AS queue FROM parks.ride_mapping WHERE external_id = %(id)s"
    assert two_parks.rows(query, id="4121") == [{"method": "manual", "queue": "STANDBY"}]
    assert two_parks.rows(query, id="4127") == [{"method": "manual", "queue": "SINGLE_RIDER"}]
    assert two_parks.rows(query, id="4163") == []
    report = match(two_parks, rides)  # without the file: what it said stays
    assert set(report.kept) == {"4121", "4127", "4163"}
    assert (
        two_parks.rows(query, id="4163") == [] and two_parks.rows(query, id="4127")[0]["method"] == "manual"
    )


def test_undo_takes_a_batch_back_and_brings_back_what_was_before(two_parks: World) -> None:
    rides = store.read_rides(DATA / "internal_rides.csv", COLUMNS)
    match(two_parks, rides)
    before = two_parks.rows("SELECT * FROM parks.ride_mapping ORDER BY external_id")
    second = match(two_parks, rides[:40], [store.Manual("4163", None, None)])
    assert second.batch_id is not None
    assert store.undo_batch(two_parks.conn, second.batch_id, "ana")[1] > 0
    assert two_parks.rows("SELECT * FROM parks.ride_mapping ORDER BY external_id") == before
    with pytest.raises(FatalError, match="was undone at"):
        store.undo_batch(two_parks.conn, second.batch_id, "ana")
    with pytest.raises(FatalError, match="no matching 99"):
        store.undo_batch(two_parks.conn, 99, "ana")


def test_undo_out_of_order_brings_no_undone_batch_back(two_parks: World) -> None:
    rides = store.read_rides(DATA / "internal_rides.csv", COLUMNS)
    first = match(two_parks, rides[:30]).batch_id
    mappings, reviews = (
        "SELECT * FROM parks.ride_mapping ORDER BY 2",
        "SELECT * FROM parks.match_review ORDER BY 1",
    )
    before = two_parks.rows(mappings), two_parks.rows(reviews)
    second = match(two_parks, rides, [store.Manual("4163", None, None)]).batch_id
    third = match(two_parks, rides, [store.Manual("4163", None, None)]).batch_id
    assert first and second and third
    assert store.undo_batch(two_parks.conn, second, "ana") == (0, 0)
    gone, back = store.undo_batch(two_parks.conn, third, "ana")
    assert gone > back == len(before[0])
    assert (two_parks.rows(mappings), two_parks.rows(reviews)) == before
    assert store.undo_batch(two_parks.conn, first, "ana") == (back, 0)
    assert two_parks.rows(mappings) == two_parks.rows(reviews) == []


def test_undo_of_every_batch_but_the_last_and_then_the_last_leaves_nothing(two_parks: World) -> None:
    rides = store.read_rides(DATA / "internal_rides.csv", COLUMNS)
    batches = [match(two_parks, rides).batch_id for _ in range(3)]
    said = [store.undo_batch(two_parks.conn, batch or 0, "ana") for batch in batches]
    assert said == [(0, 0), (0, 0), (43, 0)]
    for table in ("ride_mapping", "match_review"):
        assert two_parks.value(f"SELECT count(*) FROM parks.{table}") == 0


def test_undo_leaves_a_ride_to_the_question_that_a_later_batch_asked(two_parks: World) -> None:
    """Its mapping of before would stand beside an open question, which nobody could then accept."""
    name = "Haunted Mansion"
    match(two_parks, [ride(name)])
    second = match(two_parks, [ride(name)]).batch_id
    match(two_parks, [ride("No such ride")])
    assert second is not None and store.undo_batch(two_parks.conn, second, "ana") == (0, 0)
    assert two_parks.value("SELECT count(*) FROM parks.ride_mapping") == 0
    assert two_parks.value("SELECT state FROM parks.match_review") == "open"


def test_undo_brings_back_the_reviews_that_the_manual_file_overruled(two_parks: World) -> None:
    rides = store.read_rides(DATA / "internal_rides.csv", COLUMNS)
    match(two_parks, rides)
    query = "SELECT * FROM parks.match_review ORDER BY review_id"
    first, second = two_parks.rows(query)[:2]
    store.settle_review(two_parks.conn, first["review_id"], None, "ana")
    before = two_parks.rows(query)
    entity = two_parks.rows("SELECT entity_id::text AS id FROM parks.rides LIMIT 1")[0]["id"]
    manual = [
        store.Manual(first["external_id"], UUID(entity), None),
        store.Manual(second["external_id"], None, None),
    ]
    batch = match(two_parks, rides, manual).batch_id
    assert batch is not None and two_parks.rows(query) != before
    store.undo_batch(two_parks.conn, batch, "ana")
    assert two_parks.rows(query) == before


def test_file_with_a_missing_column_or_a_repeated_id_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "rides.csv"
    file.write_text("id,name,park\n1,A,p\n1,B,p\n")
    with pytest.raises(DataError, match="no column park_slug; there are: id, name, park"):
        store.read_rides(file, store.Columns("id", "name", "park_slug"))
    with pytest.raises(DataError, match="line 3: id 1 stands twice"):
        store.read_rides(file, store.Columns("id", "name", "park"))


@pytest.fixture
def call(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str]]:
    """Call the command line against the test's database."""
    monkeypatch.setenv("DATABASE_URL", world.settings.database_url or "")
    monkeypatch.setenv("CRONHOUSE_ENV_FILE", "/dev/null")

    def run(*arguments: str) -> tuple[int, str]:
        code = cli.call(["parks", *arguments])
        said = capsys.readouterr()
        return code, said.out + said.err

    return run


def test_commands_match_settle_and_undo(two_parks: World, call: Callable[..., tuple[int, str]]) -> None:
    file = str(DATA / "internal_rides.csv")
    code, said = call("match", file, "--system", "legacy", "--dry-run")
    assert code == 0 and "42 exact, 1 fuzzy, 4 review; nothing was written" in said
    assert "match-undo 1" in call("match", file, "--system", "legacy")[1]
    reviews = two_parks.rows("SELECT review_id, external_id FROM parks.match_review")
    number = {row["external_id"]: str(row["review_id"]) for row in reviews}
    assert "Starring The Muppets" in call("review", "list")[1]
    assert call("review", "accept", number["4121"], ROCK)[0] == 0
    assert call("review", "reject", number["4114"])[0] == 0
    assert call("review", "reject", number["4114"]) == (
        1,
        f"error: review {number['4114']} is rejected already\n",
    )
    assert judge(two_parks) == (44, 0, 44)
    assert "2 decided before" in call("match", file, "--system", "legacy")[1]
    assert two_parks.value("SELECT count(*) FROM ops.audit_log WHERE action = 'parks.review'") == 2
    code, said = call("match-undo", "1")
    assert code == 0 and "matching 1 is undone" in said


def test_successor_links_two_rides_by_hand_and_refuses_a_circle(
    world: World, call: Callable[..., tuple[int, str]]
) -> None:
    """Rethemed under a new UUID: two rides with a history each."""
    rides = world.rides(
        world.park("Park", "park"), [(uid("old"), "Splash Mountain"), (uid("new"), "Tiana's Bayou Adventure")]
    )
    assert call("successor", uid("old"), uid("new")) == (
        0,
        "Tiana's Bayou Adventure is the successor of Splash Mountain\n",
    )
    assert (
        world.value("SELECT successor_of FROM parks.rides WHERE ride_id = %(id)s", id=rides[uid("new")])
        == rides[uid("old")]
    )
    code, said = call("successor", str(rides[uid("new")]), str(rides[uid("old")]))
    assert code == 1 and "cannot follow" in said
    assert call("successor", "4711", uid("new"))[0] == 1
    assert match(world, [ride("Splash Mountain", "park")]).verdicts[0].ride_id == rides[uid("old")]
