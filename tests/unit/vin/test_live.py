"""With reference="api" the decoder says what NHTSA's live service said in June 2026.

The recordings are flat: one value a variable, none for empty, "0" and "Not Applicable". Where a VIN has several
values of a variable, the recorded one is any of them.
"""

from collections import defaultdict
from typing import Any

from shared.vin import Decoder
from tests.unit.vin.conftest import NOW, Parts, read_cases, reader

_LEFT_OUT = (None, "", "0", "Not Applicable")
_RENAMED = "the label of electrification level 4 was another one in June 2026"
_BLANKS = "the recording ends in blanks where the release has a line end; eight others like it do not"
# the answers that differ, each with its cause
KNOWN = {
    "2T1BURHE0JC060752": _BLANKS,
    "JTDKB20U787732999": _RENAMED,
    "JTDKN3DU8D5655668": _RENAMED,
}


def differences(decoder: Decoder, case: dict[str, Any]) -> dict[int, tuple[list[str], str | None]]:
    """Return (our values, recorded value) of each variable that differs."""
    ours: dict[int, list[str]] = defaultdict(list)
    for row in decoder.decode(case["vin"], case["modelyear"], NOW).rows():
        if row["value"] not in _LEFT_OUT:
            ours[row["element_id"]].append(row["value"])
    recorded = {row["element_id"]: row["value"] for row in case["rows"]}
    return {
        element: (ours[element], recorded.get(element))
        for element in ours.keys() | recorded.keys()
        if recorded.get(element) not in ours[element]
    }


def test_recorded_answers_of_the_live_service_are_given(release: Parts) -> None:
    decoder, cases = Decoder(reader(release), reference="api"), list(read_cases("live_dev.jsonl.gz"))
    wrong = {case["vin"]: found for case in cases if (found := differences(decoder, case))}
    assert len(cases) == 373
    assert set(wrong) == set(KNOWN)


def test_values_of_the_live_service_have_no_blanks_at_their_ends(release: Parts) -> None:
    cases = read_cases("live_dev.jsonl.gz")
    blanks = {case["vin"] for case in cases for row in case["rows"] if row["value"] != row["value"].strip()}
    assert blanks == {vin for vin, cause in KNOWN.items() if cause is _BLANKS}
    vin, now = "3VW3L7AJ1EM319333", NOW
    ours, theirs = (
        Decoder(reader(release), reference=name).decode(vin, now=now) for name in ("api", "procedure")
    )
    for decoded, ends_in_blanks in ((ours, False), (theirs, True)):
        texts = [value for value in decoded.values.values() if value]
        texts += [row["value"] for row in decoded.rows() if row["value"]]
        assert any(text != text.strip(" ") for text in texts) is ends_in_blanks


def test_both_references_share_their_parts(release: Parts) -> None:
    vin = "1C4BJWDG7FL601946"
    values = [Decoder(reader(release), reference=name).decode(vin).values for name in ("procedure", "api")]
    assert [value["Displacement (CI)"] for value in values] == ["219.6854787410362222", "219.68547874103"]


def test_case_does_not_count_between_specifications(release: Parts) -> None:
    values = Decoder(reader(release), reference="api").decode("WP1AE2XAXTX512257", None, NOW).values
    assert values["Active Safety System Note"] == "Front and Rear Parking Sensors"  # before "Front Cross ..."
