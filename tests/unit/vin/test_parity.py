"""The decoder says what NHTSA's procedure said, in all fifteen columns of every row."""

from collections import Counter
from typing import Any

import pytest

from shared.vin import Decoder, VinError
from shared.vin.values import group_rank
from tests.unit.vin.conftest import NOW, Parts, read_cases, reader


def rows_of(rows: list[dict[str, Any]]) -> Counter[tuple[Any, ...]]:
    """Rows as a multiset: their order inside a group is open, and no flag is as good as a false one."""
    return Counter(tuple(sorted((row | {"to_be_qced": row["to_be_qced"] or None}).items())) for row in rows)


def differs(decoder: Decoder, case: dict[str, Any]) -> bool:
    """Tell whether the answer is another one than the recorded."""
    private, everything = bool(case.get("include_private")), bool(case.get("include_all"))
    try:
        decoded = decoder.decode(case["vin"], case["modelyear"], NOW, private)
    except VinError as exc:
        return exc.sqlstate != case.get("error", {}).get("sqlstate")
    rows = decoded.rows(everything)
    ranks = [group_rank(row["group_name"]) for row in rows]
    return "error" in case or rows_of(rows) != rows_of(case["rows"]) or ranks != sorted(ranks)


def wrong_cases(parts: Parts, name: str) -> tuple[int, list[Any]]:
    """Return how many cases there are, and those that differ."""
    decoder, cases = Decoder(reader(parts)), list(read_cases(name))
    return len(cases), [(case["vin"], case["modelyear"]) for case in cases if differs(decoder, case)]


@pytest.mark.parametrize(("name", "count"), [("dev.jsonl.gz", 3000), ("edge.jsonl.gz", 200)])
def test_every_recorded_answer_is_given(release: Parts, name: str, count: int) -> None:
    assert wrong_cases(release, name) == (count, [])


def test_every_answer_of_the_next_release_is_given(next_release: Parts) -> None:
    assert wrong_cases(next_release, "dev_2026_10.jsonl.gz") == (500, [])
