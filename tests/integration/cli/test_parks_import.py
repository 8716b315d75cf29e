"""cronhouse parks import, imports, pause, resume, cancel."""

import json
import zlib
from pathlib import Path
from typing import Any

import pytest

from services.ingestion.parks import imports
from services.ingestion.parks.importer import Importer
from services.ingestion.parks.runs import asked_for
from shared import db
from tests.integration.cli.conftest import Desk
from tests.integration.parks.conftest import OTHER, RESORT, event


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two destinations with three days each, and things that are no destination."""
    made = tmp_path / "an archive"
    for destination in (RESORT, OTHER):
        place = made / destination / "2019" / "08"
        place.mkdir(parents=True)
        for day in (1, 2, 3):
            content = json.dumps([event(f"2019-08-0{day}T12:00:00Z")]).encode()
            (place / f"0{day}.json.gz").write_bytes(zlib.compress(content))
    (made / "lost+found").mkdir()
    (made / "README.txt").write_text("hello")
    return made


def test_all_destinations_of_a_folder(desk: Desk, folder: Path) -> None:
    (folder / OTHER / "2019" / "08" / "02.json.gz").write_bytes(b"")
    answer = desk.call("parks", "import", "--all", "--source", str(folder))
    assert answer.code == 0, answer.err
    assert "import 1 COMPLETED: 3 files, 2 events: 2 imported" in answer.out
    assert f"cannot be read: {OTHER}/2019/08/02.json.gz: the object has 0 bytes" in answer.out
    assert "import 2 COMPLETED: 3 files, 3 events" in answer.out
    rows = desk.call("parks", "imports", "--json").json
    assert [(row["import_id"], row["status"], row["percent"]) for row in rows] == [
        (2, "COMPLETED", 100), (1, "COMPLETED", 100),
    ]  # fmt: skip
    assert rows[0]["source"] == folder.as_uri() and rows[1]["files_failed"] == 1
    odd = desk.rows("SELECT subject FROM parks.data_quality_log WHERE kind = 'ODD_KEY'")
    assert [row["subject"] for row in odd] == ["lost+found/"]
    table = desk.call("parks", "imports").out
    assert table.splitlines()[0].startswith("import id") and "COMPLETED" in table


def test_each_import_begins_when_its_turn_comes(
    desk: Desk, folder: Path, conn: db.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing waits that the job parks_imports could take meanwhile."""
    waiting: list[list[int]] = []
    run = Importer.run

    def looking(importer: Importer, import_id: int, **more: Any) -> Any:
        report = run(importer, import_id, **more)
        waiting.append([row["import_id"] for row in asked_for(conn, importer.archive)])
        return report

    monkeypatch.setattr(Importer, "run", looking)
    assert desk.call("parks", "import", "--all", "--source", str(folder)).code == 0
    assert waiting == [[], []]


def test_destination_whose_import_is_not_over_keeps_no_other_from_its_own(
    desk: Desk, folder: Path, conn: db.Connection
) -> None:
    with db.transaction(conn):
        imports.begin(conn, folder.as_uri(), OTHER, None, None, by="somebody")
    desk.call("parks", "pause", "1")
    answer = desk.call("parks", "import", "--all", "--source", str(folder))
    assert answer.code == 1 and "cronhouse parks resume 1" in answer.err
    assert "COMPLETED: 3 files" in answer.out
    rows = desk.call("parks", "imports", "--json").json
    assert [(row["destination_id"], row["status"]) for row in rows] == [
        (RESORT, "COMPLETED"), (OTHER, "PAUSED"),
    ]  # fmt: skip


def test_range_and_one_destination(desk: Desk, folder: Path) -> None:
    options = ("--destination", RESORT, "--source", str(folder), "--from", "2019-08-02")
    assert "2 files" in desk.call("parks", "import", *options).out
    assert "nothing new" in desk.call("parks", "import", *options).out
    assert (
        "2 files, 2 events: 0 imported, 2 duplicates" in desk.call("parks", "import", *options, "--force").out
    )


def test_paused_import_is_resumed_by_its_number_or_with_all_others(
    desk: Desk, folder: Path, conn: db.Connection
) -> None:
    with db.transaction(conn):
        for destination in (RESORT, OTHER):
            imports.begin(conn, folder.as_uri(), destination, None, None, by="somebody")
    assert "import 1 is PAUSED" in desk.call("parks", "pause", "1").out
    again = desk.call("parks", "import", "--destination", RESORT, "--source", str(folder))
    assert again.code == 1 and "cronhouse parks resume 1" in again.err
    assert "import 1 COMPLETED: 3 files" in desk.call("parks", "resume", "1").out  # the folder is on record
    rest = desk.call("parks", "import", "--resume", "--source", str(folder))
    assert "import 2 COMPLETED" in rest.out and "import 1" not in rest.out
    assert "nothing to resume" in desk.call("parks", "import", "--resume", "--source", str(folder)).out
    actors = desk.rows("SELECT action, target FROM ops.audit_log WHERE action LIKE 'parks%%'")
    assert actors == [{"action": "parks.import.pause", "target": "import:1"}]


def test_cancelled_import_is_over(desk: Desk, folder: Path, conn: db.Connection) -> None:
    with db.transaction(conn):
        imports.begin(conn, folder.as_uri(), RESORT, None, None, by="somebody")
    assert "import 1 is CANCELLED" in desk.call("parks", "cancel", "1").out
    resumed = desk.call("parks", "resume", "1")
    assert resumed.code == 1 and "is CANCELLED" in resumed.err
    assert "import 1 is CANCELLED" in desk.call("parks", "cancel", "1").err
    assert desk.call("parks", "import", "--destination", RESORT, "--source", str(folder)).code == 0


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["import"], 2, "give --all"),
        (["import", "--all", "--destination", RESORT], 2, "give --all"),
        (["import", "--destination", "x"], 2, "not a valid UUID"),
        (["import", "--all", "--from", "2019-02-01", "--to", "2019-01-01"], 2, "--from is after --to"),
        (["import", "--resume", "--from", "2019-02-01"], 2, "it takes neither --from, --to nor --force"),
        (["import", "--resume", "--to", "2019-02-01"], 2, "it takes neither --from, --to nor --force"),
        (["import", "--all", "--resume", "--force"], 2, "it takes neither --from, --to nor --force"),
        (["import", "--all", "--source", "/nowhere/at/all"], 2, "there is no folder /nowhere/at/all"),
        (["resume", "7"], 1, "there is no import 7"),
        (["imports", "7"], 1, "there is no import 7"),
        (["pause", "7"], 1, "there is no import 7"),
    ],
)
def test_mistakes_are_told(desk: Desk, arguments: list[str], code: int, said: str) -> None:
    answer = desk.call("parks", *arguments)
    assert answer.code == code and said in answer.err, answer
