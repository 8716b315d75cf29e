"""The same lines read more than once: by a second try of a run, and by runs of two dates at the same time."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest

from services.ingestion.retail import intake, raw
from services.ingestion.retail.jobs import ingest as ingest_job
from services.ingestion.sources.woocommerce import WooCommerce
from shared import db
from shared.errors import TransientError
from tests.integration.ingestion.conftest import DAY, IDS, make_run, query, raw_rows, run_ingest
from tests.integration.ingestion.test_dead_letters import ledger, load


def test_a_later_try_never_takes_away_what_an_earlier_one_registered(settings, retailers, monkeypatch):
    """A day that is not over is read again by every try; the second breaks after it wrote raw files."""
    monkeypatch.setattr(intake, "datetime", _NightBefore)
    monkeypatch.setattr(raw, "MAX_ROWS", 50)  # files are written while records still come
    run = make_run(settings, only=("retailer_1",))
    ingest_job(run)
    registered = [row["object_key"] for row in query(settings, "SELECT object_key FROM ops.loaded_object")]
    assert query(settings, "SELECT * FROM ops.arrival") == []
    fetch = WooCommerce.fetch

    def breaks(self, window):
        yield from fetch(self, window)
        raise TransientError("the shop went away")

    monkeypatch.setattr(WooCommerce, "fetch", breaks)
    run.attempt = 2
    with pytest.raises(TransientError):
        ingest_job(run)
    run.close()
    folder = settings.local_dir / "objects"
    assert registered
    assert [key for key in registered if not (folder / key).exists()] == []
    assert raw_rows(settings)


class _NightBefore(datetime):
    """A clock of the intake at which DAY is not over."""

    @classmethod
    def now(cls, tz=None):
        return cls(DAY.year, DAY.month, DAY.day, 20, tzinfo=tz)


def test_two_dates_side_by_side_bring_the_facts_of_one_after_the_other(settings, retailers):
    """The overlap brings some lines to both; each is a fact once, whichever date ends first."""
    days = (DAY - timedelta(days=1), DAY)
    with ThreadPoolExecutor(len(days)) as pool:
        for done in [pool.submit(run_ingest, settings, day) for day in days]:
            done.result()
    side_by_side = Counter(map(_line, raw_rows(settings)))
    for day in days:
        load(settings, day)
    sums = ledger(settings)
    facts = query(
        settings,
        "SELECT r.retailer_id, f.transaction_id, f.line_id, f.quantity, f.total "
        "FROM retail.fact_sales AS f JOIN retail.dim_retailer AS r USING (retailer_key)",
    )
    assert Counter(map(_line, facts)) == Counter(set(side_by_side)), "none lost, none doubled"
    assert sums["rejected"] == 0
    with db.connect(settings, autocommit=True) as conn:
        db.execute(conn, "TRUNCATE ops.arrival, ops.loaded_object, ops.pipeline_metadata")
    conn.close()
    for day in days:
        run_ingest(settings, day)
    assert set(map(_line, raw_rows(settings))) == set(side_by_side), "the lines of runs one after the other"
    assert {row["source"] for row in query(settings, "SELECT source FROM ops.arrival")} == set(IDS)


def _line(row: dict) -> tuple:
    return tuple(row[name] for name in ("retailer_id", "transaction_id", "line_id", "quantity", "total"))
