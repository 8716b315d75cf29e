"""Reading COPY blocks: wherever the chunks are cut, the same bytes come out."""

import io

import pytest

from services.vehicle_etl.sources import dump
from services.vehicle_etl.sources.dump_file import ReadAhead, months_back
from services.vehicle_etl.vehicles import mirror
from shared.errors import FatalError

HEAD = b"--\n-- PostgreSQL database dump\n--\n-- Started on 2026-08-14 10:00:00 UTC\n"
TAIL = b"--\n-- PostgreSQL database dump complete\n--\n"
ROWS = b"1\tA\\\\.\n2\t\\\\.\n3\t\\N\n4\t\\.\\\n5\tx\n"


class Chunks(io.BytesIO):
    """A file that gives a few bytes at a time."""

    def __init__(self, body: bytes, size: int) -> None:
        super().__init__(body)
        self.size = size

    def read(self, size: int | None = -1) -> bytes:
        return super().read(max(len(HEAD), self.size) if self.tell() == 0 else self.size)


def read_all(body: bytes, size: int) -> list[tuple[str, tuple[str, ...], bytes, int]]:
    found = []
    for block in dump.Dump(Chunks(body, size), "x").blocks(()):
        data = b"".join(iter(block.read, b""))
        found.append((block.table, block.columns, data, block.rows))
    return found


@pytest.mark.parametrize("size", [*range(1, 40), 1000])
def test_blocks_come_out_whole_wherever_chunks_end(size):
    body = HEAD + b'COPY vpic.make (id, "Name") FROM stdin;\n' + ROWS + b"\\.\n\nSELECT 1;\n"
    body += b"COPY vpic.empty (id) FROM stdin;\n\\.\nCOPY other (a) FROM stdin;\n1\n\\.\n" + TAIL
    assert read_all(body, size) == [
        ("make", ("id", "name"), ROWS, 5),
        ("empty", ("id",), b"", 0),
        ("other", ("a",), b"1\n", 1),
    ]


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_line_ends_of_windows(size):
    body = (HEAD + b"COPY vpic.make (id) FROM stdin;\n1\n2\n\\.\n" + TAIL).replace(b"\n", b"\r\n")
    assert read_all(body, size) == [("make", ("id",), b"1\r\n2\r\n", 2)]


def test_a_block_that_nobody_read_is_passed_over():
    body = HEAD + b"COPY a (id) FROM stdin;\n1\n2\n\\.\nCOPY b (id) FROM stdin;\n3\n\\.\n" + TAIL
    assert [block.table for block in dump.Dump(io.BytesIO(body), "x").blocks(())] == ["a", "b"]


@pytest.mark.parametrize(
    "cut", [b"COPY a (id) FROM stdin;\n1\n2\n\\.", b"COPY a (id) FR", b"COPY a (id) FROM stdin;\n", b""]
)
def test_a_dump_that_ends_anywhere_is_cut_off(cut):
    with pytest.raises(FatalError, match="is cut off after"):
        read_all(HEAD + cut, 16)


def test_a_dump_says_which_release_it_is():
    assert dump.Dump(io.BytesIO(HEAD + TAIL), "x").release == "2026_08_14"
    named = HEAD + b"-- of vPICList_lite_2026_08\n" + TAIL
    assert dump.Dump(io.BytesIO(named), "x").release == "2026_08"
    assert dump.Dump(io.BytesIO(named), "x", "2026_09").release == "2026_09"


def test_a_line_without_end_is_not_kept_in_memory(monkeypatch):
    monkeypatch.setattr(dump, "LONGEST_LINE", 1000)
    with pytest.raises(FatalError, match="a line of more than"):
        read_all(HEAD + b"x" * 5000 + b"\n" + TAIL, 100)


def test_months_go_back_over_new_year():
    import datetime

    assert list(months_back(datetime.date(2026, 2, 28), 4)) == ["2026_02", "2026_01", "2025_12", "2025_11"]


def test_columns_are_compared_by_name():
    fit = mirror.compare("wmi", ["wmi", "id", "new", "orgname"], ["id", "wmi", "trucktypeid", "makeid"])
    assert (fit.added, fit.left_out, fit.needed) == (("new", "orgname"), ("trucktypeid",), ("makeid",))
    assert fit.notes[0] == "table wmi: column new is new and is not kept"


def test_what_is_read_ahead_are_the_same_bytes():
    body = bytes(range(256)) * 5
    file = ReadAhead(io.BytesIO(body), chunks=3)
    assert b"".join(iter(lambda: file.read(100), b"")) == body
    file.close()


def test_a_file_read_ahead_can_be_left_in_the_middle():
    source = io.BytesIO(bytes(1000))
    file = ReadAhead(source, chunks=3)
    assert file.read(10) == bytes(10)
    file.close()
    assert source.closed


def test_what_breaks_while_reading_ahead_is_raised_where_it_belongs():
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell() >= 20:
                raise EOFError("ends too early")
            return super().read(size)

    file = ReadAhead(Broken(bytes(1000)), chunks=8)
    assert file.read(10) + file.read(10) == bytes(20)
    with pytest.raises(EOFError):
        file.read(10)
    file.close()
