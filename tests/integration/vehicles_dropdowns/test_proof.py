"""For combinations of the dropdowns a VIN is made that has them; plain SQL says what it matches."""

import random
from collections import Counter
from typing import Any

from services.vehicle_etl import dropdowns
from services.vehicle_etl.combinations import VIN_CHARACTERS, read_key
from services.vehicle_etl.dropdown_names import (
    CYLINDERS,
    ELEMENTS,
    ENGINE_MODEL,
    FUEL,
    LITRES,
    MODEL,
    SPEEDS,
    STYLE,
    TRIM,
    Transmission,
    Values,
    litres_of,
)
from shared import db

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
    if element == LITRES:
        return litres_of(value, None, None) == wanted["displacement_litres"]
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


def render(values: Values, rows: list[dict[str, Any]]) -> tuple[Any, ...]:
    """Say what a VIN's winners come to."""
    said: dict[int, str | None] = dict.fromkeys(ELEMENTS)
    said.update({row["elementid"]: values.read(row["elementid"], row["attributeid"]) for row in rows})
    transmission = Transmission(said[STYLE], said[SPEEDS]).name
    return said[MODEL], said[TRIM], values.engine(said).name or None, transmission or None


def has_vin(conn: db.Connection, values: Values, wanted: dict[str, Any], chance: random.Random) -> bool:
    goal = (str(wanted["model_id"]), wanted["trim"], wanted["engine"], wanted["transmission"])
    year = wanted["year"]
    for place in db.fetch_all(conn, PLACES, {"model": goal[0], "year": year}):
        of_place = {"wmi": place["id"], "year": year, "elements": list(ELEMENTS)}
        patterns = db.fetch_all(conn, PATTERNS, of_place)
        choices: list[list[str]] = [[] for _ in ELEMENTS]
        others = []
        for row in patterns:
            is_wanted = fits(values, wanted, row["elementid"], row["attributeid"])
            keys = choices[ELEMENTS.index(row["elementid"])] if is_wanted else others
            if read_key(row["keys"]) is not None:
                keys.append(row["keys"])
        for is_old in (year < 2010, year >= 2010):
            vins = make_key_strings(chance, choices, others, place["wmi"][3:], is_old, 200)
            found: dict[str, list[dict[str, Any]]] = {}
            for row in db.fetch_all(conn, WINNERS, {**of_place, "vins": vins}):
                found.setdefault(row["vin"], []).append(row)
            if any(render(values, rows) == goal for rows in found.values()):
                return True
    return False


def test_combinations_are_had_by_vins(subset: db.Connection) -> None:
    values = dropdowns.read_values(subset, "vpic")
    chance = random.Random(11)
    sample = db.fetch_all(subset, SAMPLE, {"count": 60})
    impossible = [wanted for wanted in sample if not has_vin(subset, values, wanted, chance)]
    assert len(sample) == 60
    assert not impossible
