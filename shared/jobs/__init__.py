"""Jobs: what a service declares (`@job`), what it is handed (`Run`) and what it returns (`Counts`)."""

from shared.jobs.registry import job
from shared.jobs.run import Counts, Run

__all__ = ["Counts", "Run", "job"]
