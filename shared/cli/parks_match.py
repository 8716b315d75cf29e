"""cronhouse parks match, match-undo, review, successor: which ride of another system is which of ours."""

from contextlib import closing
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from shared.cli.common import json_option, print_rows, start

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("match", epilog="Example: cronhouse parks match internal_rides.csv --system legacy --dry-run")
@click.argument("file", type=_FILE)
@click.option("--system", required=True, help="The other system's name; ids are unique within it.")
@click.option("--id-column", default="internal_ride_id", show_default=True, help="Column of the ride's id.")
@click.option("--name-column", default="name", show_default=True, help="Column of the ride's name.")
@click.option(
    "--park-column", default="park_slug", show_default=True, help="Column of the park: UUID, slug or name."
)
@click.option("--uuid-column", help="Column of the entity's UUID, where the file has one.")
@click.option(
    "--manual",
    type=_FILE,
    help="CSV external_id,entity_id[,queue_type] that wins over all; no entity_id: none.",
)
@click.option("--dry-run", is_flag=True, help="Report what would be matched and write nothing.")
@json_option
def match(
    file: Path, system: str, id_column: str, name_column: str, park_column: str, uuid_column: str | None,
    manual: Path | None, dry_run: bool, as_json: bool,
) -> int:  # fmt: skip
    """Match the rides in FILE, a CSV of another system, to ours, and print what was found.

    By UUID, then by the exact name within the park, then by a name that is nearly equal. What is uncertain goes to
    the review queue. Former names of a ride count too. What people decided before stays.
    """
    from shared import db
    from shared.cli.common import actor

    settings, store = start(quiet=True), _store()
    rides = store.read_rides(file, store.Columns(id_column, name_column, park_column, uuid_column))
    by_hand = store.read_manual(manual) if manual else []
    with closing(db.connect(settings, application_name="cronhouse:parks")) as conn:
        report = store.match_rides(
            conn, system, rides, by_hand, source=file.name, actor=actor(), dry_run=dry_run
        )
    rows = [
        {
            "external_id": v.external.external_id, "name": v.external.name, "method": v.method or "review",
            "ride_id": v.ride_id, "queue": v.queue_type, "score": v.score, "reason": v.reason or None,
            "likeliest": ", ".join(f"{c.ride_id} {c.name} ({c.score:.0f})" for c in v.candidates) or None,
        }
        for v in report.verdicts
    ]  # fmt: skip
    print_rows(rows, as_json)
    said = ", ".join(f"{count} {name}" for name, count in sorted(report.counts().items()) if count)
    end = (
        "nothing was written"
        if dry_run
        else f"take it back with: cronhouse parks match-undo {report.batch_id}"
    )
    click.echo(f"{said or 'no rides'}; {end}", err=True)
    return 0


@click.command("match-undo", epilog="Example: cronhouse parks match-undo 3")
@click.argument("batch", type=click.IntRange(1))
def match_undo(batch: int) -> int:
    """Take back all mappings and reviews of matching BATCH; what it replaced comes back."""
    from shared import db
    from shared.cli.common import actor

    with closing(db.connect(start(quiet=True), application_name="cronhouse:parks")) as conn:
        gone, back = _store().undo_batch(conn, batch, actor())
    click.echo(f"matching {batch} is undone: {gone} mappings taken out, {back} earlier ones brought back")
    return 0


@click.group("review", epilog="Example: cronhouse parks review list")
def review() -> None:
    """List, accept or reject matches that were uncertain."""


@review.command("list", epilog="Example: cronhouse parks review list --state rejected")
@click.option("--system", help="Of this system only.")
@click.option(
    "--state", type=click.Choice(("open", "accepted", "rejected", "all")), default="open", show_default=True,
    help="How they stand.",
)  # fmt: skip
@json_option
def review_list(system: str | None, state: str, as_json: bool) -> int:
    """List rides that could not be matched for certain, with the likeliest of ours."""
    from shared import db

    with closing(db.connect(start(quiet=True), application_name="cronhouse:parks")) as conn:
        rows = _store().list_reviews(conn, system, None if state == "all" else state)
    if not as_json:
        rows = [{**row, "candidates": _likeliest(row["candidates"])} for row in rows]
    columns = ("review_id", "system", "external_id", "name", "park", "reason", "candidates", "state")
    print_rows(rows, as_json, None if as_json else columns)
    return 0


@review.command(
    "accept", epilog="Example: cronhouse parks review accept 12 e516f303-e82d-4fd3-8fbf-8e6ab624cf89"
)
@click.argument("review_id", type=click.IntRange(1))
@click.argument("ride")
def review_accept(review_id: int, ride: str) -> int:
    """Say that review REVIEW_ID is RIDE, given by its ride_id or UUID."""
    return _settle(review_id, ride)


@review.command("reject", epilog="Example: cronhouse parks review reject 12")
@click.argument("review_id", type=click.IntRange(1))
def review_reject(review_id: int) -> int:
    """Say that review REVIEW_ID is none of our rides; later matchings leave it so."""
    return _settle(review_id, None)


@click.command("successor", epilog="Example: cronhouse parks successor 41 57")
@click.argument("old")
@click.argument("new")
def successor(old: str, new: str) -> int:
    """Say that ride NEW stands where ride OLD stood. Both are given by ride_id or UUID and stay two rides."""
    from shared import db
    from shared.cli.common import actor

    with closing(db.connect(start(quiet=True), application_name="cronhouse:parks")) as conn:
        before, after = _store().link_successor(conn, old, new, actor())
    click.echo(f"{after} is the successor of {before}")
    return 0


def _settle(review_id: int, ride: str | None) -> int:
    from shared import db
    from shared.cli.common import actor

    with closing(db.connect(start(quiet=True), application_name="cronhouse:parks")) as conn:
        about = _store().settle_review(conn, review_id, ride, actor())
    click.echo(f"{about} is {'none of our rides' if ride is None else f'ride {ride}'}")
    return 0


def _likeliest(candidates: list[dict[str, Any]]) -> str:
    return ", ".join(f"{item['ride_id']} {item['name']} ({item['score']:.0f})" for item in candidates) or "-"


def _store() -> Any:
    """Return the module of the service that knows the rides; it is imported when a command needs it."""
    return import_module("services.ingestion.parks.identity_store")
