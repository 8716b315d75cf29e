#!/usr/bin/env python3
"""Write docs/cli.md from the help texts of the commands."""

import sys
from collections.abc import Iterator
from pathlib import Path

import click

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from shared.cli import COMMANDS, group  # noqa: E402

PAGE = ROOT / "docs" / "cli.md"
WIDTH = 100
INTRODUCTION = """\
# Commands

<!-- Made by `make docs` (scripts/generate_cli_reference.py) from the commands' own help texts. -->

`cronhouse COMMAND --help` says the same. In a checkout the command is `.venv/bin/cronhouse`; in the Compose
stack it is `docker compose exec ingestion cronhouse ...`. A date is a logical date: the business day that a
run works on.

Exit codes: 0 good, 1 failed, 2 usage or configuration, 75 upstream failed or never came, 141 whoever read the output
had enough of it (`| head`); `check` has its own.

| command | |
|---|---|
"""


def main() -> int:
    """Write the page."""
    PAGE.write_text(render(), encoding="utf-8")
    print(f"wrote {PAGE.relative_to(ROOT)}")
    return 0


def render() -> str:
    """Return the page: a table of the commands, then the help of each with its subcommands."""
    table = "".join(f"| [`{name}`](#cronhouse-{name}) | {line} |\n" for name, line in COMMANDS.items())
    return INTRODUCTION + table + "".join(_section(path, text) for path, text in help_texts())


def help_texts() -> Iterator[tuple[str, str]]:
    """Yield each command's full name and help text, subcommands after their group."""
    top = click.Context(group, info_name="cronhouse", **group.context_settings)
    for name in COMMANDS:
        command = group.get_command(top, name)
        assert command is not None
        yield from _texts(command, name, top)


def _texts(command: click.Command, name: str, parent: click.Context) -> Iterator[tuple[str, str]]:
    context = click.Context(
        command, info_name=name, parent=parent, terminal_width=WIDTH, max_content_width=WIDTH
    )
    yield context.command_path, command.get_help(context)
    if isinstance(command, click.Group):
        for child in command.list_commands(context):
            found = command.get_command(context, child)
            assert found is not None
            yield from _texts(found, child, context)


def _section(path: str, text: str) -> str:
    level = "##" if path.count(" ") == 1 else "###"
    body = "\n".join(line.rstrip() for line in text.splitlines())
    return f"\n{level} {path}\n\n```text\n{body}\n```\n"


if __name__ == "__main__":
    sys.exit(main())
