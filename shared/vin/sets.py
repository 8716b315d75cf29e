"""One set of patterns: its total order, and the bit sets that find the keys a VIN matches."""

from array import array
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import accumulate, chain, groupby
from operator import or_
from typing import NamedTuple

from shared.vin import parts
from shared.vin.keys import ANY, BAR, PLACES, accepted, is_broken, odd_characters, upper
from shared.vin.patterns import NO_TIME
from shared.vin.schemas import Ordered, Schemas
from shared.vin.values import LOOKUPS, clean

Link = tuple[int, int]  # (schema, first year)
Group = tuple[list[int], Ordered]  # slots of one first year, and their patterns
Ask = tuple[int, str]  # a place and the characters that are accepted there
MODEL = 28  # the element
BAR_PLACE = 5


class Lookups(NamedTuple):
    """What turns attributes into values, and what hangs on a model."""

    values: Mapping[int, str | None]  # of distinct (element, attribute), where it is not the attribute itself
    model_pairs: frozenset[int]  # distinct (element, attribute) that name a model
    makes_of: Mapping[str, list[tuple[int, str]]]  # model id as text -> its makes
    with_specs: frozenset[str]  # models with vehicle specifications
    held_back: frozenset[int]  # schemas to be quality controlled


def build_set(schemas: Schemas, links: Sequence[Link], lookups: Lookups) -> parts.SetPart:
    """Compile the patterns of some links."""
    patterns = schemas.patterns
    groups = _groups(schemas, links, lookups)
    keys, entry_keys = _renumber([(group.keys, group.key_of) for _, group in groups])
    pairs, entry_pairs = _renumber([(group.pairs, group.pair_of) for _, group in groups])
    texts = [patterns.keys[key] for key in keys]
    places, alive = _matcher(texts)
    elements = array("H", b"".join([group.elements for _, group in groups]))
    order = sorted(range(len(entry_keys)), key=entry_keys.__getitem__)
    texts_first = sorted(pairs, key=lambda pair: pair not in lookups.values)
    attribute_of = {pairs[pair]: number for number, pair in enumerate(texts_first)}
    number = parts.number_type(len(entry_keys))
    created, times = array("q", b"".join([group.created for _, group in groups])), dict[int, int]()
    distinct = sorted({schema for schema, _ in links})
    formulas = _formulas(schemas, distinct, lookups)
    models = {patterns.pairs[pair][1] for pair in pairs.keys() & lookups.model_pairs}
    models |= {formula.attribute for formula in formulas if formula.element == MODEL}
    valid, broken = schemas.named(distinct)
    return parts.SetPart(
        slots=tuple(links),
        keys=tuple(texts),
        places=tuple(places),
        alive=tuple(alive),
        ids=b"".join([group.ids for _, group in groups]),
        key_of=array("H", entry_keys).tobytes(),
        order=array(number, order).tobytes(),
        attribute_of=array(number, [attribute_of[entry_pairs[entry]] for entry in order]).tobytes(),
        element_of=array("H", map(elements.__getitem__, order)).tobytes(),
        key_ends=_key_ends(entry_keys, len(keys)),
        slot_of=array("H", _slots(groups)).tobytes(),
        time_of=array(number, [times.setdefault(time, len(times)) for time in created]).tobytes(),
        times=array("q", times).tobytes(),
        attributes=tuple([patterns.pairs[pair][1] for pair in texts_first]),
        texts=tuple([lookups.values[pair] for pair in texts_first if pair in lookups.values]),
        models={
            model: tuple(lookups.makes_of[model]) for model in sorted(models) if model in lookups.makes_of
        },
        with_specs=tuple(sorted(models & lookups.with_specs)),
        formulas=tuple(formulas),
        valid=tuple(valid),
        broken=broken,
        broken_keys=tuple([number for number, text in enumerate(texts) if is_broken(upper(text))]),
        live_order=_live_order([group for _, group in groups], number),
    )


def _groups(schemas: Schemas, links: Sequence[Link], lookups: Lookups) -> list[Group]:
    """Return the patterns by first year, the latest first: it wins whatever the patterns say."""
    by_year = sorted(range(len(links)), key=lambda slot: -links[slot][1])
    groups = []
    for _, slots in groupby(by_year, key=lambda slot: links[slot][1]):
        members = [slot for slot in slots if links[slot][0] not in lookups.held_back]
        groups.append((members, schemas.ordered(tuple([links[slot][0] for slot in members]))))
    return groups


def _slots(groups: Iterable[Group]) -> Iterable[int]:
    return chain.from_iterable(map(members.__getitem__, group.places) for members, group in groups)


def _renumber(groups: Iterable[tuple[list[int], "array[int]"]]) -> tuple[dict[int, int], list[int]]:
    """Number the distinct items of all groups as they come; return them, and the number of each entry."""
    numbers: dict[int, int] = {}
    entries: list[int] = []
    for items, places in groups:
        known = [numbers.setdefault(item, len(numbers)) for item in items]
        entries.extend(map(known.__getitem__, places))
    return numbers, entries


def _live_order(groups: Sequence[Ordered], number: str) -> bytes | None:
    """Return the order of the live service as ranks of our entries; None where it is the same."""
    if all(group.live is None for group in groups):
        return None
    ranks = array(number)
    for group in groups:
        start, size = len(ranks), len(group.places)
        ranks.extend(
            range(start, start + size) if group.live is None else [start + rank for rank in group.live]
        )
    return ranks.tobytes()


def _key_ends(entry_keys: Iterable[int], count: int) -> bytes:
    """Return where the entries of each key end when they are sorted by key."""
    ends = [0] * count
    for key in entry_keys:
        ends[key] += 1
    return array("I", accumulate(ends)).tobytes()


def value_of(element: int, attribute: str, names: Mapping[str, Mapping[str, str]]) -> str | None:
    """Return the value of an attribute; None where the lookup table lacks it. Ids compare as text."""
    table = LOOKUPS.get(element)
    return clean(names[table].get(attribute) if table else attribute)


def _matcher(keys: Sequence[str]) -> tuple[list[parts.Place], list[bytes]]:
    """Build the bit sets: for each place which keys accept which character."""
    size = (len(keys) + 7) // 8
    everywhere = (1 << len(keys)) - 1
    asking, odd = _gather(keys), _odd(keys)
    places = []
    for place in range(PLACES):
        free, table = everywhere, dict[str, int]()
        for accepts, bits in asking.get(place, {}).items():
            free &= ~bits
            for char in accepts:
                table[char] = table.get(char, 0) | bits
        if table or place in odd:
            places.append(_place(place, free, table, odd.get(place, {}), size))
    return places, [bits.to_bytes(size, "little") for bits in _alive(keys)]


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


def _gather(keys: Sequence[str]) -> dict[int, dict[str, int]]:
    """Return by place and accepted characters the keys that ask so, one bit a key."""
    gathered: dict[Ask, int] = {}
    bit = 1
    for key in keys:
        for ask in _asks(key):
            gathered[ask] = gathered.get(ask, 0) | bit
        bit <<= 1
    by_place: dict[int, dict[str, int]] = {}
    for (place, accepts), bits in gathered.items():
        by_place.setdefault(place, {})[accepts] = bits
    return by_place


@lru_cache(maxsize=100_000)
def _asks(key: str) -> tuple[Ask, ...]:
    """Return the places at which a key does not accept every character; at place 5 is always the bar, see _alive."""
    return tuple(
        (place, accepts)
        for place, accepts in enumerate(accepted(key)[:PLACES])
        if accepts is not ANY and place != BAR_PLACE
    )


def _alive(keys: Sequence[str]) -> Iterable[int]:
    """Return by length of the key string the keys that can match; place 5 of one is always the bar."""
    by_length = [0] * (PLACES + 2)
    bit = 1
    for key in keys:
        by_length[_length(key)] |= bit
        bit <<= 1
    return accumulate(by_length[:-1], or_)


@lru_cache(maxsize=100_000)
def _length(key: str) -> int:
    """Return how long a key string must be for a key to match, more than any is when none can."""
    shape = accepted(key)
    bar = shape[BAR_PLACE] if len(shape) > BAR_PLACE else ANY
    return len(shape) if len(shape) <= PLACES and (bar is ANY or BAR in bar) else PLACES + 1


def _formulas(schemas: Schemas, distinct: Iterable[int], lookups: Lookups) -> list[parts.Formula]:
    """Return the formula patterns, best first; those of schemas held back too."""
    patterns = schemas.patterns
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
        for row, schema in schemas.formulas(distinct)
    ]
