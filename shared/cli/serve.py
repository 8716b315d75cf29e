"""cronhouse serve."""

import os

import click

from shared.cli.common import start


@click.command("serve", epilog="Example: API_PORT=8080 cronhouse serve")
def command() -> int:
    """Serve the API and the console.

    With the embedded stack, jobs run on their schedule meanwhile.
    """
    from shared.config import ROOT
    from shared.local.serving import GUNICORN, check_listening, serve_embedded

    settings = start()
    check_listening(settings)
    if not settings.embedded:
        os.chdir(ROOT)
        os.execv(GUNICORN[0], GUNICORN)  # noqa: S606 - gunicorn takes this process over, and with it its signals
    from shared.db import connect

    connect(settings).close()  # says how to start the stack when it is down
    click.echo(f"console and API: http://{settings.api_host}:{settings.api_port}/   (Ctrl-C stops)")
    return serve_embedded(settings)
