"""The check digit of position 9, with the original's own idea of which characters may stand where."""

from itertools import product
from operator import getitem

_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
_VALUES = (
    {str(digit): digit for digit in range(10)}
    | dict(zip("ABCDEFGH", range(1, 9), strict=True))
    | dict(zip("JKLMN", range(1, 6), strict=True))
    | {"P": 7, "R": 9, ",": -1}  # the comma slips through the original's character sets
    | dict(zip("STUVWXYZ", range(2, 10), strict=True))
)
_YEAR = set("ABCDEFGHJKLMNPRSTVWXY123456789,")
_DIGITS = set("0123456789")
RESULT = "0123456789X"
CHECK_DIGITS = frozenset(RESULT)
FAILED = "?"
_LETTERS = frozenset(_VALUES) - {","}


def _table(position: int, allowed: set[str]) -> dict[str, int]:
    return {char: _VALUES[char] * _WEIGHTS[position - 1] for char in allowed if char in _VALUES}


def _tables(digits_from: int) -> tuple[dict[str, int], ...]:
    tables = []
    for position in range(1, 18):
        allowed = _YEAR if position == 10 else _DIGITS if position >= digits_from else set(_VALUES)
        tables.append(_table(position, allowed))
    return tuple(tables)


_BY_FIRST_DIGIT = {first: _tables(first) for first in (13, 14, 15)}
_HEAD = (*_BY_FIRST_DIGIT[13][:8], dict.fromkeys(map(chr, range(128)), 0), *_BY_FIRST_DIGIT[13][9:11])
TWELFTH = {char: _VALUES[char] * _WEIGHTS[11] for char in _LETTERS}
LAST = {
    f"{number:03}": sum(
        _VALUES[char] * weight for char, weight in zip(f"{number:03}", _WEIGHTS[14:], strict=True)
    )
    for number in range(1000)
}


def _pairs(first_digit: int) -> dict[str, int]:
    """Return what two characters at positions 13 and 14 add."""
    thirteenth, fourteenth = (_LETTERS if first_digit > at else _DIGITS for at in (13, 14))
    return {
        a + b: _VALUES[a] * _WEIGHTS[12] + _VALUES[b] * _WEIGHTS[13]
        for a, b in product(thirteenth, fourteenth)
    }


PAIRS = {first_digit: _pairs(first_digit) for first_digit in (13, 14, 15)}


def check_digit(vin: str, first_digit: int) -> str:
    """Compute the check digit; digits only from position `first_digit` (13, 14 or 15) on.

    Empty unless there are 17 characters, "?" when one may not stand where it does.
    """
    if len(vin) != 17:
        return ""
    try:
        return RESULT[sum(map(getitem, _BY_FIRST_DIGIT[first_digit], vin)) % 11]
    except KeyError:
        return FAILED


def check_digits(vin: str, position: int, chars: str, first_digit: int) -> list[str]:
    """Compute the check digits of a VIN with each of some characters at a position other than its own."""
    if len(vin) != 17:
        return [""] * len(chars)
    tables = _BY_FIRST_DIGIT[first_digit]
    others = tables[: position - 1] + tables[position:]
    try:
        rest = sum(map(getitem, others, vin[: position - 1] + vin[position:]))
    except KeyError:
        return [FAILED] * len(chars)
    here = tables[position - 1]
    return [RESULT[(rest + here[char]) % 11] if char in here else FAILED for char in chars]


def head_sum(vin: str) -> int | None:
    """Return what positions 1-8, 10 and 11 add to the check digit; None when one may not stand where it does."""
    try:
        return sum(map(getitem, _HEAD, vin))
    except KeyError:
        return None


def tail_digit(head: int, vin: str, first_digit: int) -> str | None:
    """Return the check digit of a VIN of 17 characters whose head's sum is known; None where there is none.

    It looks only at positions 12-17. Template.find says it once more, where a call would cost a tenth of it all.
    """
    try:
        tail = TWELFTH[vin[11]] + PAIRS[first_digit][vin[12:14]] + LAST[vin[14:]]
    except KeyError:
        return None
    return RESULT[(head + tail) % 11]


def first_digit_of_correction(vin: str) -> int:
    """Return from where on only digits count when a correction is being chosen."""
    return 15 if vin[2:3] == "9" else 13


def first_serial_digit(vin: str, is_light: bool) -> int:
    """Return from where on only digits count for a vehicle: cars and light trucks have one more."""
    if vin[2:3] == "9":
        return 15
    return 13 if is_light else 14
