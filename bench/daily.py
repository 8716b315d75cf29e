#!/usr/bin/env python3
"""How long one ordinary day takes, with a year already loaded.

Starts an embedded stack of its own in a temporary folder. The simulated retailers' books are opened in the
past and extended to today, so that they hold over a year; one ingestion with a watermark a year back takes
it all in through the real code. Then each of the last trading days is run as cron runs it: four processes
`cronhouse run JOB --date D`, one after the other. Starting one again when the day is done is a job with
nothing to do: that is its start-up.

    python bench/daily.py [--days 5] [--history 365]
"""

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock
from pathlib import Path
from statistics import median
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from shared import db, state  # noqa: E402
from shared.config import Settings, load_settings  # noqa: E402

JOBS = ("retail_ingest", "retail_transform", "retail_quality", "retail_views")
RETAILERS = ("retailer_1", "retailer_2", "retailer_3")
LIMIT_DAY, LIMIT_START = 3.0, 0.6  # seconds
CYCLE, SATURDAY = 231, 6  # days until the sample repeats; it has no sale on a Saturday
RUNS_WHEN_DONE = 5
CRONHOUSE = Path(sys.executable).with_name("cronhouse")
EXPLANATION = """
How to read it: both ratios must stay below 1. A day is four whole processes, from exec to exit; the limit is
meant for a day of about 2,000 lines; days on which the shops were closed do not count. A start-up is a job
whose day is done: interpreter, imports, settings, connection, lock. The processor column is the process's own
work, without the server's; when the clock shows much more than it does on a quiet machine and the processor
does not, others were at work."""


def main() -> int:
    """Prepare a year, measure some days, print the figures; 1 when a limit is not kept."""
    options = _parse_arguments()
    folder = Path(tempfile.mkdtemp(prefix="cronhouse-bench-")).resolve()
    folder.chmod(0o755)
    settings = load_settings({"CRONHOUSE_LOCAL_DIR": str(folder)})
    try:
        days = trading_days(options.days)
        open_books(folder, options.history + options.days * 2)
        run(folder, "local", "up")
        load_history(settings, days[0] - timedelta(days=1), options.history)
        return report(settings, days, measure(folder, days))
    finally:
        run(folder, "local", "reset")
        shutil.rmtree(folder, ignore_errors=True)


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure one ordinary day of the retail workflow.")
    parser.add_argument("--days", type=int, default=5, help="how many days to measure (default 5)")
    parser.add_argument("--history", type=int, default=365, help="days loaded before (default 365)")
    return parser.parse_args()


def trading_days(count: int) -> list[date]:
    """Return the last `count` days before today on which the shops were open, ascending."""
    day, found = datetime.now(UTC).date(), []
    while len(found) < count:
        day -= timedelta(days=1)
        if day.isoweekday() != SATURDAY:
            found.append(day)
    return found[::-1]


def environment(folder: Path, **more: str) -> dict[str, str]:
    """Return the environment of a process: this folder's embedded stack, no settings of the machine."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    return {
        **kept,
        "CRONHOUSE_LOCAL_DIR": str(folder),
        "CRONHOUSE_ENV_FILE": str(folder / "no.env"),
        "LOG_FORMAT": "json",
        **more,
    }


class Seconds(NamedTuple):
    """What a process took: by the clock, and of a processor."""

    wall: float
    cpu: float


def run(folder: Path, *arguments: str, **more: str) -> Seconds:
    """Run a command of cronhouse in a process of its own."""
    return timed([str(CRONHOUSE), *arguments], environment(folder, **more))


def timed(command: list[str], environ: dict[str, str]) -> Seconds:
    """Run a command; return its seconds."""
    before, start = _children(), time.perf_counter()
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True)
    seconds = Seconds(time.perf_counter() - start, _children() - before)
    if done.returncode:
        sys.exit(f"{' '.join(command)} exited {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return seconds


def _children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def open_books(folder: Path, days: int) -> None:
    """Let the retailers begin so far back that they have `days` days to tell of by today."""
    opened = datetime.now(UTC).date() - timedelta(days=max(days - CYCLE + 14, 0))
    run(folder, "local", "up", RETAILERS_TODAY=str(opened))
    run(folder, "local", "down")


def load_history(settings: Settings, last: date, days: int) -> None:
    """Load everything up to a day, in one run of each job."""
    folder = settings.local_dir
    run(folder, "migrate")
    first = datetime.combine(last - timedelta(days=days - 1), clock(), UTC)
    with closing(db.connect(settings, application_name="bench")) as conn:
        with db.transaction(conn):
            for name in RETAILERS:
                state.write_watermark(conn, "retail", name, state.Watermark(updated_at=first), run_id=0)
        seconds = [run(folder, "run", job, "--date", str(last)).wall for job in JOBS]
        lines = db.fetch_value(conn, "SELECT count(*) FROM retail.fact_sales")
        conn.rollback()
        with db.transaction(conn):  # what autovacuum does within a minute on a server that is left alone
            db.execute(conn, "ANALYZE")
    print(
        f"history: {lines:,} facts of {days} days up to {last}, loaded in {sum(seconds):.0f} s\n", flush=True
    )


def measure(folder: Path, days: list[date]) -> dict[str, list[Seconds]]:
    """Return the seconds of each thing measured."""
    found: dict[str, list[Seconds]] = {job: [] for job in JOBS}
    for day in days:
        for job in JOBS:
            found[job].append(run(folder, "run", job, "--date", str(day)))
    environ = environment(folder)
    for job in JOBS:
        again = ("run", job, "--date", str(days[-1]))
        found[f"{job} again"] = [run(folder, *again) for _ in range(RUNS_WHEN_DONE)]
    found["python -c pass"] = [timed([sys.executable, "-c", "pass"], environ) for _ in range(RUNS_WHEN_DONE)]
    found["cronhouse --help"] = [run(folder, "--help") for _ in range(RUNS_WHEN_DONE)]
    return found


def report(settings: Settings, days: list[date], found: dict[str, list[Seconds]]) -> int:
    """Print the figures and how to read them; return 1 when a limit is not kept."""
    wall = {name: median(item.wall for item in items) for name, items in found.items()}
    cpu = {name: median(item.cpu for item in items) for name, items in found.items()}
    print("medians, seconds   the day  (processor)   nothing to do  (processor)")
    for job in JOBS:
        again = f"{job} again"
        print(f"{job:<17}{wall[job]:>9.2f}{cpu[job]:>13.2f}{wall[again]:>16.2f}{cpu[again]:>13.2f}")
    for name in ("cronhouse --help", "python -c pass"):
        print(f"{name:<17}{'':>22}{wall[name]:>16.3f}{cpu[name]:>13.3f}")
    totals = [sum(found[job][number].wall for job in JOBS) for number in range(len(days))]
    counts = count_lines(settings, days)
    print()
    for day, count, total in zip(days, counts, totals, strict=True):
        print(f"{day}: {count:>5,} lines, {total:.2f} s")
    ordinary = median(total for count, total in zip(counts, totals, strict=True) if count)
    slowest = max(wall[f"{job} again"] for job in JOBS)
    day_ratio, start_ratio = ordinary / LIMIT_DAY, slowest / LIMIT_START
    print(f"""
one day, four processes   {ordinary:.2f} s, {day_ratio:.2f} of the limit of {LIMIT_DAY:.1f} s
slowest start-up          {slowest:.2f} s, {start_ratio:.2f} of the limit of {LIMIT_START:.1f} s,\
 {slowest / wall["python -c pass"]:.0f} times `python -c pass`
load of the machine       {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors
{EXPLANATION}""")
    return 0 if max(day_ratio, start_ratio) < 1 else 1


def count_lines(settings: Settings, days: list[date]) -> list[int]:
    """Return how many facts each day has."""
    query = "SELECT count(*) FROM retail.fact_sales WHERE business_date = %(day)s"
    with closing(db.connect(settings, application_name="bench")) as conn:
        return [int(db.fetch_value(conn, query, {"day": day})) for day in days]


if __name__ == "__main__":
    sys.exit(main())
