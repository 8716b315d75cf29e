"""Names folded for comparing."""

import pytest

from shared.names import fold_name


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Star Tours – The Adventures Continue", "Star Tours - The Adventures Continue"),
        ("The Twilight Zone Tower of Terror™", "the twilight zone tower of terror"),
        ('"it\'s a small world"', "It’s a Small World"),
        ("Ratatouille: L’Aventure de Rémy\u200b", "Ratatouille L'Aventure de Remy"),
        ("TRON Lightcycle / Run", "TRON  Lightcycle Run "),
        ("Ｓｐａｃｅ Mountain®", "Space Mountain"),
    ],
)
def test_spellings_of_one_name_are_equal(one: str, other: str) -> None:
    assert fold_name(one) == fold_name(other) != ""


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Star Tours I", "Star Tours II"),
        ("Test Track", "Test Track Single Rider"),
        ("Jingle Cruise", "Jungle Cruise"),
    ],
)
def test_different_names_stay_different(one: str, other: str) -> None:
    assert fold_name(one) != fold_name(other)


def test_a_name_of_symbols_is_no_name() -> None:
    assert fold_name("™ ® – ’") == ""
