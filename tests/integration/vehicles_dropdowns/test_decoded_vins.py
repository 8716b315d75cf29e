"""What NHTSA's procedure says of VINs must be in the dropdowns, as one combination."""

import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from services.vehicle_etl.dropdown_names import (
    CUBIC_CM,
    CUBIC_INCHES,
    CYLINDERS,
    ENGINE_MODEL,
    FUEL,
    LITRES,
    MODEL,
    SPEEDS,
    STYLE,
    TRIM,
    litres_of,
)
from shared import db

ANSWERS = Path(__file__).parents[2] / "data/vpic/dev.jsonl.gz"
MAKE, YEAR, CODES = 26, 29, 143
VIN = re.compile(r"[A-HJ-NPR-Z0-9]{17}")
COUNTED = ("Pattern", "EngineModelPattern", "Vehicle Specs")  # not defaults, nor digits of the VIN


def decoded() -> Iterator[tuple[str, dict[int, dict[str, Any]]]]:
    """Yield whole VINs that have a model and whose year is their own, with the first row of each element."""
    with gzip.open(ANSWERS, "rt", encoding="utf-8") as lines:
        for line in lines:
            answer = json.loads(line)
            rows = {row["element_id"]: row for row in reversed(answer["rows"])}
            own_year = "12" not in rows[CODES]["value"].split(",") if CODES in rows else False
            if VIN.fullmatch(answer["vin"]) and MAKE in rows and MODEL in rows and YEAR in rows and own_year:
                yield answer["vin"], rows


def said(rows: dict[int, dict[str, Any]], element: int) -> str | None:
    row = rows.get(element)
    if row is None or row["source"] not in COUNTED or row["value"] in (None, "", "0", "Not Applicable"):
        return None
    return " ".join(row["value"].split())


def combination_of(rows: dict[int, dict[str, Any]]) -> tuple[Any, ...]:
    return (
        int(rows[YEAR]["value"]), int(rows[MAKE]["attribute_id"]), int(rows[MODEL]["attribute_id"]),
        said(rows, TRIM),
        said(rows, ENGINE_MODEL),
        litres_of(*(said(rows, element) for element in (LITRES, CUBIC_CM, CUBIC_INCHES))),
        said(rows, CYLINDERS), said(rows, FUEL), said(rows, STYLE), said(rows, SPEEDS),
    )  # fmt: skip


def test_every_decoded_vin_is_a_combination_of_the_dropdowns(subset: db.Connection) -> None:
    wanted = {combination_of(rows): vin for vin, rows in decoded()}
    found = db.fetch_all(
        subset,
        """
        SELECT c.year, m.make_id, c.model_id, t.name AS trim, e.engine_model, e.displacement_litres,
            e.cylinders, e.fuel_type, x.style, x.speeds
        FROM vpic.dropdown_combination AS c
        JOIN vpic.dropdown_model AS m USING (year, model_id)
        LEFT JOIN vpic.dropdown_trim AS t USING (trim_id)
        LEFT JOIN vpic.dropdown_engine AS e USING (engine_id)
        LEFT JOIN vpic.dropdown_transmission AS x USING (transmission_id)
        WHERE c.model_id = ANY(%(models)s)
        """,
        {"models": sorted({combination[2] for combination in wanted})},
    )
    there = {tuple(row.values()) for row in found}
    missing = {vin: combination for combination, vin in wanted.items() if combination not in there}
    assert len(wanted) > 1000
    assert not missing
