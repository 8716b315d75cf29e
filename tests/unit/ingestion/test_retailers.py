"""The retailers section and its settings: every mistake at once, no secret in sight."""

from pathlib import Path

import pytest

from services.ingestion.retail.params import validate
from services.ingestion.retail.retailers import read_retailers
from shared.config import load_settings
from shared.errors import ConfigError
from shared.jobs.workflows import load_workflow

GOOD = {"name": "Shop", "source": "square", "timezone": "Europe/London", "currency": "GBP", "overlap": "2h"}


def settings(**environ: str):
    return load_settings({"DATABASE_URL": "postgresql://x@127.0.0.1/x", **environ})


def test_the_workflow_file_is_good():
    workflow = load_workflow(Path("workflows/retail.yml").resolve())
    assert validate(workflow.params) == []


def test_every_mistake_of_the_section_is_named_with_its_place():
    problems = validate(
        {
            "retailers": {
                "shop": {
                    "source": "ebay",
                    "timezone": "Mars/Base",
                    "currency": "pounds",
                    "overlap": "a while",
                    "page_size": 0,
                    "max_rejected_share": 20,
                    "pagesize": 3,
                }
            }
        }
    )
    assert problems == [
        "retailers.shop.pagesize: unknown key; known are name, source, page_size, timezone, "
        "currency, overlap, max_rejected_share",
        "retailers.shop.source: 'ebay' is not one of woocommerce, square, csv_export",
        "retailers.shop.timezone: 'Mars/Base' is not a time zone such as Europe/London",
        "retailers.shop.currency: 'pounds' is not a currency of ISO 4217 such as GBP",
        "retailers.shop.overlap: 'a while' is not a duration such as 30s, 5m, 2h or 400d",
        "retailers.shop.page_size: 0 is not a whole number from 1 to 1000",
        "retailers.shop.max_rejected_share: 20 is not a share from 0 to 1",
    ]


@pytest.mark.parametrize("params", [{}, {"retailers": None}, {"retailers": []}])
def test_no_retailer_at_all_is_a_mistake(params):
    assert validate(params) == ["retailers: expected a mapping with at least one retailer"]


def test_a_page_larger_than_the_product_allows_is_a_mistake():
    assert validate({"retailers": {"shop": {**GOOD, "source": "woocommerce", "page_size": 101}}}) == [
        "retailers.shop.page_size: 101 is not a whole number from 1 to 100"
    ]


def test_every_missing_setting_of_every_retailer_is_named_at_once(tmp_path):
    empty = tmp_path / "empty"
    empty.write_text("\n")
    params = {"retailers": {"shop": {**GOOD, "source": "woocommerce"}, "till": GOOD, "file": GOOD}}
    environ = {
        "SHOP_CREDENTIALS": "ck_only",
        "TILL_URL": "till.example",
        "FILE_URL": "https://f.example",
        "FILE_CREDENTIALS_FILE": str(empty),
    }
    with pytest.raises(ConfigError) as caught:
        read_retailers(params, settings(**environ))
    assert list(caught.value.problems) == [
        "SHOP_URL is missing: the address of shop, such as https://shop.example",
        "SHOP_CREDENTIALS: expected consumer_key:consumer_secret",
        "TILL_URL: expected an address that begins with http:// or https://",
        "TILL_CREDENTIALS is missing: set it, or TILL_CREDENTIALS_FILE",
        f"FILE_CREDENTIALS_FILE: {empty} is empty",
    ]
    assert "ck_only" not in str(caught.value)


def test_credentials_come_from_a_file_and_stand_in_no_text(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("token-1234\n")
    (one,) = read_retailers(
        {"retailers": {"till": GOOD}},
        settings(TILL_URL="https://t.example/", TILL_CREDENTIALS_FILE=str(secret)),
    )
    assert one.credentials == "token-1234"
    assert "token-1234" not in repr(one)
    assert one.label == "till (Shop)"
