"""Data quality: what a check statement observed, the verdicts, the score and open issues.

A service names its checks, the workflow file makes rules of them (shared.quality_rules), a statement observes
them all in one scan of the table. It returns one row an observation:
`check_name, subject, observed, note` — subject is null, or what the value belongs to (a source, say);
observed null means that there was nothing to judge by, which passes with the note.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from shared import db
from shared.errors import CheckFailed
from shared.quality_rules import Rule
from shared.sql import read_queries

WEIGHTS = {"critical": 5, "warning": 2, "info": 1}
_LEVELS = {"critical": logging.ERROR, "warning": logging.WARNING, "info": logging.INFO}
SAMPLE_SIZE = 10
_Q = Path(__file__).parent / "queries" / "quality.sql"


@dataclass(frozen=True)
class Observation:
    """One value that a statement found."""

    subject: str | None
    observed: Decimal | None
    note: str | None = None


@dataclass(frozen=True)
class Result:
    """The verdict of one rule; `subjects` are the ones that broke it."""

    rule: Rule
    passed: bool
    observed: Decimal | None
    message: str
    subjects: tuple[str, ...] = ()
    sample_keys: Sequence[str] = field(default_factory=tuple)


@dataclass(frozen=True)
class Score:
    """The weighted share of checks that passed, in percent."""

    percent: Decimal
    checks: int
    failed: int
    critical: int


def observe(conn: db.Connection, statement: str, params: Mapping[str, Any]) -> dict[str, list[Observation]]:
    """Run a check statement and return its observations by check name."""
    found: dict[str, list[Observation]] = {}
    for row in db.fetch_all(conn, statement, params):
        value = None if row["observed"] is None else Decimal(row["observed"])
        found.setdefault(row["check_name"], []).append(Observation(row["subject"], value, row["note"]))
    return found


def evaluate(rules: Iterable[Rule], found: Mapping[str, Sequence[Observation]]) -> list[Result]:
    """Judge every rule by what was observed; nothing observed passes."""
    return [_judge(rule, found.get(rule.name, ())) for rule in rules]


def _judge(rule: Rule, observations: Sequence[Observation]) -> Result:
    observations = [o for o in observations if o.subject not in rule.exempt]
    bad = [o for o in observations if o.observed is not None and _excess(rule, o.observed) > 0]
    known = [o for o in observations if o.observed is not None]
    worst = max(bad or known, key=lambda o: _excess(rule, o.observed or Decimal(0)), default=None)
    shown = (
        sorted(bad, key=lambda o: -_excess(rule, o.observed or Decimal(0)))
        if bad
        else [worst]
        if worst
        else []
    )
    text = ", ".join(_tell(rule, o) for o in shown[:SAMPLE_SIZE])
    if not text:
        text = next((o.note for o in observations if o.note), None) or "nothing found"
    return Result(
        rule=rule,
        passed=not bad,
        observed=worst.observed if worst else None,
        message=f"{rule.check.title}: {text}",
        subjects=tuple(o.subject for o in bad if o.subject),
    )


def _excess(rule: Rule, value: Decimal) -> Decimal:
    """Return how far a value lies beyond its limits; a ratio below is as far as the same ratio above."""
    worst = Decimal("-Infinity")
    for name, limit in rule.limits.items():
        if name.startswith("max"):
            distance = value - limit
        elif name.endswith("_ratio") and value > 0 and limit > 0:
            distance = limit / value - 1
        else:
            distance = limit - value
        worst = max(worst, distance)
    return worst


def _tell(rule: Rule, o: Observation) -> str:
    value = format_value(next(iter(rule.limits)), o.observed or Decimal(0))
    return f"{f'{o.subject} ' if o.subject else ''}{value}{f' ({o.note})' if o.note else ''}"


def format_value(limit: str, value: Decimal) -> str:
    """Write a value in the unit of its limit."""
    if limit.endswith("_share"):
        return f"{value * 100:.1f} %"
    if limit.endswith("_ratio"):
        return f"{value:.2f} times"
    return f"{value:,.0f}{' days' if limit.endswith('_days') else ''}"


def expected(rule: Rule) -> str:
    """Say what a rule expects, for people."""
    words = {"max": "at most", "min": "at least"}
    return " and ".join(
        f"{words[name[:3]]} {format_value(name, limit)}" for name, limit in rule.limits.items()
    )


def record(
    conn: db.Connection, run_id: int, workflow: str, logical_date: date, results: Sequence[Result]
) -> Score:
    """Write results, score and issues in the caller's transaction, and return the score."""
    keys = {"run_id": run_id, "workflow": workflow, "logical_date": logical_date}
    db.execute_many(conn, read_queries(_Q)["write_results"], [_row(keys, result) for result in results])
    score = score_of(results)
    db.execute(conn, read_queries(_Q)["write_score"], {**keys, **vars(score)})
    for result in results:
        if not result.passed:
            values = {
                "check_name": result.rule.name,
                "severity": result.rule.severity,
                "message": result.message,
            }
            db.execute(conn, read_queries(_Q)["open_issue"], {**keys, **values})
    failing = [result.rule.name for result in results if not result.passed]
    db.execute(conn, read_queries(_Q)["resolve_issues"], {**keys, "failing": failing})
    return score


def _row(keys: Mapping[str, Any], result: Result) -> tuple[Any, ...]:
    from psycopg2.extras import Json

    rule = result.rule
    return (
        keys["run_id"], keys["workflow"], rule.check.table, rule.name, keys["logical_date"], rule.severity,
        result.passed, _plain(result.observed), expected(rule), result.message,
        Json(list(result.sample_keys)),
    )  # fmt: skip


def _plain(value: Decimal | None) -> Decimal | int | None:
    """Drop the noise of a division: whole numbers as such, else six places."""
    if value is None:
        return None
    return int(value) if value == value.to_integral_value() else round(value, 6)


def score_of(results: Sequence[Result]) -> Score:
    """Weigh the results: critical 5, warning 2, info 1. No checks score 100."""
    total = sum(WEIGHTS[r.rule.severity] for r in results)
    good = sum(WEIGHTS[r.rule.severity] for r in results if r.passed)
    percent = Decimal(100 * good / total if total else 100).quantize(Decimal("0.01"))
    failed = [r for r in results if not r.passed]
    return Score(percent, len(results), len(failed), sum(r.rule.severity == "critical" for r in failed))


def log_results(log: logging.Logger, results: Sequence[Result], score: Score) -> None:
    """Log each failed check with its sample keys, then the score."""
    for result in results:
        if not result.passed:
            rule, sample = result.rule, "; ".join(result.sample_keys)
            fields = {"check": rule.name, "observed": result.observed, "sample": list(result.sample_keys)}
            log.log(
                _LEVELS[rule.severity], "%s check %s failed: %s, expected %s%s", rule.severity, rule.name,
                result.message, expected(rule), f"; e.g. {sample}" if sample else "",
                extra={"fields": fields},
            )  # fmt: skip
    log.info(
        "quality %s %%, %d of %d checks passed", score.percent, score.checks - score.failed, score.checks
    )


def raise_critical(results: Sequence[Result], look_closer: str) -> None:
    """Stop the workflow when a critical check failed. Call it after the results are committed.

    Raises:
        CheckFailed: names the checks and the command that shows more.
    """
    failed = [r for r in results if not r.passed and r.rule.severity == "critical"]
    if failed:
        names = "; ".join(f"{r.rule.name} ({r.message}, expected {expected(r.rule)})" for r in failed)
        word = "check" if len(failed) == 1 else "checks"
        raise CheckFailed(f"{len(failed)} critical {word} failed: {names}. Look closer: {look_closer}")
