"""One set of patterns: its total order, and the bit sets that find the keys a VIN matches."""

from array import array
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate, chain, pairwise
from operator import or_
from typing import NamedTuple

from shared.vin import parts
from shared.vin.keys import (
    ANY,
    BAR,
    PLACES,
    BrokenKey,
    accepted,
    characters,
    is_broken,
    odd_characters,
    upper,
    usable_characters,
)
from shared.vin.patterns import MADE_ELSEWHERE, NO_TIME, Patterns
from shared.vin.values import LOOKUPS, clean

Link = tuple[int, int]  # (schema, first year)


class Lookups(NamedTuple):
    """What turns attributes into values, and what hangs on a model."""

    names: Mapping[str, Mapping[str, str]]  # table -> id as text -> name
    makes_of: Mapping[str, list[tuple[int, str]]]  # model id as text -> its makes
    with_specs: frozenset[str]  # models with vehicle specifications
    decodable: frozenset[int]  # elements that an answer can have
    held_back: frozenset[int]  # schemas to be quality controlled


def build_set(patterns: Patterns, links: Sequence[Link], lookups: Lookups) -> parts.SetPart:
    """Compile the patterns of some links."""
    schemas = {schema for schema, _ in links}
    order = _entries(patterns, links, lookups)
    rows = [entry[-2] for entry in order]
    keys = _number(patterns.key_of[row] for row in rows)
    pairs = _number(patterns.pair_of[row] for row in rows)
    texts = [patterns.keys[key] for key in keys]
    places, alive = _matcher(texts)
    entry_keys = [keys[patterns.key_of[row]] for row in rows]
    entry_pairs = [pairs[patterns.pair_of[row]] for row in rows]
    elements = [patterns.elements[row] for row in rows]
    by_key, key_ends = _by_key(entry_keys, len(keys), entry_pairs, elements)
    formulas = _formulas(patterns, schemas, lookups)
    models = {patterns.pairs[pair][1] for pair in pairs if patterns.pairs[pair][0] == 28}
    models |= {formula.attribute for formula in formulas if formula.element == 28}
    valid, broken = _valid(patterns, schemas)
    return parts.SetPart(
        slots=tuple(links),
        keys=tuple(texts),
        places=tuple(places),
        alive=tuple(alive),
        ids=array("I", [patterns.ids[row] for row in rows]).tobytes(),
        key_of=array("H", entry_keys).tobytes(),
        by_key=by_key,
        key_ends=key_ends,
        slot_of=array("H", [entry[-1] for entry in order]).tobytes(),
        created=array("q", [patterns.created[row] for row in rows]).tobytes(),
        attributes=tuple(patterns.pairs[pair][1] for pair in pairs),
        values=_values([patterns.pairs[pair] for pair in pairs], lookups),
        models={model: tuple(lookups.makes_of[model]) for model in models if model in lookups.makes_of},
        with_specs=tuple(sorted(models & lookups.with_specs)),
        formulas=tuple(formulas),
        valid=tuple(valid),
        broken=broken,
        broken_keys=tuple([number for number, text in enumerate(texts) if is_broken(upper(text))]),
        live_order=_live_order(patterns, order),
    )


def _number(items: Iterable[int]) -> dict[int, int]:
    """Number distinct items in the order in which they come."""
    return {item: number for number, item in enumerate(dict.fromkeys(items))}


def _by_key(
    entry_keys: Sequence[int], count: int, attributes: Sequence[int], elements: Sequence[int]
) -> tuple[bytes, bytes]:
    """Return (entry, attribute, element) sorted by key, and where those of each key end."""
    order = sorted(range(len(entry_keys)), key=entry_keys.__getitem__)
    ends = [0] * count
    for key in entry_keys:
        ends[key] += 1
    columns = zip(order, map(attributes.__getitem__, order), map(elements.__getitem__, order), strict=True)
    return array("I", chain.from_iterable(columns)).tobytes(), array("I", accumulate(ends)).tobytes()


def _entries(patterns: Patterns, links: Sequence[Link], lookups: Lookups) -> list[tuple[int, ...]]:
    """Return the patterns that can answer, best first: (order ..., row, slot)."""
    entries: list[tuple[int, ...]] = []
    usable = lookups.decodable - MADE_ELSEWHERE
    elements, created, key_of, ranks = patterns.elements, patterns.created, patterns.key_of, patterns.ranks
    for slot, (schema, year) in enumerate(links):
        if schema in lookups.held_back:
            continue
        for row in patterns.rows_of.get(schema, ()):
            if elements[row] in usable:
                time = created[row]
                entries.append(
                    (-year, time != NO_TIME, -time, ranks[key_of[row]], patterns.ids[row], row, slot)
                )
    entries.sort()
    return entries


def _live_order(patterns: Patterns, entries: Sequence[tuple[int, ...]]) -> bytes | None:
    """Return the order of the live service as ranks of our entries; None where it is the same.

    There null times come last, and the text of a key decides nothing.
    """

    created, lengths, key_of = patterns.created, patterns.lengths, patterns.key_of
    if all(entry[1] for entry in entries):  # none without a time: only equal times can change places
        ties = ((a, b) for a, b in pairwise(entries) if a[2] == b[2] and a[0] == b[0])
        if all((lengths[key_of[a[5]]], a[4]) <= (lengths[key_of[b[5]]], b[4]) for a, b in ties):
            return None

    def rank(number: int) -> tuple[int, bool, int, int, int]:
        year, _, time, _, pattern, row, _ = entries[number]
        return year, created[row] == NO_TIME, time, lengths[key_of[row]], pattern

    order = sorted(range(len(entries)), key=rank)
    if order == list(range(len(entries))):
        return None
    ranks = array("I", bytes(4 * len(order)))
    for place, entry in enumerate(order):
        ranks[entry] = place
    return ranks.tobytes()


def _values(pairs: Sequence[tuple[int, str]], lookups: Lookups) -> dict[int, str | None]:
    """Return the values of attributes that are not what stands there."""
    values = {}
    for number, (element, attribute) in enumerate(pairs):
        value = value_of(element, attribute, lookups.names)
        if value != attribute:
            values[number] = value
    return values


def value_of(element: int, attribute: str, names: Mapping[str, Mapping[str, str]]) -> str | None:
    """Return the value of an attribute; None where the lookup table lacks it. Ids compare as text."""
    table = LOOKUPS.get(element)
    return clean(names[table].get(attribute) if table else attribute)


def _matcher(keys: Sequence[str]) -> tuple[list[parts.Place], list[bytes]]:
    """Build the bit sets: for each place which keys accept which character."""
    size = (len(keys) + 7) // 8
    shapes = [accepted(key) for key in keys]
    everywhere = (1 << len(keys)) - 1
    places, odd = [], _odd(keys)
    for place in range(PLACES):
        if place == 5:  # always the bar, see _alive
            continue
        free, table = everywhere, dict[str, int]()
        for number, shape in enumerate(shapes):
            if place < len(shape) and (accepts := shape[place]) is not ANY:
                free &= ~(1 << number)
                for char in accepts:
                    table[char] = table.get(char, 0) | 1 << number
        if table or place in odd:
            places.append(_place(place, free, table, odd.get(place, {}), size))
    return places, [bits.to_bytes(size, "little") for bits in _alive(shapes)]


def _place(place: int, free: int, table: Mapping[str, int], odd: Mapping[str, int], size: int) -> parts.Place:
    numbers: dict[int, int] = {}
    groups = bytes([numbers.setdefault(bits | free, len(numbers)) for bits in table.values()])
    bits_of = b"".join([bits.to_bytes(size, "little") for bits in numbers])
    odd_bits = {char: bits.to_bytes(size, "little") for char, bits in odd.items()}
    return parts.Place(place, free.to_bytes(size, "little"), "".join(table), groups, bits_of, odd_bits)


def _odd(keys: Sequence[str]) -> dict[int, dict[str, int]]:
    """Return by place and character the keys that accept but do not name it, or the reverse."""
    odd: dict[int, dict[str, int]] = {}
    for number, key in enumerate(keys):
        for place, chars in odd_characters(key):
            table = odd.setdefault(place, {})
            for char in chars:
                table[char] = table.get(char, 0) | 1 << number
    return odd


def _alive(shapes: Sequence[tuple[str | None, ...]]) -> Iterable[int]:
    """Return by length of the key string the keys that can match; place 5 of one is always the bar."""
    by_length = [0] * (PLACES + 1)
    for number, shape in enumerate(shapes):
        bar = shape[5] if len(shape) > 5 else ANY
        if len(shape) <= PLACES and (bar is ANY or BAR in bar):
            by_length[len(shape)] |= 1 << number
    return accumulate(by_length, or_)


def _formulas(patterns: Patterns, schemas: set[int], lookups: Lookups) -> list[parts.Formula]:
    """Return the formula patterns, best first; those of schemas held back too."""
    found = []
    for schema in sorted(schemas):
        for row in patterns.rows_of.get(schema, ()):
            key, element = patterns.keys[patterns.key_of[row]], patterns.elements[row]
            if "#" in key and element not in MADE_ELSEWHERE:
                time = patterns.created[row]
                rank = (time != NO_TIME, -time, patterns.ranks[patterns.key_of[row]], patterns.ids[row])
                found.append((rank, row, schema))
    return [
        parts.Formula(
            key=patterns.keys[patterns.key_of[row]],
            element=patterns.elements[row],
            attribute=patterns.pairs[patterns.pair_of[row]][1],
            id=patterns.ids[row],
            schema=schema,
            held_back=schema in lookups.held_back,
            created=None if patterns.created[row] == NO_TIME else patterns.created[row],
        )
        for _, row, schema in sorted(found)
    ]


def _valid(patterns: Patterns, schemas: set[int]) -> tuple[list[str], bool]:
    """Return the characters that all keys name at the valid positions, and whether the original fails."""
    named: list[set[str]] = [set() for _ in parts.VALID_POSITIONS]
    broken = False
    for key in frozenset().union(*map(patterns.keys_of, schemas)):
        text = patterns.keys[key]
        try:
            places = characters(text)
        except BrokenKey:
            places, broken = usable_characters(text), True
        for chars, position in zip(named, parts.VALID_POSITIONS, strict=True):
            if position - 4 < len(places):
                chars.update(places[position - 4])
    return ["".join(sorted(chars)) for chars in named], broken
