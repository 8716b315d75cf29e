"""Decode VINs as NHTSA's own procedure does, from the compiled parts of a release."""

from collections.abc import Iterable, Iterator
from datetime import MAXYEAR, UTC, datetime
from itertools import islice
from time import time
from typing import Literal

from shared.errors import DataError
from shared.vin.cell import Cell, Look, cell_key, new_cell
from shared.vin.checkdigit import PAIRS
from shared.vin.decoded import Decoded, VinError, broken_pattern, too_long
from shared.vin.keys import descriptor_of, upper, wmi_of
from shared.vin.library import Library, Remembered, StaleRelease
from shared.vin.messages import NO_PATTERN, Messages
from shared.vin.parts import RELEASE, Element, ReadParts
from shared.vin.passes import Failed, Pass, Subject, additional_text, best_pass, run_pass, subject_of
from shared.vin.template import Template, shared_looks, template_key
from shared.vin.years import Attempt, attempts, year_of

Reference = Literal["procedure", "api"]
LONGEST = 17
_YEARS_AHEAD = 2
_MAX_MEMORY = 96 << 20  # of parts in memory, roughly
_TEMPLATES = 10_000  # of one manufacturer
_RELEASE_TRIES = 3
_BLOCK = 5_000  # VINs of decode_many held at a time


class Decoder:
    """Decodes against one release; takes up a newer one when its parts turn up, or when `refresh` is called.

    `reference` "procedure" answers as the PostgreSQL procedure does, "api" as the live service. `max_bytes`
    bounds the parts held in memory, `templates` the answers of a manufacturer that are kept, by descriptor and, where
    it matters, serial number. A clock before the publication of a manufacturer code whose answers are kept finds none
    of any: slower, never wrong. Not for several threads at once.
    """

    def __init__(
        self, read_parts: ReadParts, *, reference: Reference = "procedure", max_bytes: int = _MAX_MEMORY,
        templates: int = _TEMPLATES,
    ) -> None:  # fmt: skip
        if reference not in ("procedure", "api"):
            raise ValueError(f"reference must be procedure or api, not {reference!r}")
        self._read_parts, self._max_bytes, self._max_templates = read_parts, max_bytes, templates
        self._live = reference == "api"
        self._library: Library | None = None
        self._moment: datetime | None = None  # the last clock, and what it means
        self._limit, self._now = 0, 0.0
        self._year_starts = self._year_ends = 0.0  # of the limit's year

    def _open(self) -> Library:
        library = Library(self._read_parts, live=self._live, max_bytes=self._max_bytes)
        self._messages = Messages(library.common.errors)
        self._library = library
        return library

    def decode(
        self, vin: str | None, model_year: int | None = None, now: datetime | None = None,
        include_private: bool = False,
    ) -> Decoded:  # fmt: skip
        """Decode one VIN, whole or in part; `model_year` is what the caller believes.

        `now` decides which years can be and which manufacturers are public; a time without zone is UTC.

        Raises:
            VinError: more than 17 characters, a model year that is no number, or the original fails on it.
            DataError: there is no release, or its compiled tables are not whole.
        """
        if model_year is not None and (not isinstance(model_year, int) or isinstance(model_year, bool)):
            raise VinError(f"{model_year!r} is not a whole number", "model_year")
        self._set_clock(now)
        if vin is not None:
            if len(vin) == LONGEST:
                known = self._known(vin, model_year, include_private)
                if known is not None:  # it was written as it should be
                    return known
            given, vin = vin, upper(vin.strip(" "))
            if len(vin) > LONGEST:
                raise too_long(vin)
            if vin != given and len(vin) == LONGEST:
                known = self._known(vin, model_year, include_private)
                if known is not None:
                    return known
        for _ in range(_RELEASE_TRIES):  # another release may be swapped in between two parts
            try:
                return self._decode(vin, model_year, include_private)
            except StaleRelease as exc:
                missing = str(exc)
                self._library = None
        raise DataError(f"the compiled decoder tables lack part {missing}: load the release once more")

    def refresh(self) -> bool:
        """Look whether another release is there now; if so, forget the old one. Reads a few bytes."""
        if self._library is None:
            return False
        token = self._read_parts([RELEASE]).get(RELEASE)
        if token == self._library.token:
            return False
        self._library = None
        return True

    def _set_clock(self, now: datetime | None) -> None:
        if now is not None and now is self._moment:
            return
        moment = time() if now is None else (now if now.tzinfo else now.replace(tzinfo=UTC)).timestamp()
        self._moment, self._now = now, moment * 1_000_000
        if not self._year_starts <= moment < self._year_ends:
            year = datetime.fromtimestamp(moment, UTC).year
            self._year_starts, self._year_ends = (
                datetime(at, 1, 1, tzinfo=UTC).timestamp() for at in (year, min(year + 1, MAXYEAR))
            )
            self._limit = year + _YEARS_AHEAD

    def decode_many(
        self,
        vins: Iterable[tuple[str | None, int | None]],
        now: datetime | None = None,
        include_private: bool = False,
    ) -> Iterator[Decoded]:
        """Decode (VIN, caller's model year); what cannot be decoded carries `failure`.

        Answers come in the order of the VINs. They are taken in blocks, and each block is decoded sorted by
        VIN, so that the parts of a manufacturer are loaded once a block.
        """
        moment = now or datetime.now(UTC)
        rest, no_answer = iter(vins), Decoded(None, None, None)
        while block := list(islice(rest, _BLOCK)):
            found = [no_answer] * len(block)
            for number in sorted(range(len(block)), key=[vin or "" for vin, _ in block].__getitem__):
                vin, model_year = block[number]
                try:
                    found[number] = self.decode(vin, model_year, moment, include_private)
                except VinError as failure:  # its traceback holds `found`, which would hold it for ever
                    found[number] = Decoded(None, vin, None, failure=failure.with_traceback(None))
            yield from found

    def elements(self) -> list[Element]:
        """Return the variables that an answer can have, in the order of their ids."""
        library = self._library or self._open()
        return [library.elements[number] for number in sorted(library.public_names)]

    def _known(self, vin: str, asked: int | None, private: bool) -> Decoded | None:
        """Return the answer of a whole VIN when it is the one of its descriptor, and that is known."""
        library = self._library
        if library is None or private or self._now < library.known_from:
            return None
        key = template_key(vin, asked)
        template = library.templates.get(key)
        if template is None:
            return None
        found = template.find(vin, self._limit)
        if found is None:
            if not template.looks or template.limit != self._limit:  # of another year they are others
                return None
            template = library.templates.get(template.fork(key, vin))
            found = None if template is None else template.find(vin, self._limit)
            if template is None or found is None:
                return None
        template.is_used = True
        return Decoded(library, vin, found)

    def _decode(self, vin: str | None, asked: int | None, private: bool) -> Decoded:
        library = self._library or self._open()
        wmi = wmi_of(vin or "")
        known = library.manufacturer(wmi)
        subject = subject_of(vin, wmi, None if known is None else known.maker)
        passes = self._passes(library, subject, known, asked, private)
        found = best_pass(passes, asked, library.weight)
        found.additional = additional_text(found, self._messages)
        if known is not None and not private:
            looks = shared_looks(subject, found, passes, self._messages)
            if looks is not None:
                self._keep(library, template_key(subject.vin, asked), looks, subject, found, known)
        return Decoded(library, vin, found, private)

    def _keep(
        self, library: Library, key: str, looks: tuple[Look, ...], subject: Subject, found: Pass, known: Remembered
    ) -> None:  # fmt: skip
        template = self._template(library, key, subject, known)
        if template is not None and looks:  # which passes compete depends on the serial number too
            template.looks = tuple(dict.fromkeys(template.looks + looks))
            template = self._template(library, template.fork(key, subject.vin), subject, known)
        if template is not None:
            template.keep(found)

    def _template(self, library: Library, key: str, subject: Subject, known: Remembered) -> Template | None:
        """Return the template of a key, made where there is none; None where none may be."""
        template, published = library.templates.get(key), known.maker.part.published
        if template is None or template.limit != self._limit:
            if subject.head is None or published is None or not self._max_templates:
                return None
            if len(known.templates) >= self._max_templates:
                library.forget_templates(known)
            template = Template(
                self._limit, known.maker.exceptions, subject.head % 11, PAIRS[subject.first_digit]
            )
            library.keep_template(key, template, published)
        return template

    def _passes(
        self, library: Library, subject: Subject, known: Remembered | None, asked: int | None, private: bool
    ) -> list[Pass]:
        """Run the passes that compete."""
        maker = subject.maker
        if maker is not None and not maker.is_published(self._now):
            known = None
        described = self._described(library, subject, asked) if self._live else None
        try:
            if described is not None:
                return [self._run(library, subject, known, described, private)]
            found = year_of(subject.vin, maker is not None and maker.is_light, self._limit)
            # whether it is published does not matter here
            own, rest = attempts(found, asked, self._limit, maker.set_number if maker else _no_set)
            passes = []
            if own is not None:
                passes.append(self._run(library, subject, known, own, private))
                if not passes[0].codes >> NO_PATTERN & 1 or rest[0].year is None:
                    return passes
            return passes + [self._run(library, subject, known, attempt, private) for attempt in rest]
        except Failed as exc:
            raise broken_pattern(str(exc)) from None

    def _described(self, library: Library, subject: Subject, asked: int | None) -> Attempt | None:
        """Return the attempt of a descriptor whose year is known; only the live service has it."""
        descriptor = descriptor_of(subject.vin)
        year = library.common.descriptors.get(descriptor)
        return None if year is None else Attempt(year, True, asked is not None and asked != year, descriptor)

    def _run(
        self, library: Library, subject: Subject, known: Remembered | None, attempt: Attempt, private: bool
    ) -> Pass:
        cell = None if known is None else self._cell(library, known, attempt.year, private)
        return run_pass(subject, attempt, cell, library, self._messages)

    def _cell(self, library: Library, known: Remembered, year: int | None, private: bool) -> Cell:
        key = cell_key(year, private)
        cell = known.cells.get(key)
        if cell is None:
            patterns = library.pattern_set(known, known.maker.set_number(year), private)
            cell = known.cells[key] = new_cell(known.maker, year, patterns, self._live)
        return cell


def _no_set(year: int) -> int:
    return 0
