"""The command line. A command is one file in this folder, imported when called: cron pays every start."""

import gc
import sys
from importlib import import_module
from typing import Any

import click

# name -> the line that `cronhouse --help` shows; the module has the same name and an attribute `command`
COMMANDS = {
    "run": "Run a job or a whole workflow for a logical date or a range of dates.",
    "status": "Show each job: its last run, its last success and whether it is late.",
    "history": "List past runs.",
    "logs": "Show a run with its log lines.",
    "workflows": "List the workflows and their jobs.",
    "validate": "Check settings, workflow files and that every job has its code.",
    "crontab": "Print the crontab of a service.",
    "missing": "List the logical dates that never succeeded or never arrived.",
    "backfill": "Run the logical dates that are missing, and only those.",
    "deadletter": "List, show, replay or discard records that could not be used.",
    "reconcile": "Show what became of every line, by source and business day.",
    "trace": "Tell where one record went.",
    "export": "Write a table or view to CSV, JSON lines or Parquet.",
    "check": "Tell in one line whether a job, a service or the whole house is well.",
    "profile": "Profile the columns of a table.",
    "init": "Make a new workflow that runs at once.",
    "parks": "Import and look after the history of theme parks.",
    "vehicles": "Load, check and roll back releases of vPIC, the vehicle catalogue.",
    "migrate": "Bring the database's schema up to date.",
    "serve": "Serve the API and the console.",
    "local": "Start, stop or reset the embedded stack.",
    "demo": "Run the whole house on sample data with the embedded stack.",
    "doctor": "Check everything a job needs: database, store, cache, sources.",
    "key": "Create, list and revoke API keys.",
    "alerts": "List incidents, and send a test message.",
}

READER_GONE = 128 + 13  # as a shell says of any program that SIGPIPE ended: no success, and no failure


class LazyGroup(click.Group):
    """A group that imports a command when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"shared.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option("0.1.0", prog_name="cronhouse")
def group() -> None:
    """A data warehouse that runs on cron.

    \b
    Examples:
      cronhouse demo                       see it all on sample data
      cronhouse run retail                 run a workflow for yesterday
      cronhouse status                     how is it going?
    """


def main(argv: list[str] | None = None) -> None:
    """Run the command line and exit: 0 good, 1 failed, 2 usage or configuration, 75 upstream never came, 141 whoever
    read the output went away.
    """
    code = call(argv)
    gc.freeze()  # all goes with the process: without this, its end looks for cycles in everything once more
    sys.exit(code)


def call(argv: list[str] | None = None) -> int:
    """Run the command line and return its exit code; what we know of is a message, never a traceback."""
    from shared.errors import ConfigError, CronhouseError

    stdout = sys.stdout
    try:
        outcome: Any = group.main(args=argv, prog_name="cronhouse", standalone_mode=False)
        return outcome if isinstance(outcome, int) else 0
    except click.exceptions.Exit as exc:
        return exc.exit_code
    except click.ClickException as exc:
        exc.show()
        return exc.exit_code
    except click.Abort:
        click.echo("stopped", err=True)
        return 130
    except ConfigError as exc:
        for problem in exc.problems:
            click.echo(f"configuration: {problem}", err=True)
        return 2
    except CronhouseError as exc:
        click.echo(f"error: {exc}", err=True)
        return 1
    except SystemExit:
        if sys.stdout is stdout:
            raise
        return READER_GONE  # click exits with 1 when a pipe breaks, after it has put something quiet in stdout's place
