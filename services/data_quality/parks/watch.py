"""The days that are looked at, month by month, and what is found in them."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from services.data_quality.parks.checks import DEFAULTS, STATEMENTS
from shared import db
from shared.quality_rules import Rule, option_params
from shared.sql import read_queries

_Q = STATEMENTS.folder / "queries.sql"
BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)
SETTLED = timedelta(minutes=10)  # a file's time is that of its transaction's start; the commit comes later


class Watch:
    """One run over the due days. The work tables live as long as the connection."""

    def __init__(
        self, conn: db.Connection, rules: Sequence[Rule], window: Mapping[str, Any], now: datetime
    ) -> None:
        self.conn, self.days, self.settling = conn, 0, 0
        self.params: dict[str, Any] = {
            **DEFAULTS, **option_params(rules), "now": now, "until": now - SETTLED,
            "recent_days": window["recent_days"], "objects": window["objects_a_run"],
        }  # fmt: skip
        self._mark: tuple[datetime, int] | None = None

    def choose_days(self) -> list[dict[str, Any]]:
        """Choose the days; return the UTC months that they lie in, with their bounds."""
        with db.transaction(self.conn):
            mark = db.fetch_one(self.conn, read_queries(_Q)["mark"])
            self.params["marked_at"] = mark["last_updated_at"] if mark else BEGINNING
            self.params["marked_id"] = int(mark["last_transaction_id"]) if mark else 0
            following = db.fetch_one(self.conn, read_queries(_Q)["next_mark"], self.params)
            self.settling = db.fetch_value(self.conn, read_queries(_Q)["settling"], self.params)
            self._mark = (following["imported_at"], following["object_id"]) if following else None
            db.execute(
                self.conn, "DROP TABLE IF EXISTS due_day, day_posting"
            )  # of an earlier try of this run
            db.execute(self.conn, STATEMENTS["make_tables"])
            self.days = db.execute(self.conn, STATEMENTS["choose_days"], self.params)
            db.execute(self.conn, "ANALYZE due_day")
            return db.fetch_all(self.conn, read_queries(_Q)["months"])

    def look_at(self, month: Mapping[str, Any]) -> None:
        """Scan the snapshots of one month's due days once, and write down what they show."""
        values = {**self.params, **month}
        with db.transaction(self.conn):
            db.execute(self.conn, STATEMENTS["copy_postings"], values)
            db.execute(self.conn, "ANALYZE day_posting")
            for name in (
                "write_days",
                "clear_gaps",
                "write_gaps",
                "sum_gaps",
                "close_suspects",
                "log_suspects",
            ):
                db.execute(self.conn, STATEMENTS[name], values)

    def note_stale(self) -> None:
        """Write issues of gaps, and of parks that are stale now; close those that are over."""
        with db.transaction(self.conn):
            # a gap that grew is noted first: closed as it was, it would lose what people wrote on it
            for name in ("log_gaps", "close_gaps", "close_stale", "log_stale"):
                db.execute(self.conn, STATEMENTS[name], self.params)

    def write_mark(self, run_id: int) -> None:
        """Remember the last object that was looked at, in the caller's transaction."""
        if self._mark is not None:
            values = {"marked_at": self._mark[0], "marked_id": str(self._mark[1]), "run_id": run_id}
            db.execute(self.conn, read_queries(_Q)["write_mark"], values)
