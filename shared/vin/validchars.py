"""The release's own table of valid characters by manufacturer code, year and position: nine million rows."""

from collections import defaultdict

from shared.vin.parts import VALID_POSITIONS
from shared.vin.source import MARK_END, Source

_SLOTS = {str(position): slot for slot, position in enumerate(VALID_POSITIONS)}


class ValidChars:
    """The nine character sets of each (manufacturer code, year); equal ones are kept once."""

    def __init__(self) -> None:
        self.cells: dict[str, dict[int, int]] = defaultdict(dict)  # a place in `nines`
        self.nines: list[tuple[str, ...]] = []

    def read(self, source: Source) -> None:
        """Read the table; nothing when it is switched off, which one row of the other table does for all."""
        if any(True for _ in source.rows("wmiyearvalidchars_cacheexceptions", ())):
            return
        known: dict[str, int] = {}
        texts: list[str] = []
        for wmi, year_text, marks in source.valid_chars():
            years, year, text = self.cells[wmi or ""], int(year_text or 0), marks or ""
            if year in years:
                text = texts[years[year]] + MARK_END + text
            if text not in known:
                known[text] = len(texts)
                texts.append(text)
                self.nines.append(_sort(text))
            years[year] = known[text]

    def of(self, wmi: str) -> tuple[list[str], dict[int, tuple[int, ...]]]:
        """Return the distinct character sets of a manufacturer code, and by year the number of each."""
        numbers: dict[str, int] = {}
        years = {}
        for year, nine in sorted(self.cells.get(wmi, {}).items()):
            years[year] = tuple([numbers.setdefault(text, len(numbers)) for text in self.nines[nine]])
        return list(numbers), years


def _sort(marks: str) -> tuple[str, ...]:
    """Return the characters at each valid position."""
    found: list[set[str]] = [set() for _ in VALID_POSITIONS]
    for mark in marks.split(MARK_END):
        slot = _SLOTS.get(mark[:-1])
        if slot is not None:
            found[slot].add(mark[-1])
    return tuple("".join(sorted(chars)) for chars in found)
