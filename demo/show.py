"""`make demo`: start the embedded stack, run the workflows on sample data, show what came of it, serve it."""

import fcntl
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import click

from demo import parks, retail, vehicles
from shared import db, logs
from shared.config import Settings
from shared.errors import FatalError
from shared.local.stack import Stack, local_environ
from shared.migrations import migrate


def show(settings: Settings, once: bool) -> int:
    """Run the demonstration; serve the API and the console afterwards unless `once`.

    What it started it stops again, and what is loaded stays: the next call goes on from there.
    """
    if not settings.embedded:
        click.echo(
            "the demonstration uses the embedded stack: unset DATABASE_URL (environment or .env)", err=True
        )
        return 2
    logs.configure(
        settings.log_format, "ERROR"
    )  # its own lines tell the story; `cronhouse logs RUN` the rest
    stack = Stack(settings)
    was_up = stack.postgres.is_running()
    with alone(stack):
        try:
            return _tell(settings, stack, once)
        except KeyboardInterrupt:
            click.echo("\nstopped; run it again and it goes on from here")
            return 130
        finally:
            if not was_up:
                stack.down()


@contextmanager
def alone(stack: Stack) -> Iterator[None]:
    """Keep a second demonstration of the same folder out: it would stop the stack below the first.

    Raises:
        FatalError: one is under way.
    """
    stack.folder.mkdir(parents=True, exist_ok=True)
    with open(stack.folder / "demo.lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            raise FatalError(f"a demonstration is under way in {stack.folder}: stop it first") from exc
        yield


def _tell(settings: Settings, stack: Stack, once: bool) -> int:
    started = time.monotonic()
    with step(
        "embedded PostgreSQL, object folder, three simulated retailers and a stand-in of the parks' API"
    ):
        stack.up()
    settings = replace(settings, environ=local_environ(settings))
    with step("database schema"):
        migrate(settings)
    with vehicles.loading(settings) as load, parks.making(settings) as history:
        codes = retail.run(settings), load.finish(), history.finish()
    conn = db.connect(settings, application_name="cronhouse:demo")
    try:
        retail.summarise(conn, settings)
        if codes[1] == 0:
            vehicles.summarise(conn)
        if codes[2] == 0:
            parks.summarise(conn)
    finally:
        conn.close()
    click.echo(f"\nall of it took {time.monotonic() - started:.1f} s")
    return max(codes) if once or any(codes) else _serve(settings)


@contextmanager
def step(what: str) -> Iterator[None]:
    """Print what is being done, and how long it took."""
    start = time.monotonic()
    terminal = sys.stdout.isatty()
    click.echo(f"  … {what}", nl=not terminal) if terminal else None
    yield
    click.echo(f"{chr(13) if terminal else ''}  ✓ {what} ({time.monotonic() - start:.1f} s)")


def _serve(settings: Settings) -> int:
    from shared import apikeys
    from shared.local.serving import free_port, serve_embedded

    port = free_port(settings.api_port)
    conn = db.connect(settings, application_name="cronhouse:demo")
    try:
        with db.transaction(conn):
            name = f"demo-{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{os.getpid()}"
            key = apikeys.create_key(conn, name, "operator", datetime.now(UTC) + timedelta(days=1))
    finally:
        conn.close()
    base = f"http://127.0.0.1:{port}"
    click.echo(
        f"""
  console   {base}/          vehicles  {base}/vehicles          parks  {base}/parks
  API docs  {base}/docs
  a key     {key}   (operator, for one day)

  try:  curl '{base}/api/retail/daily-sales?limit=3'
        curl {base}/api/vehicles/vin/{vehicles.VINS[0]}
        curl {base}/api/parks
        curl -X POST -H 'Authorization: Bearer {key}' -H 'Content-Type: application/json' \\
             -d '{{}}' {base}/api/workflows/retail/run
        .venv/bin/cronhouse status          (in a second terminal)

  Ctrl-C stops everything; `make clean` removes every trace."""
    )
    return serve_embedded(replace(settings, api_port=port))
