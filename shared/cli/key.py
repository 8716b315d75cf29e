"""cronhouse key: keys for the API."""

from contextlib import closing
from datetime import UTC, datetime, timedelta

import click

from shared.cli.common import Duration, actor, json_option, print_rows, start


@click.group("key", epilog="Example: cronhouse key create dashboard --role reader --expires 90d")
def command() -> None:
    """Create, list and revoke API keys."""


@command.command("create", epilog="Example: cronhouse key create dashboard --role reader --expires 90d")
@click.argument("name")
@click.option(
    "--role",
    type=click.Choice(("reader", "operator", "admin")),
    required=True,
    help="reader: reads; operator: starts runs too; admin: everything.",
)
@click.option("--expires", type=Duration(), help="How long it is good for, e.g. 90d; default: until revoked.")
def create(name: str, role: str, expires: float | None) -> int:
    """Make a key and print it: only its hash is kept, so this is the one time it can be seen."""
    from shared import apikeys, db

    until = datetime.now(UTC) + timedelta(seconds=expires) if expires is not None else None
    settings = start(quiet=True)
    with closing(db.connect(settings, application_name="cronhouse:key")) as conn, db.transaction(conn):
        key = apikeys.create_key(conn, name, role, until)
        detail = {"role": role, "expires_at": until.isoformat() if until else None}
        apikeys.write_audit(conn, actor(), "key.create", name, detail)
    click.echo(key)
    expiry = f"until {until:%Y-%m-%d %H:%M} UTC" if until else "until it is revoked"
    click.echo(f"role {role}, good {expiry}; keep it safe, it cannot be shown again", err=True)
    return 0


@command.command("list", epilog="Example: cronhouse key list --json")
@json_option
def list_keys(as_json: bool) -> int:
    """List the keys, without what would let anybody use them. Times are UTC."""
    from shared import apikeys, db

    with closing(db.connect(start(quiet=True), application_name="cronhouse:key")) as conn:
        print_rows(apikeys.list_keys(conn), as_json)
    return 0


@command.command("revoke", epilog="Example: cronhouse key revoke dashboard")
@click.argument("name")
def revoke(name: str) -> int:
    """Refuse a key from now on."""
    from shared import apikeys, db
    from shared.errors import FatalError

    settings = start(quiet=True)
    with closing(db.connect(settings, application_name="cronhouse:key")) as conn, db.transaction(conn):
        if not apikeys.revoke_key(conn, name):
            raise FatalError(f"no key named {name!r} is in force; `cronhouse key list` shows all")
        apikeys.write_audit(conn, actor(), "key.revoke", name, {})
    click.echo(f"revoked {name}")
    return 0
