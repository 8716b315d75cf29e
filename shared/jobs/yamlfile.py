"""YAML with line numbers: what was written, and where."""

from pathlib import Path
from typing import Any

import yaml

from shared.errors import ConfigError

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Lines:
    """Line numbers by the path of keys, counted from 1."""

    def __init__(self) -> None:
        self._lines: dict[tuple[str, ...], int] = {(): 1}

    def set(self, where: tuple[str, ...], line: int) -> None:
        self._lines[where] = line

    def of(self, where: tuple[str, ...]) -> int:
        """Return the line of the key, or of the nearest key above it."""
        while where not in self._lines:
            where = where[:-1]
        return self._lines[where]


def read_yaml(path: Path) -> tuple[Any, Lines]:
    """Read a YAML file.

    Raises:
        ConfigError: it cannot be read, is no YAML, or has a key twice.
    """
    try:
        loader = _Loader(path.read_text(encoding="utf-8"))
        node = loader.get_single_node()
    except (OSError, UnicodeDecodeError) as exc:
        raise ConfigError(f"{path}: cannot read it: {exc}") from exc
    except yaml.YAMLError as exc:
        mark = getattr(exc, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        raise ConfigError(f"workflows/{path.name}:{line}: not YAML: {getattr(exc, 'problem', exc)}") from exc
    lines = Lines()
    try:
        return (_convert(loader, node, (), lines, path) if node is not None else None), lines
    except RecursionError:
        raise ConfigError(f"workflows/{path.name}:1: an alias stands inside of what it names") from None


def _convert(loader: Any, node: Any, where: tuple[str, ...], lines: Lines, path: Path) -> Any:
    if isinstance(node, yaml.MappingNode):
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = str(loader.construct_object(key_node))
            here = (*where, key)
            if key in result:
                raise ConfigError(
                    f"workflows/{path.name}:{key_node.start_mark.line + 1}: {'.'.join(here)} stands twice"
                )
            lines.set(here, key_node.start_mark.line + 1)
            result[key] = _convert(loader, value_node, here, lines, path)
        return result
    if isinstance(node, yaml.SequenceNode):
        return [_convert(loader, item, where, lines, path) for item in node.value]
    return loader.construct_object(node, deep=True)
