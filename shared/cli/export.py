"""cronhouse export."""

import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import BinaryIO

import click

from shared.cli.common import start


@click.command(
    "export", epilog="Example: cronhouse export retail.dim_store --format parquet --output stores.parquet"
)
@click.argument("table")
@click.option(
    "--format", "kind", type=click.Choice(("csv", "json", "parquet")), default="csv", show_default=True,
    help="json is one object a line.",
)  # fmt: skip
@click.option("--columns", metavar="A,B,...", default="", help="Only these columns, in this order.")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="A file; default: stdout.")
def command(table: str, kind: str, columns: str, output: Path | None) -> int:
    """Write a table or view to CSV, JSON lines or Parquet.

    It is streamed: a table of any size needs the same little memory. A file appears whole or not at all.
    """
    from shared import db, export
    from shared.relations import find_relation

    if kind == "parquet" and output is None:
        raise click.UsageError("Parquet needs a file: --output NAME.parquet")
    write = {"csv": export.write_csv, "json": export.write_json, "parquet": export.write_parquet}[kind]
    with closing(db.connect(start(quiet=True), application_name="cronhouse:export")) as conn:
        relation = find_relation(conn, table)
        names = export.choose_columns(relation, [name.strip() for name in columns.split(",") if name.strip()])
        with open_output(output) as out:
            rows = write(conn, relation, names, out)
    if output is not None:
        click.echo(f"wrote {rows:,} rows of {relation} to {output}", err=True)
    return 0


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
