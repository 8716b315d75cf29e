"""Rules of data quality: the checks that a service offers, and what the workflow file makes of them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from shared.errors import ConfigError

SEVERITIES = ("critical", "warning", "info")


@dataclass(frozen=True)
class Check:
    """What the code can check. A limit is called max or min, with the unit behind: max_share, min_ratio.

    Options are whole numbers of the workflow file that the statement takes as `%(check_option)s`. Any check
    may have `except`, a list of subjects that it does not hold for.
    """

    table: str
    title: str
    limits: tuple[str, ...] = ("max",)
    options: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rule:
    """A check as the workflow file wants it."""

    name: str
    check: Check
    severity: str
    limits: Mapping[str, Decimal]
    options: Mapping[str, int]
    exempt: tuple[str, ...] = ()


def find_problems(section: Any, catalogue: Mapping[str, Check], where: str = "quality") -> list[str]:
    """List what is wrong with the checks of a workflow file, one sentence a mistake."""
    return _read(section, catalogue, where)[1]


def read_rules(section: Any, catalogue: Mapping[str, Check], where: str = "quality") -> list[Rule]:
    """Read the rules of a workflow file. Every check of the catalogue stands there, `off` when not wanted.

    Raises:
        ConfigError: all mistakes at once.
    """
    rules, problems = _read(section, catalogue, where)
    if problems:
        raise ConfigError(*problems)
    return rules


def _read(section: Any, catalogue: Mapping[str, Check], where: str) -> tuple[list[Rule], list[str]]:
    if not isinstance(section, Mapping):
        return [], [f"{where}: expected a check with severity and limits on each line"]
    rules: list[Rule] = []
    problems = [
        f"{where}.{name}: no such check; the checks are {', '.join(sorted(catalogue))}"
        for name in section
        if name not in catalogue
    ]
    for name, check in catalogue.items():
        entry = section.get(name)
        if entry is False:  # YAML reads `off` as false
            continue
        if not isinstance(entry, Mapping):
            example = ", ".join(f"{key}: ..." for key in ("severity", *check.limits, *check.options))
            problems.append(f"{where}.{name}: missing; write {name}: {{{example}}}, or {name}: off")
            continue
        mistakes = list(_entry_mistakes(check, entry))
        problems += [f"{where}.{name}.{mistake}" for mistake in mistakes]
        if not mistakes:
            rules.append(_rule(name, check, entry))
    return rules, problems


def _rule(name: str, check: Check, entry: Mapping[str, Any]) -> Rule:
    limits = {limit: Decimal(str(entry[limit])) for limit in check.limits}
    options = {key: entry[key] for key in check.options}
    return Rule(name, check, entry["severity"], limits, options, tuple(entry.get("except", ())))


def _entry_mistakes(check: Check, entry: Mapping[str, Any]) -> Iterable[str]:
    if entry.get("severity") not in SEVERITIES:
        yield f"severity: {entry.get('severity')!r} is not one of {', '.join(SEVERITIES)}"
    for key in check.limits:
        if key not in entry:
            yield f"{key}: missing; it is the limit of this check"
        elif isinstance(entry[key], bool) or not isinstance(entry[key], int | float) or entry[key] < 0:
            yield f"{key}: {entry[key]!r} is not a number from 0 up"
        elif key.endswith("_share") and entry[key] > 1:
            yield f"{key}: {entry[key]!r} is not a share from 0 to 1"
    for key in check.options:
        if isinstance(entry.get(key), bool) or not isinstance(entry.get(key), int) or entry[key] < 1:
            yield f"{key}: {entry.get(key)!r} is not a whole number from 1 up"
    known = ("severity", *check.limits, *check.options, "except")
    yield from (f"{key}: no such key; known are {', '.join(known)}" for key in entry if key not in known)
    exempt = entry.get("except", [])
    if not isinstance(exempt, list) or not all(isinstance(name, str) for name in exempt):
        yield f"except: {exempt!r} is not a list of names"
    low, high = entry.get("min_ratio"), entry.get("max_ratio")
    if isinstance(low, int | float) and isinstance(high, int | float) and low > high:
        yield f"min_ratio: {low} is above max_ratio {high}"


def option_params(rules: Iterable[Rule]) -> dict[str, int]:
    """Return the options of all rules as parameters of a statement: {"volume_weeks": 4}."""
    return {f"{rule.name}_{key}": value for rule in rules for key, value in rule.options.items()}
