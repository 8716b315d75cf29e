"""VINs that differ only in serial number and check digit share their answer: it is made once.

Where keys or valid characters speak of the serial number, those share it that are alike to them there.
"""

from msgspec import Struct

from shared.vin.cell import Look
from shared.vin.checkdigit import CHECK_DIGITS, LAST, RESULT, TWELFTH
from shared.vin.corrections import WHOLE
from shared.vin.messages import WRONG_CHECK_DIGIT, Messages
from shared.vin.passes import Pass, Subject, ceiling


class Template(Struct, gc=False):
    """Answers for VINs of one descriptor: with the right check digit, and with a wrong one.

    Where they depend on the serial number it has none, and `fork` tells where they are kept.
    """

    limit: int  # the latest model year when it was made
    exceptions: frozenset[str]  # VINs that are decoded in another way
    head: int  # what the descriptor adds to the check digit, modulo 11
    pairs: dict[str, int]  # what positions 13 and 14 add
    is_used: bool = False  # since it was made, or room for others
    looks: tuple[Look, ...] = ()
    right: Pass | None = None
    wrong: Pass | None = None

    def find(self, vin: str, limit: int) -> Pass | None:
        """Return the answer for a VIN of 17 characters, None when it must be decoded."""
        if limit != self.limit or (self.exceptions and vin in self.exceptions):
            return None
        try:
            tail = TWELFTH[vin[11]] + self.pairs[vin[12:14]] + LAST[vin[14:]]
        except KeyError:  # a character that may not stand there
            return None
        found = vin[8]
        if RESULT[(self.head + tail) % 11] == found:
            return self.right
        return self.wrong if found in CHECK_DIGITS else None

    def fork(self, key: str, vin: str) -> str:
        """Return the key of the template for VINs like this one; `key` is this template's own."""
        return f"{key}/{''.join([look.class_of(vin) for look in self.looks])}"

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


def shared_looks(
    subject: Subject, best: Pass, passes: list[Pass], messages: Messages
) -> tuple[Look, ...] | None:
    """Return what VINs of the descriptor must have in common to share the answer; None where none can.

    They have no character wrong. Of the passes that lost it is enough that they would lose with each of them: what one
    wrong character costs depends on the serial number.
    """
    if len(subject.vin) != WHOLE or not best.is_plain:
        return None
    looks: tuple[Look, ...] = ()
    for found in passes:
        if found.cell is None or found.cell.looks is None or found.illegal:
            return None
        if not found.is_plain and ceiling(found, messages) >= best.told.weight:
            return None
        looks += found.cell.looks
    return looks
