"""Which model years a VIN can mean, and which of them are tried."""

from collections.abc import Callable

from msgspec import Struct

FIRST_YEAR = 1980
_CODES = (
    dict(zip("ABCDEFGH", range(2010, 2018), strict=True))
    | dict(zip("JKLMN", range(2018, 2023), strict=True))
    | {"P": 2023}
    | dict(zip("RST", range(2024, 2027), strict=True))
    | dict(zip("VWXY", range(2027, 2031), strict=True))
    | dict(zip("123456789", range(2031, 2040), strict=True))
)
_LETTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
_DIGITS = frozenset("0123456789")


class Attempt(Struct, frozen=True, gc=False):
    """A year to decode with: `warns` when it is not the caller's year."""

    year: int | None
    conclusive: bool
    warns: bool
    year_key: str


def year_of(vin: str, is_light: bool, limit: int) -> tuple[int | None, bool]:
    """Return the model year of a VIN and whether it is conclusive; years later than `limit` are 30 less.

    A VIN without a year leaves no doubt: it counts as conclusive.
    """
    year = _CODES.get(vin[9:10])
    if year is None:
        return None, True
    seventh, conclusive = vin[6], False
    if is_light and seventh in _DIGITS:
        year, conclusive = year - 30, True
    elif is_light and seventh in _LETTERS:
        conclusive = True
    if year > limit:
        year, conclusive = year - 30, True
    return year, conclusive


def attempts(
    found: tuple[int | None, bool], asked: int | None, limit: int, has_patterns: Callable[[int], object]
) -> tuple[Attempt | None, list[Attempt]]:
    """Return the pass for the caller's own year, if there is one, and the passes for the VIN's years.

    The caller's year comes first; the others only count when it finds no patterns.
    """
    main, conclusive = found
    other = main - 30 if main is not None and not conclusive else None
    if main is not None and conclusive:
        main = _other_cycle(main, limit, has_patterns)
    key, own = "***X*|Y", None
    if asked is not None and FIRST_YEAR <= asked <= limit and asked not in (main, other):
        key = str(asked)
        own = Attempt(asked, True, True, key)
    rest = [Attempt(main, conclusive, asked is not None and main is not None and asked != main, key)]
    if other is not None:
        rest.append(Attempt(other, False, asked is not None and asked != other, key))
    return own, rest


def _other_cycle(year: int, limit: int, has_patterns: Callable[[int], object]) -> int:
    """Return the year 30 years off when the manufacturer has patterns only for that one."""
    if FIRST_YEAR <= year <= limit - 30:
        alternative = year + 30
    elif 2010 <= year <= limit:
        alternative = year - 30
    else:
        return year
    return alternative if not has_patterns(year) and has_patterns(alternative) else year
