"""Rules, verdicts and scores, without a database."""

from decimal import Decimal
from typing import Any

import pytest

from services.data_quality.retail import params
from services.data_quality.retail.checks import CATALOGUE, STATEMENTS, offenders
from shared.config import ROOT
from shared.errors import CheckFailed, ConfigError
from shared.jobs.yamlfile import read_yaml
from shared.quality import (
    Observation,
    Result,
    evaluate,
    expected,
    raise_critical,
    score_of,
)
from shared.quality_rules import Check, find_problems, option_params, read_rules

SMALL = {
    "lost": Check("t", "lost lines"),
    "blank": Check("t", "share of blank lines", ("max_share",)),
    "volume": Check("t", "lines against before", ("min_ratio", "max_ratio"), ("weeks",)),
}
GOOD: dict[str, Any] = {
    "lost": {"severity": "critical", "max": 0},
    "blank": {"severity": "warning", "max_share": 0.25},
    "volume": {"severity": "info", "min_ratio": 0.5, "max_ratio": 2, "weeks": 4},
}


def judge(name: str, *observations: Observation) -> Result:
    rules = [rule for rule in read_rules(GOOD, SMALL) if rule.name == name]
    return evaluate(rules, {name: observations})[0]


def seen(value: Any, subject: str | None = None, note: str | None = None) -> Observation:
    return Observation(subject, None if value is None else Decimal(str(value)), note)


@pytest.mark.parametrize(
    ("name", "value", "passed"),
    [
        ("lost", 0, True),
        ("lost", 1, False),
        ("blank", 0.25, True),
        ("blank", 0.26, False),
        ("volume", 0.5, True),
        ("volume", 0.49, False),
        ("volume", 2, True),
        ("volume", 2.01, False),
        ("volume", 0, False),
        ("volume", None, True),
    ],
)
def test_a_value_at_its_limit_passes_beyond_it_fails(name: str, value: Any, passed: bool) -> None:
    assert judge(name, seen(value)).passed is passed


def test_every_subject_that_broke_the_rule_is_named_worst_first() -> None:
    result = judge("blank", seen(0.3, "a"), seen(0.1, "b"), seen(0.9, "c", "all day"))
    assert result.message == "share of blank lines: c 90.0 % (all day), a 30.0 %"
    assert result.observed == Decimal("0.9")
    assert result.subjects == ("a", "c")


def test_far_below_is_worse_than_a_little_above() -> None:
    result = judge("volume", seen(2.2, "above"), seen(0.01, "below"))
    assert result.message == "lines against before: below 0.01 times, above 2.20 times"


def test_a_pass_tells_the_value_nearest_to_the_limit() -> None:
    result = judge("blank", seen(0.1, "a"), seen(0.2, "b"))
    assert (result.passed, result.message) == (True, "share of blank lines: b 20.0 %")


def test_nothing_to_judge_by_passes_with_the_note() -> None:
    assert judge("volume", seen(None, "a", "not enough history")).message.endswith(": not enough history")
    assert judge("lost").message == "lost lines: nothing found"
    assert judge("lost").observed is None


def test_expected_is_for_people() -> None:
    assert [expected(rule) for rule in read_rules(GOOD, SMALL)] == [
        "at most 0",
        "at most 25.0 %",
        "at least 0.50 times and at most 2.00 times",
    ]


def test_options_become_parameters() -> None:
    assert option_params(read_rules(GOOD, SMALL)) == {"volume_weeks": 4}


def test_score_weighs_critical_5_warning_2_info_1() -> None:
    rules = read_rules(GOOD, SMALL)
    verdicts = [Result(rule, rule.severity != "warning", None, "") for rule in rules]
    score = score_of(verdicts)
    assert (score.percent, score.checks, score.failed, score.critical) == (Decimal("75.00"), 3, 1, 0)
    assert score_of([]).percent == 100


def test_only_critical_failures_stop() -> None:
    rules = read_rules(GOOD, SMALL)
    raise_critical([Result(rule, rule.severity == "critical", None, "bad") for rule in rules], "look")
    with pytest.raises(CheckFailed) as caught:
        raise_critical([Result(rule, False, None, "bad") for rule in rules], "cronhouse logs 7")
    assert (
        str(caught.value)
        == "1 critical check failed: lost (bad, expected at most 0). Look closer: cronhouse logs 7"
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"lost": None}, "quality.lost: missing; write lost: {severity: ..., max: ...}, or lost: off"),
        ({"lost": {"max": 0}}, "quality.lost.severity: None is not one of critical, warning, info"),
        ({"lost": {"severity": "bad", "max": 0}}, "quality.lost.severity: 'bad' is not one of"),
        ({"lost": {"severity": "info"}}, "quality.lost.max: missing; it is the limit of this check"),
        ({"lost": {"severity": "info", "max": "3"}}, "quality.lost.max: '3' is not a number from 0 up"),
        ({"lost": {"severity": "info", "max": -1}}, "quality.lost.max: -1 is not a number from 0 up"),
        ({"lost": {"severity": "info", "max": True}}, "quality.lost.max: True is not a number"),
        (
            {"lost": {"severity": "info", "max": 0, "maxx": 1}},
            "quality.lost.maxx: no such key; known are severity, max, except",
        ),
        (
            {"blank": {"severity": "info", "max_share": 25}},
            "quality.blank.max_share: 25 is not a share from 0 to 1",
        ),
        (
            {"volume": {**GOOD["volume"], "weeks": 0}},
            "quality.volume.weeks: 0 is not a whole number from 1 up",
        ),
        ({"volume": {**GOOD["volume"], "min_ratio": 3}}, "quality.volume.min_ratio: 3 is above max_ratio 2"),
        ({"lost": {**GOOD["lost"], "except": "a"}}, "quality.lost.except: 'a' is not a list of names"),
        ({"other": {}}, "quality.other: no such check; the checks are blank, lost, volume"),
    ],
    ids=lambda value: value.split(":")[0] if isinstance(value, str) else "",
)
def test_a_mistake_in_the_workflow_file_is_named(change: dict[str, Any], message: str) -> None:
    (problem,) = find_problems({**GOOD, **change}, SMALL)
    assert problem.startswith(message)


def test_all_mistakes_are_named_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        read_rules({"lost": {"severity": "x"}, "nothing": 1}, SMALL)
    assert len(caught.value.problems) == 5


@pytest.mark.parametrize("section", [None, [], "all"])
def test_a_section_that_is_no_mapping_is_a_mistake(section: Any) -> None:
    assert find_problems(section, SMALL) == [
        "quality: expected a check with severity and limits on each line"
    ]


def test_an_exempt_subject_is_not_judged() -> None:
    (rule,) = read_rules({"blank": {**GOOD["blank"], "except": ["a"]}}, {"blank": SMALL["blank"]})
    (result,) = evaluate([rule], {"blank": [seen(0.9, "a"), seen(0.1, "b")]})
    assert (result.passed, result.message) == (True, "share of blank lines: b 10.0 %")


def test_an_exempt_retailer_must_exist() -> None:
    content, _ = read_yaml(ROOT / "workflows" / "retail.yml")
    content["quality"]["volume"]["except"] = ["retailer_9"]
    assert params.validate(content) == ["quality.volume.except: there is no retailer 'retailer_9'"]


def test_off_switches_a_check_off() -> None:
    assert [rule.name for rule in read_rules({**GOOD, "lost": False}, SMALL)] == ["blank", "volume"]


def test_the_retail_workflow_file_is_right() -> None:
    content, _ = read_yaml(ROOT / "workflows" / "retail.yml")
    assert params.validate(content) == []


def test_retail_volume_needs_fewer_weeks_than_it_looks_at() -> None:
    content, _ = read_yaml(ROOT / "workflows" / "retail.yml")
    content["quality"]["volume"]["min_weeks"] = 9
    assert params.validate(content) == [
        "quality.volume.min_weeks: is above weeks: the check could never judge"
    ]


def test_every_retail_check_is_computed_by_a_statement() -> None:
    text = STATEMENTS["deliveries"] + STATEMENTS["fact_sales"]
    assert [name for name in CATALOGUE if f"'{name}'" not in text] == []
    assert set(offenders()) <= set(CATALOGUE)
    assert {"deliveries", "fact_sales", "offenders", "queries"} == set(STATEMENTS.names())
