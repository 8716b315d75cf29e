"""Names as people write them, and the form in which two spellings of one name are equal."""

import unicodedata

_AS_SPACE = {
    "Z",
    "C",
}  # first letters of Unicode's general categories: separators, control and format characters
_LEFT_OUT = {"P", "S", "M"}  # punctuation, symbols such as the trade mark sign, combining accents
_BETWEEN_WORDS = "-–—/~:|"


def fold_name(name: str) -> str:
    """Return a name for comparing: NFKD, case folded, without punctuation, symbols, accents and extra spaces.

    A name of nothing but symbols folds to the empty string, which equals nothing: do not match by it.
    """
    spelt = "".join(char for char in name if unicodedata.category(char)[0] != "S" or char in _BETWEEN_WORDS)
    return " ".join("".join(map(_fold, unicodedata.normalize("NFKD", spelt).casefold())).split())


def _fold(char: str) -> str:
    kind = unicodedata.category(char)[0]
    if kind in _AS_SPACE or char in _BETWEEN_WORDS:
        return " "
    return "" if kind in _LEFT_OUT else char
