"""The compiled form: what is stored under which name, and how it is packed.

A release becomes rows (part, data). `common` has what every VIN needs, and all manufacturer codes and vehicle
specifications, each packed by itself: they are small, and the VINs of a batch are of many; `s<number>` the patterns
that share one set of (schema, first year), in the order in which they win; `release` nothing but the token. Every
part begins with the token of its release, so that a reader holding parts of an older one notices; the token begins
with the format, so that a reader notices parts that other code compiled.

No part refers back to what holds it, so Python's cycle collector need not look (`gc=False`, tuples instead of
lists): with a whole release in memory it would do little else.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec

COMMON, RELEASE = "common", "release"
TOKEN_BYTES = 16
FORMAT = b"vin5"  # a token begins with it: raised when a part changes its shape
MOST_NARROW = 1 << 16
VALID_POSITIONS = (4, 5, 6, 7, 8, 11, 12, 13, 14)  # where the original looks for wrong characters

T = TypeVar("T")
# gives those of the parts asked for that there are
ReadParts = Callable[[Sequence[str]], Mapping[str, bytes]]


class Element(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A variable of the output."""

    id: int
    name: str
    code: str | None
    group: str | None
    data_type: str | None
    decode: str | None
    private: bool
    weight: int | None


class Named(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """An attribute of an element with its value, and microseconds since 1970 or None."""

    element: int
    attribute: str
    value: str | None
    created: int | None


class ErrorCode(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """An error: what it says, and what it costs a pass."""

    id: int
    name: str
    text: str | None
    weight: int | None


class Conversion(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A formula from one element to another."""

    id: int
    source: int
    target: int
    formula: str


class Common(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What every VIN needs."""

    makers: dict[str, msgspec.Raw]  # by manufacturer code a WmiPart
    specs: dict[str, msgspec.Raw]  # by model id as text a tuple of SpecSchema
    elements: list[Element]
    errors: list[ErrorCode]
    conversions: list[Conversion]
    engines: dict[str, list[Named]]  # trimmed lower-case name -> its patterns, best first
    defaults: dict[int, list[Named]]  # by vehicle type
    types: dict[int, str]  # vehicle types, upper-case
    descriptors: dict[str, int]  # the year of a descriptor; only the live service looks here


class WmiPart(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A manufacturer code. Sets are numbers of set parts, 0 for none."""

    id: int
    type_id: int | None
    truck_id: int | None
    manufacturer_id: int | None
    manufacturer: str | None
    published: int | None
    created: int | None
    makes: tuple[tuple[int, str], ...]
    from_years: tuple[int, ...]  # ascending; set_ids[i] holds from from_years[i] on
    set_ids: tuple[int, ...]
    every_set: int  # of all links, for a VIN without a model year
    charsets: tuple[str, ...]
    valid: dict[int, tuple[int, ...]]  # year -> for each valid position the number of a charset
    exceptions: tuple[str, ...]


class Formula(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A pattern whose value is a part of the VIN."""

    key: str
    element: int
    attribute: str
    id: int
    schema: int
    held_back: bool  # the schema is to be quality controlled
    created: int | None


class Place(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Which keys accept what at one place: bit k stands for key k."""

    place: int
    other: bytes  # for a character not among `chars`: the keys that accept every character
    chars: str
    groups: bytes  # for each of `chars` the number of its bits
    bits: bytes  # one after the other, each as long as `other`
    odd: dict[str, bytes]  # characters -> keys that accept but do not name them, or the reverse


class SetPart(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Patterns in the order in which they win. The columns are arrays of machine numbers: H, I or q as `array` has
    them; N is H where the set has at most MOST_NARROW patterns, else I.
    """

    slots: tuple[tuple[int, int], ...]  # (schema, first year)
    keys: tuple[str, ...]
    places: tuple[Place, ...]
    alive: tuple[bytes, ...]  # by length of the key string: which keys can match at all
    ids: bytes  # I
    key_of: bytes  # H
    order: bytes  # N; the entries of key 0, of key 1, ...: where each stands in the order of winning
    attribute_of: bytes  # N; by entry in that order, like the next
    element_of: bytes  # H
    key_ends: bytes  # I; where the entries of a key end
    slot_of: bytes  # H
    time_of: bytes  # N; which of `times`
    times: bytes  # q; -1 for none
    attributes: tuple[str, ...]
    texts: tuple[str | None, ...]  # values of the first attributes; the others are their own value
    models: dict[str, tuple[tuple[int, str], ...]]  # makes of a model
    with_specs: tuple[str, ...]  # models with vehicle specifications
    formulas: tuple[Formula, ...]
    valid: tuple[str, ...]  # the characters that the keys name at the valid positions
    broken: bool  # the original fails when it must compute them
    broken_keys: tuple[int, ...]  # the keys for which it does
    live_order: bytes | None  # N; the order of the live service where it is another one


class SpecPattern(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A combination of attributes and what follows from it."""

    id: int
    keys: tuple[tuple[int, str], ...]  # (element, lower-case attribute)
    rows: tuple[Named, ...]


class SpecSchema(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Vehicle specifications of a make; `years` empty means all."""

    id: int
    make_id: int
    type_id: int | None
    years: tuple[int, ...]
    patterns: tuple[SpecPattern, ...]


def number_type(count: int) -> str:
    """Return the type N of the columns of a set of so many patterns, as `array` and `struct` name it."""
    return "H" if count <= MOST_NARROW else "I"


def new_token() -> bytes:
    """Make the token of a release."""
    return FORMAT + os.urandom(TOKEN_BYTES - len(FORMAT))


def pack(token: bytes, part: Any) -> bytes:
    """Encode a part."""
    return token + msgspec.msgpack.encode(part)


def token_of(data: bytes) -> bytes:
    """Return the token of the release that a part belongs to."""
    return bytes(data[:TOKEN_BYTES])


def unpack(data: bytes, kind: type[T]) -> T:
    """Decode a part."""
    return msgspec.msgpack.decode(memoryview(data)[TOKEN_BYTES:], type=kind)
