"""The vPIC web API of NHTSA: makes, models and decoded VINs for a first look, kept in vehicles.api_staging.

Documented at https://vpic.nhtsa.dot.gov/api/. It is free and shared by all: one question at a time, a pause between
two, and none twice within a week.
"""

import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from psycopg2.extras import Json

from services.vehicle_etl.vehicles.releases import query
from shared import db
from shared.errors import FatalError
from shared.http import Client

URL = "https://vpic.nhtsa.dot.gov/api"
PAUSE_SECONDS = 0.5
MAX_AGE_SECONDS = 7 * 86400.0

Row = dict[str, Any]


class WebApi:
    """Asks the API, or what is kept of its answers. Each answer is committed on its own."""

    def __init__(
        self, conn: db.Connection, url: str | None = None, *, pause: float = PAUSE_SECONDS,
        max_age: float = MAX_AGE_SECONDS, sleep: Callable[[float], Any] = time.sleep,
    ) -> None:  # fmt: skip
        self.conn, self._pause, self._max_age, self._sleep = conn, pause, max_age, sleep
        self._client = Client("vPIC", url or URL, sleep=sleep)
        self._asked_at: float | None = None
        self.asked = 0

    def close(self) -> None:
        """Close the connections to the API."""
        self._client.close()

    def makes(self) -> list[Row]:
        """Return all makes: Make_ID, Make_Name."""
        return self._results("GetAllMakes")

    def models(self, make: str) -> list[Row]:
        """Return the models of a make, by its exact name: Make_ID, Make_Name, Model_ID, Model_Name.

        Raises:
            FatalError: there is no such make.
        """
        wanted = make.strip().upper()
        found = [row for row in self.makes() if str(row.get("Make_Name", "")).strip().upper() == wanted]
        if not found:
            raise FatalError(f"vPIC has no make {make!r}")
        return self._results(f"GetModelsForMakeId/{int(found[0]['Make_ID'])}")

    def decode(self, vin: str) -> Row:
        """Return the values of a VIN, or of a part of one with * for what is not known."""
        results = self._results(f"DecodeVinValues/{quote(vin.strip().upper(), safe='*')}")
        return results[0] if results else {}

    def _results(self, resource: str) -> list[Row]:
        kept = db.fetch_value(
            self.conn, query("read_answer"), {"resource": resource, "max_age": self._max_age}
        )
        self.conn.rollback()  # no transaction stays open while the API is asked
        if kept is not None:
            return list(kept)
        results = self._ask(resource)
        with db.transaction(self.conn):
            db.execute(self.conn, query("write_answer"), {"resource": resource, "results": Json(results)})
        return results

    def _ask(self, resource: str) -> list[Row]:
        if self._asked_at is not None:
            self._sleep(max(0.0, self._asked_at + self._pause - time.monotonic()))
        try:
            answer, _ = self._client.get_json(f"vehicles/{resource}", dict[str, Any], {"format": "json"})
        finally:
            self._asked_at = time.monotonic()
        self.asked += 1
        results = answer.get("Results")
        if not isinstance(results, list):
            raise FatalError(
                f"vPIC: the answer to {resource.partition('/')[0]} has no Results: {answer.get('Message')}"
            )
        return results
