"""The only runner of jobs: lock, wait for upstream, run, retry, write down, alert.

Exit codes: 0 succeeded or skipped because another run has it or the day is done, 1 failed, 2 configuration,
75 upstream failed or never came.
"""

import logging
import time
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from shared import alerts, logs
from shared.config import Settings
from shared.errors import ConfigError, CronhouseError, FatalError, Interrupted, TransientError
from shared.jobs.ledger import Ledger, RunLog
from shared.jobs.registry import JobFunction, find_function
from shared.jobs.run import Counts, Run
from shared.jobs.watchdog import Watchdog
from shared.jobs.workflows import JobSpec, Workflow

OK, FAILED, CONFIGURATION, NO_UPSTREAM = 0, 1, 2, 75
POLL_SECONDS = 0.5
# An upstream that failed before this run began may be started again in the same minute: wait for it.
GRACE_SECONDS = 60.0
log = logging.getLogger("cronhouse.runner")


@dataclass
class Result:
    """What became of a run. `run_id` is None when there was nothing to write down."""

    job: str
    date: date
    status: str
    exit_code: int
    run_id: int | None = None
    reason: str | None = None
    counts: Counts = field(default_factory=Counts)
    stages: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0


def run_job(
    settings: Settings, workflow: Workflow, spec: JobSpec, logical_date: date, *,
    force: bool = False, wait: bool = True, requested_by: str | None = None,
) -> Result:  # fmt: skip
    """Run one job for one logical date and write down what happened.

    Raises:
        ConfigError: the job's module or the database's settings are wrong; no run is written down.
        TransientError: the database cannot be reached.
    """
    function = find_function(spec.name, spec.service, spec.workflow).function
    started = time.monotonic()
    ledger = _open_ledger(settings, spec, logical_date)
    try:
        result = _run_locked(settings, workflow, spec, ledger, function, force, wait, requested_by)
    finally:
        ledger.close()
    result.seconds = round(time.monotonic() - started, 3)
    return result


def _open_ledger(settings: Settings, spec: JobSpec, logical_date: date) -> Ledger:
    """Connect to the database, as often as the job may be tried: cron itself would come back tomorrow."""
    for attempt in range(1, spec.retries + 1):
        try:
            return Ledger(settings, spec, logical_date)
        except TransientError as exc:
            log.warning(
                "try %d of %d failed, next in %.0f s: %s", attempt, spec.retries + 1, spec.retry_delay, exc
            )
            time.sleep(spec.retry_delay)
    return Ledger(settings, spec, logical_date)


def _run_locked(
    settings: Settings, workflow: Workflow, spec: JobSpec, ledger: Ledger, function: JobFunction,
    force: bool, wait: bool, requested_by: str | None,
) -> Result:  # fmt: skip
    def skipped(reason: str, code: int, run_id: int | None) -> Result:
        log.info("%s for %s skipped: %s", spec.name, ledger.date, reason)
        return Result(spec.name, ledger.date, "skipped", code, run_id, reason)

    if not ledger.lock():
        reason = "another run of this job and date is under way"
        return skipped(reason, OK, ledger.skip(force, requested_by, reason))
    for dead in ledger.abandon_dead_runs():
        log.warning("run %d of %s had ended without a word; it is marked abandoned", dead, spec.name)
    done = ledger.last_success() if spec.is_daily and not force else None
    if done is not None:
        return skipped(f"run {done['run_id']} has done it; --force does it again", OK, done["run_id"])
    run = Run(ledger.start(force, requested_by), spec.name, workflow, ledger.date, settings, force)
    return _Attempts(run, spec, ledger, function).result(wait)


class _Attempts:
    """The tries of one run, until one succeeds or none may follow."""

    def __init__(self, run: Run, spec: JobSpec, ledger: Ledger, function: JobFunction) -> None:
        self.run, self.spec, self.ledger, self.function = run, spec, ledger, function

    def result(self, wait: bool) -> Result:
        run_log = RunLog()
        logging.getLogger().addHandler(run_log)
        logs.bind(run_id=self.run.id, job=self.run.job, workflow=self.spec.workflow, date=str(self.run.date))
        try:
            with Watchdog(self.run, self.ledger, run_log, self.spec.timeout) as watchdog:
                result = self._guarded(wait, watchdog)
        finally:
            logging.getLogger().removeHandler(run_log)
            logs.unbind("run_id", "job", "workflow", "date")
            self.run.close()
        return result

    def _guarded(self, wait: bool, watchdog: Watchdog) -> Result:
        log.info("start %s for %s (run %d)", self.run.job, self.run.date, self.run.id)
        started, counts, status, code, reason = time.monotonic(), Counts(), "failed", FAILED, None
        try:
            missing = self._upstream_problem(wait)
            if missing:
                status, code, reason = "skipped", NO_UPSTREAM, missing
            else:
                watchdog.start_clock()
                counts, status, code = self._try_until_done(), "succeeded", OK
        except Interrupted as exc:
            status, reason = "abandoned", str(exc)
        except CronhouseError as exc:
            reason = str(exc)
            code = CONFIGURATION if isinstance(exc, ConfigError) else FAILED
        except KeyboardInterrupt:
            status, reason = (
                "abandoned",
                "stopped by Ctrl-C; the next start goes on where the last commit was",
            )
        except Exception as exc:  # a bug in a job must be on record like any other failure
            reason = f"{type(exc).__name__}: {exc}"
            log.exception("%s failed with an error nobody foresaw", self.run.job)
        if status != "succeeded":
            counts = self.run.committed
        self._finish(status, counts, reason, time.monotonic() - started)
        return Result(self.run.job, self.run.date, status, code, self.run.id, reason, counts, self.run.stages)

    def _upstream_problem(self, wait: bool) -> str | None:
        """Wait for the upstream jobs; return why this run cannot go on, None when all succeeded."""
        started = time.monotonic()
        told: set[str] = set()
        while self.spec.after:
            states = self.ledger.upstream_states()
            waiting = [name for name in self.spec.after if states.get(name, {}).get("status") != "succeeded"]
            if not waiting:
                if told:
                    self.ledger.write_ready(self.run.id)
                return None
            waited = time.monotonic() - started
            for name in waiting:
                problem = _upstream_failed(name, states.get(name), waited, wait)
                if problem:
                    return problem
            if waited >= self.spec.wait or not wait:
                running = all(states.get(name, {}).get("status") == "running" for name in waiting)
                what = "is still running" if running else "never came"
                return f"upstream {', '.join(waiting)} {what} for {self.run.date} (waited {waited:.0f} s)"
            for name in set(waiting) - told:
                log.info("waiting for %s", name)
                told.add(name)
            self.run.check_stop()
            self.run.stop.wait(POLL_SECONDS)
        return None

    def _try_until_done(self) -> Counts:
        while True:
            try:
                self.run.check_stop()
                self._hold_lock()
                return self.function(self.run)
            except TransientError as exc:
                self._raise_if_stopped(exc)
                if self.run.attempt > self.spec.retries:
                    raise
                self._wait_before_retry(exc)
            except CronhouseError as exc:
                self._raise_if_stopped(exc)
                raise

    def _hold_lock(self) -> None:
        """The lock goes with the ledger's connection, which may have broken while the run waited."""
        if not self.ledger.hold_lock():
            raise FatalError("the lock was lost with the database connection and another run has taken it")

    def _raise_if_stopped(self, exc: CronhouseError) -> None:
        """A cancelled statement is how a stop or the end of the time shows."""
        if isinstance(exc, FatalError | TransientError) and self.run.stopping:
            self.run.check_stop()

    def _wait_before_retry(self, exc: TransientError) -> None:
        delay = max(self.spec.retry_delay * 2 ** (self.run.attempt - 1), exc.retry_after or 0.0)
        log.warning(
            "try %d of %d failed, next in %.0f s: %s", self.run.attempt, self.spec.retries + 1, delay, exc
        )
        self.run.close()
        self.run.stop.wait(delay)
        self.run.check_stop()
        self._hold_lock()
        self.run.attempt += 1
        self.ledger.write_progress(self.run.id, self.run.attempt, self.run.stages)

    def _finish(self, status: str, counts: Counts, reason: str | None, seconds: float) -> None:
        run = self.run
        fields: dict[str, Any] = {
            **vars(counts),
            "seconds": round(seconds, 3),
            "status": status,
            "stages": run.stages,
        }
        level = logging.ERROR if status == "failed" else logging.INFO
        log.log(
            level, "%s %s: read %d, written %d, rejected %d in %.1f s%s", run.job, status, counts.read,
            counts.written, counts.rejected, seconds, f": {reason}" if reason else "",
            extra={"fields": fields},
        )  # fmt: skip
        self.ledger.finish(run.id, status, counts, run.stages, reason, run.attempt)
        key = f"job_failed:{run.job}"
        if status == "failed":
            title = f"{run.job} failed for {run.date}"
            alerts.raise_incident(
                self.ledger.conn,
                run.settings,
                key,
                "critical",
                title,
                reason or "",
                f"cronhouse logs {run.id}",
                run.id,
            )
        elif status == "succeeded":
            self._recover(key)

    def _recover(self, key: str) -> None:
        """Close the incident, unless another date of a daily job has failed and not succeeded since."""
        run = self.run
        open_dates = self.ledger.failed_dates() if self.spec.is_daily else []
        if open_dates:
            log.info(
                "%s stays open: %s has not succeeded for %s", key, run.job, ", ".join(map(str, open_dates))
            )
            return
        alerts.recover(
            self.ledger.conn, run.settings, key, f"{run.job} succeeded for {run.date} (run {run.id})"
        )


def _upstream_failed(name: str, state: dict[str, Any] | None, waited: float, wait: bool) -> str | None:
    if state is None or state["status"] in ("running", "succeeded"):
        return None
    fresh = waited >= GRACE_SECONDS or (state["seen_at"] - state["finished_at"]).total_seconds() <= waited
    if fresh or not wait:
        if state["status"] == "skipped":  # for what became of its own upstream: that is the reason here too
            return str(state["reason"])
        return f"upstream {name} {state['status']} (run {state['run_id']}): {state['reason']}"
    return None
