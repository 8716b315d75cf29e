"""SQL kept in files: one statement a file for what moves data, named statements for small reads."""

import re
from functools import lru_cache
from pathlib import Path

_NAME = re.compile(r"^-- name: *(\w+) *$", re.MULTILINE)


class SqlFolder:
    """The `.sql` files of a folder, by name without the ending."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __getitem__(self, name: str) -> str:
        return _read(self.folder / f"{name}.sql")

    def names(self) -> list[str]:
        """List the names in the folder, sorted."""
        return sorted(path.stem for path in self.folder.glob("*.sql"))


@lru_cache(maxsize=256)
def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@lru_cache(maxsize=32)
def read_queries(path: Path) -> dict[str, str]:
    """Read a file of statements, each under a line `-- name: some_name`."""
    parts = _NAME.split(path.read_text(encoding="utf-8"))
    names, texts = parts[1::2], parts[2::2]
    if len(set(names)) != len(names):
        raise ValueError(f"{path}: a name stands twice")
    return {name: text.strip() for name, text in zip(names, texts, strict=True)}
