"""The numbers that staged lines get: what tells a load that no line came twice."""

from collections import Counter, defaultdict

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from services.transformation.retail.raw import LINE_KEY, number_lines

LINES = st.lists(st.tuples(*[st.sampled_from(["", "1", "2", "12", "\n"])] * 3), min_size=1, max_size=30)


@given(st.lists(LINES, min_size=1, max_size=4))
def test_lines_of_a_transaction_under_one_number_are_different(chunks: list[list[tuple[str, ...]]]):
    numbers, lines = defaultdict(set), Counter()
    for chunk, rows in enumerate(chunks, 1):
        table = pa.table(dict(zip(LINE_KEY, map(pa.array, zip(*rows, strict=True)), strict=True)))
        for row, number in zip(rows, number_lines(table, chunk).to_pylist(), strict=True):
            numbers[row[:2]].add(number)
            lines[row] += 1
    repeated = {row[:2] for row, count in lines.items() if count > 1}
    assert all(len(numbers[transaction]) > 1 for transaction in repeated)


@given(st.sets(st.tuples(*[st.text(max_size=3)] * 3), min_size=1, max_size=30))
def test_a_chunk_of_different_lines_has_one_number(rows: set[tuple[str, ...]]):
    table = pa.table(dict(zip(LINE_KEY, map(pa.array, zip(*rows, strict=True)), strict=True)))
    assert number_lines(table, 7).to_pylist() == [7] * len(rows)
