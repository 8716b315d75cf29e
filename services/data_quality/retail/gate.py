"""Runs the retail checks over a window of business days."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

from services.data_quality.retail.checks import DELIVERIES, FACTS, STATEMENTS, offenders, queries
from shared import db, quality
from shared.quality_rules import Rule, option_params

_STATEMENT = {DELIVERIES: "deliveries", FACTS: "fact_sales"}


@dataclass(frozen=True)
class Window:
    """The business days to check; `date` is the logical date, `elsewhere` tells of facts on other days."""

    date: date
    dates: tuple[date, ...]
    elsewhere: bool = True


def read_window(conn: db.Connection, logical_date: date) -> Window:
    """Read which business days the loads of a logical date touched, and add the date itself."""
    rows = db.fetch_all(conn, queries()["touched_dates"], {"date": logical_date})
    dates = sorted({logical_date, *(row["business_date"] for row in rows)})
    elsewhere = db.fetch_value(conn, queries()["elsewhere"], {"dates": dates})
    return Window(logical_date, tuple(dates), bool(elsewhere))


class Gate:
    """The rules of a workflow file against a window. `lines` counts the facts that were looked at.

    `raw_days` is how long raw files are kept, None for ever: later they cannot be counted any more.
    """

    def __init__(
        self, conn: db.Connection, rules: Sequence[Rule], window: Window,
        retailers: Sequence[str], raw_days: int | None = None,
    ) -> None:  # fmt: skip
        self.conn, self.rules, self.lines = conn, rules, Decimal(0)
        self.params: dict[str, Any] = {
            "date": window.date,
            "dates": list(window.dates),
            "elsewhere": window.elsewhere,
            "retailers": list(retailers),
            "raw_days": raw_days,
            "volume_weeks": 1,
            "volume_min_weeks": 1,
            **option_params(rules),
        }

    def check(self, table: str) -> list[quality.Result]:
        """Observe all checks of a table in one scan and judge them."""
        rules = [rule for rule in self.rules if rule.check.table == table]
        if not rules:
            return []
        found = quality.observe(self.conn, STATEMENTS[_STATEMENT[table]], self.params)
        self.lines += sum((o.observed or Decimal(0) for o in found.get("lines_checked", ())), Decimal(0))
        return quality.evaluate(rules, found)

    def with_samples(self, results: Sequence[quality.Result]) -> list[quality.Result]:
        """Add the keys of some offenders to the failed results; those that passed cost nothing."""
        return [result if result.passed else self._with_sample(result) for result in results]

    def _with_sample(self, result: quality.Result) -> quality.Result:
        statement = offenders().get(result.rule.name)
        if statement is None:
            return replace(result, sample_keys=result.subjects[: quality.SAMPLE_SIZE])
        params = {**self.params, "subjects": list(result.subjects), "sample_size": quality.SAMPLE_SIZE}
        keys = [row["key"] for row in db.fetch_all(self.conn, statement, params)]
        return replace(result, sample_keys=tuple(keys))
