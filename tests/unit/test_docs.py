"""The documentation tells the truth: what it names exists, and what exists is named."""

import ast
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from urllib.parse import unquote

import click
import pytest
import yaml

from services.data_quality.retail import checks
from services.ingestion.retail import params as retailers
from services.maintenance.house import params as house
from services.maintenance.house import trim
from shared import quality, retention
from shared.cli import COMMANDS, group
from shared.config import ROOT
from shared.jobs import workflows
from shared.jobs.registry import declared_in_code

README = (ROOT / "README.md").read_text(encoding="utf-8")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
# Names (without _FILE) that are not for .env: where .env itself is, what an image or a test sets.
NOT_IN_ENV_EXAMPLE = {
    "CRONHOUSE_ENV", "AWS_DEFAULT_REGION", "CRON_TZ", "RETAILERS_TODAY",
    "RETAILER_DATABASE_URL", "RETAILER_DATABASE_PASSWORD",
}  # fmt: skip


def pages() -> list[Path]:
    """List the Markdown files of the project, committed or about to be."""
    command = ("git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md")
    try:
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
        found = [ROOT / name for name in listed.splitlines()]
    except (OSError, subprocess.CalledProcessError):  # an archive without git
        found = [ROOT / "README.md", *ROOT.glob("docs/**/*.md"), *ROOT.glob("bench/*.md")]
    return sorted(path for path in found if path.exists())


PAGES = pytest.mark.parametrize("page", pages(), ids=lambda path: str(path.relative_to(ROOT)))


def prose(text: str) -> str:
    """Return a page without its code blocks."""
    return FENCE.sub("", text)


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub makes of a page's headings."""
    heads = re.findall(r"^#+ +(.+)$", prose(page.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in heads}


@PAGES
def test_every_link_of_a_page_leads_somewhere(page):
    text = re.sub(r"`[^`]*`", "", prose(page.read_text(encoding="utf-8")))
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"(https?|mailto):", target):
            continue
        name, _, anchor = unquote(target).partition("#")
        file = (page.parent / name).resolve() if name else page
        if not file.exists() or anchor and file.suffix == ".md" and anchor not in anchors(file):
            broken.append(target)
    assert not broken


@PAGES
def test_no_page_names_a_folder_of_somebodys_machine(page):
    assert not re.findall(
        r"(?:/home/\w+|/root\b|/Users/\w+|/work/\w+|/tmp/lab)", page.read_text(encoding="utf-8")
    )


@PAGES
def test_every_file_that_a_page_names_is_there(page):
    folders = "scripts|shared|services|bench|tests|database|docker|docs|workflows|requirements|demo"
    text = page.read_text(encoding="utf-8")
    named = re.findall(rf"(?:`|^|\s)((?:{folders})/[a-z0-9_./-]*[a-z0-9_])[`:, )]", text, re.MULTILINE)
    made_by_the_reader = ("json_feed", "weather")
    missing = {name for name in named if not (ROOT / name).exists()}
    assert not {name for name in missing if not any(word in name for word in made_by_the_reader)}


# --- commands ---------------------------------------------------------


def test_the_command_reference_is_current():
    # in a process of its own: a command that a test has called alone keeps the help option that it had there
    render = "from scripts import generate_cli_reference; print(generate_cli_reference.render(), end='')"
    made = subprocess.run(
        [sys.executable, "-c", render], cwd=ROOT, capture_output=True, text=True, check=True
    )
    page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    assert page == made.stdout, "docs/cli.md is old: make docs"


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_has_help_and_an_example_that_parses(name):
    context = click.Context(group, info_name="cronhouse")
    command = group.get_command(context, name)
    assert command.help
    example = re.fullmatch(rf"Example: (?:[A-Z_]+=\S+ )?(cronhouse {name}\b.*)", command.epilog or "")
    assert example and not problems_of(example[1])


@PAGES
def test_the_commands_on_a_page_exist_with_their_options(page):
    text = page.read_text(encoding="utf-8")
    assert not [problem for line in command_lines(text) for problem in problems_of(line)]


def command_lines(text: str) -> Iterator[str]:
    """Yield what a page shows as a call of cronhouse: in its code blocks, and in `backticks`."""
    for language, block in FENCE.findall(text):
        if language in ("bash", "sh", "console", ""):
            yield from re.findall(r"(?<!-d )\bcronhouse [a-z-][^\n|;&]*", block)
    yield from re.findall(
        r"`(?:\.venv/bin/|docker compose exec [a-z-]+ )?(cronhouse [a-z-][^`\n]*)`", prose(text)
    )


def problems_of(line: str) -> list[str]:
    """Name the words of a command line that the CLI does not know."""
    words = shlex.split(line.split(" #")[0].split(" > ")[0].split(" >")[0])[1:]
    command: click.Command = group
    context = click.Context(group, info_name="cronhouse")
    problems = []
    for word in words:
        if word.startswith("-"):
            known = {name for param in command.params for name in param.opts} | {"--help", "-h"}
            if word.partition("=")[0] not in known:
                problems.append(f"{line}: {command.name} has no {word}")
        elif isinstance(command, click.Group) and word not in ("COMMAND", "..."):
            found = command.get_command(context, word)
            if found is None:
                return [*problems, f"{line}: there is no command {word}"]
            command = found
    return problems


# --- README -----------------------------------------------------------


def test_readme_names_every_make_target():
    targets = re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    missing = [name for name in targets if f"make {name}" not in README and f"`{name}`" not in README]
    assert targets and not missing


def test_make_targets_on_the_pages_exist():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for page in pages():
        text = page.read_text(encoding="utf-8")
        named = set(
            re.findall(r"^make ([a-z-]+)", "\n".join(b for _, b in FENCE.findall(text)), re.MULTILINE)
        )
        named |= set(re.findall(r"`make ([a-z-]+)", prose(text)))
        assert named <= targets, page.name


@cache
def container_rows() -> dict[str, list[str]]:
    """Return the cells of README's table of containers, by container."""
    rows = re.findall(r"^\| (`[a-z`, -]+`) \|(.*)\|$", README, re.MULTILINE)
    return {name: cells.split("|") for names, cells in rows for name in re.findall(r"[a-z-]+", names)}


def test_readme_has_a_row_for_every_container():
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    assert set(compose["services"]) == set(container_rows())


def test_readme_has_every_job_with_its_schedule_and_order_in_the_row_of_its_container():
    seen = set()
    for path in (ROOT / "workflows").glob("*.yml"):
        for name, job in yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"].items():
            jobs = container_rows()[job["service"].replace("_", "-")][1]
            after = "".join(f" after `{upstream}`" for upstream in job.get("after", ()))
            expected = f"`{name}` `{job['schedule']}`{after}"
            assert expected in jobs, f"README.md: the row of {job['service']} lacks {expected}"
            seen.add(name)
    shown = {name for row in container_rows().values() for name in re.findall(r"`([a-z]+_[a-z_]+)`", row[1])}
    assert shown == seen


@PAGES
def test_a_page_names_only_tables_that_the_migrations_make(page):
    folder = ROOT / "database" / "migrations"
    migrations = "".join(path.read_text(encoding="utf-8") for path in folder.glob("*.sql"))
    kinds = r"(?:(?:UNLOGGED )?TABLE|(?:MATERIALIZED )?VIEW|FUNCTION)"
    made = set(re.findall(rf"CREATE {kinds} ((?:ops|retail|staging)\.\w+)", migrations))
    text = page.read_text(encoding="utf-8")
    named = set(re.findall(r"(?<![\w.])((?:ops|retail|staging)\.[a-z_]+[a-z])\b(?!\*)", text))
    assert not named - made - {"retail.yml"}


def test_every_job_is_described_in_code():
    for name, item in declared_in_code().items():
        assert item.function.__doc__, name


# --- settings ---------------------------------------------------------


def names_in_env_example() -> set[str]:
    """Return the names that .env.example explains, without _FILE."""
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    return {name.removesuffix("_FILE") for name in re.findall(r"^#?([A-Z][A-Z0-9_]+)=", text, re.MULTILINE)}


def names_in_code() -> set[str]:
    """Return the names that the code reads from the environment, retailer_1's for those made up of parts."""
    found = set()
    for folder in ("shared", "services", "demo"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                found |= set(_names_read(node))
    return {name.removesuffix("_FILE") for name in found}


def _names_read(node: ast.AST) -> Iterator[str]:
    arguments: list[ast.expr] = []
    if isinstance(node, ast.Call):
        called = ast.unparse(node.func)
        receiver, _, name = called.rpartition(".")
        if name in ("take", "read_secret", "read_secret_from") or (
            name == "get" and receiver.endswith(("env", "environ"))
        ):
            arguments = node.args
    elif isinstance(node, ast.Subscript) and ast.unparse(node.value).endswith("environ"):
        arguments = [node.slice]
    for argument in arguments:
        if isinstance(argument, ast.Constant) and re.fullmatch(r"[A-Z][A-Z0-9_]{4,}", str(argument.value)):
            yield str(argument.value)
        elif isinstance(argument, ast.JoinedStr) and ast.unparse(argument).startswith("f'{prefix}_"):
            yield ast.unparse(argument)[2:-1].replace("{prefix}", "RETAILER_1")


def first_retailer(name: str) -> str:
    """Return the name that the same setting of retailer_1 has."""
    return re.sub(r"^RETAILER_\d+_", "RETAILER_1_", name)


def names_in_compose() -> set[str]:
    """Return the names that docker-compose.yml takes from .env."""
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    return {name.removesuffix("_FILE") for name in re.findall(r"\$\{([A-Z0-9_]+)", text)}


def test_every_setting_that_is_read_stands_in_env_example():
    missing = (names_in_code() | names_in_compose()) - names_in_env_example() - NOT_IN_ENV_EXAMPLE
    assert not missing, f".env.example does not explain {', '.join(sorted(missing))}"


def test_every_name_in_env_example_is_read():
    read = (
        names_in_code() | names_in_compose() | {"COMPOSE_PROJECT_NAME", "COMPOSE_PROFILES"}
    )  # Compose itself
    unread = {first_retailer(name) for name in names_in_env_example()} - read
    assert not unread, f"nobody reads {', '.join(sorted(unread))} of .env.example"


def test_every_setting_that_a_page_names_is_one():
    known = names_in_env_example() | NOT_IN_ENV_EXAMPLE | {"NAME", "WEATHER_URL"}
    suffixes = ("_URL", "_URLS", "_FILE", "_DIR", "_PORT", "_WORKERS")
    for page in pages():
        named = re.findall(r"`([A-Z][A-Z0-9]*_[A-Z0-9_]+)[`=]", page.read_text(encoding="utf-8"))
        found = {first_retailer(name.removesuffix("_FILE")) for name in named if name.endswith(suffixes)}
        assert not found - known, page.name


# --- decisions --------------------------------------------------------


def test_the_index_of_decisions_lists_every_page():
    folder = ROOT / "docs" / "decisions"
    index = (folder / "README.md").read_text(encoding="utf-8")
    listed = re.findall(r"\]\(([a-z-]+\.md)\)", index)
    assert sorted(listed) == sorted(path.name for path in folder.glob("*.md") if path.name != "README.md")


# --- workflow files ---------------------------------------------------


def test_every_key_of_a_workflow_file_is_explained():
    page = (ROOT / "docs" / "workflow-files.md").read_text(encoding="utf-8")
    named = {
        *workflows.TOP_LEVEL,
        *workflows.JOB_KEYS,
        *retention.KINDS,
        *retailers.KEYS,
        *retailers.LARGEST_PAGE,
    }
    named |= {*quality.WEIGHTS, *checks.CATALOGUE, *house.SECTIONS, *trim.TRIMMED}
    named |= {key for check in checks.CATALOGUE.values() for key in (*check.limits, *check.options)}
    house_file = yaml.safe_load((ROOT / "workflows" / "house.yml").read_text(encoding="utf-8"))
    named |= {*house_file["watch"], *house_file["partitions"], "except"}
    assert not [key for key in named if f"`{key}`" not in page and f"`{key}: " not in page]


def test_the_explained_checks_are_those_of_the_code():
    page = (ROOT / "docs" / "workflow-files.md").read_text(encoding="utf-8")
    for name, check in checks.CATALOGUE.items():
        keys = ", ".join(f"`{key}`" for key in (*check.limits, *check.options))
        assert f"| `{name}` | {check.title}; {keys} |" in page
