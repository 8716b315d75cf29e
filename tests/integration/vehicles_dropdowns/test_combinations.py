"""The automaton against brute force, and keys against what the decode procedure does with them."""

import itertools
import random

import pytest

from services.vehicle_etl.combinations import Automaton, Combination, Pattern, read_key

LETTERS = "ABC"


@pytest.mark.parametrize(
    ("key", "asked"),
    [
        ("*****", {}),
        ("A*B", {0: "A", 2: "B"}),
        ("_A", {1: "A"}),
        ("*****|*A", {7: "A"}),
        ("******A", {6: "A"}),  # a star stands for the bar too
        ("[A-C5]*", {0: "ABC5"}),
        ("[^A]", {0: "A"}),  # in a class ^ is a character like any other
        ("*****|*[1-A-JT]", {7: "1ABCDEFGHJT"}),  # I is in no VIN
        ("[A_]*", {0: "A"}),
    ],
)
def test_keys_ask_for_characters(key: str, asked: dict[int, str]) -> None:
    read = read_key(key)
    assert read is not None
    assert {place: "".join(sorted(characters)) for place, characters in read} == {
        place: "".join(sorted(characters)) for place, characters in asked.items()
    }


@pytest.mark.parametrize(
    "key", ["*****A", "**O", "A#", "a", "[a]", "_[A]", "[", "*" * 15, "**|", "A\\", "*%"]
)
def test_keys_that_no_vin_matches(key: str) -> None:
    assert read_key(key) is None


def find_combinations(patterns: list[Pattern], elements: int, allowed: dict[int, str]) -> set[Combination]:
    automaton = Automaton(patterns, elements, allowed)
    return {automaton.read(combination) for combination in automaton.run()}


def random_patterns(chance: random.Random) -> list[Pattern]:
    tokens = ["*", "*", "A", "B", "C", "[AB]", "[B-C]"]
    keys = ["".join(chance.choices(tokens, k=chance.randint(1, 4))) for _ in range(chance.randint(0, 14))]
    return [Pattern(chance.randint(0, 2), key, chance.choice(["x", "y", "z", None])) for key in keys]


def test_automaton_finds_what_trying_all_vins_finds() -> None:
    chance = random.Random(7)
    for _ in range(300):
        patterns = random_patterns(chance)
        seen = set()
        for vin in itertools.product(LETTERS, repeat=4):
            winners: dict[int, object] = {}
            for pattern in patterns:
                if all(vin[place] in accepted for place, accepted in read_key(pattern.key) or ()):
                    winners.setdefault(pattern.element, pattern.value)
            seen.add(tuple(winners.get(element) for element in range(3)))
        allowed = dict.fromkeys(range(4), LETTERS)
        assert find_combinations(patterns, 3, allowed) == seen, patterns


def test_nothing_to_match_is_one_empty_combination() -> None:
    assert find_combinations([], 2, {}) == {(None, None)}
