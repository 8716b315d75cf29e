"""VINs that differ only in serial number and check digit share their answer: it is made once."""

from msgspec import Struct

from shared.vin.checkdigit import CHECK_DIGITS, LAST, RESULT, TWELFTH
from shared.vin.corrections import WHOLE
from shared.vin.messages import WRONG_CHECK_DIGIT, Messages
from shared.vin.passes import Pass, Subject, ceiling


class Template(Struct, gc=False):
    """Answers for VINs of one descriptor: with the right check digit, and with a wrong one."""

    limit: int  # the latest model year when it was made
    published: int  # when its manufacturer code becomes public, microseconds since 1970
    exceptions: frozenset[str]  # VINs that are decoded in another way
    head: int  # what the descriptor adds to the check digit
    pairs: dict[str, int]  # what positions 13 and 14 add
    last_use: int  # the library's `uses` then: noted here, where a VIN has to look anyway
    right: Pass | None = None
    wrong: Pass | None = None

    def find(self, vin: str, limit: int, now: float) -> Pass | None:
        """Return the answer for a VIN of 17 characters, None when it must be decoded."""
        if limit != self.limit or self.published > now or (self.exceptions and vin in self.exceptions):
            return None
        try:
            tail = TWELFTH[vin[11]] + self.pairs[vin[12:14]] + LAST[vin[14:]]
        except KeyError:  # a character that may not stand there
            return None
        found = vin[8]
        if RESULT[(self.head + tail) % 11] == found:
            return self.right
        return self.wrong if found in CHECK_DIGITS else None

    def keep(self, found: Pass) -> None:
        """Keep an answer."""
        if found.codes >> WRONG_CHECK_DIGIT & 1:
            self.wrong = found
        else:
            self.right = found


def template_key(vin: str, asked: int | None) -> str:
    """Return what VINs of one template have in common."""
    key = vin[:8] + vin[9:14] if vin[2] == "9" else vin[:8] + vin[9:11]
    return key if asked is None else f"{key} {asked}"


def may_share(subject: Subject, best: Pass, passes: list[Pass], messages: Messages) -> bool:
    """Tell whether the answer holds for all VINs of the descriptor that have no character wrong.

    Of the passes that lost it is enough that they would lose with each of them: what one wrong character costs
    depends on the serial number.
    """
    if len(subject.vin) != WHOLE or not best.is_plain:
        return False
    for found in passes:
        if found.cell is None or not found.cell.is_shallow or found.illegal:
            return False
        if not found.is_plain and ceiling(found, messages) >= best.told.weight:
            return False
    return True
