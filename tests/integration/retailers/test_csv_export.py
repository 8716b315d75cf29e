"""retailer_3's nightly file, byte by byte."""

import csv
import gzip
import io
from decimal import Decimal

import pytest
import requests

from services.retailers.csv_export import COLUMNS
from tests.integration.retailers.conftest import Shop


def path(day: str) -> str:
    return f"/exports/sales_{day}.csv.gz"


def rows(shop: Shop, day: str) -> list[dict[str, str]]:
    answer = shop.get(path(day))
    assert answer.status_code == 200, answer.text
    text = gzip.decompress(answer.content).decode("cp1252")
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=";"))


def number(text: str) -> Decimal:
    return Decimal(text.replace(",", "."))


def test_the_file_holds_the_day_and_its_totals(files):
    *lines, total = rows(files, "2026-11-19")
    truth = {sale["reference"]: sale for sale in files.sales("2026-11-19")}
    assert {line["Transaction"] for line in lines} == truth.keys()
    assert len(lines) == sum(sale["lines"] for sale in truth.values()) == int(total["Line"])
    amounts = sum(number(line["Total"]) for line in lines)
    assert amounts == number(total["Total"]) == sum(Decimal(sale["total"]) for sale in truth.values())
    assert total["Transaction"] == "TOTAL"
    for line in lines:
        expected = number(line["Quantity"]) * number(line["UnitPrice"]) - number(line["Discount"])
        assert abs(expected - number(line["Total"])) <= Decimal("0.01")
        assert line["Timestamp"][:10] == "19/11/2026"


def test_the_bytes_are_windows_1252_with_semicolons_and_crlf(files):
    body = gzip.decompress(files.get(path("2026-11-19")).content)
    head, first = body.split(b"\r\n")[:2]
    assert head.decode().split(";") == COLUMNS
    assert first.count(b";") == len(COLUMNS) - 1
    assert b"King\x92s Road" in body and b"\x96" in body
    with pytest.raises(UnicodeDecodeError):
        body.decode("utf-8")


def test_summer_times_are_local_ones(files):
    sale = files.sales("2026-06-01")[0]
    line = next(row for row in rows(files, "2026-06-01") if row["Transaction"] == sale["reference"])
    assert int(line["Timestamp"][11:13]) == int(sale["sold_at"][11:13]) + 1


def test_returns_and_write_offs_have_negative_quantities(files):
    lines = [line for day in range(2, 20) if day % 7 != 0 for line in rows(files, f"2026-11-{day:02}")[:-1]]
    by_type = {
        kind: [line for line in lines if line["Type"] == kind] for kind in ("SALE", "RETURN", "ADJUSTMENT")
    }
    assert all(number(line["Quantity"]) > 0 for line in by_type["SALE"])
    assert all(number(line["Quantity"]) < 0 for line in by_type["RETURN"] + by_type["ADJUSTMENT"])
    assert all(line["Transaction"].startswith("C") for line in by_type["RETURN"])
    assert by_type["ADJUSTMENT"] and all(not line["Store"] for line in by_type["ADJUSTMENT"])
    assert {"", "Kitchen", "Bags"} <= {line["Category"] for line in lines}


def test_a_day_without_sales_has_a_file_too(files):
    (total,) = rows(files, "2026-11-14")  # a Saturday
    assert (total["Transaction"], total["Line"], total["Total"]) == ("TOTAL", "0", "0,00")


@pytest.mark.parametrize("day", ["2026-11-20", "2027-05-01", "2010-01-01", "yesterday", "2026-02-30"])
def test_a_file_that_is_not_there_is_not_found(files, day):
    assert files.get(path(day)).status_code == 404


def test_the_file_of_a_day_is_there_half_an_hour_after_it(files):
    files.set_clock("2026-11-21T00:29:00+00:00")
    assert files.get(path("2026-11-20")).status_code == 404
    files.set_clock("2026-11-21T00:30:00+00:00")
    assert files.get(path("2026-11-20")).status_code == 200


def test_the_same_file_is_not_sent_twice(files):
    first = files.get(path("2026-11-18"))
    assert first.content == files.get(path("2026-11-18")).content
    headers = {"X-API-Key": "csv-key", "If-None-Match": first.headers["ETag"]}
    again = requests.get(files.url + path("2026-11-18"), headers=headers, timeout=30)
    assert again.status_code == 304 and not again.content


def test_the_key_must_be_right(files):
    for headers in ({}, {"X-API-Key": "wrong"}):
        assert requests.get(files.url + path("2026-11-18"), headers=headers, timeout=30).status_code == 401
