"""The list of what is indoors, which people maintain."""

import csv

from services.ingestion.parks.ids import read_uuid
from services.ingestion.parks.live_store import SQL
from shared import db
from shared.errors import ConfigError
from shared.jobs import Run


def load_indoor_list(run: Run, name: str) -> None:
    """Take over the maintained list of what is indoors: entity_id, is_indoor (true or false), note.

    Raises:
        ConfigError: the file is not there, or a line of it cannot be read.
    """
    path = run.settings.root / name
    ids, indoor, notes = [], [], []
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            for number, row in enumerate(csv.DictReader(file), 2):
                entity_id, said = (
                    read_uuid(row.get("entity_id")),
                    (row.get("is_indoor") or "").strip().lower(),
                )
                if entity_id is None or said not in ("true", "false"):
                    raise ConfigError(
                        f"{name}, line {number}: expected entity_id (a UUID) and is_indoor (true or false)"
                    )
                ids.append(entity_id), indoor.append(said == "true"), notes.append(row.get("note") or None)
    except OSError as exc:
        raise ConfigError(
            f"metadata.indoor of workflows/parks.yml: cannot read {path}: {exc.strerror}"
        ) from exc
    if len(set(ids)) != len(ids):
        raise ConfigError(f"{name}: an entity stands twice")
    with db.transaction(run.conn) as conn:
        db.execute(conn, SQL["replace_indoor_list"], {"ids": ids, "indoor": indoor, "notes": notes})
