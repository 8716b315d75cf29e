"""Errors named after what to do next.

    CronhouseError
    ├── ConfigError      cannot start: fix the settings or the workflow file; exit 2, no run row
    ├── TransientError   the same call may work later: back off, honour Retry-After, then fail
    ├── FatalError       no retry helps: the job fails
    │   └── CheckFailed  the data breaks a promise of critical severity
    ├── DataError        one record is bad: it becomes a dead letter and is counted
    └── Interrupted      SIGTERM: stop between two items, the next start goes on

An error carries facts only; it neither logs nor writes.
"""


class CronhouseError(Exception):
    """Something went wrong that Cronhouse knows the meaning of."""


class ConfigError(CronhouseError):
    """A setting or a workflow file is missing or wrong."""

    def __init__(self, *problems: str) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


class TransientError(CronhouseError):
    """The same call may work later."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        self.retry_after = retry_after
        super().__init__(message)


class FatalError(CronhouseError):
    """No retry helps."""


class CheckFailed(FatalError):
    """A critical quality check failed."""


class DataError(CronhouseError):
    """One record cannot be used."""

    def __init__(self, reason: str, field: str | None = None) -> None:
        self.reason = reason
        self.field = field
        super().__init__(f"{field}: {reason}" if field else reason)


class Interrupted(CronhouseError):
    """The process was asked to stop."""
