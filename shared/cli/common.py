"""What several commands share: settings, dates, tables and JSON."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import click

from shared.config import Settings, load_settings


def start(quiet: bool = False) -> Settings:
    """Load the settings and set logging up; `quiet` for commands whose output is data: no log line in it."""
    from shared import logs

    settings = load_settings()
    logs.configure(settings.log_format, "CRITICAL" if quiet else settings.log_level)
    if settings.embedded and (settings.local_dir / "stack.json").exists():
        from shared.local.stack import local_environ

        settings = replace(settings, environ=local_environ(settings))
    return settings


class Date(click.ParamType):  # type: ignore[type-arg]
    """A date such as 2026-03-31; `today` and `yesterday` are UTC."""

    name = "date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        from datetime import UTC, timedelta

        if isinstance(value, date):
            return value
        today = datetime.now(UTC).date()
        words = {"today": today, "yesterday": today - timedelta(days=1)}
        try:
            return words.get(value) or date.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is not a date such as 2026-03-31, today or yesterday", param, ctx)


class Duration(click.ParamType):  # type: ignore[type-arg]
    """A span of time such as 30m, 26h or 90d; it becomes seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        from shared.jobs.registry import parse_duration

        try:
            return parse_duration(value)
        except ValueError as exc:
            self.fail(str(exc), param, ctx)


def actor() -> str:
    """Name who gave the command, for the audit log: user@host."""
    import getpass
    import os
    import socket

    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # a container's user may have no name
        user = f"uid {os.getuid()}"
    return f"{user}@{socket.gethostname()}"


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")


def print_rows(
    rows: Sequence[Mapping[str, Any]], as_json: bool, columns: Sequence[str] | None = None
) -> None:
    """Print rows as a table for people, or as a JSON list."""
    if as_json:
        click.echo(json.dumps([dict(row) for row in rows], default=plain, ensure_ascii=False, indent=1))
        return
    names = list(columns or (rows[0] if rows else ()))
    print_table(
        [name.replace("_", " ") for name in names], [[show(row[name]) for name in names] for row in rows]
    )


def print_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table with aligned columns; numbers stand to the right."""
    body = [list(row) for row in rows]
    if not body:
        click.echo("nothing to show")
        return
    widths = [max(len(line[i]) for line in [list(head), *body]) for i in range(len(head))]
    right = [all(_is_number(line[i]) for line in body) for i in range(len(head))]
    for number, line in enumerate([list(head), *body]):
        cells = [
            cell.rjust(w) if r else cell.ljust(w) for cell, w, r in zip(line, widths, right, strict=True)
        ]
        text = "  ".join(cells).rstrip()
        click.echo(click.style(text, bold=True) if number == 0 else text)


def _is_number(text: str) -> bool:
    return text == "-" or text.replace(",", "").replace(".", "").removeprefix("-").isdecimal()


def show(value: Any) -> str:
    """Turn a value into a short text; times in UTC to the second, None as `-`."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, int | Decimal):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.2f}"
    if isinstance(value, dict | list):
        return json.dumps(value, default=plain, ensure_ascii=False)
    return str(value)


def plain(value: Any) -> Any:
    """Turn what JSON does not know into what it does: ISO 8601 dates, decimals as numbers."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return str(value)
