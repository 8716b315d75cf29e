"""Parts of a release are read when they are asked for, and years that will be asked for come along."""

from itertools import chain, islice

import pytest

from shared.errors import DataError
from shared.vin import Decoder
from tests.unit.vin.conftest import NOW, Parts, noting, read_cases, reader

ACCORDS = [
    f"1HGCM826{digit}{year}A004352" for digit, year in zip("3X13", "3456", strict=True)
]  # 2003 to 2006


def read_sets(release: Parts, vins: list[str]) -> list[list[str]]:
    """Decode, and return which sets were read together."""
    asked: list[list[str]] = []
    decoder = Decoder(noting(release, asked))
    for vin in vins:
        decoder.decode(vin, now=NOW)
    return [names for names in asked if names[0].startswith("s")]


def test_the_second_year_of_a_manufacturer_code_brings_others_along(release: Parts) -> None:
    assert [len(names) for names in read_sets(release, ACCORDS[:1])] == [1]
    both = read_sets(release, ACCORDS[:2])
    assert len(both) == 2 and len(both[1]) > 2
    assert read_sets(release, ACCORDS) == both, "the other years were there"
    assert len(set(chain(*both))) == len(list(chain(*both))), "nothing is read twice"


def test_years_far_apart_are_read_once_each(release: Parts) -> None:
    vins = [f"1HGCM8263{year}A004352" for year in "35TC8L4N1"]  # whatever the check digit, the year counts
    read = read_sets(release, vins)
    assert len(read) > 2 and len(set(chain(*read))) == len(list(chain(*read)))


def test_what_is_only_looked_up_is_in_use_too(release: Parts) -> None:
    """Its descriptor is known, so nothing of the manufacturer code is touched; what nobody asks for is forgotten."""
    asked: list[list[str]] = []
    decoder = Decoder(noting(release, asked), max_bytes=16 << 20)
    used, unused = ACCORDS[0], "JTDKB20U787732999"
    for vin in (used, unused):
        decoder.decode(vin, now=NOW)
    others = [case["vin"] for case in islice(read_cases("dev.jsonl.gz"), 200)]
    for vin in others:
        decoder.decode(vin, now=NOW)
        decoder.decode(used, now=NOW)
    decoder.decode(unused, now=NOW)
    read = list(chain(*asked))
    assert [read.count(read_sets(release, [vin])[0][0]) for vin in (used, unused)] == [1, 2]


def test_what_came_along_is_decoded_as_what_was_asked_for(release: Parts) -> None:
    together = Decoder(reader(release))
    for vin in ACCORDS:
        assert together.decode(vin, now=NOW).rows() == Decoder(reader(release)).decode(vin, now=NOW).rows()


def test_what_came_along_from_another_release_is_no_answer(release: Parts) -> None:
    """Read ahead while another release is swapped in: the token tells."""
    (first,), (second, *ahead) = read_sets(release, ACCORDS[:2])
    mixed = {
        name: b"vin5" + bytes(12) + data[16:] if name in ahead else data for name, data in release.items()
    }
    decoder = Decoder(reader(mixed))
    assert [decoder.decode(vin, now=NOW).model_year for vin in ACCORDS[:2]] == [2003, 2004]
    with pytest.raises(DataError, match="lack part s"):
        decoder.decode(ACCORDS[2], now=NOW)
