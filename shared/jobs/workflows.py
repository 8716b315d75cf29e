"""Workflow files: when jobs run and in what order.

Grain of a file: one workflow. Times are UTC, cron expressions have five fields. Every mistake is reported
with file, line and field, all of them at once.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from graphlib import CycleError, TopologicalSorter
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from shared import retention
from shared.config import Settings
from shared.errors import ConfigError
from shared.jobs.registry import declared_in_code, parse_duration
from shared.jobs.yamlfile import Lines, read_yaml

NAME = re.compile(r"[a-z][a-z0-9_]{1,40}")
TOP_LEVEL = ("workflow", "description", "defaults", "jobs")
DURATIONS = {"retry_delay": 300.0, "timeout": 7200.0, "wait": 7200.0}
JOB_KEYS = ("service", "schedule", "after", "retries", *DURATIONS)


@dataclass(frozen=True)
class JobSpec:
    """A job as its workflow file has it. Delays are in seconds, `schedule` is UTC."""

    name: str
    workflow: str
    service: str
    schedule: str
    after: tuple[str, ...] = ()
    retries: int = 0
    retry_delay: float = DURATIONS["retry_delay"]
    timeout: float = DURATIONS["timeout"]
    wait: float = DURATIONS["wait"]

    @property
    def is_daily(self) -> bool:
        """True when it fires once a day at most: it then works on yesterday, and a day is done once."""
        minute, hour, *_ = self.schedule.split()
        return minute.isdecimal() and hour.isdecimal()

    def default_date(self, now: datetime | None = None) -> date:
        """Return the logical date of a start without one."""
        today = (now or datetime.now(UTC)).astimezone(UTC).date()
        return today - timedelta(days=1) if self.is_daily else today


@dataclass(frozen=True)
class Workflow:
    """A workflow file. `jobs` are in an order in which they can run; `params` are its own sections."""

    name: str
    description: str
    jobs: Mapping[str, JobSpec]
    params: Mapping[str, Any] = field(repr=False)
    path: Path


def workflow_files(settings: Settings) -> list[Path]:
    """List the workflow files, sorted by name."""
    return sorted(settings.workflows_dir.glob("*.yml"))


def load_workflows(settings: Settings) -> dict[str, Workflow]:
    """Load and check every workflow file.

    Raises:
        ConfigError: every mistake of every file.
    """
    loaded, problems = _load_all(workflow_files(settings))
    if problems:
        raise ConfigError(*problems)
    return loaded


def find_job(settings: Settings, name: str) -> tuple[Workflow, JobSpec]:
    """Find a job; a mistake in another workflow's file does not matter.

    Raises:
        ConfigError: no file has the job, or its file has mistakes.
    """
    files = workflow_files(settings)
    for chosen in (
        [path for path in files if _mentions(path, name)],
        files,
    ):  # each start of a job pays for this
        loaded, problems = _load_all(chosen)
        for workflow in loaded.values():
            if name in workflow.jobs:
                return workflow, workflow.jobs[name]
    known = ", ".join(job for workflow in loaded.values() for job in workflow.jobs)
    raise ConfigError(*problems, f"no workflow file has a job {name!r}; there are: {known or 'none'}")


def is_workflow(settings: Settings, name: str) -> bool:
    """Tell whether there is a workflow file of this name; any text may be asked for."""
    return bool(NAME.fullmatch(name)) and (settings.workflows_dir / f"{name}.yml").exists()


def find_workflow(settings: Settings, name: str) -> Workflow:
    """Find a workflow by its name.

    Raises:
        ConfigError: there is no such file, or it has mistakes.
    """
    if not is_workflow(settings, name):
        known = ", ".join(file.stem for file in workflow_files(settings))
        raise ConfigError(
            f"there is no workflow {name!r} in {settings.workflows_dir}; there are: {known or 'none'}"
        )
    return load_workflow(settings.workflows_dir / f"{name}.yml")


def check_both_sides(settings: Settings) -> list[str]:
    """Name the jobs that stand in a workflow file or in code alone."""
    specs = {
        job.name: job for workflow in load_workflows(settings).values() for job in workflow.jobs.values()
    }
    declared = declared_in_code()
    problems = []
    for name, spec in specs.items():
        module = f"services.{spec.service}.{spec.workflow}.jobs"
        if name not in declared or declared[name].module != module:
            problems.append(f"workflows/{spec.workflow}.yml: job {name}: {module} declares no @job({name!r})")
    for name, item in declared.items():
        if name not in specs:
            problems.append(f"{item.module}: @job({name!r}) stands in no workflow file")
    return problems


def load_workflow(path: Path) -> Workflow:
    """Load and check one workflow file.

    Raises:
        ConfigError: every mistake, each with file, line and field.
    """
    content, lines = read_yaml(path)
    checker = _Checker(path, lines)
    workflow = checker.workflow(content)
    if checker.problems:
        raise ConfigError(*checker.problems)
    return workflow


def _mentions(path: Path, name: str) -> bool:
    """Tell whether a file can have the job: reading YAML takes longer than looking for its name."""
    try:
        return name.encode() in path.read_bytes()
    except OSError:
        return True  # reading it properly says what is wrong with it


def _load_all(files: Iterable[Path]) -> tuple[dict[str, Workflow], list[str]]:
    loaded: dict[str, Workflow] = {}
    problems: list[str] = []
    owner: dict[str, Path] = {}
    for path in files:
        try:
            workflow = load_workflow(path)
        except ConfigError as exc:
            problems.extend(exc.problems)
            continue
        loaded[workflow.name] = workflow
        for name in workflow.jobs:
            if name in owner:
                problems.append(f"{path.name}: job {name} stands in {owner[name].name} too")
            owner[name] = path
    return loaded, problems


class _Checker:
    """Turns the content of one file into a Workflow and collects its mistakes."""

    def __init__(self, path: Path, lines: Lines) -> None:
        self.path, self.lines = path, lines
        self.problems: list[str] = []

    def problem(self, where: tuple[str, ...], message: str) -> None:
        line = self.lines.of(where)
        self.problems.append(f"workflows/{self.path.name}:{line}: {'.'.join(where) or 'file'}: {message}")

    def workflow(self, content: Any) -> Workflow:
        if not isinstance(content, dict):
            self.problem((), "expected a mapping with workflow, description and jobs")
            return Workflow(self.path.stem, "", {}, {}, self.path)
        for key in ("workflow", "description", "jobs"):
            if not content.get(key):
                self.problem((key,) if key in content else (), f"{key} is missing")
        name = str(content.get("workflow") or self.path.stem)
        if name != self.path.stem:
            self.problem(("workflow",), f"{name!r} must be the file's name, {self.path.stem!r}")
        defaults = self._mapping(("defaults",), content.get("defaults") or {}, ("retries", *DURATIONS))
        jobs = content.get("jobs") or {}
        if not isinstance(jobs, dict):
            self.problem(("jobs",), "expected a mapping of job names")
            jobs = {}
        specs = {str(job): self._job(name, str(job), value, defaults) for job, value in jobs.items()}
        params = {key: value for key, value in content.items() if key not in TOP_LEVEL}
        self._check_params(name, {spec.service for spec in specs.values()}, params)
        return Workflow(name, str(content.get("description") or ""), self._ordered(specs), params, self.path)

    def _mapping(self, where: tuple[str, ...], value: Any, allowed: tuple[str, ...]) -> dict[str, Any]:
        if not isinstance(value, dict):
            self.problem(where, "expected a mapping")
            return {}
        for key in value:
            if key not in allowed:
                self.problem((*where, str(key)), f"unknown key; known are {', '.join(allowed)}")
        return value

    def _job(self, workflow: str, name: str, value: Any, defaults: dict[str, Any]) -> JobSpec:
        where = ("jobs", name)
        if not NAME.fullmatch(name):
            self.problem(where, "a job's name has lower-case letters, digits and _ only")
        given = self._mapping(where, value, JOB_KEYS)
        merged = {**defaults, **given}
        service, schedule = str(given.get("service") or ""), str(given.get("schedule") or "")
        if not NAME.fullmatch(service) or find_spec(f"services.{service}") is None:
            self.problem((*where, "service"), f"there is no service {service!r} under services/")
        self._check_schedule((*where, "schedule"), schedule)
        after = given.get("after") or []
        if not isinstance(after, list):
            self.problem((*where, "after"), "expected a list of job names")
            after = []
        durations = {
            key: self._duration((*where, key), merged.get(key, default)) for key, default in DURATIONS.items()
        }
        retries = merged.get("retries", 0)
        if not isinstance(retries, int) or isinstance(retries, bool) or not 0 <= retries <= 20:
            self.problem((*where, "retries"), f"{retries!r} is not a whole number from 0 to 20")
            retries = 0
        return JobSpec(name, workflow, service, schedule, tuple(map(str, after)), retries, **durations)

    def _check_schedule(self, where: tuple[str, ...], schedule: str) -> None:
        from cronsim import CronSim, CronSimError

        try:
            if len(schedule.split()) != 5:
                raise CronSimError("expected five fields")
            CronSim(schedule, datetime(2026, 1, 1, tzinfo=UTC))
        except CronSimError as exc:
            self.problem(where, f'{schedule!r} is not a cron expression ({exc}), e.g. "0 2 * * *"')

    def _duration(self, where: tuple[str, ...], value: Any) -> float:
        try:
            return parse_duration(value)
        except ValueError as exc:
            self.problem(where, str(exc))
            return 0.0

    def _ordered(self, specs: dict[str, JobSpec]) -> dict[str, JobSpec]:
        for spec in specs.values():
            for upstream in spec.after:
                if upstream not in specs:
                    self.problem(
                        ("jobs", spec.name, "after"), f"there is no job {upstream!r} in this workflow"
                    )
        known = {name: [up for up in spec.after if up in specs] for name, spec in specs.items()}
        try:
            order = list(TopologicalSorter(known).static_order())
        except CycleError as exc:
            self.problem(("jobs",), f"the jobs wait for each other in a circle: {' -> '.join(exc.args[1])}")
            return specs
        rank = {name: number for number, name in enumerate(specs)}
        depth: dict[str, int] = {}
        for name in order:
            depth[name] = 1 + max((depth[up] for up in known[name]), default=-1)
        return {name: specs[name] for name in sorted(specs, key=lambda name: (depth[name], rank[name]))}

    def _check_params(self, workflow: str, services: set[str], params: dict[str, Any]) -> None:
        """Let the services check their own sections; a section that nobody knows is a mistake."""
        known: set[str] = {"retention"}  # of the house: services/maintenance reads it of every workflow
        for message in retention.find_problems(params.get("retention")):
            dotted, _, text = message.partition(": ")
            self.problem(tuple(dotted.split(".")), text)
        for service in sorted(services):
            module = f"services.{service}.{workflow}.params"
            if not NAME.fullmatch(service) or not _exists(module):
                continue
            owner = import_module(module)
            known.update(owner.SECTIONS)
            for message in owner.validate(params):
                dotted, _, text = message.partition(": ")
                self.problem(tuple(dotted.split(".")), text)
        for section in params:
            if section not in known:
                self.problem(
                    (str(section),), f"unknown key; known are {', '.join((*TOP_LEVEL, *sorted(known)))}"
                )


def _exists(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False
