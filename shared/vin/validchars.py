"""The release's own table of valid characters by manufacturer code, year and position: nine million rows."""

from array import array

from shared.vin.parts import VALID_POSITIONS
from shared.vin.source import Source

_WIDTH = len(VALID_POSITIONS)
_SLOTS = {str(position): slot for slot, position in enumerate(VALID_POSITIONS)}


class ValidChars:
    """Bit masks, nine for each (manufacturer code, year); characters are numbered as they come."""

    def __init__(self) -> None:
        self.cells: dict[str, dict[int, int]] = {}
        self.masks = array("Q")
        self.bits: dict[str, int] = {}
        self._texts: dict[int, str] = {0: ""}

    def read(self, source: Source) -> None:
        """Read the table; nothing when it is switched off, which one row of the other table does for all."""
        if any(True for _ in source.rows("wmiyearvalidchars_cacheexceptions", ())):
            return
        last_wmi, last_year, start = None, None, 0
        masks, bits = self.masks, self.bits
        for wmi, year, position, char in source.rows(
            "wmiyearvalidchars", ("wmi", "year", "position", "char")
        ):
            if year != last_year or wmi != last_wmi:
                last_wmi, last_year, start = wmi, year, self._cell(wmi or "", int(year or 0))
            slot = _SLOTS.get(position or "")
            if slot is not None and char:
                masks[start + slot] |= bits.setdefault(char, 1 << len(bits))

    def _cell(self, wmi: str, year: int) -> int:
        years = self.cells.setdefault(wmi, {})
        if year not in years:
            years[year] = len(self.masks)
            self.masks.extend([0] * _WIDTH)
        return years[year]

    def of(self, wmi: str) -> tuple[list[str], dict[int, tuple[int, ...]]]:
        """Return the distinct character sets of a manufacturer code, and by year the number of each."""
        numbers: dict[str, int] = {}
        years = {}
        for year, start in sorted(self.cells.get(wmi, {}).items()):
            texts = [self._text(mask) for mask in self.masks[start : start + _WIDTH]]
            years[year] = tuple([numbers.setdefault(text, len(numbers)) for text in texts])
        return list(numbers), years

    def _text(self, mask: int) -> str:
        if mask not in self._texts:
            self._texts[mask] = "".join(sorted(char for char, bit in self.bits.items() if mask & bit))
        return self._texts[mask]
