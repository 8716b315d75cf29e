"""One pass: a VIN decoded with one model year. The best pass is the answer."""

from collections.abc import Callable
from math import inf

from msgspec import Struct

from shared.vin import messages as say
from shared.vin.cell import Cell
from shared.vin.checkdigit import CHECK_DIGITS, check_digit, first_serial_digit, head_sum, tail_digit
from shared.vin.corrections import (
    BY_CHECK_DIGIT,
    LEGAL,
    NOTHING,
    SEVERAL_CHARACTERS,
    SEVERAL_POSITIONS,
    WHOLE,
    Correction,
    correct,
    illegal_positions,
    mark,
)
from shared.vin.items import GLIDER_BODIES, OFF_ROAD_BODIES
from shared.vin.library import Library
from shared.vin.manufacturer import Manufacturer
from shared.vin.messages import Messages, Told
from shared.vin.selection import Selection, select
from shared.vin.years import Attempt

_HARMLESS = 1 << say.GLIDER | 1 << say.OFF_ROAD | 1 << say.OTHER_YEAR
_HARMLESS_OR_UNUSED = _HARMLESS | 1 << say.UNUSED
_ASKED = 10_000  # what the caller's own year counts more


class Failed(Exception):
    """The original fails here with an error of the database."""


class Subject(Struct, gc=False):
    """A VIN, with what does not depend on the year."""

    vin: str
    maker: Manufacturer | None  # None for an unknown one
    wmi: str
    is_exception: bool
    form: int  # error codes of length and check digit, one bit a code
    first_digit: int  # from which position on the serial number has only digits
    is_legal: bool  # a whole VIN without an illegal character
    head: int | None  # what the descriptor adds to the check digit


class Pass(Struct, gc=False):
    """What a pass found. What a VIN with a known descriptor needs comes first: it lies together in memory."""

    values: dict[str, str | None] | None  # once made
    attempt: Attempt
    cell: Cell | None
    selection: Selection | None
    codes: int  # one bit a code
    told: Told
    correction: Correction
    suggested: str
    illegal: str
    unused: tuple[int, ...]  # positions
    is_plain: bool  # no character is wrong, illegal or excepted: VINs alike share it
    additional: str | None = None  # told of the best pass alone


def subject_of(vin: str | None, wmi: str, maker: Manufacturer | None) -> Subject:
    """Look at what does not depend on the year; a null VIN has no length to be wrong."""
    text, form = vin or "", 0
    is_exception = maker is not None and text in maker.exceptions
    first_digit = first_serial_digit(text, maker is not None and maker.is_light)
    if len(text) < WHOLE:
        form = 0 if vin is None else 1 << say.INCOMPLETE
        return Subject(text, maker, wmi, is_exception, form, first_digit, False, None)
    head = head_sum(text)
    right = None if head is None else tail_digit(head, text, first_digit)
    if right is not None and text[8] in CHECK_DIGITS and "," not in text:
        is_legal = True
    else:
        is_legal, right = LEGAL[first_digit].fullmatch(text) is not None, check_digit(text, first_digit)
    if text[8] != right and not is_exception:
        form = 1 << say.WRONG_CHECK_DIGIT
    return Subject(text, maker, wmi, is_exception, form, first_digit, is_legal, head)


def run_pass(
    subject: Subject, attempt: Attempt, cell: Cell | None, library: Library, messages: Messages
) -> Pass:
    """Decode with one year; `cell` is None for an unknown manufacturer.

    Raises:
        Failed: the original cannot do it.
    """
    selection = None if cell is None else select(library, cell, subject.vin)
    codes, correction = subject.form, NOTHING
    unused: tuple[int, ...] = ()
    off_road = False
    if cell is None or selection is None:
        codes |= 1 << say.NO_WMI
    else:
        if not selection.has_pattern:
            codes |= 1 << say.NO_PATTERN
        else:
            if cell.fails or selection.fails:
                raise Failed("invalid regular expression: invalid character range")
            correction, unused = (
                correct(subject.vin, subject.wmi, cell.checks, library.live),
                selection.unused,
            )
            if correction.code:
                codes |= 1 << correction.code
            if unused:
                codes |= 1 << say.UNUSED
        if selection.body in GLIDER_BODIES:
            codes |= 1 << say.GLIDER
        off_road = selection.body in OFF_ROAD_BODIES
        if off_road:
            codes |= 1 << say.OFF_ROAD
    if attempt.year is None:
        codes |= 1 << say.NO_YEAR
    suggested, illegal = correction.vin, ""
    if not subject.is_legal:
        suggested, illegal = _mark_illegal(subject, suggested, off_road)
        if illegal:
            codes |= 1 << say.ILLEGAL
    if attempt.warns:
        codes |= 1 << say.OTHER_YEAR
    if not codes & ~_HARMLESS_OR_UNUSED:
        codes |= 1 << say.CLEAN
        if selection is None or not selection.has_model:
            codes |= 1 << say.UNUSED
    told = messages.tell(codes, off_road, subject.is_exception)
    is_plain = not (suggested or subject.is_exception)
    return Pass(
        None, attempt, cell, selection, codes, told, correction, suggested, illegal, unused, is_plain
    )  # fmt: skip


def _mark_illegal(subject: Subject, suggested: str, off_road: bool) -> tuple[str, str]:
    """Return the suggested VIN with the illegal characters marked, and their list."""
    vin = subject.vin
    found = illegal_positions(vin, subject.first_digit, off_road or subject.is_exception)
    for position in found:
        suggested = mark(suggested or vin, position)
    return suggested, "".join(f", {position}:{vin[position - 1]}" for position in found)


def best_pass(passes: list[Pass], asked: int | None, weight_of: Callable[[int], int | None]) -> Pass:
    """Return the pass that wins; of equals the first. `weight_of` tells what elements count."""
    if len(passes) == 1:
        return passes[0]
    least = max([found.told.weight for found in passes])
    left = [found for found in passes if found.told.weight == least]
    return left[0] if len(left) == 1 else max(left, key=lambda found: _score(found, asked, weight_of))


def _score(found: Pass, asked: int | None, weight_of: Callable[[int], int | None]) -> tuple[float, ...]:
    """Return what decides between passes of equal errors; a null counts as the highest."""
    selection, year = found.selection, found.attempt.year
    match = inf if selection is None or year is None else year + (_ASKED if year == asked else 0)
    weight = None if selection is None else weight_of(selection.elements)
    patterns = None if selection is None else selection.patterns
    return inf if weight is None else weight, inf if patterns is None else patterns, match


def ceiling(found: Pass, messages: Messages) -> int:
    """Return the best weight that a VIN of the same descriptor can have in this pass, wrong characters as they are."""
    codes = found.codes
    if codes >> SEVERAL_CHARACTERS & 1:  # with another serial number the check digit may single one out
        codes ^= 1 << SEVERAL_CHARACTERS | 1 << BY_CHECK_DIGIT
    return max(found.told.weight, messages.tell(codes, False, False).weight)


def additional_text(found: Pass, messages: Messages) -> str | None:
    """Compose the additional error text; None for none."""
    text, codes = None, found.codes
    for code in (SEVERAL_CHARACTERS, SEVERAL_POSITIONS):
        if codes >> code & 1:
            text = messages.about(code)
    if codes >> say.UNUSED & 1:  # without a list the original joins a null, and all is gone
        unused = ",".join(map(str, found.unused))
        text = say.add_sentence(text, f"Unused position(s): {unused}.") if unused else None
    if found.illegal:
        text = say.add_sentence(text, f"Invalid character(s): {found.illegal[2:]}.")
    if found.selection is not None and found.selection.is_incomplete:
        text = say.add_sentence(text, say.INCOMPLETE_VEHICLE)
    if not found.attempt.conclusive:
        text = say.add_sentence(text, say.YEAR_UNCERTAIN)
    return text
