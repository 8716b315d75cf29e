"""What a release offers and what it leaves out, on a few rows each."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from services.vehicle_etl.dropdowns import build_dropdowns
from shared import db
from shared.errors import FatalError
from tests.integration.vehicles_dropdowns import release
from tests.integration.vehicles_dropdowns.conftest import NOW

MAKE, OTHER_MAKE, MODEL = 10, 11, 100
Patterns = Sequence[tuple[str, int, str]]
ONE_MODEL: Patterns = [("A", 28, str(MODEL))]


def write_release(
    conn: db.Connection,
    patterns: Patterns = ONE_MODEL,
    *,
    schema: str = "vpic",
    wmi: Mapping[str, Any] | None = None,
    link: Mapping[str, Any] | None = None,
    makes: Sequence[int] = (MAKE,),
    model_makes: Sequence[int] = (MAKE,),
    tobeqced: bool = False,
    build: bool = True,
) -> None:
    """One manufacturer with one schema; what is not given is plain."""

    def write(table: str, *rows: Mapping[str, Any]) -> None:
        release.insert(conn, schema, table, rows)

    release.create(conn, schema)
    write("make", {"id": MAKE, "name": "Make"}, {"id": OTHER_MAKE, "name": "Other"})
    write("model", {"id": MODEL, "name": "Model"})
    write("make_model", *({"id": make, "makeid": make, "modelid": MODEL} for make in model_makes))
    write("transmission", {"id": 2, "name": "Automatic"}, {"id": 0, "name": "Not Applicable"})
    plain = {"id": 1, "wmi": "1AB", "vehicletypeid": 2, "publicavailabilitydate": "2015-01-01"}
    write("wmi", {**plain, **(wmi or {})})
    write("wmi_make", *({"wmiid": 1, "makeid": make} for make in makes))
    write("vinschema", {"id": 1, "name": "schema", "tobeqced": tobeqced})
    write(
        "wmi_vinschema",
        {"id": 1, "wmiid": 1, "vinschemaid": 1, "yearfrom": 2015, "yearto": 2016, **(link or {})},
    )
    for number, (keys, element, attribute) in enumerate(patterns, 1):
        row = {"id": number, "vinschemaid": 1, "keys": keys, "elementid": element, "attributeid": attribute}
        write("pattern", {**row, "createdon": "2020-01-01"})
    if build:
        build_dropdowns(conn, schema, NOW)


def makes_by_year(conn: db.Connection) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for row in db.fetch_all(conn, "SELECT * FROM vpic.dropdown_make ORDER BY year, make_id"):
        found.setdefault(row["year"], []).append(row["make_id"])
    return found


def combinations(conn: db.Connection) -> set[tuple[Any, ...]]:
    rows = db.fetch_all(
        conn,
        """
        SELECT DISTINCT t.name AS trim, e.name AS engine, x.name AS transmission
        FROM vpic.dropdown_combination
        LEFT JOIN vpic.dropdown_trim AS t USING (trim_id)
        LEFT JOIN vpic.dropdown_engine AS e USING (engine_id)
        LEFT JOIN vpic.dropdown_transmission AS x USING (transmission_id)
        """,
    )
    return {tuple(row.values()) for row in rows}


@pytest.mark.parametrize("date", [None, "2026-11-21"])
def test_manufacturer_that_is_not_published_is_left_out(conn: db.Connection, date: str | None) -> None:
    write_release(conn, wmi={"publicavailabilitydate": date})
    assert makes_by_year(conn) == {} and combinations(conn) == set()


def test_schema_to_be_checked_is_left_out(conn: db.Connection) -> None:
    write_release(conn, tobeqced=True)
    assert makes_by_year(conn) == {}


@pytest.mark.parametrize(
    ("link", "first", "last"),
    [
        ({}, 2015, 2016),
        ({"yearto": None}, 2015, 2028),
        ({"yearto": 2999}, 2015, 2028),
        ({"yearfrom": 1950, "yearto": 1981}, 1980, 1981),
    ],
)
def test_years_are_those_of_the_link(
    conn: db.Connection, link: dict[str, Any], first: int, last: int
) -> None:
    write_release(conn, link=link)
    assert sorted(makes_by_year(conn)) == list(range(first, last + 1))


def test_make_is_the_models_else_the_only_one_of_the_manufacturer(conn: db.Connection) -> None:
    write_release(conn, model_makes=[OTHER_MAKE])
    assert makes_by_year(conn)[2015] == [
        MAKE,
        OTHER_MAKE,
    ]  # a VIN without the model's letter has the only make
    db.execute(conn, "DROP SCHEMA vpic CASCADE")
    write_release(conn, [("*", 28, str(MODEL))], model_makes=[OTHER_MAKE])
    assert makes_by_year(conn)[2015] == [OTHER_MAKE]  # no VIN is without model
    db.execute(conn, "DROP SCHEMA vpic CASCADE")
    write_release(conn, makes=[MAKE, OTHER_MAKE])
    assert makes_by_year(conn)[2015] == [MAKE]  # two makes: none for a VIN without model
    db.execute(conn, "DROP SCHEMA vpic CASCADE")
    write_release(conn, model_makes=[])
    assert makes_by_year(conn)[2015] == [MAKE] and combinations(conn) == set()  # a model without make


def test_unknown_model_beats_and_is_not_offered(conn: db.Connection) -> None:
    write_release(conn, [("*", 28, "999"), ("A", 28, str(MODEL))])
    assert makes_by_year(conn) == {} and combinations(conn) == set()


def test_keys_that_cannot_meet_make_no_combination(conn: db.Connection) -> None:
    write_release(conn, [("A", 28, str(MODEL)), ("*B", 38, "LX"), ("*[CD]", 38, "EX"), ("*[B]", 37, "2")])
    assert combinations(conn) == {("LX", None, "Automatic"), ("EX", None, None), (None, None, None)}


def test_attributes_that_say_nothing_still_win(conn: db.Connection) -> None:
    write_release(conn, [("A", 28, str(MODEL)), ("*B", 37, "0"), ("*B*C", 37, "2"), ("*D", 37, "77")])
    assert combinations(conn) == {(None, None, None)}


def test_rest_of_a_six_character_manufacturer_must_fit_the_key(conn: db.Connection) -> None:
    patterns = [("A", 28, str(MODEL)), ("*****|**123", 38, "Mine"), ("*****|**9", 38, "Theirs")]
    write_release(conn, patterns, wmi={"wmi": "1A9123", "vehicletypeid": 6})
    assert combinations(conn) == {("Mine", None, None)}


def test_position_seven_tells_the_year_of_cars(conn: db.Connection) -> None:
    patterns = [("A", 28, str(MODEL)), ("***1", 38, "Digit"), ("***B", 38, "Letter")]
    both = {("Digit", None, None), ("Letter", None, None), (None, None, None)}
    write_release(conn, patterns)
    assert combinations(conn) == both  # nothing thirty years off: either kind is taken
    db.execute(conn, "DROP SCHEMA vpic CASCADE")
    write_release(conn, patterns, build=False)
    older = {"id": 2, "wmiid": 1, "vinschemaid": 2, "yearfrom": 1985, "yearto": 1986}
    release.insert(conn, "vpic", "vinschema", [{"id": 2, "name": "of 1985", "tobeqced": False}])
    release.insert(conn, "vpic", "wmi_vinschema", [older])
    build_dropdowns(conn, "vpic", NOW)
    assert combinations(conn) == both - {("Digit", None, None)}


def test_engine_model_and_cubic_inches_fill_what_is_open(conn: db.Connection) -> None:
    write_release(conn, [("A", 28, str(MODEL)), ("*", 18, "k24 "), ("*B", 12, "350")], build=False)
    release.insert(conn, "vpic", "enginemodel", [{"id": 1, "name": "K24"}])
    implied = {"id": 1, "enginemodelid": 1, "elementid": 9, "attributeid": "4"}
    release.insert(conn, "vpic", "enginemodelpattern", [implied])
    build_dropdowns(conn, "vpic", NOW)
    assert combinations(conn) == {(None, "4-cylinder k24", None), (None, "5.7L 4-cylinder k24", None)}


def test_vehicle_specification_fills_what_the_vin_leaves_open(conn: db.Connection) -> None:
    write_release(conn, [("A", 28, str(MODEL)), ("*B", 38, "lx"), ("*C", 38, "EX")], build=False)
    spec = {"id": 5, "makeid": MAKE, "createdon": "2020-01-01", "vehicletypeid": 2, "tobeqced": False}
    release.insert(conn, "vpic", "vehiclespecschema", [spec])
    release.insert(
        conn, "vpic", "vehiclespecschema_model", [{"id": 1, "vehiclespecschemaid": 5, "modelid": MODEL}]
    )
    release.insert(conn, "vpic", "vspecschemapattern", [{"id": 7, "schemaid": 5}])
    row = {"vspecschemapatternid": 7, "createdon": "2020-01-01"}
    key = {**row, "id": 1, "iskey": True, "elementid": 38, "attributeid": "LX"}
    value = {**row, "id": 2, "iskey": False, "elementid": 37, "attributeid": "2"}
    release.insert(conn, "vpic", "vehiclespecpattern", [key, value])
    build_dropdowns(conn, "vpic", NOW)
    assert combinations(conn) == {("lx", None, "Automatic"), ("EX", None, None), (None, None, None)}


def test_two_schemas_are_built_in_one_transaction(conn: db.Connection) -> None:
    write_release(conn)
    write_release(conn, schema="vpic_load_2")
    ids = "SELECT count(*) FROM {}.dropdown_combination"
    assert db.fetch_value(conn, ids.format("vpic")) == db.fetch_value(conn, ids.format("vpic_load_2")) == 2


def test_empty_release_gives_empty_tables(conn: db.Connection) -> None:
    release.create(conn, "vpic")
    assert build_dropdowns(conn, "vpic", NOW) == 0
    assert makes_by_year(conn) == {}


def test_missing_table_is_named(conn: db.Connection) -> None:
    release.create(conn, "vpic")
    db.execute(conn, "DROP TABLE vpic.fueltype")
    with pytest.raises(FatalError, match="fueltype"):
        build_dropdowns(conn, "vpic", NOW)
