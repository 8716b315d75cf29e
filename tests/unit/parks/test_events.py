"""Events of the archive: what is read of a file, and that nothing of it is lost."""

import gzip
import json
import zlib
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingestion.parks import events as reading
from services.ingestion.parks import unpack as unpacking
from services.ingestion.parks.batch import MOMENT, Batch
from services.ingestion.parks.events import read_events
from services.ingestion.parks.ids import read_uuid
from services.ingestion.parks.unpack import unpack
from services.ingestion.parks.values import read_instant, read_status, read_wait, to_milliseconds
from shared.errors import DataError
from tests.integration.parks.conftest import PIRATES, event

NOW = int(datetime(2026, 6, 1, tzinfo=UTC).timestamp() * 1000)


def read(content: object) -> Batch:
    """Read JSON content, or bytes as they are."""
    batch = Batch("key", now_ms=NOW)
    read_events(content if isinstance(content, bytes) else json.dumps(content).encode(), batch)
    return batch


def kinds(batch: Batch) -> set[str]:
    return {issue.kind for issue in batch.issues}


# Unpacking ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "format_"),
    [
        (zlib.compress(b"[]"), "zlib"),
        (zlib.compress(b"[]", 9), "zlib"),
        (zlib.compress(b"[]", 1), "zlib"),
        (gzip.compress(b"[]"), "gzip"),
        (gzip.compress(b"[") + gzip.compress(b"]"), "gzip"),
        (b" \n[]", "plain"),
        (b"\xef\xbb\xbf[]", "plain"),
        (zlib.compress(b"\xef\xbb\xbf[]"), "zlib"),
    ],
)
def test_packing_is_told_by_the_first_bytes(body: bytes, format_: str) -> None:
    unpacked = unpack(body)
    assert (unpacked.data, unpacked.format, unpacked.oddities) == (b"[]", format_, [])


@pytest.mark.parametrize("pack", [zlib.compress, gzip.compress])
def test_bytes_after_the_stream_are_left_out_and_told(pack) -> None:
    unpacked = unpack(pack(b"[]") + b"more")
    assert unpacked.data == b"[]"
    assert unpacked.oddities[0][0] == "TRAILING_BYTES" and "4 bytes" in unpacked.oddities[0][1]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "0 bytes"),
        (zlib.compress(b"[]" * 500)[:-3], "cut off"),
        (gzip.compress(b"[]")[:-1], "cut off"),
        (b"\x78\x9cnonsense", "damaged zlib"),
        (b"\x1f\x8bnonsense", "damaged gzip"),
        (b"PK\x03\x04", "neither zlib, gzip nor JSON"),
        (b"<html>", "neither zlib, gzip nor JSON"),
    ],
)
def test_what_cannot_be_unpacked_says_why(body: bytes, reason: str) -> None:
    with pytest.raises(DataError, match=reason):
        unpack(body)


@pytest.mark.parametrize("pack", [zlib.compress, gzip.compress])
def test_bomb_is_not_unpacked(pack) -> None:
    with pytest.raises(DataError, match="more than 1 MiB"):
        unpack(pack(b" " * (5 << 20)), 1 << 20)
    assert len(unpack(pack(b" " * (1 << 20)), 1 << 20).data) == 1 << 20
    assert unpacking.MAX_BYTES == 128 << 20
    with pytest.raises(DataError, match="more than 128 MiB"):
        unpack(_zeros(pack, unpacking.MAX_BYTES + 1))


def _zeros(pack, size: int) -> bytes:
    """A bomb of a given size, packed piece by piece: it is never whole here."""
    packer = zlib.compressobj(1, wbits=31 if pack is gzip.compress else 15)
    pieces = [packer.compress(bytes(1 << 20)) for _ in range(size >> 20)]
    return b"".join([*pieces, packer.compress(bytes(size % (1 << 20))), packer.flush()])


def test_large_text_that_is_no_strict_json_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_LENIENT_BYTES", 1 << 20)
    batch = Batch("k")
    read_events(b'{"events": [], "x": NaN}', batch)
    with pytest.raises(DataError, match="no strict JSON, and more than 1 MiB"):
        read_events(b'{"events": [], "x": NaN}'.ljust(1 + (1 << 20)), batch)
    read_events(b'{"events": []}'.ljust(1 + (1 << 20)), batch)


# Whole files --------------------------------------------------------------------------------------------------


def test_both_shapes_and_no_events() -> None:
    assert len(read([event()]).rows) == len(read({"events": [event()]}).rows) == 1
    assert read({"events": []}).events == read([]).events == 0


@pytest.mark.parametrize(
    "content",
    [{"events": None}, {"error": "x"}, {"events": {}}, {}, b"{", b"[", b"", b'{"events": [}', b"[" * 100_000,
     b'{"events": "x"}', b"null", b"7"],
)  # fmt: skip
def test_other_shapes_are_refused(content: object) -> None:
    with pytest.raises(DataError):
        read(content)


def test_bad_bytes_are_replaced_and_told() -> None:
    batch = read(json.dumps([event(name="Caf\u00e9")], ensure_ascii=False).encode("latin-1"))
    assert len(batch.rows) == 1 and kinds(batch) == {"BAD_UTF8"}
    assert next(iter(batch.identities.values())).name == "Caf\ufffd"


def test_numbers_that_json_does_not_know_cost_no_other_event() -> None:
    batch = read(json.dumps([event(wait=float("nan")), event("2019-08-01T13:00:00Z")]).encode())
    assert [row.wait for row in batch.rows.values()] == [None, 20]
    assert kinds(batch) == {"NOT_JSON", "INVALID_WAIT"}


def test_text_that_postgresql_cannot_hold_is_cleaned() -> None:
    batch = read(rb"[%s]" % json.dumps(event(name="a\x00b\ud800", showtimes=["\x00x"])).encode())
    (who,) = batch.identities.values()
    assert who.name == "ab?" and next(iter(batch.rows.values())).showtimes == '["x"]'


def test_one_odd_event_sends_no_other_the_careful_way_wrong() -> None:
    good = [event(f"2019-08-01T{hour:02}:00:00Z", hour) for hour in range(24)]
    batch = read([*good, 7, event(wait="45"), None, {"entityId": 5}])
    assert (len(batch.rows), batch.rejected, batch.events) == (24, 3, 28)
    assert batch.duplicates == batch.conflicts == 1


def test_many_different_raw_values_are_counted_together() -> None:
    batch = read([event(f"2019-08-01T12:00:00.{ms:03}Z", 1000 + ms) for ms in range(300)])
    assert sum(batch.issues.values()) == 300 and len(batch.issues) <= 102


# Single values ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "wait", "odd"),
    [
        (0, 0, None), (45, 45, None), (45.0, 45, None), (390, 390, None), (479, 479, None), (None, None, None),
        (480, 480, "EXTREME_WAIT"), (600, 600, "EXTREME_WAIT"), (601, None, "INVALID_WAIT"),
        (12.5, 13, "COERCED_WAIT"), (12.4, 12, "COERCED_WAIT"), ("45", 45, "COERCED_WAIT"),
        (" 45 ", 45, "COERCED_WAIT"), (-1, None, "INVALID_WAIT"), (-0.4, None, "INVALID_WAIT"),
        ("-5", None, "INVALID_WAIT"), (True, None, "INVALID_WAIT"), (False, None, "INVALID_WAIT"),
        ("", None, "INVALID_WAIT"), ({}, None, "INVALID_WAIT"), ([], None, "INVALID_WAIT"),
        (float("inf"), None, "INVALID_WAIT"), (float("nan"), None, "INVALID_WAIT"), ("1e3", None, "INVALID_WAIT"),
        (10**400, None, "INVALID_WAIT"),
    ],
)  # fmt: skip
def test_waits(value: object, wait: int | None, odd: str | None) -> None:
    assert read_wait(value) == (wait, odd)


@pytest.mark.parametrize(
    "value", ["2019-08-17 15:04:00", "2019-08-17T15:05:00", "1566054360", 1566054420000, "2019-13-45T99:99:99Z", "",
              "2019-08-17T24:00:00Z", "2019-08-17T15:00:60Z", None, True, {}, "2019-08-17"],
)  # fmt: skip
def test_times_that_are_refused(value: object) -> None:
    assert read_instant(value) is None


@pytest.mark.parametrize(
    ("value", "milliseconds"),
    [
        ("2019-08-17T15:00:00.123Z", 1566054000123),
        ("2019-08-17T15:00:00Z", 1566054000000),
        ("2019-08-17T11:00:00-04:00", 1566054000000),
        (" 2019-08-17T15:00:00+00:00 ", 1566054000000),
        ("2019-08-17T15:00:00.123999Z", 1566054000123),
    ],
)
def test_times_that_are_taken(value: str, milliseconds: int) -> None:
    moment = read_instant(value)
    assert moment is not None and to_milliseconds(moment) == milliseconds


@given(st.integers(min_value=0, max_value=2**42 - 1))
def test_milliseconds_are_exact(milliseconds: int) -> None:
    moment = datetime.fromtimestamp(milliseconds // 1000, UTC).replace(microsecond=milliseconds % 1000 * 1000)
    assert to_milliseconds(moment) == milliseconds


@pytest.mark.parametrize(
    "value", [None, "", "x", 5, "0" * 36, "00000000-0000-0000-0000-000000000000", [PIRATES], True]
)
def test_what_is_no_entity(value: object) -> None:
    assert read_uuid(value) is None


def test_entity_in_another_spelling_is_the_same() -> None:
    batch = read([event(), event("2019-08-01T13:00:00Z", entityId=f" {PIRATES.upper()} ")])
    assert len(batch.entities) == 1 and len(batch.rows) == 2 and not batch.issues


@pytest.mark.parametrize(
    ("value", "status"),
    [("OPERATING", "OPERATING"), ("operating", "OPERATING"), (" Down ", "DOWN"), ("DELAYED", "UNKNOWN"),
     ("", "UNKNOWN"), (None, "UNKNOWN"), (3, "UNKNOWN"), ("UNKNOWN", "UNKNOWN")],
)  # fmt: skip
def test_statuses(value: object, status: str) -> None:
    assert read_status(value) == (status, status != "UNKNOWN")


def test_clock_that_is_minutes_ahead_is_forgiven() -> None:
    ahead = [datetime.fromtimestamp(NOW / 1000 + seconds, UTC).isoformat() for seconds in (240, 360)]
    batch = read([event(at) for at in ahead])
    assert (len(batch.rows), batch.rejected) == (1, 1)
    assert (next(iter(batch.rows)) & MOMENT) == NOW + 240_000


@pytest.mark.parametrize("queue", [None, [], "x", 5, {}, {"STANDBY": None}, {"STANDBY": []}, {"RETURN_TIME": None},
                                   {"PAID_RETURN_TIME": {"price": 5}}, {"BOARDING_GROUP": {"currentGroupStart": "x"}},
                                   {"SINGLE_RIDER": {"waitTime": {}}}, {"NEW": {"deep": [1]}}])  # fmt: skip
def test_whatever_stands_in_a_queue_the_event_stays(queue: object) -> None:
    batch = read([event(queue=queue)])
    assert len(batch.rows) == 1 and batch.rejected == 0


def test_showtimes_are_kept_as_they_came() -> None:
    times = [{"startTime": "2019-08-01T12:00:00-04:00", "endTime": None}, "2019-08-01T13:00:00Z", None]
    batch = read([event(showtimes=times), event("2019-08-01T13:00:00Z", showtimes="at noon")])
    assert [json.loads(row.showtimes) if row.showtimes else None for row in batch.rows.values()] == [
        times,
        None,
    ]
    assert kinds(batch) == {"INVALID_SHOWTIMES"}


def test_name_without_a_letter_is_none_and_others_stay_as_they_came() -> None:
    batch = read([event(name=" "), event("2019-08-01T13:00:00Z", name="Rémy™\u200b")])
    assert [who.name for who in batch.identities.values()] == [None, "Rémy™\u200b"]


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just(PIRATES)
    | st.sampled_from(["2019-08-01T12:00:00Z", "OPERATING", "2019-08-01T12:00:00"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["entityId", "eventTime", "data", "status", "queue", "STANDBY", "waitTime", "RETURN_TIME",
                         "returnStart", "showtimes", "parkId", "name", "PAID_RETURN_TIME", "price", "amount"]),
        inner, max_size=5),
    max_leaves=12,
)  # fmt: skip


_FIELDS = [*event(), "status", "queue"]


@settings(max_examples=300, deadline=None)
@given(
    st.lists(_json, max_size=4),
    st.dictionaries(st.sampled_from(list(event()) + ["status", "queue"]), _json, max_size=4),
)
def test_nothing_is_lost_whatever_comes(items: list, changes: dict) -> None:
    batch = read(json.dumps({"events": [*items, event(**changes), event()]}).encode())
    assert batch.events == len(items) + 2
    assert len(batch.rows) + batch.duplicates + batch.rejected == batch.events
    for issue in batch.issues:
        assert "\x00" not in issue.raw and len(issue.raw) <= 300
        issue.raw.encode()
