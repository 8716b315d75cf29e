"""A release of vPIC that is small enough to break in many ways: a few rows a table, written as pg_dump does."""

import re
import zipfile
from collections.abc import Callable
from pathlib import Path

from services.vehicle_etl.vehicles.releases import STATEMENTS

Table = tuple[list[str], list[list[str | None]]]  # columns, rows

_STATEMENT = re.compile(r"^CREATE TABLE (\w+) \((.*?)\);$", re.MULTILINE | re.DOTALL)


def columns_of_the_mirror() -> dict[str, list[tuple[str, str]]]:
    """Return (name, type) of the columns, by table, as our own DDL has them."""
    found = {}
    for name, body in _STATEMENT.findall(STATEMENTS["tables"]):
        body = re.sub(r"--.*", "", body)
        found[name] = [(part.split()[0].strip('"'), part.split()[1]) for part in body.split(",")]
    del found["release"]
    return found


class Mini:
    """The tables of a release; change them, then write the dump."""

    def __init__(self, release: str = "2026_08", wmis: int = 3) -> None:
        self.release = release
        self.tables: dict[str, Table] = {}
        for name, columns in columns_of_the_mirror().items():
            count = 0 if name in ("decodingoutput", "wmiyearvalidchars_cacheexceptions") else wmis
            rows = [[_value(name, column, kind, n) for column, kind in columns] for n in range(1, count + 1)]
            self.tables[name] = ([column for column, _ in columns], rows)

    def text(self, line_end: str = "\n") -> bytes:
        """Return the dump."""
        parts = [
            "--\n-- PostgreSQL database dump\n--\n",
            f"-- release vPICList_lite_{self.release}\n",
            "\\restrict abc\nSET statement_timeout = 0;\nCREATE SCHEMA vpic;\n",
            "CREATE TABLE vpic.never_executed (id integer);\nDROP SCHEMA vehicles CASCADE;\n",
        ]
        for name, (columns, rows) in self.tables.items():
            parts.append(f"\nCOPY vpic.{name} ({', '.join(map(_quoted, columns))}) FROM stdin;\n")
            parts += ["\t".join("\\N" if v is None else v for v in row) + "\n" for row in rows]
            parts.append("\\.\n\n")
        parts.append("--\n-- PostgreSQL database dump complete\n--\n\n\\unrestrict abc\n")
        return "".join(parts).replace("\n", line_end).encode()

    def write(self, folder: Path, change: Callable[[bytes], bytes] = lambda text: text) -> Path:
        """Write it as a zip file."""
        path = folder / f"mini_{self.release}.plain.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(f"mini_{self.release}.plain.sql", change(self.text()))
        return path


def _quoted(name: str) -> str:
    return name if name.islower() else f'"{name}"'


def _value(table: str, column: str, kind: str, n: int) -> str | None:
    """Return a value that leads somewhere: all keys are the number of the row."""
    special = {
        "wmi": f"AA{n}", "yearfrom": "2010", "yearto": "2020", "year": "2015", "modelyear": "2015", "keys": "AB|D*",
        "lookuptable": "Make", "decode": "yes", "isprivate": "f", "from_year": "1994", "to_year": None, "mode": "-1",
    }  # fmt: skip
    if column in special:
        return special[column]
    if kind == "integer" or kind == "smallint":
        return str(n)
    if kind == "boolean":
        return "t" if n % 2 else "f"
    if kind == "timestamp":
        return f"2026-08-{n:02d} 12:00:00"
    return f"{table} {column} {n}".replace("_", " ")
