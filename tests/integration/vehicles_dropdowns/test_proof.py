"""For combinations of the dropdowns a VIN is made that has them; plain SQL says what it matches."""

import random
from collections import Counter
from typing import Any

from services.vehicle_etl import dropdowns
from services.vehicle_etl.combinations import VIN_CHARACTERS, read_key
from services.vehicle_etl.dropdown_names import (
    CUBIC_CM,
    CUBIC_INCHES,
    CYLINDERS,
    ELEMENTS,
    ENGINE_MODEL,
    FUEL,
    LITRES,
    MODEL,
    SPEEDS,
    STYLE,
    TRIM,
    Values,
    litres_of,
)
from services.vehicle_etl.dropdown_offer import Offer
from services.vehicle_etl.dropdown_specs import Spec, Specs, read_specs
from shared import db

SIZES = (LITRES, CUBIC_CM, CUBIC_INCHES)
SAMPLE = """
SELECT c.*, t.name AS trim, e.name AS engine, e.engine_model, e.displacement_litres, e.cylinders, e.fuel_type,
    x.name AS transmission, x.style, x.speeds
FROM vpic.dropdown_combination AS c
LEFT JOIN vpic.dropdown_trim AS t USING (trim_id)
LEFT JOIN vpic.dropdown_engine AS e USING (engine_id)
LEFT JOIN vpic.dropdown_transmission AS x USING (transmission_id)
ORDER BY md5(c::text)
LIMIT %(count)s
"""
# Where a combination may come from: manufacturers with a pattern of its model in its year.
PLACES = """
SELECT DISTINCT w.id, w.wmi
FROM vpic.pattern AS p
JOIN vpic.wmi_vinschema AS l USING (vinschemaid)
JOIN vpic.wmi AS w ON w.id = l.wmiid
WHERE p.elementid = 28 AND p.attributeid = %(model)s AND w.publicavailabilitydate <= '2026-11-20'
    AND %(year)s BETWEEN l.yearfrom AND coalesce(l.yearto, 2999)
ORDER BY w.id
"""
# Specifications of vehicles that a manufacturer's vehicles of a year may follow.
SPEC_SCHEMAS = """
SELECT DISTINCT s.id
FROM vpic.vehiclespecschema AS s
JOIN vpic.wmi_make AS m ON m.makeid = s.makeid AND m.wmiid = %(wmi)s
JOIN vpic.wmi AS w ON w.id = m.wmiid AND w.vehicletypeid = s.vehicletypeid
LEFT JOIN vpic.vehiclespecschema_year AS y ON y.vehiclespecschemaid = s.id
WHERE s.tobeqced IS NOT TRUE AND (y.year IS NULL OR y.year = %(year)s)
"""
PATTERNS = """
SELECT DISTINCT p.elementid, p.keys, p.attributeid
FROM vpic.pattern AS p
JOIN vpic.wmi_vinschema AS l USING (vinschemaid)
WHERE l.wmiid = %(wmi)s AND %(year)s BETWEEN l.yearfrom AND coalesce(l.yearto, 2999)
    AND p.elementid = ANY(%(elements)s)
ORDER BY 1, 2, 3
"""
# The rules of the decode procedure in its own words: a key is LIKE or a regular expression, the best pattern of an
# element wins. One row is a key string and an element.
WINNERS = r"""
WITH pattern AS (
    SELECT p.*, l.yearfrom,
        CASE WHEN p.keys LIKE '%%[%%' THEN
            '^' || replace(replace(replace(replace(p.keys, '*', '.'), '|', '\|'), '1-A', '1A'), '[^', '[\^')
        END AS expression,
        replace(p.keys, '*', '_') || '%%' AS likeness
    FROM vpic.pattern AS p
    JOIN vpic.wmi_vinschema AS l USING (vinschemaid)
    JOIN vpic.vinschema AS s ON s.id = l.vinschemaid AND s.tobeqced IS NOT TRUE
    WHERE l.wmiid = %(wmi)s AND %(year)s BETWEEN l.yearfrom AND coalesce(l.yearto, 2999)
        AND p.elementid = ANY(%(elements)s)
)
SELECT DISTINCT ON (vin, elementid) vin, elementid, attributeid
FROM unnest(%(vins)s) AS vin
JOIN pattern ON CASE WHEN expression IS NULL THEN vin LIKE likeness ELSE vin ~ expression END
ORDER BY vin, elementid, yearfrom DESC, coalesce(updatedon, createdon) DESC NULLS FIRST,
    length(replace(keys, '*', '')), translate(keys, '[]', '') COLLATE "C", id
"""


def fits(values: Values, wanted: dict[str, Any], element: int, attribute: str) -> bool:
    """Tell whether a pattern says what the combination says of its element."""
    value = values.read(element, attribute)
    if element == MODEL:
        return attribute == str(wanted["model_id"])
    if element in SIZES:
        said = {size: value if size == element else None for size in SIZES}
        return litres_of(*said.values()) == wanted["displacement_litres"]
    column = {
        TRIM: "trim", ENGINE_MODEL: "engine_model", CYLINDERS: "cylinders", FUEL: "fuel_type", STYLE: "style",
        SPEEDS: "speeds",
    }.get(element)  # fmt: skip
    return column is not None and value is not None and value == wanted[column]


def make_key_strings(
    chance: random.Random, choices: list[list[str]], others: list[str], suffix: str, is_old: bool, count: int
) -> list[str]:
    """Make positions 4-8 and 10-17 of VINs; each satisfies one key of each element, as far as they meet.

    Where they leave a choice, half of the characters are those that few of the other keys ask for.
    """
    asked: Counter[tuple[int, str]] = Counter()
    for key in others:
        asked.update((place, character) for place, accepted in read_key(key) or () for character in accepted)
    made = set()
    for _ in range(count):
        places = [set(VIN_CHARACTERS) for _ in range(14)]
        places[3] &= set("0123456789") if is_old else set(VIN_CHARACTERS[:23])
        for number, character in enumerate(suffix):
            places[8 + number] = {character}
        for keys in chance.sample(choices, len(choices)):
            for key in chance.sample(keys, len(keys)):
                narrowed = [set(accepted) for accepted in places]
                for place, accepted in read_key(key) or ((0, frozenset()),):
                    narrowed[place] &= accepted
                if all(narrowed):
                    places = narrowed
                    break
        text = ""
        for place, accepted in enumerate(places):
            fewest = min(asked[place, character] for character in accepted)
            rare = [character for character in accepted if asked[place, character] == fewest]
            text += chance.choice(sorted(rare if chance.random() < 0.5 else accepted))
        made.add(text[:5] + "|" + text[6:])
    return sorted(made)


def spec_candidates(
    conn: db.Connection, specs: Specs, wanted: dict[str, Any], place: dict[str, Any]
) -> tuple[Spec, ...]:
    """Return the specifications of the model that vehicles of a manufacturer and year may follow."""
    rows = db.fetch_all(conn, SPEC_SCHEMAS, {"wmi": place["id"], "year": wanted["year"]})
    return specs.relevant([row["id"] for row in rows], {str(wanted["model_id"])})


def has_vin(
    conn: db.Connection, offer: Offer, specs: Specs, wanted: dict[str, Any], chance: random.Random
) -> bool:
    """Make VINs until one has the combination."""
    goal = (wanted["model_id"], wanted["trim_id"], wanted["engine_id"], wanted["transmission_id"])
    year = wanted["year"]
    elements = [*ELEMENTS, *(element for element in specs.key_elements if element not in ELEMENTS)]
    for place in db.fetch_all(conn, PLACES, {"model": str(wanted["model_id"]), "year": year}):
        of_place = {"wmi": place["id"], "year": year, "elements": elements}
        patterns = db.fetch_all(conn, PATTERNS, of_place)
        usable = [row for row in patterns if read_key(row["keys"]) is not None]
        candidates = spec_candidates(conn, specs, wanted, place)
        for spec in (None, *chance.sample(candidates, len(candidates))):
            asked = dict(spec.keys) if spec else {}
            choices: list[list[str]] = [[] for _ in elements]
            others = []
            for row in usable:
                element, attribute = row["elementid"], row["attributeid"]
                is_key = asked.get(element) == offer.values.read(element, attribute).casefold()
                is_wanted = is_key or fits(offer.values, wanted, element, attribute)
                (choices[elements.index(element)] if is_wanted else others).append(row["keys"])
            for is_old in (year < 2010, year >= 2010):
                vins = make_key_strings(chance, choices, others, place["wmi"][3:], is_old, 120)
                found: dict[str, dict[int, Any]] = {}
                for row in db.fetch_all(conn, WINNERS, {**of_place, "vins": vins}):
                    said = found.setdefault(row["vin"], dict.fromkeys(elements))
                    said[row["elementid"]] = offer.values.read(row["elementid"], row["attributeid"])
                if any(offer.row(said, candidates) == goal for said in found.values()):
                    return True
    return False


def test_combinations_are_had_by_vins(subset: db.Connection) -> None:
    offer = Offer(dropdowns.read_values(subset, "vpic"))
    specs = read_specs(subset, lambda name: dropdowns._statement("vpic", name), offer.values)
    chance = random.Random(11)
    sample = db.fetch_all(subset, SAMPLE, {"count": 60})
    impossible = [wanted for wanted in sample if not has_vin(subset, offer, specs, wanted, chance)]
    assert len(sample) == 60
    assert not impossible
