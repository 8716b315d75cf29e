"""The nightly file becomes records; a file that is not whole is not taken."""

import gzip
import io
from datetime import UTC, date, datetime
from decimal import Decimal as D

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingestion.sources import csv_file
from services.ingestion.sources.csv_export import CsvExport
from services.ingestion.sources.csv_file import COLUMNS, HEADING
from shared.errors import DataError, FatalError, TransientError
from tests.unit.ingestion.builders import LATEST, csv_lines, csv_text, retailer


@pytest.fixture
def export():
    return CsvExport(retailer("csv_export"))


def parse(export, *texts):
    return export.parse(csv_lines(*texts), LATEST).records


def file_of(
    *rows: str, totals: str | None = "right", heading: str = HEADING, encoding: str = "cp1252"
) -> io.BytesIO:
    """Write a file as the till system does; `totals` may be another line, or None."""
    if totals == "right":
        cells = dict.fromkeys(COLUMNS, "")
        total = sum(D(row.rsplit(";", 3)[1].replace(",", ".")) for row in rows)
        cells |= {"Transaction": "TOTAL", "Line": str(len(rows)), "Total": f"{total:.2f}".replace(".", ",")}
        totals = ";".join(cells.values())
    lines = [heading, *rows, *([totals] if totals is not None else [])]
    return io.BytesIO(gzip.compress("".join(f"{line}\r\n" for line in lines).encode(encoding)))


def groups(export, body):
    return list(export._transactions(body, "sales.csv.gz", "shop, file"))


def test_a_row_is_read_with_decimal_comma_local_time_and_its_special_characters(export):
    (group,) = groups(export, file_of(csv_text()))
    (row,) = export.parse(group, LATEST).records
    assert (row.quantity, row.unit_price, row.discount, row.total) == (
        D(6),
        D("2.5500"),
        D("0.30"),
        D("15.00"),
    )
    assert row.sold_at == datetime(2026, 6, 10, 7, 26, tzinfo=UTC)
    assert (row.store_name, row.product_name) == ("Paper Lane – King’s Road", "T-LIGHT HOLDER; WHITE")
    assert (row.transaction_id, row.line_id, row.category) == ("536365", "1", "Lighting")


def test_rows_of_a_transaction_stay_together_and_share_their_newest_version(export):
    rows = [csv_text(), csv_text(Line="2", LastModified="11/06/2026 10:00"), csv_text(Transaction="536366")]
    first, second = groups(export, file_of(*rows))
    records = export.parse(first, LATEST).records
    assert [row.line_id for row in records] == ["1", "2"]
    assert {row.updated_at for row in records} == {datetime(2026, 6, 11, 9, 0, tzinfo=UTC)}
    assert len(second) == 1
    assert export.source_rows == 3


def test_a_returned_row(export):
    (row,) = parse(
        export, csv_text(Type="RETURN", Quantity="-6", Discount="0,00", Total="-15,30", Customer="")
    )
    assert (row.quantity, row.total, row.customer_id) == (D(-6), D("-15.30"), "")


def test_a_day_without_sales_has_a_heading_and_a_totals_line(export):
    assert groups(export, file_of()) == []


def test_a_file_that_is_not_packed_is_read_too(export):
    assert len(groups(export, io.BytesIO(gzip.decompress(file_of(csv_text()).read())))) == 1


@pytest.mark.parametrize(
    ("body", "error", "message"),
    [
        pytest.param(
            file_of(csv_text(), totals=None), TransientError, "the totals line is missing", id="no totals"
        ),
        pytest.param(
            file_of(csv_text(), totals="TOTAL;2" + ";" * 15),
            TransientError,
            "cannot be read",
            id="empty total",
        ),
        pytest.param(
            file_of(csv_text(), totals=f"TOTAL;2{';' * 13}15,00;;"),
            TransientError,
            "promises 2 lines, 1 came",
            id="other number",
        ),
        pytest.param(
            file_of(csv_text(), totals=f"TOTAL;1{';' * 13}16,00;;"),
            TransientError,
            "says 16.00, the lines add up to 15.00",
            id="other sum",
        ),
        pytest.param(
            file_of(csv_text(), totals=f"TOTAL;1{';' * 13}15,00;;\r\n" + csv_text()),
            TransientError,
            "line 4 comes after the totals line",
            id="after totals",
        ),
        pytest.param(
            file_of(csv_text(), heading=HEADING.replace("Quantity", "Qty")),
            FatalError,
            "missing Quantity; unknown Qty",
            id="heading",
        ),
        pytest.param(
            file_of(csv_text(), heading=HEADING.replace("SKU;Product", "Product;SKU")),
            FatalError,
            "another order",
            id="heading order",
        ),
        pytest.param(
            file_of(csv_text(), encoding="utf-8"),
            FatalError,
            "line 2 is UTF-8, expected Windows-1252",
            id="UTF-8",
        ),
        pytest.param(
            io.BytesIO(file_of(*[csv_text(Line=str(n)) for n in range(500)]).read()[:-200]),
            TransientError,
            "cut off or damaged",
            id="cut gzip",
        ),
        pytest.param(io.BytesIO(b"<html>"), FatalError, "the heading is not", id="HTML"),
        pytest.param(io.BytesIO(b""), TransientError, "the totals line is missing", id="empty"),
    ],
)
def test_a_file_that_is_not_whole_or_not_ours_says_why(export, body, error, message):
    with pytest.raises(error, match=message):
        groups(export, body)


def test_a_byte_that_is_no_windows_1252_costs_its_transaction_alone(export):
    body = gzip.decompress(file_of(csv_text(), csv_text(Transaction="2", Product="caf\xe9")).read())
    first, second = groups(export, io.BytesIO(body.replace(b"caf\xe9", b"caf\x81")))
    assert len(export.parse(first, LATEST).records) == 1
    with pytest.raises(DataError, match=r"sales.csv.gz line 3: byte 0x81 at \d+ is no Windows-1252"):
        export.parse(second, LATEST)


def test_a_shifted_column_makes_a_dead_letter_of_its_transaction(export):
    shifted = csv_text(Line="2").replace(";S01;", ";;S01;")
    (group,) = groups(export, file_of(csv_text(), shifted))
    assert export.count(group) == (2, date(2026, 6, 10))
    with pytest.raises(DataError, match="line 3: 18 columns, expected 17: a column was shifted"):
        export.parse(group, LATEST)


def test_a_field_of_10_mb_is_refused_and_the_next_line_read(export):
    first, second = groups(export, file_of(csv_text(Product="X" * 10_000_000), csv_text(Transaction="2")))
    with pytest.raises(DataError, match="line 2: a field is longer than 131072 characters"):
        export.parse(first, LATEST)
    assert len(export.parse(second, LATEST).records) == 1


def test_a_line_beyond_all_measure_is_cut_and_refused(export, monkeypatch):
    monkeypatch.setattr(csv_file, "MAX_LINE", 1000)
    body = file_of(csv_text(), csv_text(Transaction="2", Product="X" * 5000), csv_text(Transaction="3"))
    first, second, third = groups(export, body)
    with pytest.raises(DataError, match="line 3: is longer than 1000 bytes"):
        export.parse(second, LATEST)
    assert len(export.parse(first, LATEST).records) == len(export.parse(third, LATEST).records) == 1
    assert export.source_rows == 3


@pytest.mark.parametrize(
    ("cells", "reason", "field"),
    [
        pytest.param({"Transaction": ""}, "length >= 1", "transaction_id", id="missing id"),
        pytest.param(
            {"Timestamp": "2026-06-10 08:26"}, "is not a time like 31/12/2026 23:59", "Timestamp", id="date"
        ),
        pytest.param({"Timestamp": "31/06/2026 08:26"}, "is not a time", "Timestamp", id="31 June"),
        pytest.param(
            {"Timestamp": "29/03/2026 01:30"},
            "29/03/2026 01:30 does not exist in Europe/London: clocks went forward",
            "Timestamp",
            id="hour that does not exist",
        ),
        pytest.param(
            {"UnitPrice": "-1,50", "Quantity": "1", "Total": "-1,80"},
            "unit price is negative: -1.5000",
            "unit_price",
            id="negative price",
        ),
        pytest.param({"Quantity": "0", "Total": "-0,30"}, "quantity is zero", "quantity", id="zero"),
        pytest.param(
            {"Total": "15,02"},
            "total 15.02 does not add up: 6.000 * 2.5500 - 0.30 = 15.00",
            "total",
            id="sum",
        ),
        pytest.param({"Total": "15.00"}, "'15.00' is not a number with a decimal comma", "Total", id="point"),
        pytest.param({"Currency": "EUR"}, "currency 'EUR', not GBP", "Currency", id="currency"),
        pytest.param({"Type": "GIFT"}, "type 'GIFT' is none of SALE, RETURN, ADJUSTMENT", "Type", id="type"),
        pytest.param({"Type": "RETURN"}, "quantity 6 in a RETURN", "Quantity", id="direction"),
        pytest.param(
            {"Timestamp": "10/06/2036 08:26"}, "2036-06-10 07:26 lies in the future", "sold_at", id="future"
        ),
    ],
)
def test_a_bad_row_says_what_is_wrong_and_where(export, cells, reason, field):
    with pytest.raises(DataError) as caught:
        parse(export, csv_text(**cells))
    assert reason in caught.value.reason
    assert caught.value.field == field


def test_an_open_quote_costs_one_line(export):
    first, second = groups(
        export, file_of(csv_text(Product="x").replace(";x;", ';"x;'), csv_text(Transaction="2"))
    )
    with pytest.raises(DataError, match="line 2: "):
        export.parse(first, LATEST)
    assert len(export.parse(second, LATEST).records) == 1


def test_an_hour_that_exists_twice_is_the_first(export):
    (row,) = parse(export, csv_text(Timestamp="26/10/2025 01:30", LastModified="26/10/2025 01:30"))
    assert row.sold_at == row.updated_at == datetime(2025, 10, 26, 0, 30, tzinfo=UTC)


def test_a_change_is_not_before_its_sale_when_the_hour_exists_twice(export):
    (row,) = parse(export, csv_text(Timestamp="26/10/2025 01:50", LastModified="26/10/2025 01:10"))
    assert row.sold_at == datetime(2025, 10, 26, 0, 50, tzinfo=UTC)
    assert row.updated_at == datetime(2025, 10, 26, 1, 10, tzinfo=UTC)


@given(st.decimals(-(10**6), 10**6, places=4))
def test_numbers_survive_the_decimal_comma(number):
    assert csv_file.read_number(f"{number:f}".replace(".", ","), "x") == number


@given(st.text(max_size=12))
def test_no_text_breaks_the_readers(text):
    for reader in (csv_file.read_number, csv_file.read_time):
        try:
            reader(text, "x")
        except DataError as exc:
            assert exc.field == "x"


@given(st.text(st.characters(codec="cp1252", exclude_characters="\r\n\x00"), max_size=60))
def test_any_text_in_a_cell_comes_back_or_is_refused(text):
    export = CsvExport(retailer("csv_export"))
    if not text.isascii() and csv_file._is_utf8(text.encode("cp1252")):
        return
    (group,) = groups(export, file_of(csv_text(Product=text)))
    assert msgspec.json.decode(group[0])["text"] == csv_text(Product=text)
    (row,) = export.parse(group, LATEST).records
    assert row.product_name == (text.strip() or None)
