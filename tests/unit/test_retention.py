"""The retention section of a workflow file and the sections of the house."""

from pathlib import Path
from typing import Any

import pytest

from services.maintenance.house import params
from services.maintenance.house.jobs import _add_months
from services.maintenance.house.trim import _Q, TRIMMED
from shared.config import ROOT
from shared.errors import ConfigError
from shared.jobs.workflows import load_workflow
from shared.jobs.yamlfile import read_yaml
from shared.retention import find_problems, read_ages
from shared.sql import read_queries


def test_ages_are_days_and_what_is_not_named_stays() -> None:
    assert read_ages({"raw": "400d", "facts": "5y"}) == {"raw": 400, "facts": 1825}
    assert read_ages(None) == {}


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"rows": "3d"}, "retention.rows: no such kind; known are landing, raw, processed, facts"),
        ({"raw": "long"}, "retention.raw: 'long' is not a duration"),
        ({"raw": "3h"}, "retention.raw: '3h' is less than a day"),
        ({"raw": 400}, "retention.raw: 400 is less than a day"),
        (["raw"], "retention: expected kinds with an age each"),
    ],
)
def test_a_mistake_in_retention_is_named(section: Any, message: str) -> None:
    (problem,) = find_problems(section)
    assert problem.startswith(message)
    with pytest.raises(ConfigError):
        read_ages(section)


def house() -> dict[str, Any]:
    return dict(read_yaml(ROOT / "workflows" / "house.yml")[0])


def test_the_house_workflow_file_is_right() -> None:
    assert params.validate(house()) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"partitions": None}, "partitions: expected a mapping"),
        ({"partitions": {"months_ahead": 0, "functions": []}}, "partitions.months_ahead: 0 is not a whole"),
        ({"partitions": {"months_ahead": 3, "functions": ["drop table"]}}, "partitions.functions: 'drop"),
        ({"partitions": {"months_ahead": 3}}, "partitions.functions: expected a list"),
        ({"trim": {"job_lock": "3d"}}, "trim.job_lock: no such key; known are job_log"),
        ({"trim": {"job_log": "1h"}}, "trim.job_log: '1h' is less than a day"),
        ({"watch": {"due": "6h"}}, "watch.look_back: '' is not a duration"),
        ({"watch": {"due": "soon", "look_back": "3d"}}, "watch.due: 'soon' is not a duration"),
    ],
)  # fmt: skip
def test_a_mistake_in_the_house_file_is_named(change: dict[str, Any], message: str) -> None:
    (problem,) = params.validate({**house(), **change})
    assert problem.startswith(message)


def test_every_trimmed_table_has_its_statement() -> None:
    assert set(read_queries(_Q)) == set(TRIMMED)


def test_months_ahead_cross_the_year() -> None:
    from datetime import date

    assert _add_months(date(2026, 11, 30), 3) == date(2027, 2, 1)


def test_validate_names_file_line_and_field(tmp_path: Path) -> None:
    """The sections are checked where the workflow file is read, with everything else in it."""
    text = (ROOT / "workflows" / "retail.yml").read_text(encoding="utf-8")
    text = text.replace("raw: 400d", "raw: soon").replace(
        "severity: critical, max_days: 0", "severity: fatal"
    )
    path = tmp_path / "retail.yml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_workflow(path)
    lines = text.splitlines()
    age = next(n for n, line in enumerate(lines, 1) if line.startswith("  arrival_age:"))
    kept = next(n for n, line in enumerate(lines, 1) if line.startswith("retention:"))
    assert f"workflows/retail.yml:{age}: quality.arrival_age.severity: 'fatal' is not one of" in str(
        caught.value
    )
    assert f"workflows/retail.yml:{age}: quality.arrival_age.max_days: missing" in str(caught.value)
    assert f"workflows/retail.yml:{kept}: retention.raw: 'soon' is not a duration" in str(caught.value)
