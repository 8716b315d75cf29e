"""What the mirror of a release needs of its source, and how a source's columns fit."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

# Tables that nothing of ours reads: a release without them is a release.
OPTIONAL_TABLES = {
    "decodingoutput", "wmiyearvalidchars_cacheexceptions", "defs_body", "defs_make", "defs_model",
    "grossvehicleweightrating",
}  # fmt: skip

_CHANGED = ("createdon", "updatedon")
# Columns that nothing of ours reads, by table; every other one must be there.
OPTIONAL_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "wmi": ("trucktypeid", "processedon", "noncompliant", "noncompliantsetbyovsc"),
    "wmi_vinschema": ("orgid",),
    "vinschema": ("sourcewmi", *_CHANGED),
    "element": ("minallowedvalue", "maxallowedvalue", "isqs"),
    "make": _CHANGED,
    "model": _CHANGED,
    "make_model": _CHANGED,
    "vehicletype": ("displayorder", "formtype", "description", "includeinequipplant"),
    "enginemodel": ("description",),
    "defaultvalue": _CHANGED,
    "vehiclespecschema": ("updatedon", "sourcedate"),
    "vindescriptor": _CHANGED,
    "vinexception": _CHANGED,
    "country": ("displayorder",),
    "wmiyearvalidchars": ("id",),
}
LOOKUP_COLUMNS = ("id", "name")

Columns = Mapping[str, tuple[str, ...]]
"""The columns of the mirror's tables, by table."""


@dataclass(frozen=True)
class Fit:
    """How the columns that a source sends fit a table of the mirror."""

    added: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    needed: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=())


def compare(table: str, sent: Iterable[str], known: Iterable[str]) -> Fit:
    """Compare by name; the order does not matter. `needed` columns are missing and must not be."""
    sent, known = tuple(sent), tuple(known)
    added = tuple(name for name in sent if name not in known)
    missing = [name for name in known if name not in sent]
    optional = known if table in OPTIONAL_TABLES else OPTIONAL_COLUMNS.get(table, ())
    needed = tuple(name for name in missing if name not in optional)
    left_out = tuple(name for name in missing if name in optional)
    notes = [f"table {table}: column {name} is new and is not kept" for name in added]
    notes += [f"table {table}: column {name} is missing and stays empty" for name in left_out]
    return Fit(added, left_out, needed, tuple(notes))


def missing_tables(loaded: Iterable[str], known: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return the tables that are missing and needed, and those that are missing and do not matter."""
    missing = sorted(set(known) - set(loaded))
    return (
        [name for name in missing if name not in OPTIONAL_TABLES],
        [name for name in missing if name in OPTIONAL_TABLES],
    )
