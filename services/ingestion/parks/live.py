"""One round of the live API: every destination asked once, several at a time, each written as it comes.

A destination that does not answer is missed and named, and the cycle is PARTIAL; the others do not wait for it.
"""

import contextlib
import contextvars
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from services.ingestion.parks import live_store
from services.ingestion.parks.live_params import LiveParams, read_live_params
from services.ingestion.parks.live_store import query
from services.ingestion.sources.parks_live import Issue, Live, fetch_live
from services.ingestion.sources.themeparks_api import Answer, Gate, ThemeParks, api_url
from shared import db
from shared.errors import CronhouseError, FatalError, Interrupted, TransientError
from shared.jobs import Counts, Run

Clock = Callable[[], datetime]
TOLERATED_STEP_BACK = timedelta(seconds=30)


@dataclass
class Cycle:
    """What a round came to. `missed` maps destinations to why they were."""

    cycle_id: int
    destinations: dict[str, str | None]
    counts: Counts = field(default_factory=Counts)
    missed: dict[str, str] = field(default_factory=dict)

    @property
    def answered(self) -> int:
        return len(self.destinations) - len(self.missed)

    @property
    def status(self) -> str:
        if not self.missed:
            return "COMPLETE"
        return "PARTIAL" if self.answered else "FAILED"

    def describe_missed(self) -> str:
        """Name what was missed, for people."""
        return "; ".join(
            f"{self.destinations[key] or key}: {why}" for key, why in sorted(self.missed.items())
        )


def now() -> datetime:
    """Return our clock."""
    return datetime.now(UTC)


def collect(run: Run, clock: Clock = now) -> Counts:
    """Ask every destination for its live data and write what changed.

    Raises:
        TransientError: nobody answered.
    """
    with _locked(run) as is_ours:
        if not is_ours:
            run.log.info("another cycle is under way; this one is left out")
            return Counts()
        cycle = _begin(run, read_live_params(run.params), clock)
        if not cycle.destinations:
            run.log.warning(
                "no destination is known yet: name some in workflows/parks.yml, or run parks_metadata"
            )
        try:
            _ask_all(run, cycle, read_live_params(run.params), clock)
        except CronhouseError as exc:
            # the database may be what failed; the next round closes this one then
            with contextlib.suppress(CronhouseError):
                cycle.missed |= dict.fromkeys(_unheard(run, cycle), str(exc))
                _end(run, cycle, clock)
            raise
        _end(run, cycle, clock)
    run.log.info(
        "cycle %d %s: %d of %d destinations, %d entities, %d snapshots%s", cycle.cycle_id, cycle.status,
        cycle.answered, len(cycle.destinations), cycle.counts.read, cycle.counts.written,
        f"; missed: {cycle.describe_missed()}" if cycle.missed else "",
        extra={"fields": {"answered": cycle.answered, "asked": len(cycle.destinations), **vars(cycle.counts)}},
    )  # fmt: skip
    if cycle.status == "FAILED":
        raise TransientError(f"no destination answered: {cycle.describe_missed()}")
    return cycle.counts


@contextmanager
def _locked(run: Run) -> Iterator[bool]:
    """Hold the lock of all cycles, over a connection of its own: the run's may break and come back."""
    with run.connection("cycle") as conn:
        conn.autocommit = True
        yield bool(db.fetch_value(conn, query("lock")))
        if not conn.closed:
            db.execute(conn, query("unlock"))


def _begin(run: Run, params: LiveParams, clock: Clock) -> Cycle:
    """Write the cycle down; make what it writes to."""
    started_at = clock()
    with db.transaction(run.conn) as conn:
        db.execute(conn, query("close_dead_cycles"))
        last = db.fetch_value(conn, query("last_recorded"))
        if last is not None and last > started_at + TOLERATED_STEP_BACK:
            message = "our clock stands before the last snapshot; snapshots keep the time that it shows"
            run.log.warning("%s: %s, the last was at %s", message, started_at, last)
            live_store.note_issues(
                conn, [Issue("CLOCK_SET_BACK", "live", f"{last:%Y-%m-%d %H:%M}Z", message)]
            )
        today = started_at.astimezone(UTC).date()  # and tomorrow: a round may cross the end of a month
        db.execute(conn, query("ensure_partitions"), {"first": today, "last": today + timedelta(days=1)})
        if params.destinations:
            found = db.fetch_all(conn, query("names"), {"ids": list(params.destinations)})
            names = {row["destination_id"]: row["name"] for row in found}
            asked = {key: names.get(key) for key in params.destinations}
        else:
            asked = {row["destination_id"]: row["name"] for row in db.fetch_all(conn, query("destinations"))}
        values = {"run_id": run.id, "started_at": started_at, "asked": len(asked)}
        return Cycle(int(db.fetch_value(conn, query("begin_cycle"), values)), asked)


def _ask_all(run: Run, cycle: Cycle, params: LiveParams, clock: Clock) -> None:
    """Fetch in threads, write in this one in the order of coming."""
    run.store  # noqa: B018 (opened once, before anything is fetched)
    api = ThemeParks(api_url(run.settings), Gate(run.wait, params.patience), run.check_stop, clock)
    pool = ThreadPoolExecutor(params.workers, thread_name_prefix="live")
    try:
        futures: dict[Future[Answer[Live]], str] = {
            pool.submit(contextvars.copy_context().run, fetch_live, api, key): key
            for key in cycle.destinations
        }
        for future in as_completed(futures):
            run.check_stop()
            _take(run, cycle, futures.pop(future), future, clock)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        api.close()


def _take(run: Run, cycle: Cycle, destination_id: str, future: "Future[Answer[Live]]", clock: Clock) -> None:
    """Write one answer, or that there was none. One that cannot be written costs no other either."""
    try:
        answer = future.result()
    except Interrupted:
        raise
    except CronhouseError as exc:
        _miss(run, cycle, destination_id, exc, clock)
        return
    try:
        with run.stage("land"):
            landed = live_store.land(run, destination_id, answer)
        with run.stage("write"):
            written = live_store.write_answer(run, cycle.cycle_id, destination_id, answer, landed)
    except FatalError as exc:
        run.check_stop()  # a cancelled statement is how the end of the time shows
        _miss(run, cycle, destination_id, exc, clock)
        return
    counts = Counts(written.entities, written.changed, written.rejected)
    cycle.counts += counts
    run.committed += counts


def _miss(run: Run, cycle: Cycle, destination_id: str, exc: CronhouseError, clock: Clock) -> None:
    cycle.missed[destination_id] = str(exc)
    run.log.warning("%s is missed: %s", cycle.destinations[destination_id] or destination_id, exc)
    _write_miss(run, cycle, destination_id, str(exc), clock)


def _write_miss(run: Run, cycle: Cycle, destination_id: str, problem: str, clock: Clock) -> None:
    values: dict[str, Any] = {
        "cycle_id": cycle.cycle_id, "destination_id": destination_id, "polled_at": clock().replace(microsecond=0),
        "is_answered": False, "entities": 0, "newest_at": None, "problem": problem[:500],
    }  # fmt: skip
    with db.transaction(run.conn) as conn:
        db.execute(conn, query("write_poll"), values)


def _unheard(run: Run, cycle: Cycle) -> set[str]:
    """Return the destinations that the cycle has not come to."""
    rows = db.fetch_all(run.conn, query("polled"), {"cycle_id": cycle.cycle_id})
    run.conn.rollback()
    return set(cycle.destinations) - {row["destination_id"] for row in rows}


def _end(run: Run, cycle: Cycle, clock: Clock) -> None:
    values = {"cycle_id": cycle.cycle_id, "finished_at": clock(), "status": cycle.status, "answered": cycle.answered,
              "entities": cycle.counts.read, "changed": cycle.counts.written}  # fmt: skip
    with db.transaction(run.conn) as conn:
        db.execute(conn, query("end_cycle"), values)
