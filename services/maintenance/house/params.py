"""What the house jobs expect of workflows/house.yml: the sections `partitions`, `trim` and `watch`."""

import re
from collections.abc import Mapping
from typing import Any

from services.maintenance.house.trim import TRIMMED
from shared.jobs.registry import parse_duration

SECTIONS = ("partitions", "trim", "watch")
_FUNCTION = re.compile(r"[a-z_][a-z0-9_]*\.[a-z_][a-z0-9_]*")


def validate(params: Mapping[str, Any]) -> list[str]:
    """List the mistakes of the sections, each as `section.key: what is wrong`."""
    problems: list[str] = []
    sections: dict[str, Mapping[str, Any]] = {}
    for name in SECTIONS:
        value = params.get(name)
        if isinstance(value, Mapping):
            sections[name] = value
        else:
            problems.append(f"{name}: expected a mapping")
    for name, check in (("partitions", _partitions), ("trim", _trim), ("watch", _watch)):
        problems += [f"{name}.{text}" for text in check(sections.get(name, {}))] if name in sections else []
    return problems


def _partitions(section: Mapping[str, Any]) -> list[str]:
    problems = _unknown(section, ("months_ahead", "functions"))
    months = section.get("months_ahead")
    if not isinstance(months, int) or isinstance(months, bool) or not 1 <= months <= 120:
        problems.append(f"months_ahead: {months!r} is not a whole number from 1 to 120")
    functions = section.get("functions")
    if not isinstance(functions, list):
        problems.append("functions: expected a list such as [retail.ensure_fact_partitions]")
    for name in functions if isinstance(functions, list) else ():
        if not _FUNCTION.fullmatch(str(name)):
            problems.append(f"functions: {name!r} is not the name of a function with its schema")
    return problems


def _trim(section: Mapping[str, Any]) -> list[str]:
    known = [key for key in section if key in TRIMMED]
    return _unknown(section, TRIMMED) + [text for key in known for text in _days(section, key)]


def _watch(section: Mapping[str, Any]) -> list[str]:
    return _unknown(section, ("look_back", "due")) + _days(section, "look_back") + _duration(section, "due")


def _unknown(section: Mapping[str, Any], known: tuple[str, ...]) -> list[str]:
    return [f"{key}: no such key; known are {', '.join(known)}" for key in section if key not in known]


def _duration(section: Mapping[str, Any], key: str) -> list[str]:
    try:
        parse_duration(section.get(key, ""))
    except ValueError as exc:
        return [f"{key}: {exc}"]
    return []


def _days(section: Mapping[str, Any], key: str) -> list[str]:
    problems = _duration(section, key)
    if not problems and parse_duration(section[key]) < 86400:
        problems.append(f"{key}: {section[key]!r} is less than a day")
    return problems
