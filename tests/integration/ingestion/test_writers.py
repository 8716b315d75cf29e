"""Landing objects and raw files: they rotate, stay small in memory, and say so when they are damaged."""

import gzip
from datetime import UTC, date, datetime, timedelta

import pyarrow.parquet as pq
import pytest

from services.ingestion.retail import landing, raw
from services.ingestion.retail.intake import Letters
from services.ingestion.retail.landing import LandingWriter, read_lines
from services.ingestion.retail.raw import RawWriter
from services.ingestion.retail.records import make_record
from shared.errors import FatalError
from shared.objectstore import FolderStore
from shared.state import DeadLetter

DAY = date(2026, 6, 10)


@pytest.fixture
def store(tmp_path):
    return FolderStore(tmp_path)


def record(day: date, number: int):
    moment = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    fields = {
        "retailer_id": "shop", "business_date": day, "store_id": "", "store_name": None, "customer_id": "",
        "customer_country": None, "product_id": "P", "product_name": "Plate – blue", "category": None,
        "transaction_id": str(number), "line_id": "1", "sold_at": moment, "quantity": "2", "unit_price": "1.2345",
        "discount": "0.07", "total": "2.40", "updated_at": moment,
    }  # fmt: skip
    return make_record(fields, moment)


def test_landing_objects_rotate_and_keep_a_transaction_together(store, monkeypatch):
    monkeypatch.setattr(landing, "MAX_LINES", 5)
    writer = LandingWriter(store, "shop", DAY, "7")
    places = [writer.write([b"%d.%d" % (number, line) for line in range(3)]) for number in range(4)]
    writer.close()
    prefix = "landing/shop/year=2026/month=06/day=10/7-"
    assert places == [(f"{prefix}0001.jsonl.gz", 1), (f"{prefix}0001.jsonl.gz", 4), (f"{prefix}0002.jsonl.gz", 1),
                      (f"{prefix}0002.jsonl.gz", 4)]  # fmt: skip
    assert [(item.key, item.rows) for item in writer.objects] == [(places[0][0], 6), (places[2][0], 6)]
    assert list(read_lines(store, places[3][0], places[3][1], 3)) == [b"3.0", b"3.1", b"3.2"]


def test_landing_objects_rotate_by_size(store, monkeypatch):
    monkeypatch.setattr(landing, "MAX_BYTES", 10)
    writer = LandingWriter(store, "shop", DAY, "7")
    for number in range(3):
        writer.write([b"x" * 100 + b"%d" % number])
    writer.close()
    assert len(writer.objects) == 3


def test_nothing_written_is_no_object(store):
    writer = LandingWriter(store, "shop", DAY, "7")
    writer.close()
    assert writer.objects == []
    assert list(store.list("")) == []


def test_a_truncated_landing_object_is_told(store):
    whole = gzip.compress(b"".join(b"%d\n" % number for number in range(5000)))
    store.put("cut.gz", whole[: len(whole) // 2])
    with pytest.raises(FatalError, match="object cut.gz is truncated or damaged"):
        list(read_lines(store, "cut.gz"))
    with pytest.raises(FatalError, match="object gone.gz is not in the store"):
        list(read_lines(store, "gone.gz"))


def test_raw_files_hold_one_day_each_and_few_rows_wait_in_memory(store, monkeypatch):
    monkeypatch.setattr(raw, "MAX_ROWS", 10)
    writer = RawWriter(store, "shop", DAY, "7")
    for number in range(35):
        writer.write(record(DAY - timedelta(days=number % 3), number), "landing/x", number + 1)
        assert writer.buffered <= 10
    writer.close()
    assert writer.buffered == 0
    assert sum(item.rows for item in writer.objects) == 35
    seen = set()
    for item in writer.objects:
        with store.open(item.key) as body:
            table = pq.read_table(body)
        assert set(table["business_date"].to_pylist()) == {item.min_business_date}
        assert table.num_rows == item.rows
        seen.update(zip(table["transaction_id"].to_pylist(), table["landing_line"].to_pylist(), strict=True))
    assert seen == {(str(number), number + 1) for number in range(35)}


def test_deleted_raw_files_are_gone(store):
    writer = RawWriter(store, "shop", DAY, "7")
    writer.write(record(DAY, 1), "landing/x", 1)
    writer.close()
    writer.delete()
    assert list(store.list("raw/")) == []


def test_letters_come_back_as_they_went_in():
    letters = Letters()
    whole = DeadLetter("shop", "landing/x:1", 'line\n"two" 😀', "because", "field", 3)
    letters.add(whole, DAY)
    letters.add(DeadLetter("shop", "landing/x:2", "", "b"), None)
    assert list(letters) == [(whole, DAY), (DeadLetter("shop", "landing/x:2", "", "b"), None)]
    letters.close()
