"""One retailer, one logical date: fetch, land verbatim, validate, write raw Parquet, commit all at once.

Until the commit nothing is known to anybody: a run that is killed leaves objects that nobody reads, and the
next run fetches the same window again.
"""

import hashlib
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from services.ingestion.retail.landing import LandingWriter
from services.ingestion.retail.raw import RawWriter
from services.ingestion.retail.retailers import Retailer
from services.ingestion.retail.window import Window, make_window
from services.ingestion.sources import Source, SourceMoved, open_source, parse
from shared import db, state
from shared.errors import DataError, FatalError
from shared.jobs import Run
from shared.sql import read_queries

PIPELINE = "retail"
QUERIES = Path(__file__).parent / "sql" / "queries.sql"
FEW_REJECTS = 50  # so many bad lines never fail a retailer
REASONS_SHOWN = 3


@dataclass
class Tally:
    """What came in, in lines."""

    accepted: int = 0
    rejected: int = 0
    late: int = 0
    corrected: int = 0
    void: int = 0  # transactions, not lines
    newest: tuple[datetime, str] | None = None
    reasons: Counter[str] = field(default_factory=Counter)

    @property
    def landed(self) -> int:
        """Return how many lines came."""
        return self.accepted + self.rejected


class Letters:
    """Dead letters on their way to the database, in a temporary file: memory does not grow with them."""

    def __init__(self) -> None:
        self.file = tempfile.TemporaryFile()  # noqa: SIM115 (closed by close)

    def add(self, letter: state.DeadLetter, business_date: date | None) -> None:
        """Keep a letter with the business day its lines belong to."""
        self.file.write(msgspec.json.encode((vars(letter), business_date)) + b"\n")

    def __iter__(self) -> Iterator[tuple[state.DeadLetter, date | None]]:
        self.file.seek(0)
        for line in self.file:
            values, day = msgspec.json.decode(line, type=tuple[dict[str, Any], date | None])
            yield state.DeadLetter(**values), day

    def close(self) -> None:
        """Forget them."""
        self.file.close()


class Intake:
    """The ingestion of one retailer for a run. Has its own connections: several run at once."""

    def __init__(self, run: Run, retailer: Retailer) -> None:
        self.run, self.retailer = run, retailer
        # a later try may read again what an earlier one of this run has registered: it writes other objects
        self.stem = str(run.id) if run.attempt == 1 else f"{run.id}-try{run.attempt}"
        self.landing = LandingWriter(run.store, retailer.id, run.date, self.stem)
        self.raw = RawWriter(run.store, retailer.id, run.date, self.stem)
        self.letters, self.tally = Letters(), Tally()
        self.voids: dict[str, state.VoidTransaction] = {}

    def execute(self) -> Tally:
        """Take in the window of the run's date; a source that moved meanwhile is read once more.

        Raises:
            TransientError: the source is away, or not whole now.
            FatalError: the source refuses, or too much of what it sent is bad.
        """
        window = self._window()
        source = open_source(self.retailer, self.run.wait)
        try:
            try:
                self._read(source, window)
            except BaseException:
                self.raw.delete()
                raise
            self._commit(source, window)  # when its end is unknown, what it registered must stay
        finally:
            source.close()
            self.landing.abandon()
            self.letters.close()
        return self.tally

    def _window(self) -> Window:
        with self.run.connection(self.retailer.id) as conn:
            mark = state.read_watermark(conn, PIPELINE, self.retailer.id)
        return make_window(self.run.date, self.retailer.zone, self.retailer.overlap, mark.updated_at)

    def _read(self, source: Source, window: Window) -> None:
        try:
            self._take_in(source, window)
        except SourceMoved as exc:
            self.run.log.warning("%s; reading it once more", exc)
            self._begin_again()
            self._take_in(source, window)
        self._check_rejects()

    def _begin_again(self) -> None:
        """Forget the first reading; its landing objects stay, unregistered."""
        self.raw.delete()
        self.landing.abandon()
        self.landing.objects.clear()
        self.letters.close()
        self.raw = RawWriter(self.run.store, self.retailer.id, self.run.date, f"{self.stem}-again")
        self.letters, self.tally = Letters(), Tally()
        self.voids.clear()

    def _take_in(self, source: Source, window: Window) -> None:
        for lines in source.fetch(window):
            self.run.check_stop()
            key, first = self.landing.write(lines)
            try:
                parsed = parse(source, lines, window.end)
            except DataError as exc:
                self._reject(source, lines, f"{key}:{first}", exc)
                continue
            if parsed.void is not None:
                self._keep_void(parsed.void)
            for index, record in enumerate(parsed.records):
                place = parsed.line_numbers[index] if parsed.line_numbers else 0
                self.raw.write(record, key, first + place)
                self._count(record, parsed.is_correction, window)
        self.landing.close()
        self.raw.close()

    def _keep_void(self, void: state.VoidTransaction) -> None:
        """Keep the newest version: a transaction may come twice while it is paged through."""
        known = self.voids.get(void.transaction_id)
        if known is None or void.version > known.version:
            self.voids[void.transaction_id] = void
        self.tally.void = len(self.voids)

    def _reject(self, source: Source, lines: list[bytes], position: str, exc: DataError) -> None:
        rows, business_date = source.count(lines)
        payload = b"\n".join(lines).decode("utf-8", "replace")
        self.letters.add(
            state.DeadLetter(self.retailer.id, position, payload, exc.reason, exc.field, rows), business_date
        )
        self.tally.rejected += rows
        if len(self.tally.reasons) < 1000:
            self.tally.reasons[exc.reason] += rows

    def _count(self, record: Any, is_correction: bool, window: Window) -> None:
        tally = self.tally
        tally.accepted += 1
        if window.is_new(record.updated_at):
            tally.late += record.business_date < window.logical_date
            tally.corrected += is_correction
        if tally.newest is None or record.updated_at > tally.newest[0]:
            tally.newest = (record.updated_at, record.transaction_id)

    def _check_rejects(self) -> None:
        """Fail when so much is bad that the source must have changed."""
        tally, limit = self.tally, self.retailer.max_rejected_share
        if tally.rejected > FEW_REJECTS and tally.rejected > limit * tally.landed:
            worst = "; ".join(
                f"{n} x {reason[:120]}" for reason, n in tally.reasons.most_common(REASONS_SHOWN)
            )
            raise FatalError(
                f"{tally.rejected} of {tally.landed} lines are bad, more than {limit:.0%}; nothing taken: "
                f"{worst} (see {self.landing.prefix}-*.jsonl.gz)"
            )

    def _commit(self, source: Source, window: Window) -> None:
        """Tell everybody, in one transaction."""
        run, tally, name = self.run, self.tally, self.retailer.id
        is_whole = window.end <= datetime.now(UTC)
        if not is_whole:
            run.log.warning(
                "%s: %s is over there only at %s UTC: its sales are kept, but it has not arrived; schedule the "
                "workflow after that hour",
                self.retailer.label, run.date, f"{window.end:%Y-%m-%d %H:%M}",
            )  # fmt: skip
        newest, transaction_id = tally.newest or (None, None)
        with run.connection(name) as conn, db.transaction(conn):
            state.register_objects(conn, run.id, [*self.landing.objects, *self.raw.objects])
            state.write_voids(conn, PIPELINE, run.id, self.voids.values())
            for batch in _batches(self.letters):
                write_letters(conn, run, batch)
            mark = state.Watermark(
                processed_date=run.date if is_whole else None,
                transaction_id=transaction_id,
                updated_at=min(newest, window.end) if newest else None,
            )
            state.write_watermark(conn, PIPELINE, name, mark, run.id)
            if is_whole:  # of a day that is not over, more will come
                state.write_arrival(
                    conn, PIPELINE, name, run.date, run.id, source_rows=source.source_rows,
                    landed_rows=tally.landed, rejected_rows=tally.rejected,
                    late_rows=tally.late, corrected_rows=tally.corrected,
                )  # fmt: skip


def write_letters(conn: db.Connection, run: Run, batch: list[tuple[state.DeadLetter, date | None]]) -> None:
    """Write letters and their side of the ledger: rejected, or duplicate when the same letter is known."""
    prints = [hashlib.sha256(letter.payload.encode()).hexdigest() for letter, _ in batch]
    known = {
        row["fingerprint"]
        for row in db.fetch_all(
            conn,
            read_queries(QUERIES)["known_letters"],
            {"pipeline": PIPELINE, "source": batch[0][0].source, "fingerprints": prints},
        )
    }
    ledger = []
    for (letter, business_date), fingerprint in zip(batch, prints, strict=True):
        is_new = fingerprint not in known
        known.add(fingerprint)
        ledger.append(
            state.Reconciled(
                letter.source, business_date or run.date, source_rows=letter.rows, fact_rows=0,
                duplicate_rows=0 if is_new else letter.rows, rejected_rows=letter.rows if is_new else 0,
            )
        )  # fmt: skip
    state.write_dead_letters(conn, PIPELINE, run.job, run.date, run.id, [letter for letter, _ in batch])
    state.write_reconciliation(conn, PIPELINE, run.id, merge_days(ledger))


def merge_days(rows: Iterable[state.Reconciled]) -> list[state.Reconciled]:
    """Add up rows of the same source and day: one statement must not touch a row twice."""
    sums: dict[tuple[str, date], list[int]] = {}
    for row in rows:
        total = sums.setdefault((row.source, row.business_date), [0, 0, 0, 0])
        for index, value in enumerate(
            (row.source_rows, row.fact_rows, row.duplicate_rows, row.rejected_rows)
        ):
            total[index] += value
    return [state.Reconciled(source, day, *values) for (source, day), values in sums.items()]


def _batches(letters: Letters, size: int = 500) -> Iterator[list[tuple[state.DeadLetter, date | None]]]:
    iterator = iter(letters)
    while batch := list(islice(iterator, size)):
        yield batch
