"""Codes, and the texts that tell them."""

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from shared.vin.parts import ErrorCode

CLEAN, WRONG_CHECK_DIGIT, INCOMPLETE, NO_WMI, NO_PATTERN = 0, 1, 6, 7, 8
GLIDER, OFF_ROAD, NO_YEAR, OTHER_YEAR, UNUSED, ILLEGAL = 9, 10, 11, 12, 14, 400
LONGEST = 500

INCOMPLETE_VEHICLE = (
    "Incomplete Vehicle Warning - Please be advised that the vehicle may have been altered and may not be "
    "an accurate representation of the vehicle in its current condition."
)
YEAR_UNCERTAIN = (
    "The Model Year decoded for this VIN may be incorrect. If you know the Model year, please enter it and "
    "decode again to get more accurate information."
)
_OFF_ROAD_NOTE = (
    " NOTE: Disregard if this is an off-road vehicle PIN, as check digit calculation may not be accurate."
)
_EXCEPTION_NOTE = (
    " NOTE: Check Digit Exception - The check digit was given an exception based on data from the OEM "
    "indicating an error on production."
)


class Told(NamedTuple):
    """Error codes as the answer has them, and what they cost."""

    numbers: tuple[int, ...]
    codes: str
    text: str
    weight: int


class Messages:
    """The texts of one release."""

    def __init__(self, errors: Iterable[ErrorCode]) -> None:
        self._errors = {error.id: error for error in errors}
        self.tell = lru_cache(maxsize=4096)(self._tell)

    def _tell(self, codes: int, off_road: bool, is_exception: bool) -> Told:
        """Tell codes, one bit a code."""
        numbers = tuple([code for code in range(codes.bit_length()) if codes >> code & 1])
        known = [self._errors[code] for code in numbers if code in self._errors]
        names = [(error.name + self._note(error.id, off_road, is_exception)).strip(" ") for error in known]
        weight = sum(error.weight or 0 for error in known)
        text = "; ".join(names)[:LONGEST]
        return Told(numbers, ",".join([str(error.id) for error in known]), text, weight)

    @staticmethod
    def _note(code: int, off_road: bool, is_exception: bool) -> str:
        if code == WRONG_CHECK_DIGIT and off_road:
            return _OFF_ROAD_NOTE
        return _EXCEPTION_NOTE if code == CLEAN and is_exception else ""

    def about(self, code: int) -> str:
        """Return the additional text of a code."""
        error = self._errors.get(code)
        return ((error.text if error else None) or "").strip(" ")[:LONGEST]


def add_sentence(text: str | None, sentence: str) -> str:
    """Append a sentence; all together is cut at 500 characters."""
    return f"{text or ''} {sentence} ".strip(" ")[:LONGEST]
