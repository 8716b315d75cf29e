"""Whatever comes in, an answer or a VinError comes out."""

import pytest

from shared.errors import DataError
from shared.vin import Decoder, VinError
from tests.unit.vin.conftest import NOW, Parts, noting, reader

ACCORD = "1HGCM82633A004352"


@pytest.fixture(scope="module")
def decoder(release: Parts) -> Decoder:
    return Decoder(reader(release))


@pytest.mark.parametrize("vin", [ACCORD + "1", "A" * 10_000, "\t" + ACCORD, ACCORD + "\n"])
def test_more_than_17_characters_are_refused(decoder: Decoder, vin: str) -> None:
    with pytest.raises(VinError, match="at most 17 characters") as caught:
        decoder.decode(vin, now=NOW)
    assert caught.value.sqlstate == "22001"


@pytest.mark.parametrize(
    ("vin", "codes"),
    [
        (None, [7, 11]),
        ("", [6, 7, 11]),
        (" ", [6, 7, 11]),
        ("1", [6, 7, 11]),
        ("1HG", [6, 8, 11]),
        (ACCORD[:16], [6]),
        (ACCORD, [0]),
        (ACCORD.lower(), [0]),
        (f"  {ACCORD} ", [0]),
        ("'; DROP TABLE x;-", [1, 7, 400]),
        ("车辆识别代号", [6, 7, 11, 400]),
        ("ⅧHGCM82633A00435²", [1, 7, 400]),
        ("\x00HG\x00M82633A00435", [6, 7, 400]),
        ("ßßßßßßßßßßßßßßßßß", [1, 7, 11, 400]),
    ],
)
def test_odd_vins_get_the_codes_of_the_procedure(decoder: Decoder, vin: str | None, codes: list[int]) -> None:
    decoded = decoder.decode(vin, now=NOW)
    assert decoded.error_codes == codes
    assert decoded.rows() and decoded.values["Error Code"] == ",".join(map(str, codes))


def test_a_blank_inside_shortens_the_suggestion(decoder: Decoder) -> None:
    assert decoder.decode("1XP A1AA8PA111111", now=NOW).suggested_vin == "1XP!A1!A8P!111111"
    assert 400 in decoder.decode("1HGCM826 3A004352", now=NOW).error_codes


@pytest.mark.parametrize("year", ["abc", "2003", 2003.0, True])
def test_a_model_year_must_be_a_whole_number(decoder: Decoder, year: object) -> None:
    with pytest.raises(VinError, match="model_year.*is not a whole number"):
        decoder.decode(ACCORD, year)  # type: ignore[arg-type]


@pytest.mark.parametrize("year", [-(10**30), -1, 0, 1979, 2029, 10**30])
def test_a_model_year_nobody_can_mean_only_warns(decoder: Decoder, year: int) -> None:
    decoded = decoder.decode(ACCORD, year, NOW)
    assert (decoded.error_codes, decoded.model_year) == ([0, 12], 2003)


def test_many_go_on_after_a_bad_one(decoder: Decoder) -> None:
    first, second, third = decoder.decode_many([(ACCORD, None), ("X" * 18, None), (ACCORD, 2003)], NOW)
    assert (first.failure, third.failure) == (None, None)
    assert isinstance(second.failure, VinError) and second.rows() == [] and second.values == {}
    assert "18" in second.error_text


def test_an_unknown_manufacturer_asks_for_no_part(release: Parts) -> None:
    asked: list[list[str]] = []
    decoder = Decoder(noting(release, asked))
    for vin in ("ZZZCM82633A004352", "'''", "%%%", "w1H", "../"):
        assert 7 in decoder.decode(vin, now=NOW).error_codes
    assert asked == [["common"]]


def test_a_release_with_a_part_missing_says_which(release: Parts) -> None:
    asked: list[list[str]] = []
    Decoder(noting(release, asked)).decode(ACCORD, now=NOW)
    assert asked[0] == ["common"]
    (missing,) = asked[1]
    decoder = Decoder(reader({name: data for name, data in release.items() if name != missing}))
    with pytest.raises(DataError, match=f"lack part {missing}:"):
        decoder.decode(ACCORD, now=NOW)


def test_a_release_compiled_by_other_code_says_what_to_do(release: Parts) -> None:
    older = {name: b"\x07" * 16 + data[16:] for name, data in release.items()}
    with pytest.raises(DataError, match="another version.*cronhouse vehicles compile"):
        Decoder(reader(older)).decode(ACCORD, now=NOW)
