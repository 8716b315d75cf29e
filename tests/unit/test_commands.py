"""The command line as a whole: what `--help` promises, and how fast it does."""

import os
import resource
import subprocess
import sys
from importlib import import_module

import click
import pytest

from shared.cli import COMMANDS, group, parks
from shared.config import ROOT


def commands() -> list[tuple[str, click.Command]]:
    """List every command and subcommand by its full name."""
    found: list[tuple[str, click.Command]] = []
    for name in COMMANDS:
        command = group.get_command(click.Context(group), name)
        assert command is not None
        found.append((name, command))
        if isinstance(command, click.Group):
            context = click.Context(command)
            for sub in command.list_commands(context):
                item = command.get_command(context, sub)
                assert item is not None
                found.append((f"{name} {sub}", item))
    return found


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_of_commands_says_what_their_own_help_says(name: str) -> None:
    command = group.get_command(click.Context(group), name)
    assert command is not None and command.name == name
    assert (command.help or "").splitlines()[0] == COMMANDS[name]


@pytest.mark.parametrize(
    ("name", "command"), commands(), ids=lambda value: value if isinstance(value, str) else ""
)
def test_every_command_has_an_example_that_parses(name: str, command: click.Command) -> None:
    assert command.help
    assert command.epilog and command.epilog.startswith("Example: ")
    example = command.epilog.removeprefix("Example: ")
    assert f"cronhouse {name}" in example


@pytest.mark.parametrize(
    ("name", "command"), commands(), ids=lambda value: value if isinstance(value, str) else ""
)
def test_every_option_is_explained(name: str, command: click.Command) -> None:
    silent = [
        option.name
        for option in command.params
        if isinstance(option, click.Option) and not option.help and not option.show_default
    ]
    assert silent == []


def test_every_file_of_the_folder_is_a_command() -> None:
    files = {path.stem for path in (ROOT / "shared" / "cli").glob("*.py")} - {
        "__init__",
        "__main__",
        "common",
    }
    files -= {module for module, _ in parks.SUBCOMMANDS.values()}  # one file a subject of that group
    assert files == set(COMMANDS)
    assert all(import_module(f"shared.cli.{name}").command for name in COMMANDS)


def test_help_imports_nothing_that_is_slow() -> None:
    code = (
        "import sys; from shared.cli import call; call(['--help']);"
        "heavy = {'psycopg2', 'yaml', 'cronsim', 'requests', 'boto3', 'redis', 'pyarrow', 'rich', 'flask'};"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )
    said = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert said.stderr.strip() == "[]"


def test_help_answers_at_once() -> None:
    """0.3 s are promised; processor time is what a busy machine does not stretch."""

    def once() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [sys.executable, "-m", "shared.cli", "--help"]
        subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime

    assert min(once() for _ in range(3)) < 0.3


def test_a_mistyped_command_is_a_usage_error() -> None:
    said = subprocess.run(
        [sys.executable, "-m", "shared.cli", "mising"], cwd=ROOT, capture_output=True, text=True
    )
    assert said.returncode == 2
    assert "mising" in said.stderr and "Traceback" not in said.stderr


def run_unread(*command: str) -> subprocess.CompletedProcess[str]:
    """Run Python with a stdout that nobody reads any more."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        return subprocess.run(
            [sys.executable, *command], cwd=ROOT, stdout=writer, stderr=subprocess.PIPE, text=True
        )
    finally:
        os.close(writer)


@pytest.mark.parametrize(
    "arguments", [["--help"], ["workflows"], ["run", "--help"], ["crontab", "ingestion"]]
)
def test_a_reader_that_is_gone_ends_a_command_without_a_word(arguments: list[str]) -> None:
    said = run_unread("-m", "shared.cli", *arguments)
    assert (said.returncode, said.stderr) == (141, "")


def test_what_is_worked_on_is_finished_though_nobody_reads_its_log() -> None:
    code = (
        "import logging, sys; from shared import logs; logs.configure();"
        "logging.info('a line'); logging.info('another'); sys.stderr.write('finished'); sys.exit(5)"
    )
    said = run_unread("-c", code)
    assert (said.returncode, said.stderr) == (5, "finished")


def test_a_log_line_that_cannot_be_made_is_still_told() -> None:
    code = "import logging; from shared import logs; logs.configure(); logging.info('%d lines', 'no number')"
    assert "not str" in run_unread("-c", code).stderr
