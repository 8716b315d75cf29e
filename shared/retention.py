"""The section `retention` of a workflow file: how long what is kept, e.g. {raw: 400d, facts: 5y}."""

from collections.abc import Mapping
from typing import Any

from shared.errors import ConfigError
from shared.jobs.registry import parse_duration

KINDS = ("landing", "raw", "processed", "facts")


def find_problems(section: Any) -> list[str]:
    """List what is wrong with the section, one sentence a mistake; nothing at all keeps everything."""
    return _read(section)[1]


def read_ages(section: Any) -> dict[str, int]:
    """Return the age in days after which each kind goes; a kind that is not named stays for ever.

    Raises:
        ConfigError: all mistakes at once.
    """
    ages, problems = _read(section)
    if problems:
        raise ConfigError(*problems)
    return ages


def _read(section: Any) -> tuple[dict[str, int], list[str]]:
    ages: dict[str, int] = {}
    problems: list[str] = []
    if section is not None and not isinstance(section, Mapping):
        return {}, ["retention: expected kinds with an age each, e.g. {raw: 400d}"]
    for kind, age in (section or {}).items():
        if kind not in KINDS:
            problems.append(f"retention.{kind}: no such kind; known are {', '.join(KINDS)}")
            continue
        try:
            ages[kind] = int(parse_duration(age) // 86400)
        except ValueError as exc:
            problems.append(f"retention.{kind}: {exc}")
            continue
        if ages[kind] < 1:
            problems.append(f"retention.{kind}: {age!r} is less than a day")
    return ages, problems
