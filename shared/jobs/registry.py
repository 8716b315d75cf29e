"""The registry of jobs. A job of workflow W in service S is declared in `services/S/W/jobs.py`."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from shared.config import ROOT
from shared.errors import ConfigError
from shared.jobs.run import Counts, Run

JobFunction = Callable[[Run], Counts]


@dataclass(frozen=True)
class DeclaredJob:
    """A decorated function. `stale_after` is in seconds: older than that, its last success is late."""

    name: str
    function: JobFunction
    stale_after: float | None

    @property
    def module(self) -> str:
        """Return where it is declared."""
        return self.function.__module__


_declared: dict[str, DeclaredJob] = {}


def job(name: str, *, stale_after: str | None = None) -> Callable[[JobFunction], JobFunction]:
    """Declare a job under the name that the workflow file uses.

    Raises:
        ConfigError: two functions take the same name.
    """

    def declare(function: JobFunction) -> JobFunction:
        known = _declared.get(name)
        if known is not None and known.module != function.__module__:
            raise ConfigError(f"job {name} is declared in {known.module} and in {function.__module__}")
        seconds = parse_duration(stale_after) if stale_after else None
        _declared[name] = DeclaredJob(name, function, seconds)
        return function

    return declare


def find_function(name: str, service: str, workflow: str) -> DeclaredJob:
    """Import the module of a job and return its declaration.

    Raises:
        ConfigError: there is no such module, it cannot be imported, or it declares no such job.
    """
    module = f"services.{service}.{workflow}.jobs"
    try:
        import_module(module)
    except ModuleNotFoundError as exc:
        if exc.name and module.startswith(exc.name):
            raise ConfigError(f"job {name}: {module.replace('.', '/')}.py does not exist") from exc
        raise ConfigError(
            f"job {name}: {module} needs the package {exc.name}, which is not installed"
        ) from exc
    declared = _declared.get(name)
    if declared is None or declared.module != module:
        raise ConfigError(f"job {name}: {module.replace('.', '/')}.py declares no @job({name!r})")
    return declared


def declared_in_code(root: Path = ROOT) -> dict[str, DeclaredJob]:
    """Import every `services/*/*/jobs.py` and return what they declare, by name."""
    found: dict[str, DeclaredJob] = {}
    for path in sorted((root / "services").glob("*/*/jobs.py")):
        module = ".".join(path.relative_to(root).with_suffix("").parts)
        import_module(module)
        found.update({name: item for name, item in _declared.items() if item.module == module})
    return found


_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


MAX_SECONDS = 100 * 365 * 86400.0


def parse_duration(text: str | int | float) -> float:
    """Turn `90s`, `5m`, `26h` or `400d` into seconds; a bare number is seconds; `3y` is 3 * 365 days.

    Raises:
        ValueError: it is none of these.
    """
    if isinstance(text, int | float) and not isinstance(text, bool):
        return float(text)
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([smhdy]?)\s*", str(text))
    if match is None:
        raise ValueError(f"{text!r} is not a duration such as 30s, 5m, 2h or 400d")
    number, unit = match.groups()
    seconds = float(number) * ({"y": 365 * 86400.0, "": 1.0} | _UNITS)[unit]
    if seconds > MAX_SECONDS:
        raise ValueError(f"{text!r} is longer than 100 years")
    return seconds
