"""What can be chosen on /vehicles: year, make and model one after the other, then trim, engine and transmission."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError
from werkzeug.exceptions import HTTPException

from services.api import dropdowns
from services.api.errors import MISSING_TABLE_OR_SCHEMA
from shared.errors import ConfigError, CronhouseError, TransientError

AWAY = "The database cannot be reached: nothing can be chosen at the moment."
EMPTY = "No release of vPIC is loaded yet. Load one: cronhouse run vehicles"


@dataclass(frozen=True)
class Level:
    """A list to choose from: its place in the address, what asks for it, the columns of id and name."""

    name: str
    query: type[dropdowns.Strict]
    id: str
    label: str
    needs: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()

    @property
    def plural(self) -> str:
        return f"{self.name}s"


LEVELS = (
    Level("year", dropdowns.YearsQuery, "ModelYear", "ModelYear"),
    Level("make", dropdowns.MakesQuery, "Make_ID", "Make_Name", ("year",), ("year",)),
    Level("model", dropdowns.ModelsQuery, "Model_ID", "Model_Name", ("make",), ("year", "make")),
    Level("trim", dropdowns.TrimsQuery, "Trim_ID", "Trim", ("model",), ("year", "make", "model")),
    Level(
        "engine", dropdowns.EnginesQuery, "Engine_ID", "Engine_Name", ("model",),
        ("year", "make", "model", "trim"),
    ),
    Level(
        "transmission", dropdowns.TransmissionsQuery, "Transmission_ID", "Transmission_Name", ("model",),
        ("year", "make", "model", "trim", "engine"),
    ),
)  # fmt: skip


@dataclass
class Field:
    """A list as it is drawn: (id, name) to choose from; closed while a level above it is open."""

    level: Level
    options: list[tuple[str, str]] = field(default_factory=list)
    chosen: str = ""
    is_open: bool = False


@dataclass
class Choice:
    """All lists, and what there is to say about them."""

    fields: list[Field]
    dropped: list[str] = field(default_factory=list)
    problem: str | None = None
    is_stale: bool = False

    @property
    def names(self) -> dict[str, str]:
        """The names of what was chosen, by level."""
        return {
            each.level.name: name
            for each in self.fields for value, name in each.options if value == each.chosen
        }  # fmt: skip


def read_choice(asked: Mapping[str, str]) -> Choice:
    """Read the lists for what was chosen; a choice that does not go with those above it is dropped."""
    choice = Choice([Field(level) for level in LEVELS])
    chosen: dict[str, str] = {}
    try:
        for each in choice.fields:
            if all(name in chosen for name in each.level.needs):
                _read_field(choice, each, chosen, asked.get(each.level.name, "").strip())
    except (TransientError, ConfigError):
        choice.problem = AWAY
    except CronhouseError as exc:
        if getattr(exc.__cause__, "pgcode", None) not in MISSING_TABLE_OR_SCHEMA:
            raise
        choice.problem = EMPTY
    except HTTPException:
        choice.problem = "Another release of vPIC came just now: choose again."
    return choice


def _read_field(choice: Choice, each: Field, chosen: dict[str, str], wanted: str) -> None:
    level = each.level
    given: dict[str, Any] = {name: chosen[name] for name in level.filters if name in chosen}
    try:
        answer = dropdowns.answer(level.plural, level.query(**given)).get_json()
    except ValidationError:
        return
    each.is_open = True
    each.options = [(str(row[level.id]), str(row[level.label])) for row in answer["Results"]]
    choice.is_stale = choice.is_stale or answer["Stale"]
    if not wanted:
        return
    found = _find(each.options, wanted)
    if found is None:
        choice.dropped.append(level.name)
    else:
        each.chosen = chosen[level.name] = found


def _find(options: list[tuple[str, str]], wanted: str) -> str | None:
    """Return the id of what was chosen by its id, else by its name."""
    if any(value == wanted for value, _ in options):
        return wanted
    return next((value for value, name in options if name.casefold() == wanted.casefold()), None)
