"""Wrong characters: which there are, which could stand there, and the VIN that comes of it."""

import re
from typing import NamedTuple

from shared.vin.checkdigit import check_digits, first_digit_of_correction
from shared.vin.manufacturer import Checks

ONE_CHARACTER, BY_CHECK_DIGIT, SEVERAL_CHARACTERS, SEVERAL_POSITIONS = 2, 3, 4, 5
WHOLE = 17
_LEGAL = frozenset("0123456789ABCDEFGHJKLMNPRSTUVWXYZ*")
_SERIAL = frozenset("0123456789*")
_CHECK = frozenset("0123456789X*")
_YEAR = frozenset("123456789ABCDEFGHJKLMNPRSTVWXY")


class Correction(NamedTuple):
    """An error code, or 0, the suggested VIN and the possible characters."""

    code: int
    vin: str
    possible: str


NOTHING = Correction(0, "", "")


def correct(vin: str, wmi: str, checks: Checks, underscore_first: bool) -> Correction:
    """Compare a VIN with the valid characters of its manufacturer and year."""
    if len(vin) == WHOLE:
        wrong = [check for check in checks if vin[check[0]] not in check[1]]
    else:
        wrong = [check for check in checks if check[0] < len(vin) and vin[check[0]] not in check[1]]
    if not wrong:
        return NOTHING
    texts = {index + 1: _ordered(chars, underscore_first) for index, chars in wrong}
    possible = "".join(f"({position}:{text})" for position, text in texts.items())
    suggestion = _suggest(vin, wmi, frozenset(texts))
    if len(wrong) > 1:
        return Correction(SEVERAL_POSITIONS, suggestion, possible)
    ((position, text),) = texts.items()
    return _correct_one(vin, position, text, possible, suggestion)


def _ordered(chars: str, underscore_first: bool) -> str:
    if underscore_first and "_" in chars:
        return "_" + chars.replace("_", "")
    return chars


def _correct_one(vin: str, position: int, chars: str, possible: str, suggestion: str) -> Correction:
    """Choose the one character, or the one that makes the check digit right."""
    before, after = vin[: position - 1], vin[position:]
    if len(chars) == 1:
        return Correction(ONE_CHARACTER, before + chars + after, possible)
    digits = check_digits(vin, position, chars, first_digit_of_correction(vin))
    good = [char for char, digit in zip(chars, digits, strict=True) if digit == vin[8:9]]
    if len(good) == 1:
        return Correction(BY_CHECK_DIGIT, before + good[0] + after, f"({position}:{good[0]})")
    return Correction(SEVERAL_CHARACTERS, suggestion, f"({position}:{chars})")


def _suggest(vin: str, wmi: str, wrong: frozenset[int]) -> str:
    """Copy the VIN with "!" at the wrong places. A blank is copied as nothing: the original's char(1)."""
    end = 11 if len(wmi) > 3 else 14
    copied = "".join(
        "!" if position in wrong else char.strip(" ") for position, char in enumerate(vin[3:end], start=4)
    )
    suggestion = wmi + copied if len(wmi) <= 3 else wmi[:3] + copied + wmi[3:]
    return suggestion + vin[len(suggestion) : len(suggestion) + 3]


def _legal(first_digit: int) -> "re.Pattern[str]":
    free, serial = "[0-9A-HJ-NPR-Z*]", "[0-9*]"
    middle = f"[0-9X*][1-9A-HJ-NPR-TV-Y]{free}{{{first_digit - 11}}}"
    return re.compile(f"{free}{{8}}{middle}{serial}{{{18 - first_digit}}}")


# what a whole VIN without an illegal character looks like, by the first position that has only digits
LEGAL = {first_digit: _legal(first_digit) for first_digit in (13, 14, 15)}


def illegal_positions(vin: str, first_digit: int, skip_check_digit: bool) -> list[int]:
    """Return the positions with an illegal character; from `first_digit` on only digits may stand."""
    found = []
    for position, char in enumerate(vin, start=1):
        if position == 9:
            allowed = skip_check_digit or char in _CHECK
        else:
            allowed = char in (_LEGAL if position < first_digit else _SERIAL)
            allowed = allowed and (position != 10 or char in _YEAR)
        if not allowed:
            found.append(position)
    return found


def mark(vin: str, position: int) -> str:
    """Put "!" at a position."""
    return vin[: position - 1] + "!" + vin[position:]
