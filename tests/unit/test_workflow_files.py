"""Workflow files: every mistake is named, with file, line and field."""

import re
import subprocess
import sys
from datetime import UTC, date, datetime

import pytest

from shared.config import ROOT, load_settings
from shared.errors import ConfigError
from shared.jobs.registry import parse_duration
from shared.jobs.workflows import check_both_sides, load_workflow, load_workflows

GOOD = """workflow: probe
description: One line.
defaults: {retries: 2, retry_delay: 5m}
jobs:
  probe_b: {service: maintenance, schedule: "0 2 * * *", after: [probe_a]}
  probe_a: {service: maintenance, schedule: "0 2 * * *", timeout: 90s}
"""


def write(tmp_path, text):
    path = tmp_path / "probe.yml"
    path.write_text(text)
    return path


def problems(tmp_path, text):
    with pytest.raises(ConfigError) as caught:
        load_workflow(write(tmp_path, text))
    return list(caught.value.problems)


def test_jobs_come_in_an_order_in_which_they_can_run(tmp_path):
    workflow = load_workflow(write(tmp_path, GOOD))
    assert list(workflow.jobs) == ["probe_a", "probe_b"]
    assert workflow.jobs["probe_a"].retry_delay == 300
    assert workflow.jobs["probe_a"].timeout == 90


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("after: [probe_a]", "after: [probe_x]", "probe.yml:5: jobs.probe_b.after: there is no job 'probe_x'"),
        ('timeout: 90s', 'after: [probe_b]', "probe.yml:4: jobs: the jobs wait for each other in a circle"),
        ('"0 2 * * *", after', '"0 25 * * *", after', "probe.yml:5: jobs.probe_b.schedule: '0 25 * * *' is not a cron"),
        ('"0 2 * * *", after', '"@daily", after', "is not a cron expression"),
        ("timeout: 90s", "timeuot: 90s", "probe.yml:6: jobs.probe_a.timeuot: unknown key"),
        ("timeout: 90s", "timeout: soon", "probe.yml:6: jobs.probe_a.timeout: 'soon' is not a duration"),
        ("retries: 2", "retries: many", "'many' is not a whole number from 0 to 20"),
        ("{service: maintenance, schedule: \"0 2 * * *\", timeout",
         "{service: nowhere, schedule: \"0 2 * * *\", timeout",
         "probe.yml:6: jobs.probe_a.service: there is no service 'nowhere'"),
        ("defaults:", "surprise: 1\ndefaults:", "probe.yml:3: surprise: unknown key"),
        ("workflow: probe", "workflow: other", "probe.yml:1: workflow: 'other' must be the file's name"),
        ("description: One line.\n", "", "description is missing"),
        ("defaults: {", "defaults: {{", "not YAML"),
        ("description: One line.", "description: One line.\ndescription: Two.",
         "probe.yml:3: description stands twice"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_line(tmp_path, old, new, says):
    assert old in GOOD
    assert any(says in problem for problem in problems(tmp_path, GOOD.replace(old, new, 1)))


def test_all_mistakes_come_at_once(tmp_path):
    text = (
        GOOD.replace("probe_a]", "probe_x]")
        .replace("90s", "soon")
        .replace("defaults:", "surprise: 1\ndefaults:")
    )
    assert len(problems(tmp_path, text)) == 3


def test_a_daily_job_works_on_yesterday_and_others_on_today(tmp_path):
    text = GOOD + '  probe_c: {service: maintenance, schedule: "*/5 * * * *"}\n'
    jobs = load_workflow(write(tmp_path, text)).jobs
    now = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)
    assert jobs["probe_a"].default_date(now) == date(2026, 3, 28)
    assert jobs["probe_c"].default_date(now) == date(2026, 3, 29)


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("5m", 300), ("26h", 93600), ("3y", 94608000), (7, 7)]
)
def test_durations(text, seconds):
    assert parse_duration(text) == seconds


def test_every_job_stands_in_a_file_and_in_code():
    assert check_both_sides(load_settings({})) == []


def test_the_schedules_are_not_foolish():
    """Nothing daily within an hour of midnight UTC, when `yesterday` changes; nothing that needs local time."""
    for workflow in load_workflows(load_settings({})).values():
        for spec in workflow.jobs.values():
            if spec.is_daily:
                assert 1 <= int(spec.schedule.split()[1]) <= 22, spec


def test_every_sql_file_is_used():
    root = load_settings({}).root
    code = "\n".join(
        path.read_text()
        for folder in ("shared", "services", "demo", "bench")
        for path in (root / folder).rglob("*.py")
    )
    for path in (root / "services").rglob("sql/*.sql"):
        assert re.search(rf"[\"']{path.stem}(\.sql)?[\"']", code), f"{path.relative_to(root)} is used nowhere"


def test_comments_in_sql_name_parameters_without_their_marks():
    """The driver fills in a parameter wherever it stands, so that all of its value would be sent in the comment too."""
    root = load_settings({}).root
    files = [path for folder in ("services", "shared") for path in (root / folder).rglob("*.sql*")]
    assert files
    found = [
        f"{path.relative_to(root)}: {line.strip()}"
        for path in files
        if path.suffix in (".sql", ".tmpl")
        for line in path.read_text().splitlines()
        if re.search(r"(^|\s)--.*%\(", line)
    ]
    assert found == []


def test_an_alias_inside_of_itself_is_a_mistake(tmp_path):
    assert "an alias stands inside of what it names" in problems(tmp_path, "jobs: &jobs [*jobs]\n")[0]


BASE_ALONE = """
import re, sys
from importlib.metadata import packages_distributions
def plain(name): return re.sub("[-_.]+", "-", name).lower()
base = {plain(line.split("==")[0]) for line in open("requirements/base.txt") if "==" in line}
for module, names in packages_distributions().items():
    if module not in ("shared", "services") and not base & {plain(name) for name in names}:
        sys.modules[module] = None  # importing it is an ImportError
from shared.config import load_settings
from shared.jobs.workflows import load_workflows
print(*load_workflows(load_settings()))
"""


def test_every_image_can_check_all_files():
    """An image has what its own service needs beside base.txt; every service looks into all workflow files."""
    result = subprocess.run(
        [sys.executable, "-c", BASE_ALONE],
        cwd=ROOT,
        env={"PATH": ""},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert result.returncode == 0, result.stderr
    assert {"parks", "retail", "vehicles"} <= set(result.stdout.split())
