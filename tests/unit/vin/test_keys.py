"""What a key accepts and what it names are two readings; `odd_characters` tells where they part."""

import pytest

from shared.vin.keys import accepted, is_broken, odd_characters


@pytest.mark.parametrize(
    ("key", "odd"),
    [
        ("A*[BC]", ()),
        ("[A-J]", ((0, "I"),)),  # no class names I, O or Q
        ("*#", ((1, "#"),)),  # a digit sign accepts itself and names the digits
        ("_", ((0, "_"),)),  # accepts everything and names itself
        ("[^A]", ((0, "A^"),)),  # a caret is a member where keys match, and turns round what they name
        ("*****|*A", ()),
        ("*****|#*", ()),  # position 10 never counts as unused
    ],
)
def test_a_key_names_what_it_accepts_but_for(key: str, odd: tuple[tuple[int, str], ...]) -> None:
    assert odd_characters(key) == odd


def test_a_key_that_the_original_cannot_read_still_accepts_characters() -> None:
    key = "*****|*[1-A-JT]"
    assert is_broken(key) and not is_broken("*****|*[1-9A-JT]")
    assert accepted(key)[-1] == "1ABCDEFGHIJT"
