"""A new workflow from the templates in shared/templates/init: files of every concern, that run at once."""

import re
from dataclasses import dataclass
from pathlib import Path
from string import Template

from shared.errors import ConfigError, FatalError

TEMPLATES = Path(__file__).parent / "templates" / "init"
NAME = re.compile(r"[a-z][a-z0-9_]{1,19}")
TAKEN = {"ops", "staging", "public", "information_schema", "sources", "house"}
# What PostgreSQL and Python would need quotes for, or not take at all as a schema or module.
_WORDS = """
    all analyse analyze and any array as asc asymmetric authorization binary both case cast check collate
    collation column concurrently constraint create cross current_catalog current_date current_role
    current_schema current_time current_timestamp current_user default deferrable desc distinct do else end
    except false fetch for foreign freeze from full grant group having ilike in initially inner intersect into
    is isnull join lateral leading left like limit localtime localtimestamp natural not notnull null offset on
    only or order outer overlaps placing primary references returning right select session_user similar some
    symmetric system_user table tablesample then to trailing true union unique user using variadic verbose
    when where window with
    assert async await break class continue def del elif finally global if import lambda nonlocal pass raise
    return try while yield
"""
RESERVED = set(_WORDS.split())


@dataclass(frozen=True)
class Draft:
    """A file to be made, by its path in the checkout."""

    path: Path
    text: str


def check_name(name: str) -> None:
    """Refuse what cannot be a workflow, a Python package and a schema at once.

    Raises:
        ConfigError: says why.
    """
    if not NAME.fullmatch(name):
        raise ConfigError(f"{name!r}: a name has 2 to 20 lower-case letters, digits and _, a letter first")
    if name in RESERVED or name in TAKEN or name.startswith("pg_"):
        raise ConfigError(
            f"{name!r} means something already, to PostgreSQL, Python or the house: take another name"
        )


def draft_workflow(name: str, root: Path) -> list[Draft]:
    """Return the files of a new workflow, in the order of their paths; nothing is written.

    Raises:
        ConfigError: the name cannot be used.
        FatalError: something of that name is there.
    """
    check_name(name)
    number, previous = _next_migration(root)
    values = {"name": name, "NAME": name.upper(), "previous": previous}
    drafts = []
    for template in sorted(TEMPLATES.rglob("*.tmpl")):
        place = template.relative_to(TEMPLATES).as_posix().removesuffix(".tmpl")
        path = Path(place.replace("NUMBER", f"{number:04d}").replace("NAME", name))
        drafts.append(Draft(path, Template(template.read_text(encoding="utf-8")).substitute(values)))
    there = [str(draft.path) for draft in drafts if (root / draft.path).exists()]
    there += [path.name for path in (root / "database" / "migrations").glob(f"*.{name}.sql")]
    if there:
        raise FatalError(f"nothing was made, because there is already: {', '.join(there)}")
    return drafts


def write_drafts(drafts: list[Draft], root: Path) -> None:
    """Write the files, all or none.

    Raises:
        FatalError: a folder cannot be written.
    """
    made: list[Path] = []
    try:
        for draft in drafts:
            path = root / draft.path
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8") as out:
                made.append(path)
                out.write(draft.text)
    except OSError as exc:
        for path in made:
            path.unlink(missing_ok=True)
        raise FatalError(f"nothing was made: {exc}; run this in a checkout that you can write to") from exc


def _next_migration(root: Path) -> tuple[int, str]:
    """Return the next free number, and the migration that the new one comes after."""
    names = sorted(
        path.name.removesuffix(".sql")
        for path in (root / "database" / "migrations").glob("[0-9]*.sql")
        if ".rollback." not in path.name
    )
    return int(names[-1].partition(".")[0]) + 1, names[-1]
