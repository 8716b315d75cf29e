"""cronhouse parks hours: published opening hours from a CSV file, for years that the API does not have."""

from contextlib import closing
from importlib import import_module
from pathlib import Path

import click

from shared.cli.common import start


@click.command("hours", epilog="Example: cronhouse parks hours park_hours.csv")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--park", "parks", multiple=True, metavar="SLUG=UUID",
    help="Which park a slug of the file is, where its own slug is not known; may be given again.",
)  # fmt: skip
def hours(file: Path, parks: tuple[str, ...]) -> int:
    """Load opening hours from FILE, a CSV with the columns park_slug, date, open_local and close_local.

    emh_open_local and emh_close_local may say when some guests may come earlier or stay longer. Times are local,
    with or without an offset. What the file says of a day replaces what was known of it; loading it again changes
    nothing. Statistics of days whose hours changed are made anew by parks_stats.
    """
    from shared import db

    given = {}
    for text in parks:
        slug, _, park_id = text.partition("=")
        if not slug or not park_id:
            raise click.UsageError(f"--park {text}: expected SLUG=UUID")
        given[slug] = park_id
    load = import_module("services.ingestion.parks.hours").load_csv
    with closing(db.connect(start(), application_name="cronhouse:parks")) as conn:
        lines, changed = load(conn, file, given)
    click.echo(f"{lines:,} lines read; the hours of {changed:,} park-days changed")
    return 0
