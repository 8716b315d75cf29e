"""What VINs of one descriptor share is what each would get alone."""

from datetime import UTC, datetime
from itertools import islice
from random import Random

import msgspec
from msgspec import msgpack
from msgspec.structs import replace

from shared.vin import Decoder, VinError
from shared.vin.checkdigit import check_digit, first_digit_of_correction
from shared.vin.decoded import Decoded
from shared.vin.parts import COMMON, Common, SetPart, WmiPart, pack, token_of, unpack
from tests.unit.vin.conftest import NOW, Parts, read_cases, reader


def sibling_of(vin: str) -> str:
    """Return a VIN with another serial number and its right check digit."""
    other = vin[:14] + ("321" if vin[14:] != "321" else "123")
    return other[:8] + check_digit(other, first_digit_of_correction(other)) + other[9:]


def test_an_answer_after_a_sibling_is_the_answer_alone(release: Parts) -> None:
    shared, seen, templates = Decoder(reader(release)), 0, 0
    cases = (case for case in read_cases("dev.jsonl.gz") if len(case["vin"]) == 17)
    for case in islice(cases, 0, None, 4):
        vin, year = case["vin"].upper(), case["modelyear"]
        try:
            shared.decode(sibling_of(vin), year, NOW).values  # noqa: B018
            decoded = shared.decode(vin, year, NOW)
            alone = Decoder(reader(release), templates=0).decode(vin, year, NOW) if seen < 60 else decoded
        except VinError:
            continue
        seen += 1
        templates += decoded.found is not None and decoded.found.is_plain
        assert decoded.rows() == alone.rows()
        assert unordered(decoded.values) == unordered(named(decoded)), vin
    assert seen > 500 and templates > 300


def test_siblings_of_a_vin_that_can_mean_two_years_get_their_own_answers(release: Parts) -> None:
    shared, alone, seen = Decoder(reader(release)), Decoder(reader(release), templates=0), 0
    cases = (case["vin"].upper() for case in read_cases("dev.jsonl.gz") if len(case["vin"]) == 17)
    for vin in islice(cases, 0, None, 3):
        try:
            text = shared.decode(vin, now=NOW).values.get("Additional Error Text")
        except VinError:
            continue
        if text and "Model Year decoded" in text:
            seen += 1
            # what the year that loses has wrong depends on the serial number and the check digit
            for serial in ("000001", "500123", "987654"):
                other = vin[:11] + serial
                assert shared.decode(other, now=NOW).rows() == alone.decode(other, now=NOW).rows(), other
    assert seen > 50


def test_siblings_whose_serial_number_matters_get_their_own_answers(release: Parts) -> None:
    """Keys of some manufacturers look at position 12 and beyond: those share an answer that are alike to them."""
    shared, alone, chance = Decoder(reader(release)), Decoder(reader(release), templates=0), Random(7)
    cases = (case["vin"].upper() for case in read_cases("dev.jsonl.gz") if len(case["vin"]) == 17)
    descriptors = {vin[:11]: vin for vin in cases}
    seen, known = 0, 0
    for vin in descriptors.values():
        if not depends_on_serial_number(shared, vin):
            continue
        for _ in range(100):
            other = f"{vin[:11]}{chance.choice(5 * vin[11] + '012345ACM')}{chance.randrange(10**5):05}"
            if vin[2] == "9":
                other = other[:11] + vin[11:14] + other[14:]
            other = other[:8] + check_digit(other, first_digit_of_correction(other)) + other[9:]
            asked, moment = (
                chance.choice((None, None, 1999, 2018)),
                chance.choice((NOW, NOW, datetime(2019, 6, 1))),
            )
            shared._set_clock(moment)
            seen, known = seen + 1, known + (shared._known(other, asked, False) is not None)
            decoded, wanted = (decoder.decode(other, asked, moment) for decoder in (shared, alone))
            assert decoded.rows() == wanted.rows() and decoded.values == wanted.values, other
    assert seen > 200 and seen > known > 100


def test_classes_of_serial_numbers_are_those_of_their_year(release: Parts) -> None:
    """A clock goes back over New Year and forth again: a year competes whose keys are numbered otherwise."""
    parts = with_a_second_year(release, "50E")
    shared, alone = Decoder(reader(parts)), Decoder(reader(parts), templates=0)
    early, late = datetime(2019, 6, 1, tzinfo=UTC), NOW
    for char, moment in (("3", late), ("3", early), ("0", late), ("0", early), ("3", late), ("0", late)):
        vin = f"50EA1GEA0PA{char}00123"
        vin = vin[:8] + check_digit(vin, 14) + vin[9:]
        found, wanted = (decoder.decode(vin, now=moment) for decoder in (shared, alone))
        assert found.rows() == wanted.rows(), (char, moment)


def with_a_second_year(release: Parts, wmi: str) -> Parts:
    """Give a manufacturer code the patterns of 2023 in 1993 too, their characters at position 12 in reverse order."""
    common = unpack(release[COMMON], Common)
    maker = msgpack.decode(common.makers[wmi], type=WmiPart)
    found = unpack(release[f"s{maker.set_ids[maker.from_years.index(2023)]}"], SetPart)
    places = []
    for place in found.places:
        if place.place == 8:
            size = len(place.other)
            bits = [place.bits[at : at + size] for at in range(0, len(place.bits), size)]
            place = replace(
                place, chars=place.chars[::-1], groups=bytes(range(len(bits))), bits=b"".join(bits[::-1])
            )
        places.append(place)
    assert any(len(place.chars) == 2 for place in places if place.place == 8)
    years = {"from_years": (1993, 1994, *maker.from_years), "set_ids": (99_999, 0, *maker.set_ids)}
    maker = replace(maker, **years, valid={}, published=0)
    makers = common.makers | {wmi: msgspec.Raw(msgpack.encode(maker))}
    token = token_of(release[COMMON])
    return release | {
        COMMON: pack(token, replace(common, makers=makers)),
        "s99999": pack(token, replace(found, places=tuple(places))),
    }


def depends_on_serial_number(decoder: Decoder, vin: str) -> bool:
    """Tell whether some key or valid characters for a VIN speak of its serial number."""
    try:
        found = decoder.decode(vin, now=NOW).found
    except VinError:
        return False
    return found is not None and found.cell is not None and bool(found.cell.looks)


def test_a_decoder_goes_by_the_clock_it_is_given(release: Parts) -> None:
    decoder, vin = Decoder(reader(release)), "1XPADU9X0XD111111"
    years = [
        decoder.decode(vin, now=datetime(year, month, day, tzinfo=UTC)).model_year
        for year, month, day in ((2026, 12, 31), (2027, 1, 1), (2026, 12, 31), (9999, 12, 31))
    ]
    assert years[0] == years[2] == 1999  # 2029 is too far ahead
    assert "Model Year decoded" not in str(decoder.decode(vin, now=NOW).values["Additional Error Text"])
    for moment in (datetime(2027, 1, 1), datetime(9999, 12, 31)):  # now both can be
        assert "Model Year decoded" in str(decoder.decode(vin, now=moment).values["Additional Error Text"])


def named(decoded: Decoded) -> dict[str, str | None]:
    """Return the values as the rows have them."""
    values: dict[str, str | None] = {}
    for row in decoded.rows():
        both = values.get(row["variable"])
        values[row["variable"]] = f"{both}; {row['value']}" if both else row["value"]
    return values


def unordered(values: dict[str, str | None]) -> dict[str, list[str] | None]:
    """Return joined values as sorted lists: their order is open."""
    return {name: None if value is None else sorted(value.split("; ")) for name, value in values.items()}


def test_memory_stays_in_bounds_and_answers_stay_the_same(release: Parts) -> None:
    small, large = Decoder(reader(release), max_bytes=1 << 16), Decoder(reader(release))
    vins = [(case["vin"], case["modelyear"]) for case in islice(read_cases("dev.jsonl.gz"), 300)]
    answers = [[decoded.values for decoded in decoder.decode_many(vins, NOW)] for decoder in (small, large)]
    assert answers[0] == answers[1]
