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
    assert f"WARNING {OTHER}/2019/08/02.json.gz cannot be read: the object has 0 bytes" in answer.out
    assert answer.out.count("02.json.gz") == 1 and "1 file cannot be read: see the warnings" in answer.out
    assert "import 2 COMPLETED: 3 files, 3 events" in answer.out
    rows = desk.call("parks", "imports", "--json").json
    assert [(row["import_id"], row["status"], row["percent"]) for row in rows] == [
        (2, "COMPLETED", 100), (1, "COMPLETED", 100),
    ]  # fmt: skip
    assert rows[0]["source"] == folder.as_uri() and rows[1]["files_failed"] == 1
    assert folder.as_uri() in desk.call("parks", "imports").out
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
    assert "1 file, 1 event:" in desk.call("parks", "import", *options, "--to", "2019-08-02", "--force").out
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


def test_resuming_all_names_the_imports_of_other_sources(
    desk: Desk, folder: Path, conn: db.Connection
) -> None:
    with db.transaction(conn):
        imports.begin(conn, folder.as_uri(), RESORT, None, None, by="somebody")
    desk.call("parks", "pause", "1")
    answer = desk.call("parks", "import", "--resume")
    assert answer.code == 0 and "nothing to resume of file:" in answer.out
    assert f"import 1 is of {folder.as_uri()}: `cronhouse parks resume 1`" in answer.out
    assert "import 1" not in desk.call("parks", "import", "--resume", "--destination", OTHER).out
    assert "import 1 COMPLETED" in desk.call("parks", "resume", "1").out
    assert "import 1" not in desk.call("parks", "import", "--resume").out


def test_import_is_not_resumed_where_its_folder_is_not(desk: Desk, folder: Path, conn: db.Connection) -> None:
    with db.transaction(conn):
        imports.begin(conn, folder.as_uri(), RESORT, None, None, by="somebody")
    desk.call("parks", "pause", "1")
    folder.rename(folder.with_name("elsewhere"))
    answer = desk.call("parks", "resume", "1")
    assert answer.code == 1 and f"import 1 is of {folder.as_uri()}" in answer.err
    assert desk.call("parks", "imports", "--json").json[0]["status"] == "PAUSED"


@pytest.mark.parametrize("options", [(), ("--from", "2018-01-01", "--to", "2018-12-31")])
def test_destination_that_the_archive_does_not_have_fails(
    desk: Desk, folder: Path, options: tuple[str, ...]
) -> None:
    mistyped = RESORT.replace("e957", "e958")
    answer = desk.call("parks", "import", "--destination", mistyped, "--source", str(folder), *options)
    said = f"the archive {folder.as_uri()} has nothing of destination {mistyped}: is the id right?"
    assert answer.code == 1 and said in answer.err
    row = desk.call("parks", "imports", "--json").json[0]
    assert (row["status"], row["problem"]) == ("FAILED", said)


def test_range_without_files_of_a_destination_that_is_there_is_nothing_new(desk: Desk, folder: Path) -> None:
    options = ("--destination", RESORT, "--source", str(folder), "--from", "2018-01-01", "--to", "2018-12-31")
    answer = desk.call("parks", "import", *options)
    assert answer.code == 0 and "nothing new" in answer.out


@pytest.mark.parametrize("which", [("--all",), ("--destination", RESORT)])
@pytest.mark.parametrize("place", ["..", f"{RESORT}", f"{RESORT}/2019", "lost+found"])
def test_folder_that_is_laid_out_otherwise_is_told_what_is_expected(
    desk: Desk, folder: Path, place: str, which: tuple[str, ...]
) -> None:
    answer = desk.call("parks", "import", *which, "--source", str(folder / place))
    assert answer.code == 1 and "<destination uuid>/<YYYY>/<MM>/<DD>.json.gz" in answer.err
    assert (folder / place).resolve().as_uri() in answer.err
    assert desk.call("parks", "imports", "--json").json == []
    assert desk.rows("SELECT subject FROM parks.data_quality_log") == []


def test_cancelled_import_is_over(desk: Desk, folder: Path, conn: db.Connection) -> None:
    with db.transaction(conn):
        imports.begin(conn, folder.as_uri(), RESORT, None, None, by="somebody")
    assert "import 1 is CANCELLED" in desk.call("parks", "cancel", "1").out
    resumed = desk.call("parks", "resume", "1")
    assert resumed.code == 1 and resumed.err.startswith("import 1 is CANCELLED: it cannot become")
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
