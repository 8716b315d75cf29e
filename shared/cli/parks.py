"""cronhouse parks: the history of theme parks. Each subject is a file parks_<subject>.py beside this one."""

from importlib import import_module

import click

# subcommand -> (module in this folder, attribute)
SUBCOMMANDS = {
    "import": ("parks_import", "start_import"),
    "imports": ("parks_import", "list_imports"),
    "pause": ("parks_import", "pause"),
    "resume": ("parks_import", "resume"),
    "cancel": ("parks_import", "cancel"),
    "match": ("parks_match", "match"),
    "match-undo": ("parks_match", "match_undo"),
    "review": ("parks_match", "review"),
    "successor": ("parks_match", "successor"),
    "hours": ("parks_hours", "hours"),
}


class _Subjects(click.Group):
    """Imports a subject's file when one of its commands is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(SUBCOMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in SUBCOMMANDS:
            return None
        module, attribute = SUBCOMMANDS[cmd_name]
        command: click.Command = getattr(import_module(f"shared.cli.{module}"), attribute)
        return command


@click.group("parks", cls=_Subjects, epilog="Example: cronhouse parks import --all")
def command() -> None:
    """Import and look after the history of theme parks."""
