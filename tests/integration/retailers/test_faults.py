"""What the retailers do when they are told to misbehave, seen from the other end of the wire."""

import csv
import gzip
import io
import time
from dataclasses import replace

import pytest
import requests

from services.retailers import faults
from services.retailers.app import create_app
from tests.integration.retailers.conftest import retailer_settings
from tests.integration.retailers.test_csv_export import path
from tests.integration.retailers.test_square import DAY, SEARCH, stores
from tests.integration.retailers.test_woocommerce import ORDERS, WINDOW

ASKED = {"woocommerce": "/wp-json/wc/v3/orders", "square": "/v2/locations", "csv_export": path("2026-11-19")}


@pytest.fixture(params=["woo", "tills", "files"])
def shop(request):
    return request.getfixturevalue(request.param)


def ask(shop) -> requests.Response:
    return shop.get(ASKED[shop.settings.dialect])


def test_a_rate_limit_says_how_long_to_wait_and_ends(shop):
    shop.fault("rate_limit", times=2, retry_after=7)
    answers = [ask(shop) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [429, 429, 200]
    assert answers[0].headers["Retry-After"] == "7"
    if shop.settings.dialect == "square":
        error = answers[0].json()["errors"][0]
        assert (error["category"], error["code"]) == ("RATE_LIMIT_ERROR", "RATE_LIMITED")


def test_a_server_error_has_the_status_it_was_given(shop):
    shop.fault("server_error")
    shop.fault("server_error", status=503)
    assert [ask(shop).status_code for _ in range(3)] == [500, 503, 200]


def test_latency_holds_the_answer_back(shop):
    shop.fault("latency", seconds=0.6)
    began = time.monotonic()
    assert ask(shop).status_code == 200
    assert time.monotonic() - began >= 0.6


def test_a_cut_body_ends_before_its_announced_length(shop):
    shop.fault("cut_body")
    with pytest.raises((requests.exceptions.ChunkedEncodingError, requests.exceptions.ConnectionError)):
        ask(shop)
    assert ask(shop).status_code == 200


def test_half_a_body_is_a_whole_answer_that_cannot_be_read(shop):
    shop.fault("half_json")
    answer = ask(shop)
    assert answer.status_code == 200 and len(answer.content) == int(answer.headers["Content-Length"])
    if shop.settings.dialect == "csv_export":
        with pytest.raises(EOFError):
            gzip.decompress(answer.content)
    else:
        with pytest.raises(requests.exceptions.JSONDecodeError):
            answer.json()


def test_html_comes_instead_of_data(shop):
    shop.fault("html")
    answer = ask(shop)
    assert answer.status_code == 200 and answer.headers["Content-Type"].startswith("text/html")


def test_a_fault_hits_only_the_path_it_names(woo):
    woo.fault("server_error", path="/refunds")
    assert woo.get(ORDERS, per_page=1).status_code == 200
    assert woo.get(f"{ORDERS}/1/refunds").status_code == 500


def test_faults_can_be_listed_and_cleared_and_spare_health(shop):
    shop.fault("server_error", times=5)
    assert requests.get(f"{shop.url}/health", timeout=30).json()["status"] == "ok"
    listing = requests.get(f"{shop.url}/_faults", timeout=30).json()
    assert listing == [{"fault": "server_error", "path": "", "times": 5}]
    requests.delete(f"{shop.url}/_faults", timeout=30)
    assert ask(shop).status_code == 200


@pytest.mark.parametrize("wish", [{"fault": "gremlin"}, {"fault": "bad_record", "kind": "odd"}, {}])
def test_an_unknown_fault_is_refused_with_the_known_ones(shop, wish):
    answer = requests.post(f"{shop.url}/_faults", json=wish, timeout=30)
    assert answer.status_code == 400 and "bad_record" in answer.json()["error"]


def test_without_leave_nobody_can_make_a_retailer_misbehave(pg_server, served):
    settings = retailer_settings(pg_server)[0]
    app = create_app(replace(settings, faults=False)).test_client()
    for address in ("/_faults", "/_mutations", "/_clock"):
        assert app.post(address, json={"fault": "html"}).status_code == 404


# --- pages -------------------------------------------------------------------------------------------


def woo_pages(shop, most: int) -> list[list[int]]:
    pages, page, last = [], 1, 1
    while page <= min(last, most):
        answer = shop.get(ORDERS, **WINDOW, per_page=20, page=page)
        pages.append([order["id"] for order in answer.json()])
        last, page = int(answer.headers["X-WP-TotalPages"]), page + 1
    return pages


def square_pages(shop, most: int, limit: int = 20) -> tuple[list[list[str]], list[str]]:
    body, pages, cursors = {"location_ids": stores(shop), "query": DAY, "limit": limit}, [], []
    while len(pages) < most:
        page = shop.post(SEARCH, body).json()
        pages.append([order["id"] for order in page.get("orders", [])])
        if "cursor" not in page:
            break
        cursors.append(page["cursor"])
        body["cursor"] = page["cursor"]
    return pages, cursors


def test_a_duplicated_page_repeats_orders_and_loses_none(woo, tills):
    right = woo_pages(woo, 99)
    woo.fault("duplicate_page")
    assert woo_pages(woo, 99) == [right[0], *right]
    right_too, _ = square_pages(tills, 99)
    tills.fault("duplicate_page", path="/search")
    assert square_pages(tills, 99)[0] == [right_too[0], *right_too]


def test_endless_pages_do_not_end(woo, tills):
    woo.fault("endless_pages")
    pages = woo_pages(woo, 30)
    assert len(pages) == 30 and all(pages) and pages[-1] == pages[-2]
    tills.fault("endless_pages", path="/search")
    pages, cursors = square_pages(tills, 12)
    assert len(pages) == 12 and all(pages) and len(set(cursors)) == 12


def test_a_repeated_cursor_is_the_one_that_was_sent(tills):
    tills.fault("repeat_cursor")
    _, cursors = square_pages(tills, 6, limit=5)
    assert len(cursors) == 6 and len(set(cursors)) == 1


# --- records and files -----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", sorted(faults.KINDS))
def test_a_bad_record_is_bad_once(woo, tills, files, kind):
    def answers():
        return [
            woo.get(ORDERS, **WINDOW).content,
            tills.post(SEARCH, {"location_ids": stores(tills), "query": DAY, "limit": 5}).content,
            gzip.decompress(files.get(path("2026-11-19")).content),
        ]

    right = answers()
    for shop in (woo, tills, files):
        shop.fault("bad_record", kind=kind)
    spoilt = answers()
    assert all(a != b for a, b in zip(right, spoilt, strict=True))
    assert answers() == right


def test_a_bad_record_keeps_the_file_readable_and_its_totals_line_true(files):
    files.fault("bad_record", kind="wrong_sum")
    *lines, total = read(files)
    assert lines[0]["Total"] == "123456,78" and int(total["Line"]) == len(lines)


def test_a_big_field_has_ten_megabytes(woo, tills, files):
    for shop in (woo, tills, files):
        shop.fault("big_field")
    orders = woo.get(ORDERS, **WINDOW).json()
    assert max(len(line["name"]) for order in orders for line in order["line_items"]) == faults.BIG_FIELD
    found = tills.post(SEARCH, {"location_ids": stores(tills), "query": DAY, "limit": 5}).json()["orders"]
    assert (
        max(len(line.get("name", "")) for o in found for line in o.get("line_items", [])) == faults.BIG_FIELD
    )
    before = csv.field_size_limit(faults.BIG_FIELD * 2)
    try:
        assert max(len(line["Product"]) for line in read(files)) == faults.BIG_FIELD
    finally:
        csv.field_size_limit(before)


def read(files) -> list[dict[str, str]]:
    text = gzip.decompress(files.get(path("2026-11-19")).content).decode("cp1252")
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=";"))


def test_the_totals_line_can_be_missing_or_wrong(files):
    files.fault("missing_total")
    assert read(files)[-1]["Transaction"] != "TOTAL"
    files.fault("wrong_total")
    lines = read(files)
    assert int(lines[-1]["Line"]) == len(lines)


def test_a_shifted_column_makes_one_row_longer(files):
    files.fault("shifted_column")
    lines = read(files)
    assert [len(line) for line in lines if None in line] == [len(lines[0])]
    assert None in lines[0] and None not in lines[1]


def test_a_wrong_encoding_is_not_windows_1252(files):
    files.fault("bad_encoding")
    body = gzip.decompress(files.get(path("2026-11-19")).content)
    with pytest.raises(UnicodeDecodeError):
        body.decode("cp1252")
