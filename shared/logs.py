"""Logs: text for a terminal, one JSON object a line for a container, all to stdout, times in UTC."""

import json
import logging
import sys
import time
from typing import Any, TextIO

# One run a process: jobs start threads, and their lines belong to the run too.
_CONTEXT: dict[str, Any] = {}


def bind(**values: Any) -> None:
    """Add values to every log line of this process until `unbind`."""
    _CONTEXT.update(values)


def unbind(*names: str) -> None:
    """Take bound values away."""
    for name in names:
        _CONTEXT.pop(name, None)


def fields_of(record: logging.LogRecord) -> dict[str, Any]:
    """Return what the caller gave as `extra={"fields": {...}}`."""
    fields = getattr(record, "fields", None)
    return fields if isinstance(fields, dict) else {}


class StdoutHandler(logging.StreamHandler[TextIO]):
    """Writes to what sys.stdout is at that moment, not to what it was when logging was set up."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:  # type: ignore[override]
        return sys.stdout

    def handleError(self, record: logging.LogRecord) -> None:
        """Drop a line that nobody reads any more, as before `| head`: the work goes on, and ops.job_log has it."""
        if not isinstance(sys.exc_info()[1], BrokenPipeError):
            super().handleError(record)


class JsonFormatter(logging.Formatter):
    """One JSON object a line: at, level, message, the bound context, the line's fields."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
            + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **_CONTEXT,
            **fields_of(record),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str, ensure_ascii=False)


class TextFormatter(logging.Formatter):
    """A short line for people: time, level when it matters, job, message."""

    def format(self, record: logging.LogRecord) -> str:
        job = _CONTEXT.get("job")
        level = "" if record.levelno <= logging.INFO else f"{record.levelname} "
        clock = time.strftime("%H:%M:%S", time.gmtime(record.created))
        line = f"{clock} {level}{f'{job}: ' if job else ''}{record.getMessage()}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def configure(log_format: str = "text", level: str = "INFO") -> None:
    """Send the root logger to stdout in the given format; a second call replaces the first.

    The level is that of stdout: a run's own log (ops.job_log) has INFO and above whatever stdout shows.
    """
    handler = StdoutHandler()
    handler.setFormatter(JsonFormatter() if log_format == "json" else TextFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    handler.setLevel(level)
    root.setLevel(min(logging.INFO, handler.level))
    for noisy in ("urllib3", "botocore", "boto3", "s3transfer", "werkzeug", "yoyo"):
        logging.getLogger(noisy).setLevel(logging.ERROR if noisy == "urllib3" else logging.WARNING)
