"""Nightly files that are late, will never come, or are not what they were."""

from datetime import UTC, date, datetime, timedelta

import pytest

from shared.errors import FatalError, TransientError
from tests.integration.ingestion.conftest import run_ingest
from tests.integration.ingestion.test_trouble import CSV, nothing_is_known


def test_a_file_that_is_not_there_yet_is_waited_for(settings):
    yesterday = datetime.now(UTC).date() - timedelta(
        days=1
    )  # of ours: the retailer's clock stands long before
    with pytest.raises(TransientError, match=f"sales_{yesterday}.csv.gz: is not there yet"):
        run_ingest(settings, yesterday, only=(CSV,))
    nothing_is_known(settings, CSV)


def test_a_file_that_is_too_old_to_be_late_is_not_waited_for(settings, retailers):
    with pytest.raises(
        FatalError, match=r"there is no file of 2020-01-01 \(404\), and it is too old to be only late"
    ):
        run_ingest(settings, date(2020, 1, 1), only=(CSV,))
    nothing_is_known(settings, CSV)


def test_a_file_of_another_encoding_is_refused(settings, retailers):
    retailers.fault(CSV, "bad_encoding", times=1000)
    with pytest.raises(FatalError, match="line 2 is UTF-8, expected Windows-1252"):
        run_ingest(settings, only=(CSV,))
    nothing_is_known(settings, CSV)
