"""A history to make statistics of."""

import pytest

from shared import db
from shared.config import Settings
from tests.integration.parks_stats.history import History


@pytest.fixture
def history(pg: Settings, conn: db.Connection) -> History:
    return History(pg, conn)
