"""All patterns of a release in flat arrays, for the compiler: 1.7 million rows in about 90 MB."""

from array import array
from collections import defaultdict
from typing import TypeVar

from shared.vin.keys import upper, weight_of
from shared.vin.source import Source, changed

T = TypeVar("T")
NO_TIME = -1
MADE_ELSEWHERE = frozenset((26, 27, 29, 39))  # never taken from a pattern


class Patterns:
    """Columns of `pattern`, one entry a row, and the rows of each schema."""

    def __init__(self) -> None:
        self.ids, self.elements, self.key_of = array("I"), array("H"), array("I")
        self.pair_of, self.created = array("I"), array("q")
        self.keys: list[str] = []
        self.pairs: list[tuple[int, str]] = []  # distinct (element, attribute)
        self.rows_of: dict[int, array[int]] = {}
        # what decides between two rows, the smaller one wins: first `latest`, then `tails`
        self.latest, self.tails = array("q"), array("Q")
        self.live_tails = array("Q")  # in place of `tails` for the live service

    def read(self, source: Source) -> None:
        """Read the whole table."""
        keys, pairs = _Numbers[str](), _Numbers[tuple[int, str]]()
        rows_of: defaultdict[int, array[int]] = defaultdict(lambda: array("I"))
        columns = ("id", "vinschemaid", "keys", "elementid", "attributeid", "createdon", "updatedon")
        for batch in source.batches("pattern", columns):
            ids, schemas, texts, elements, attributes, created, updated = batch
            for number, schema in enumerate(schemas, start=len(self.ids)):
                rows_of[int(schema or 0)].append(number)
            self.ids.extend([int(value or 0) for value in ids])
            numbers = [int(value or 0) for value in elements]
            self.elements.extend(numbers)
            self.key_of.extend([keys[text or ""] for text in texts])
            self.pair_of.extend(
                [pairs[each, text or ""] for each, text in zip(numbers, attributes, strict=True)]
            )
            times = map(changed, created, updated)
            self.created.extend([NO_TIME if time is None else time for time in times])
        self.keys, self.pairs, self.rows_of = list(keys), list(pairs), dict(rows_of)
        self._rank()

    def _rank(self) -> None:
        """Say what decides: no time wins, then the latest; then the key's length and text, then the id."""
        weights = [weight_of(upper(key)) for key in self.keys]
        order = {weight: rank << 32 for rank, weight in enumerate(sorted(set(weights)))}
        ranks, lengths = [order[weight] for weight in weights], [weight[0] << 32 for weight in weights]
        first = -(1 << 62)
        self.latest = array("q", (first if time == NO_TIME else -time for time in self.created))
        self.tails = array("Q", (ranks[key] | row for key, row in zip(self.key_of, self.ids, strict=True)))
        self.live_tails = array(
            "Q", (lengths[key] | row for key, row in zip(self.key_of, self.ids, strict=True))
        )


class _Numbers(dict[T, int]):
    """Numbers things in the order in which they are asked for."""

    def __missing__(self, thing: T) -> int:
        number = self[thing] = len(self)
        return number
