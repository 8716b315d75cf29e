"""What people do to imports: pause, cancel, resume; what may follow what, and who is at work."""

import itertools
import threading
from datetime import date

import pytest

from services.ingestion.parks import imports, runs
from services.ingestion.parks.importer import Report
from services.ingestion.sources import parks_archive
from services.ingestion.sources.parks_archive import FolderArchive
from shared import db
from shared.errors import FatalError, Interrupted
from shared.jobs.runner import run_job
from shared.jobs.workflows import find_job
from tests.integration.parks.conftest import OTHER, STUDIOS, Bench, event, state

ALL = ("PENDING", "IN_PROGRESS", "PAUSED", "COMPLETED", "FAILED", "CANCELLED")


def test_only_legal_transitions(bench: Bench) -> None:
    number = bench.begin()
    for before, after in itertools.product(ALL, ALL):
        with db.transaction(bench.conn):
            db.execute(bench.conn, "ALTER TABLE parks.import_checkpoints DISABLE TRIGGER import_status")
            db.execute(bench.conn, "UPDATE parks.import_checkpoints SET status = %s", [before])
            db.execute(bench.conn, "ALTER TABLE parks.import_checkpoints ENABLE TRIGGER import_status")
        is_legal = before in imports.BEFORE[after]
        try:
            with db.transaction(bench.conn):
                imports.move(bench.conn, number, after)
        except FatalError as exc:
            assert not is_legal and before in str(exc), (before, after)
        else:
            assert is_legal, (before, after)
        assert state(bench, number) == (after if is_legal else before)
        if before != after and not is_legal:  # the table refuses it too, whoever asks
            with pytest.raises(FatalError, match="cannot become"), db.transaction(bench.conn):
                db.execute(bench.conn, "UPDATE parks.import_checkpoints SET status = %s", [after])


def test_same_import_is_not_begun_twice(bench: Bench) -> None:
    bench.write("2019/08/01", [event()])
    number = bench.begin()
    with pytest.raises(FatalError, match=f"import {number} .* is PENDING"):
        bench.begin()
    assert bench.begin(first=date(2019, 1, 1)) != number  # another range is another import
    bench.importer().run(number)
    assert bench.begin() > number


class Pausing:
    """Asks for something after some files."""

    def __init__(self, bench: Bench, number: int, wish: str, after: int = 1) -> None:
        self.bench, self.number, self.wish, self.left = bench, number, wish, after

    def totals(self, done: int, total: int) -> None:
        pass

    def done(self, outcome) -> None:
        self.left -= 1
        if self.left == 0:
            with db.transaction(self.bench.conn):
                imports.ask(self.bench.conn, self.number, self.wish)


def test_paused_import_goes_on_later(slow: Bench) -> None:
    number = slow.begin()
    report = slow.importer(tell=Pausing(slow, number, "pause"), workers=1).run(number)
    assert report.status == "PAUSED" == state(slow, number) and 1 <= report.files < 10
    row = slow.rows("SELECT * FROM parks.import_checkpoints")[0]
    assert row["wanted"] is None and row["finished_at"] is None and row["files_done"] == report.files
    rest = slow.importer().run(number)
    assert rest.status == "COMPLETED" and rest.files == 10 - report.files
    row = slow.rows("SELECT * FROM parks.import_checkpoints")[0]
    assert (row["files_done"], row["files_total"], row["imported"]) == (10, 10, 10)
    assert row["bytes_done"] == row["bytes_total"]


def test_cancelled_import_is_over_and_another_does_the_rest(slow: Bench) -> None:
    number = slow.begin()
    report = slow.importer(tell=Pausing(slow, number, "cancel"), workers=1).run(number)
    assert report.status == "CANCELLED" == state(slow, number)
    with pytest.raises(FatalError, match="CANCELLED"):
        slow.importer().run(number)
    assert slow.run().files == 10 - report.files
    assert slow.value("SELECT count(*) FROM parks.ride_status_snapshots") == 10


@pytest.mark.parametrize(
    "seconds", [0, 30]
)  # between two looks at it: with its next file, or when it is through
@pytest.mark.parametrize(("wish", "status"), [("pause", "PAUSED"), ("cancel", "CANCELLED")])
def test_import_that_goes_on_in_the_instant_it_is_paused_is_paused(
    slow: Bench, monkeypatch: pytest.MonkeyPatch, wish: str, status: str, seconds: int
) -> None:
    """It was cut off: whoever pauses it finds nobody at work on it, and then somebody is."""
    monkeypatch.setattr("services.ingestion.parks.importer.POLL_SECONDS", seconds)
    monkeypatch.setattr(imports, "is_held", lambda conn, destination_id: False)
    number = slow.begin()
    report = slow.importer(tell=Pausing(slow, number, wish), workers=1).run(number)
    assert report.status == status == state(slow, number)
    assert report.files == slow.value("SELECT files_done FROM parks.import_checkpoints")
    assert report.files == 10 if seconds else 1 <= report.files < 10
    assert slow.value("SELECT problem FROM parks.import_checkpoints") is None
    if wish == "pause":
        assert slow.importer().run(number).files == 10 - report.files
        assert state(slow, number) == "COMPLETED"


def test_waiting_import_is_paused_and_cancelled_at_once(bench: Bench) -> None:
    number = bench.begin()
    with db.transaction(bench.conn):
        assert imports.ask(bench.conn, number, "pause")["status"] == "PAUSED"
        assert imports.ask(bench.conn, number, "cancel")["status"] == "CANCELLED"


@pytest.mark.parametrize("wish", ["pause", "cancel"])
@pytest.mark.parametrize(("job", "choose"), [("parks_imports", "asked_for"), ("parks_archive", "next_of")])
def test_import_that_is_withdrawn_when_a_job_has_chosen_it_is_left_alone(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, job: str, choose: str, wish: str
) -> None:
    number, choosing = bench.begin(), getattr(runs, choose)
    bench.write("2019/08/01", [event()])

    def choose_and_lose(*arguments, **more):
        chosen = choosing(*arguments, **more)
        if state(bench, number) == "PENDING":
            with db.transaction(bench.conn):
                imports.ask(bench.conn, number, wish)
        return chosen

    monkeypatch.setattr(runs, choose, choose_and_lose)
    monkeypatch.setattr(parks_archive, "open_archive", lambda settings: FolderArchive(bench.folder))
    workflow, spec = find_job(bench.settings, job)
    result = run_job(bench.settings, workflow, spec, date(2026, 3, 2))
    assert result.status == "succeeded", result
    assert state(bench, number) == {"pause": "PAUSED", "cancel": "CANCELLED"}[wish]
    assert bench.value("SELECT count(*) FROM parks.archive_object") == 0
    if wish == "pause":
        assert bench.importer().run(number).files == 1  # by hand it goes on


def test_stop_leaves_what_can_be_resumed(slow: Bench) -> None:
    number, calls = slow.begin(), itertools.count()

    def stop_soon() -> None:
        if next(calls) == 4:
            raise Interrupted("asked to stop")

    with pytest.raises(Interrupted):
        slow.importer(check_stop=stop_soon).run(number)
    assert state(slow, number) == "IN_PROGRESS"
    done = slow.value("SELECT files_done FROM parks.import_checkpoints")
    assert slow.importer().run(number).files == 10 - done


@pytest.mark.parametrize("meanwhile", [None, "PAUSED", "FAILED", "CANCELLED", "COMPLETED"])
def test_ctrl_c_pauses_what_nobody_paused_or_ended_meanwhile(slow: Bench, meanwhile: str | None) -> None:
    class Stopping:
        def totals(self, done: int, total: int) -> None:
            pass

        def done(self, outcome) -> None:
            if meanwhile:
                with db.transaction(slow.conn):
                    imports.move(slow.conn, number, meanwhile)
            raise KeyboardInterrupt

    number = slow.begin()
    ended = runs.run_at_hand(
        slow.settings, FolderArchive(slow.folder), number, "a test", Stopping(), resuming=True
    )
    status = meanwhile or "PAUSED"
    assert state(slow, number) == status
    assert ended.is_interrupted and ended.is_bad and f"import {number} is {status}" in ended.lines[0]
    assert (f"cronhouse parks resume {number}" in ended.lines[0]) == (status in ("PAUSED", "FAILED"))


def test_second_importer_is_told_who_is_at_it(slow: Bench) -> None:
    number = slow.begin()
    second = slow.begin(first=date(2019, 8, 1))
    seen: list[Exception] = []

    class Intruding:
        def totals(self, done: int, total: int) -> None:
            with pytest.raises(imports.Held) as caught:
                slow.importer().run(second)
            seen.append(caught.value)

        def done(self, outcome) -> None:
            pass

    slow.importer(tell=Intruding()).run(number)
    assert f"by import {number} of a test since" in str(seen[0])
    assert state(slow, second) == "PENDING"
    assert slow.importer().run(second).status == "COMPLETED"


def test_two_destinations_are_imported_side_by_side(bench: Bench) -> None:
    for day in range(1, 6):
        at = f"2019-08-{day:02}T12:00:00Z"
        bench.write(f"2019/08/{day:02}", [event(at)])
        bench.write(f"2019/08/{day:02}", [event(at, entityId=OTHER, parkId=STUDIOS)], OTHER)
    numbers = [bench.begin(), bench.begin(OTHER)]
    reports: list[Report] = []
    threads = [threading.Thread(target=lambda n=n: reports.append(bench.importer().run(n))) for n in numbers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [report.status for report in reports] == ["COMPLETED"] * 2
    assert bench.value("SELECT count(*) FROM parks.ride_status_snapshots") == 10
