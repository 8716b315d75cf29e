"""The workflow files as the API sees them: read again when one changes, and a broken one hides no other."""

from dataclasses import dataclass

from flask import current_app

from services.api.errors import fail
from shared import lateness
from shared.config import Settings
from shared.errors import ConfigError
from shared.jobs.workflows import JobSpec, Workflow, load_workflow, workflow_files


@dataclass(frozen=True)
class Catalogue:
    """All workflows that could be read, and what is wrong with the others."""

    workflows: dict[str, Workflow]
    problems: list[str]

    def jobs(self) -> list[JobSpec]:
        """List the jobs of all workflows."""
        return [job for workflow in self.workflows.values() for job in workflow.jobs.values()]


def read_catalogue() -> Catalogue:
    """Return the workflows; the files are read again only when one of them changed."""
    settings: Settings = current_app.extensions["settings"]
    stamp = [(path, path.stat().st_mtime_ns) for path in workflow_files(settings)]
    kept = current_app.extensions.get("catalogue")
    if kept is None or kept[0] != stamp:
        kept = (stamp, _load(settings))
        current_app.extensions["catalogue"] = kept
    return kept[1]


def _load(settings: Settings) -> Catalogue:
    workflows: dict[str, Workflow] = {}
    problems: list[str] = []
    for path in workflow_files(settings):
        try:
            workflow = load_workflow(path)
            workflows[workflow.name] = workflow
        except ConfigError as exc:
            problems.extend(exc.problems)
    return Catalogue(workflows, problems)


def find_workflow(name: str) -> Workflow:
    """Find a workflow or end the request with 404."""
    catalogue = read_catalogue()
    workflow = catalogue.workflows.get(name)
    if workflow is None:
        known = ", ".join(catalogue.workflows) or "none"
        fail(404, f"There is no workflow {name!r}; there are: {known}.")
    return workflow


def stale_after(job: JobSpec) -> float:
    """Return after how many seconds the last success of a job is late; asked for once a process."""
    known: dict[str, float] = current_app.extensions.setdefault("stale_after", {})
    if job.name not in known:
        known[job.name] = lateness.stale_after(job)
    return known[job.name]
