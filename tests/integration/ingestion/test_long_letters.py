"""Letters longer than the database keeps: a replay brings all of their lines, or says why it cannot."""

from collections import Counter

import pytest

from services.ingestion.retail.intake import write_letters
from services.ingestion.retail.landing import LandingWriter
from services.ingestion.retail.replay import read_payload, replay
from shared import db, state
from shared.errors import FatalError
from tests.integration.ingestion.conftest import DAY, make_run, raw_rows
from tests.integration.ingestion.test_dead_letters import ledger, letters, load
from tests.unit.ingestion.builders import csv_lines, csv_text

CSV = "retailer_3"


def plant(run, lines: list[bytes]) -> None:
    """Land the lines between others and make a letter of them, as the intake does."""
    writer = LandingWriter(run.store, CSV, DAY, "planted")
    writer.write([b"another transaction"])
    key, first = writer.write(lines)
    writer.write([b"the next one"])
    writer.close()
    payload = b"\n".join(lines).decode("utf-8", "replace")
    letter = state.DeadLetter(CSV, f"{key}:{first}", payload, "a mistake of ours", rows=len(lines))
    with db.transaction(run.conn):
        write_letters(run.conn, run, [(letter, DAY)])


def test_a_transaction_of_400_lines_is_replayed_with_all_of_them(settings, retailers):
    run = make_run(settings)
    plant(run, csv_lines(*(csv_text(Transaction="900001", Line=str(n)) for n in range(1, 401))))
    run.close()
    (letter,) = letters(settings)
    assert len(letter["payload"]) < letter["payload_bytes"], "the database has only the beginning"
    (result,) = replay(settings, [letter])
    assert (result.is_done, result.rows) == (True, 400), result.message
    assert Counter(int(row["line_id"]) for row in raw_rows(settings)) == Counter(range(1, 401))
    load(settings)
    assert ledger(settings) == {"source": 400, "facts": 400, "duplicates": 0, "rejected": 0}


@pytest.mark.parametrize(
    ("first", "looks_whole"),
    [
        (b"\x00" * 1000 + b"x" * 64_993, True),  # with `second` 66,000 bytes; cut, and 3 bytes a NUL: as many
        (b'{"a":"' + b"x" * 70_000 + b'\x00"}', False),  # the NUL lies behind the cut
    ],
)
def test_a_cut_payload_with_nuls_is_not_taken_for_whole(settings, retailers, first, looks_whole):
    lines = [first, b"second"]
    run = make_run(settings)
    plant(run, lines)
    (letter,) = letters(settings)
    assert (len(letter["payload"].encode()) == letter["payload_bytes"]) is looks_whole
    assert read_payload(run.store, letter) == lines
    run.close()


@pytest.mark.parametrize("change", ["another object", "a line less", "other bytes"])
def test_a_landing_object_that_does_not_fit_is_refused(settings, retailers, change):
    run = make_run(settings)
    lines = [b"%06d" % number * 30 for number in range(400)]
    plant(run, lines)
    (letter,) = letters(settings)
    others = {
        "another object": [b"short"],
        "a line less": lines[:-1],
        "other bytes": [b"z" * 180, *lines[1:]],
    }
    writer = LandingWriter(run.store, CSV, DAY, "planted")
    writer.write([b"another transaction"])
    writer.write(others[change])
    writer.close()
    with pytest.raises(FatalError, match="the landing object is not the one that the letter came from"):
        read_payload(run.store, letter)
    (result,) = replay(settings, [letter])
    assert not result.is_done
    assert raw_rows(settings) == []
    run.close()
