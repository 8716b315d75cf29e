"""cronhouse alerts: incidents, and whether people can be reached."""

from contextlib import closing

import click

from shared.cli.common import json_option, print_rows, start
from shared.config import ROOT

_Q = ROOT / "shared" / "queries" / "alerts.sql"


@click.group("alerts", epilog="Example: cronhouse alerts list")
def command() -> None:
    """List incidents, and send a test message."""


@command.command("list", epilog="Example: cronhouse alerts list --all --json")
@click.option("--all", "closed", is_flag=True, help="Those that are over too.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
@json_option
def list_incidents(closed: bool, limit: int, as_json: bool) -> int:
    """List the open incidents, newest first, each with the command that shows more. Times are UTC."""
    from shared import db
    from shared.sql import read_queries

    with closing(db.connect(start(quiet=True), application_name="cronhouse:alerts")) as conn:
        rows = db.fetch_all(conn, read_queries(_Q)["list_incidents"], {"closed": closed, "limit": limit})
    if not rows and not as_json:
        click.echo("no incidents" if closed else "no open incidents")
        return 0
    columns = ("incident", "severity", "title", "opened_at", "times_seen", "notified_at", "look_closer")
    print_rows(rows, as_json, (*columns, "resolved_at") if closed else columns)
    return 0


@command.command("test", epilog="Example: cronhouse alerts test")
def test() -> int:
    """Send a test message to each of ALERT_URLS; exit 1 when one does not take it."""
    from shared import alerts
    from shared.errors import ConfigError

    settings = start()
    if not settings.alert_urls:
        raise ConfigError(
            "ALERT_URLS is not set, so nobody is told: set it to apprise URLs, e.g. mailto://user:pass@example.com"
        )
    taken = alerts.send_test(settings)
    for number, (url, good) in enumerate(zip(settings.alert_urls, taken, strict=True), 1):
        # the rest of the URL may hold a password
        click.echo(f"{'sent' if good else 'NOT sent'}: ALERT_URLS entry {number} ({url.partition(':')[0]})")
    return 0 if all(taken) else 1
