"""One pass: a VIN decoded with one model year. The best pass is the answer."""

from math import inf
from typing import NamedTuple

from msgspec import Struct

from shared.vin import messages as say
from shared.vin.checkdigit import check_digit, first_serial_digit
from shared.vin.corrections import (
    NOTHING,
    SEVERAL_CHARACTERS,
    SEVERAL_POSITIONS,
    Correction,
    correct,
    illegal_positions,
    legal,
    mark,
)
from shared.vin.keys import unused_positions
from shared.vin.messages import Messages
from shared.vin.selection import Cell, Selection, body_codes
from shared.vin.years import Attempt

_HARMLESS = {say.GLIDER, say.OFF_ROAD, say.OTHER_YEAR}


class Failed(Exception):
    """The original fails here with an error of the database."""


class Pass(Struct, gc=False):
    """What a pass found."""

    attempt: Attempt
    cell: Cell | None
    selection: Selection | None
    codes: frozenset[int]
    code_list: str
    text: str
    suggested: str
    possible: str
    additional: str | None
    weight: int
    is_plain: bool  # no character is wrong, illegal or excepted: VINs alike in the descriptor share it
    values: dict[str, str | None] | None = None  # once made, when they do not depend on the serial number

    def score(self, asked: int | None) -> tuple[float, ...]:
        """Return what decides between passes; a null counts as the highest."""
        selection, year = self.selection, self.attempt.year
        match = inf if self.cell is None or year is None else year + (10_000 if year == asked else 0)
        return (
            self.weight,
            inf if selection is None or selection.weight is None else selection.weight,
            inf if selection is None or selection.patterns is None else selection.patterns,
            match,
        )


class Subject(NamedTuple):
    """A VIN, with what does not depend on the year."""

    vin: str
    wmi: str
    is_light: bool
    is_exception: bool
    has_length: bool  # a null VIN has none


def run_pass(
    subject: Subject,
    attempt: Attempt,
    cell: Cell | None,
    selection: Selection | None,
    messages: Messages,
    live: bool,
) -> Pass:
    """Decode with one year; `cell` and `selection` are None for an unknown manufacturer.

    Raises:
        Failed: the original cannot do it.
    """
    codes: set[int] = set()
    correction, unused = NOTHING, None
    if cell is None or selection is None:
        codes.add(say.NO_WMI)
    elif not selection.has_pattern:
        codes.add(say.NO_PATTERN)
    else:
        correction, unused = _look_for_errors(subject, cell, selection, live)
        if correction.code:
            codes.add(correction.code)
        if unused:
            codes.add(say.UNUSED)
    is_glider, off_road = body_codes(selection.body if selection else None)
    if is_glider:
        codes.add(say.GLIDER)
    if off_road:
        codes.add(say.OFF_ROAD)
    if attempt.year is None:
        codes.add(say.NO_YEAR)
    suggested, illegal = _illegal(subject, correction.vin, off_road)
    if illegal:
        codes.add(say.ILLEGAL)
    if attempt.warns:
        codes.add(say.OTHER_YEAR)
    _add_form_codes(codes, subject)
    if codes - _HARMLESS <= {say.UNUSED}:
        codes.add(say.CLEAN)
        if selection is None or not selection.has_model:
            codes.add(say.UNUSED)
    told = messages.tell(frozenset(codes), off_road, subject.is_exception)
    is_incomplete = selection is not None and selection.is_incomplete
    additional = _additional(messages, codes, unused, illegal, is_incomplete, attempt.conclusive)
    return Pass(
        attempt, cell, selection, frozenset(codes), told.codes, told.text, suggested, correction.possible,
        additional, told.weight, not (suggested or subject.is_exception),
    )  # fmt: skip


def _look_for_errors(
    subject: Subject, cell: Cell, selection: Selection, live: bool
) -> tuple[Correction, str | None]:
    """Return the correction, and the unused positions, None for none."""
    if cell.fails or selection.used < 0:
        raise Failed("invalid regular expression: invalid character range")
    correction = correct(subject.vin, subject.wmi, cell.valid, cell.checks, live)
    return correction, ",".join(unused_positions(subject.vin, selection.used)) or None


def _illegal(subject: Subject, suggested: str, off_road: bool) -> tuple[str, str]:
    """Return the suggested VIN with the illegal characters marked, and their list."""
    vin = subject.vin
    first_digit = first_serial_digit(vin, subject.is_light)
    if legal(first_digit).fullmatch(vin):
        return suggested, ""
    found = illegal_positions(vin, first_digit, off_road or subject.is_exception)
    for position in found:
        suggested = mark(suggested or vin, position)
    return suggested, "".join(f", {position}:{vin[position - 1]}" for position in found)


def _add_form_codes(codes: set[int], subject: Subject) -> None:
    """Add the codes of length and check digit."""
    vin = subject.vin
    if len(vin) < 17:
        if subject.has_length:
            codes.add(say.INCOMPLETE)
    elif not subject.is_exception and vin[8] != check_digit(vin, first_serial_digit(vin, subject.is_light)):
        codes.add(say.WRONG_CHECK_DIGIT)


def _additional(
    messages: Messages,
    codes: set[int],
    unused: str | None,
    illegal: str,
    is_incomplete: bool,
    conclusive: bool,
) -> str | None:
    """Compose the additional error text; None for none."""
    text = None
    for code in (SEVERAL_CHARACTERS, SEVERAL_POSITIONS):
        if code in codes:
            text = messages.about(code)
    if say.UNUSED in codes:  # without a list the original joins a null, and all is gone
        text = None if unused is None else say.add_sentence(text, f"Unused position(s): {unused}.")
    if illegal:
        text = say.add_sentence(text, f"Invalid character(s): {illegal[2:]}.")
    if is_incomplete:
        text = say.add_sentence(text, say.INCOMPLETE_VEHICLE)
    if not conclusive:
        text = say.add_sentence(text, say.YEAR_UNCERTAIN)
    return text


def best_pass(passes: list[Pass], asked: int | None) -> Pass:
    """Return the pass that wins; of equals the first."""
    return max(passes, key=lambda found: found.score(asked)) if len(passes) > 1 else passes[0]
