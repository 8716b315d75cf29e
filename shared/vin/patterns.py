"""All patterns of a release in flat arrays, for the compiler: 1.7 million rows in about 60 MB."""

from array import array
from collections import defaultdict

from shared.vin.keys import upper, weight_of
from shared.vin.source import Source, changed

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
        self._keys_of: dict[int, frozenset[int]] = {}
        self.ranks = array("I")  # of a key: its place by length and text
        self.lengths = array("H")  # of a key, without stars

    def read(self, source: Source) -> None:
        """Read the whole table."""
        keys: dict[str, int] = {}
        pairs: dict[tuple[int, str], int] = {}
        rows_of: defaultdict[int, array[int]] = defaultdict(lambda: array("I"))
        add_id, add_element, add_created = self.ids.append, self.elements.append, self.created.append
        add_key, add_pair = self.key_of.append, self.pair_of.append
        columns = ("id", "vinschemaid", "keys", "elementid", "attributeid", "createdon", "updatedon")
        for number, row in enumerate(source.rows("pattern", columns)):
            pattern, schema, key, element_id, attribute, created, updated = row
            element = int(element_id or 0)
            time = changed(created, updated)
            add_id(int(pattern or 0))
            add_element(element)
            add_key(keys.setdefault(key or "", len(keys)))
            add_pair(pairs.setdefault((element, attribute or ""), len(pairs)))
            add_created(NO_TIME if time is None else time)
            rows_of[int(schema or 0)].append(number)
        self.keys, self.pairs, self.rows_of = list(keys), list(pairs), dict(rows_of)
        self._rank_keys()

    def _rank_keys(self) -> None:
        weights = [weight_of(upper(key)) for key in self.keys]
        order = {weight: rank for rank, weight in enumerate(sorted(set(weights)))}
        self.ranks = array("I", (order[weight] for weight in weights))
        self.lengths = array("H", (weight[0] for weight in weights))

    def keys_of(self, schema: int) -> frozenset[int]:
        """Return the keys of a schema's patterns."""
        keys = self._keys_of.get(schema)
        if keys is None:
            key_of = self.key_of
            keys = frozenset([key_of[row] for row in self.rows_of.get(schema, ())])
            self._keys_of[schema] = keys
        return keys
