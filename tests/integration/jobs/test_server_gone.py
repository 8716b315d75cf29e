"""The embedded server goes away: before a run it is a mistake of somebody's, in the middle of one it may come back."""

from dataclasses import replace

import pytest

from shared import db
from shared.config import load_settings
from shared.errors import ConfigError, TransientError
from shared.jobs import Counts
from shared.local.postgres import EmbeddedPostgres
from shared.migrations import migrate


@pytest.fixture
def server(tmp_path):
    made = EmbeddedPostgres(tmp_path / "local", durable=False)
    made.start()
    made.create_database("cronhouse")
    yield made
    made.remove()


@pytest.fixture
def settings(tmp_path):
    return load_settings({"CRONHOUSE_LOCAL_DIR": str(tmp_path / "local")})


def test_one_that_never_ran_says_how_to_start_it(settings):
    with pytest.raises(ConfigError, match="start it with `cronhouse local up`"):
        db.connect(settings)


def test_one_that_goes_away_is_a_lost_server_like_any_other(settings, server):
    db.connect(settings).close()
    server.stop()
    with pytest.raises(TransientError, match="the embedded PostgreSQL is gone"):
        db.connect(settings)
    server.start()
    db.connect(settings).close()


def test_a_run_goes_on_when_the_server_is_back(house, settings, server):
    migrate(settings)
    house.settings = replace(settings, workflows_dir=house.folder)
    tries = []

    def work(run):
        tries.append(run.attempt)
        if len(tries) == 1:
            server.stop()
            try:
                db.connect(run.settings)
            finally:
                server.start()
        return Counts(written=int(db.fetch_value(run.conn, "SELECT 1")))

    house.declare("probe_first", work)
    result = house.run("probe_first")
    assert (result.status, tries, result.counts.written) == ("succeeded", [1, 2], 1), result.reason
