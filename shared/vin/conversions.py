"""Displacement in three units: the six formulas, in the decimals of PostgreSQL and of SQL Server."""

import re
from decimal import ROUND_DOWN, ROUND_HALF_UP, Context, Decimal
from functools import lru_cache

_NUMBER = re.compile(r"\s*([+-]?)(\d+(?:\.\d*)?|\.\d+)\s*")
_FORMULA = re.compile(r"\s*#x#\s*([*/])\s*(\d+(?:\.\d*)?|\.\d+)\s*")
_EXACT = Context(prec=400)
_MAX_INT = 2_147_483_647
FAILED = "0"


@lru_cache(maxsize=8192)
def conversion_source(number: int, formula: str, attribute: str) -> str:
    """Return what an answer says of where a converted value comes from: at most 50 characters."""
    return f"Conversion {number}: {formula.replace('#x#', attribute)}"[:50]


@lru_cache(maxsize=8192)
def convert(formula: str, attribute: str, sql_server: bool = False) -> str:
    """Evaluate a formula for an attribute text; "0" when the original fails, as for "TBD"."""
    number, term = _NUMBER.fullmatch(attribute), _FORMULA.fullmatch(formula)
    if number is None or term is None:
        return FAILED
    left, right = number[1].replace("+", "") + number[2], term[2]
    if term[1] == "*":
        return _product(left, right)
    if Decimal(right) == 0:
        return FAILED
    if "." not in left and "." not in right:
        return str(int(Decimal(left) / Decimal(right)))
    return _quotient_sql_server(left, right) if sql_server else _quotient(left, right)


def _product(left: str, right: str) -> str:
    if "." not in left and "." not in right:
        result = int(left) * int(right)
        return str(result) if abs(result) <= _MAX_INT else FAILED
    return format(_EXACT.multiply(Decimal(left), Decimal(right)), "f")


def _quotient(left: str, right: str) -> str:
    """Divide as PostgreSQL's numeric does: at least sixteen significant digits, in steps of four.

    Its select_div_scale works on base-10000 digits: https://doxygen.postgresql.org/numeric_8c.html
    """
    weight1, first1 = _leading(Decimal(left))
    weight2, first2 = _leading(Decimal(right))
    weight = weight1 - weight2 - (first1 <= first2)
    scale = max(16 - 4 * weight, _scale(left), _scale(right), 0)
    return _divide(left, right, scale, ROUND_HALF_UP)


def _quotient_sql_server(left: str, right: str) -> str:
    """Divide as T-SQL's decimal does: the scale comes from the operands, the rest is cut off."""
    whole, _, fraction = right.partition(".")
    digits = len(whole.lstrip("0")) + len(fraction)
    return _divide(left, right, max(6, _scale(left) + digits + 1), ROUND_DOWN)


def _divide(left: str, right: str, scale: int, rounding: str) -> str:
    exact = _EXACT.divide(Decimal(left), Decimal(right))
    return format(exact.quantize(Decimal(1).scaleb(-scale), rounding=rounding, context=_EXACT), "f")


def _scale(text: str) -> int:
    return len(text.partition(".")[2])


def _leading(number: Decimal) -> tuple[int, int]:
    """Return power and value of the leading base-10000 digit; 0, 0 for zero."""
    if number == 0:
        return 0, 0
    power = number.adjusted() // 4
    return power, int(abs(number).scaleb(-4 * power, context=_EXACT))
