"""Archives for tests: a folder to write objects into, a real S3 server (moto), and an importer over either."""

import json
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from services.ingestion.parks import archive_load, imports
from services.ingestion.parks.importer import Importer, Report
from services.ingestion.sources.parks_archive import FolderArchive
from shared import db
from shared.config import ROOT, Settings

RESORT = "e957da41-3552-4cf6-b636-5babc5cbc4e5"
KINGDOM, STUDIOS = "75ea578a-adc8-4116-a54d-dccb60765ef9", "288747d1-8b4f-4a64-867e-ea7c9b27bad8"
PIRATES = "352feb94-e52e-45eb-9c92-e4b44c6b1a9d"
OTHER = "89db5d43-c434-4097-b71f-f6869f495a22"  # another destination
FAULTY = ROOT / "tests" / "data" / "parks" / "faulty"
SAMPLE = ROOT / "services" / "ingestion" / "data" / "parks" / "archive"
KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}


def event(at: str = "2019-08-01T12:00:00.000Z", wait: Any = 20, **more: Any) -> dict[str, Any]:
    """An event of Pirates of the Caribbean; `more` replaces fields, those of `data` too."""
    data = {"status": "OPERATING", "queue": {"STANDBY": {"waitTime": wait}}, "destinationId": RESORT}
    data |= {name: more.pop(name) for name in ("status", "queue", "showtimes") if name in more}
    whole = {
        "entityId": PIRATES, "internalId": "80010177", "name": "Pirates of the Caribbean", "data": data,
        "eventTime": at, "localTime": "2019-08-01T08:00:00-04:00", "timezone": "America/New_York",
        "parkId": KINGDOM, "parkSlug": "magickingdompark",
    }  # fmt: skip
    return whole | more


class Bench:
    """A folder that is an archive, and imports of it."""

    def __init__(self, settings: Settings, conn: db.Connection, folder: Path) -> None:
        self.settings, self.conn, self.folder = settings, conn, folder
        folder.mkdir(exist_ok=True)

    def write(self, day: str, content: Any, destination: str = RESORT) -> str:
        """Write an object: events, other JSON, or bytes as they are. `day` is like 2019/08/01."""
        key = f"{destination}/{day}.json.gz"
        path = self.folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, list):
            content = {"events": content}
        path.write_bytes(
            content if isinstance(content, bytes) else zlib.compress(json.dumps(content).encode())
        )
        return key

    def begin(self, destination: str = RESORT, **more: Any) -> int:
        values = {"first": None, "last": None, "by": "a test", **more}
        with db.transaction(self.conn):
            return imports.begin(self.conn, FolderArchive(self.folder).label, destination, **values)[
                "import_id"
            ]

    def importer(self, **more: Any) -> Importer:
        return Importer(self.settings, FolderArchive(self.folder), "a test", **more)

    def address(self, key: str) -> str:
        return FolderArchive(self.folder).address(key)

    def listed(self) -> tuple[int, list[archive_load.Object]]:
        """Begin an import and list the archive; return its number and what its workers would get, by key."""
        number = self.begin()
        with db.transaction(self.conn):
            started = imports.move(self.conn, number, "IN_PROGRESS")
        self.importer()._list(self.conn, started)
        fields = ", ".join(archive_load.Object.__annotations__)
        rows = self.rows(f"SELECT {fields} FROM parks.archive_object ORDER BY object_key")
        return number, [archive_load.Object(**row) for row in rows]

    def run(self, destination: str = RESORT, **more: Any) -> Report:
        return self.importer().run(self.begin(destination, **more))

    def rows(self, query: str, *values: Any) -> list[dict[str, Any]]:
        with db.transaction(self.conn):
            return db.fetch_all(self.conn, query, values)

    def value(self, query: str, *values: Any) -> Any:
        with db.transaction(self.conn):
            return db.fetch_value(self.conn, query, values)

    def issues(self) -> dict[str, int]:
        """How often each kind of oddity was met."""
        rows = self.rows("SELECT kind, sum(times_seen)::int AS seen FROM parks.data_quality_log GROUP BY 1")
        return {row["kind"]: row["seen"] for row in rows}


@pytest.fixture
def bench(pg: Settings, conn: db.Connection, tmp_path: Path) -> Bench:
    return Bench(pg, conn, tmp_path / "archive")


@pytest.fixture
def slow(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """Ten files, and an importer that asks for wishes after each."""
    for day in range(1, 11):
        bench.write(f"2019/08/{day:02}", [event(f"2019-08-{day:02}T12:00:00Z", day)])
    monkeypatch.setattr("services.ingestion.parks.importer.POLL_SECONDS", 0)
    return bench


def state(bench: Bench, number: int) -> str:
    return bench.value("SELECT status FROM parks.import_checkpoints WHERE import_id = %s", number)


# all that an import leaves, without numbers that depend on who came first
HISTORY = """
SELECT ride.entity_id, snap.recorded_at, snap.status, snap.wait_minutes, snap.has_standby, object.object_key
FROM parks.ride_status_snapshots AS snap
JOIN parks.rides AS ride USING (ride_id)
JOIN parks.archive_object AS object ON object.object_id = snap.origin_id
ORDER BY 1, 2
"""
LEFT_BY_IMPORT = {
    "history": HISTORY,
    "queues": """SELECT ride.entity_id, q.recorded_at, q.queue_type, q.wait_minutes, q.state, q.return_start_at,
                        q.price_minor FROM parks.queue_postings AS q JOIN parks.rides AS ride USING (ride_id)
                 ORDER BY 1, 2, 3""",
    "extras": """SELECT ride.entity_id, e.recorded_at, e.showtimes, e.unknown FROM parks.snapshot_extras AS e
                 JOIN parks.rides AS ride USING (ride_id) ORDER BY 1, 2""",
    "ledger": "SELECT object_key, status, events, imported, duplicates, rejected FROM parks.archive_object ORDER BY 1",
    "rides": """SELECT entity_id, park_id, name, internal_id, first_seen_at, last_seen_at FROM parks.rides
                ORDER BY 1""",
    "names": """SELECT ride.entity_id, h.attribute, h.value, h.first_seen_at, h.last_seen_at
                FROM parks.ride_history AS h JOIN parks.rides AS ride USING (ride_id) ORDER BY 1, 2, 3""",
    "dirty": "SELECT park_id, local_date FROM parks.dirty_day ORDER BY 1, 2",
    "issues": "SELECT kind, subject, raw_value, times_seen FROM parks.data_quality_log ORDER BY 1, 2, 3",
}


def all_rows(conn: db.Connection) -> dict[str, list[dict[str, Any]]]:
    """Read everything that an import leaves."""
    with db.transaction(conn):
        return {name: db.fetch_all(conn, query) for name, query in LEFT_BY_IMPORT.items()}


@pytest.fixture(scope="session")
def s3_url() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(s3_url: str, tmp_path: Path) -> Iterator[Callable[[str, bytes], None]]:
    """A fresh bucket with the test's name; a function that puts objects into it."""
    client = boto3.client(
        "s3", endpoint_url=s3_url, region_name="us-east-1", aws_access_key_id="t", aws_secret_access_key="t"
    )  # fmt: skip
    name = tmp_path.name.lower().replace("_", "-")[:60]
    client.create_bucket(Bucket=name)

    def put(key: str, body: bytes) -> None:
        client.put_object(Bucket=name, Key=key, Body=body)

    put.name, put.client = name, client  # type: ignore[attr-defined]
    yield put
