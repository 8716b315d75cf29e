"""Pattern keys: which key strings they accept, and which characters they speak of.

A key is a run of places: place 0 is VIN position 4, place 5 is the bar between positions 8 and 10. A place
is one character, any character, or a class in brackets. NHTSA's procedure has two engines, LIKE for keys without
a class and regular expressions for those with one, and a third reading where it asks which characters a key names:
`accepted` and `characters` keep them apart.
"""

from collections.abc import Iterator
from functools import lru_cache

ANY = None  # a place that accepts every character
BAR = "|"
PLACES = 14  # of the key string of a whole VIN: five, the bar, eight
UNUSED_PLACES = (0, 1, 2, 3, 4, 7)  # VIN positions 4 to 8 and 11: only these count as "unused"
_ALPHABET = "0123456789ABCDEFGHJKLMNPRSTUVWXYZ"  # no I, O, Q
_DIGITS = "0123456789"
_UPPER = {code: code - 32 for code in range(ord("a"), ord("z") + 1)}


class BrokenKey(ValueError):
    """A class that the original's regular expressions refuse."""


def upper(text: str) -> str:
    """Upper-case ASCII letters only, as a database of locale C does."""
    return text.upper() if text.isascii() else text.translate(_UPPER)


def key_string(vin: str) -> str:
    """Return what keys are compared with: positions 4-8, a bar, positions 10-17, as far as they exist."""
    if len(vin) < 10:
        return vin[3:8]
    return vin[3:8] + BAR + vin[9:17]


def wmi_of(vin: str) -> str:
    """Return the manufacturer's part: three characters, or six of a small manufacturer."""
    if vin[2:3] == "9" and len(vin) >= 14:
        return vin[:3] + vin[11:14]
    return vin[:3]


def descriptor_of(vin: str) -> str:
    """Return the part of a VIN that tells the vehicle, its check digit as a star."""
    padded = vin.strip(" ").ljust(17, "*")
    return upper((padded[:8] + "*" + padded[9:])[: 14 if padded[2] == "9" else 11])


def split_key(key: str) -> Iterator[str]:
    """Split into places: single characters and whole classes with their brackets."""
    start = 0
    while start < len(key):
        end = start
        if key[start] == "[":
            found = key.find("]", start)
            end = found if found > 0 else len(key) - 1
        yield key[start : end + 1]
        start = end + 1


@lru_cache(maxsize=50_000)
def accepted(key: str) -> tuple[str | None, ...]:
    """Return for each place the characters it accepts, or ANY."""
    if "[" not in key:
        return tuple(ANY if place in "*_" else place for place in split_key(key))
    key = key.replace("1-A", "1A")  # the original does so for one bad key, and thereby for all
    return tuple(ANY if place == "*" else _members(place) for place in split_key(key))


def _members(place: str) -> str:
    """Return the characters of one place; a caret is a member like any other."""
    if place[0] != "[":
        return place
    text, at = place[1:-1], 0
    members: set[str] = set()
    while at < len(text):
        if text[at + 1 : at + 2] == "-" and at + 2 < len(text):
            members.update(chr(code) for code in range(ord(text[at]), ord(text[at + 2]) + 1))
            at += 3
        else:
            members.add(text[at])
            at += 1
    return "".join(sorted(members))


@lru_cache(maxsize=50_000)
def characters(key: str) -> tuple[str, ...]:
    """Return for each place the characters that a key names, "" where it says nothing.

    Raises:
        BrokenKey: the original fails here; see `usable_characters`.
    """
    return tuple(_named(place) for place in split_key(key))


def _named(place: str) -> str:
    if place[0] != "[":
        return {"#": _DIGITS, "*": "", BAR: ""}.get(place, place)
    text = place[1:-1]
    if "-" not in text and "^" not in text:
        return upper(text).replace("*", "").replace(BAR, "")
    negated = text.startswith("^")
    members = _regex_members(text[1:] if negated else text)
    return "".join(char for char in _ALPHABET if (char in members) != negated)


def _regex_members(text: str) -> set[str]:
    """Return the members of a class as a POSIX regular expression reads it."""
    members: set[str] = set()
    at = 0
    while at < len(text):
        if text[at + 1 : at + 2] == "-" and at + 2 < len(text):
            low, high = text[at], text[at + 2]
            if low > high or text[at + 3 : at + 4] == "-" and at + 4 < len(text):
                raise BrokenKey(f"invalid character range in [{text}]")
            members.update(chr(code) for code in range(ord(low), ord(high) + 1))
            at += 3
        else:
            members.add(text[at])
            at += 1
    return members


def usable_characters(key: str) -> tuple[str, ...]:
    """Like `characters`; of a broken class the characters it accepts, as the live service reads it."""
    try:
        return characters(key)
    except BrokenKey:
        return tuple("" if place is ANY or place == BAR else place for place in accepted(key))


def is_broken(key: str) -> bool:
    """Tell whether the original fails when it asks which characters a key names."""
    try:
        characters(key)
    except BrokenKey:
        return True
    return False


@lru_cache(maxsize=50_000)
def odd_characters(key: str) -> tuple[tuple[int, str], ...]:
    """Return (place, characters) where a key that accepts a character does not name it, or the reverse.

    Only places that count as "unused" are told, and only characters that the key accepts there. Everywhere else a key
    names what it accepts, and nothing where it accepts every character.
    """
    odd = []
    named = usable_characters(upper(key))
    for place, accepts in enumerate(accepted(key)):
        if place in UNUSED_PLACES:
            chars = set(named[place]) & {"_"} if accepts is ANY else set(accepts) - set(named[place])
            if chars:
                odd.append((place, "".join(sorted(chars))))
    return tuple(odd)


def weight_of(key: str) -> tuple[int, str]:
    """Return what decides between two keys of the same time: length without stars, then the text."""
    return len(key) - key.count("*"), key.replace("[", "").replace("]", "")
