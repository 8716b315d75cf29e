"""docs/add-a-source.md is right to the letter: its files and changes are made in a copy of the project."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.config import ROOT

PAGE = (ROOT / "docs" / "add-a-source.md").read_text(encoding="utf-8")
# **`path`** names a file; the blocks after it, up to the next one, are its whole text or changes to it
STEP = re.compile(r"\*\*`([\w./-]+)`\*\*|^```(\w+)\n(.*?)^```|^#", re.MULTILINE | re.DOTALL)
NOT_COPIED = shutil.ignore_patterns(".*cache", "__pycache__", ".venv", ".local", ".git", "*.egg-info")


def apply(change: str, text: str, name: str) -> str:
    """Apply a change whose lines begin with a blank, - or +; what it changes must stand there once."""
    lines = change.splitlines(keepends=True)
    old = "".join(line[1:] for line in lines if line[0] in " -")
    new = "".join(line[1:] for line in lines if line[0] in " +")
    assert text.count(old) == 1, f"docs/add-a-source.md: {name} does not hold once:\n{old}"
    return text.replace(old, new)


def steps(page: str) -> Iterator[tuple[str, str, str]]:
    """Yield file, language and text of every block that belongs to a file."""
    name = ""
    for path, language, block in STEP.findall(page):
        if block and name:
            yield name, language, block
        elif not block:
            name = path  # a heading ends a file


def follow(page: str, root: Path) -> None:
    """Do what the page says."""
    for name, language, block in steps(page):
        path = root / name
        if language == "diff":
            path.write_text(apply(block, path.read_text(encoding="utf-8"), name), encoding="utf-8")
        else:
            assert not path.exists(), name
            path.write_text(block, encoding="utf-8")


@pytest.fixture(scope="module")
def copy(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("copy") / "house"
    shutil.copytree(ROOT, root, ignore=NOT_COPIED, symlinks=True)
    follow(PAGE, root)
    return root


def run(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "PYTHONPATH": str(root), "CRONHOUSE_LOCAL_DIR": str(root / ".local")}
    return subprocess.run(
        (sys.executable, "-m", *arguments), cwd=root, env=environ, capture_output=True, text=True
    )


def test_the_page_names_every_step(copy):
    assert len({name for name, _, _ in steps(PAGE)}) == 8


def test_the_new_source_passes_its_own_test_and_those_of_documentation_and_settings(copy):
    chosen = "json_feed or setting or env_example or workflow_file"
    paths = ("tests/unit/ingestion/test_json_feed.py", "tests/unit/test_docs.py")
    done = run(copy, "pytest", "-q", "-p", "no:cacheprovider", "-k", chosen, *paths)
    assert done.returncode == 0, done.stdout[-3000:]


def test_the_house_takes_the_changed_files(copy):
    done = run(copy, "shared.cli", "validate")
    assert done.returncode == 0, done.stdout + done.stderr
    made = [name for name, language, _ in steps(PAGE) if language == "python"]
    done = run(copy, "ruff", "check", *made)
    assert done.returncode == 0, done.stdout
