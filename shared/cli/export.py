"""cronhouse export."""

import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import BinaryIO

import click

from shared.cli.common import start

# of files that commands write
ENDINGS = {".csv": "csv", ".json": "json", ".jsonl": "json", ".parquet": "parquet"}


@click.command("export", epilog="Example: cronhouse export retail.dim_store --output stores.parquet")
@click.argument("table")
@click.option(
    "--format", "kind", type=click.Choice(("csv", "json", "parquet")),
    help="Default: as the output's name ends (.csv, .json, .jsonl, .parquet); csv where it has no ending. json is one "
    "object a line.",
)  # fmt: skip
@click.option("--columns", metavar="A,B,...", default="", help="Only these columns, in this order.")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="A file; default: stdout.")
def command(table: str, kind: str | None, columns: str, output: Path | None) -> int:
    """Write a table or view to CSV, JSON lines or Parquet.

    It is streamed: a table of any size needs the same little memory. A file appears whole or not at all.
    """
    from shared import db, export
    from shared.relations import find_relation

    writers = {"csv": export.write_csv, "json": export.write_json, "parquet": export.write_parquet}
    write = writers[choose_format(kind, output)]
    with closing(db.connect(start(quiet=True), application_name="cronhouse:export")) as conn:
        relation = find_relation(conn, table)
        names = export.choose_columns(relation, [name.strip() for name in columns.split(",") if name.strip()])
        with open_output(output) as out:
            rows = write(conn, relation, names, out)
    if output is not None:
        click.echo(f"wrote {rows:,} rows of {relation} to {output}", err=True)
    return 0


def choose_format(kind: str | None, output: Path | None, default: str = "csv") -> str:
    """Return the format that was named, else the one that the output's name ends in, else the default.

    Raises:
        UsageError: no format has that ending, or Parquet has no file to go to.
    """
    ending = "" if output is None else output.suffix.lower()
    if not kind and ending and ending not in ENDINGS:
        raise click.UsageError(
            f"{output}: no format ends in {ending}; known are {', '.join(ENDINGS)}: give another name, or --format"
        )
    kind = kind or ENDINGS.get(ending, default)
    if kind == "parquet" and output is None:
        raise click.UsageError("Parquet needs a file: --output NAME.parquet")
    return kind


@contextmanager
def open_output(output: Path | None) -> Iterator[BinaryIO]:
    """Open a file that appears whole or not at all; a device or a pipe stays what it is; stdout for none."""
    from shared.errors import FatalError

    if output is None:
        try:
            yield sys.stdout.buffer
            sys.stdout.buffer.flush()
        except BrokenPipeError:
            raise  # whoever read has had enough
        except OSError as exc:
            raise FatalError(f"cannot write to stdout: {exc.strerror}") from exc
        return
    # a file put in the place of /dev/null or of a pipe would take it away from everybody
    part = output if _is_special(output) else output.with_name(f".{output.name}.part")
    try:
        with open(part, "wb") as out:
            yield out
        if part is not output:
            part.replace(output)
    except OSError as exc:
        raise FatalError(f"cannot write {output}: {exc.strerror}") from exc
    finally:
        if part is not output:
            part.unlink(missing_ok=True)


def _is_special(path: Path) -> bool:
    return path.exists() and not path.is_file()
