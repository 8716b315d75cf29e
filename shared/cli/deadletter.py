"""cronhouse deadletter: records that could not be used."""

import json
from collections.abc import Callable
from contextlib import closing
from importlib import import_module
from itertools import groupby
from typing import TYPE_CHECKING, Any

import click

from shared.cli.common import actor, json_option, plain, print_rows, show, start
from shared.config import ROOT, Settings

if TYPE_CHECKING:
    from shared.db import Connection

_Q = ROOT / "shared" / "queries" / "deadletters.sql"
BATCH = 200  # letters whose payloads are in memory at once
STATES = ("open", "replayed", "discarded", "all")


def filters(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that choose letters."""
    for option in (
        click.option(
            "--reason-like", "reason_like", metavar="TEXT", help="Only those whose reason holds this text."
        ),
        click.option("--source", help="Only those of a source."),
        click.option("--pipeline", "--workflow", "pipeline", help="Only those of a workflow."),
    ):
        command = option(command)
    return command


@click.group("deadletter", epilog="Example: cronhouse deadletter list --source retailer_1")
def command() -> None:
    """List, show, replay or discard records that could not be used."""


@command.command(
    "list", epilog='Example: cronhouse deadletter list --reason-like "does not add up" --state all'
)
@filters
@click.option("--state", type=click.Choice(STATES), default="open", show_default=True)
@click.option("--limit", type=click.IntRange(1, 100_000), default=50, show_default=True)
@json_option
def list_letters(
    pipeline: str | None, source: str | None, reason_like: str | None, state: str, limit: int, as_json: bool
) -> int:
    """List dead letters, newest first. Times are UTC."""
    values = {
        "pipeline": pipeline, "source": source, "reason": reason_like, "limit": limit,
        "state": None if state == "all" else state,
    }  # fmt: skip
    with closing(_connect(start(quiet=True))) as conn:
        rows = _fetch(conn, "list_letters", values)
    if not rows and not as_json:
        click.echo("no dead letters" if state == "all" else f"no {state} dead letters")
        return 0
    print_rows(rows, as_json)
    return 0


@command.command("show", epilog="Example: cronhouse deadletter show 17")
@click.argument("letter_id", type=click.IntRange(1), metavar="ID")
@json_option
def show_letter(letter_id: int, as_json: bool) -> int:
    """Show a letter: what it is, why it could not be used, where it stood at the source, its payload."""
    from shared.errors import FatalError

    with closing(_connect(start(quiet=True))) as conn:
        rows = _fetch(conn, "one_letter", {"id": letter_id})
    if not rows:
        raise FatalError(
            f"there is no dead letter {letter_id}; `cronhouse deadletter list --state all` lists them"
        )
    (letter,) = rows
    if as_json:
        click.echo(json.dumps(letter, default=plain, ensure_ascii=False, indent=1))
        return 0
    payload = letter.pop("payload")
    for name, value in letter.items():
        click.echo(f"{name.replace('_', ' '):>14}  {show(value) if name != 'dead_letter_id' else value}")
    cut = len(payload.encode()) < letter["payload_bytes"]
    click.echo(f"\n{payload}" + ("\n(cut here: the whole of it is where `position` says)" if cut else ""))
    return 0


@command.command("replay", epilog="Example: cronhouse deadletter replay --all --source retailer_1")
@click.argument("ids", type=click.IntRange(1), nargs=-1, metavar="[ID]...")
@click.option("--all", "every", is_flag=True, help="All open letters that the options choose.")
@filters
def replay(
    ids: tuple[int, ...], every: bool, pipeline: str | None, source: str | None, reason_like: str | None
) -> int:
    """Try open letters again, with the code of the first try.

    What can be read now waits for the workflow's next load; what fails again stays open with its new reason.
    Exits 1 when a letter stays open.
    """
    settings = start()
    replayed = failed = 0
    with closing(_connect(settings)) as conn:
        chosen = _choose(conn, ids, every, pipeline, source, reason_like)
        for name, group in groupby(chosen, key=lambda row: row["pipeline"]):
            module = _replayer(name)
            numbers = [row["dead_letter_id"] for row in group]
            for first in range(0, len(numbers), BATCH):
                letters = _fetch(conn, "letters", {"ids": numbers[first : first + BATCH]})
                conn.rollback()
                results = module.replay(settings, letters, actor())
                _audit_replay(conn, name, results)
                for result in results:
                    click.echo(f"{result.dead_letter_id}: {result.message}", err=not result.is_done)
                replayed += sum(result.is_done for result in results)
                failed += sum(not result.is_done for result in results)
    click.echo(f"{replayed} replayed, {failed} not" if chosen else "no open letter matches")
    return 1 if failed or (ids and len(chosen) < len(set(ids))) else 0


@command.command(
    "discard", epilog='Example: cronhouse deadletter discard 17 18 --reason "test orders of the shop"'
)
@click.argument("ids", type=click.IntRange(1), nargs=-1, metavar="[ID]...")
@click.option("--all", "every", is_flag=True, help="All open letters that the options choose.")
@click.option("--reason", required=True, help="Why they are not needed; kept with them and in the audit log.")
@filters
def discard(
    ids: tuple[int, ...], every: bool, reason: str, pipeline: str | None, source: str | None,
    reason_like: str | None,
) -> int:  # fmt: skip
    """Give open letters up; they stay counted as rejected."""
    from shared import apikeys, db
    from shared.sql import read_queries

    with closing(_connect(start())) as conn, db.transaction(conn):
        chosen = _choose(conn, ids, every, pipeline, source, reason_like)
        values = {"ids": [row["dead_letter_id"] for row in chosen], "settled_by": f"{actor()}: {reason}"}
        done = [row["dead_letter_id"] for row in db.fetch_all(conn, read_queries(_Q)["discard"], values)]
        if done:
            target = ", ".join(dict.fromkeys(row["pipeline"] for row in chosen))
            apikeys.write_audit(
                conn, actor(), "deadletter.discard", target, {"reason": reason, "letters": done}
            )
    click.echo(f"{len(done)} discarded" if done else "no open letter matches")
    return 1 if ids and len(done) < len(set(ids)) else 0


def _connect(settings: Settings) -> "Connection":
    from shared import db

    return db.connect(settings, application_name="cronhouse:deadletter")


def _fetch(conn: "Connection", name: str, values: dict[str, Any]) -> list[dict[str, Any]]:
    from shared import db
    from shared.sql import read_queries

    return db.fetch_all(conn, read_queries(_Q)[name], values)


def _choose(
    conn: "Connection", ids: tuple[int, ...], every: bool, pipeline: str | None, source: str | None,
    reason_like: str | None,
) -> list[dict[str, Any]]:  # fmt: skip
    """Return id and pipeline of the open letters that were named, and say which of the named are not open."""
    if bool(ids) == every:
        raise click.UsageError("name letters by their ids, or give --all")
    if ids and (pipeline or source or reason_like):
        raise click.UsageError("--pipeline, --source and --reason-like go with --all")
    values = {"ids": list(ids) or None, "pipeline": pipeline, "source": source, "reason": reason_like}
    chosen = _fetch(conn, "open_ids", values)
    for number in sorted(set(ids) - {row["dead_letter_id"] for row in chosen}):
        click.echo(f"{number}: there is no open letter with this id", err=True)
    return chosen


def _replayer(pipeline: str) -> Any:
    from shared.errors import ConfigError

    name = f"services.ingestion.{pipeline}.replay"
    try:
        return import_module(name)
    except ModuleNotFoundError as exc:
        if exc.name and name.startswith(exc.name):
            raise ConfigError(f"workflow {pipeline} cannot replay letters: there is no {name}") from exc
        raise ConfigError(
            f"{name} needs the package {exc.name}: run it in the container `ingestion`"
        ) from exc


def _audit_replay(conn: "Connection", pipeline: str, results: list[Any]) -> None:
    from shared import apikeys, db

    detail = {
        "replayed": [result.dead_letter_id for result in results if result.is_done],
        "failed": [result.dead_letter_id for result in results if not result.is_done],
    }
    with db.transaction(conn):
        apikeys.write_audit(conn, actor(), "deadletter.replay", pipeline, detail)
