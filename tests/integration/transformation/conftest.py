"""A warehouse to load."""

import pytest

from shared import db
from shared.config import Settings
from tests.integration.transformation.warehouse import Warehouse


@pytest.fixture
def house(pg: Settings, conn: db.Connection) -> Warehouse:
    return Warehouse(pg, conn)
