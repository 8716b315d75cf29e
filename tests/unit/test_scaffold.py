"""Names of new workflows, and the files that are drafted for them."""

import ast
from pathlib import Path

import pytest
import yaml

from shared.config import ROOT
from shared.errors import ConfigError, FatalError
from shared.scaffold import check_name, draft_workflow, write_drafts

BAD = ("Weather", "9lives", "a", "we-ather", "../up", "", "x" * 21, "select", "user", "ops", "class", "pg_x")


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_schema_and_package_at_once_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="name has|means something already"):
        check_name(name)


@pytest.mark.parametrize("name", ["weather", "river_level", "co2", "x" * 20])
def test_every_draft_is_whole(name: str) -> None:
    drafts = {str(draft.path): draft.text for draft in draft_workflow(name, ROOT)}
    assert yaml.safe_load(drafts[f"workflows/{name}.yml"])["workflow"] == name
    for path, text in drafts.items():
        assert "$" not in text and "NAME" not in path
        if path.endswith(".py"):
            ast.parse(text)
            assert max(map(len, text.splitlines()), default=0) <= 110, path
    migration = next(path for path in drafts if path.endswith(f".{name}.sql"))
    assert migration.removesuffix(".sql") + ".rollback.sql" in drafts


def test_a_folder_that_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "database" / "migrations").mkdir(parents=True)
    (tmp_path / "database" / "migrations" / "0007.last.sql").touch()
    drafts = draft_workflow("weather", tmp_path)
    assert str(drafts[0].path).startswith("database/migrations/0008.weather.")
    (tmp_path / "workflows").write_text("a file in the way")
    with pytest.raises(FatalError, match="nothing was made"):
        write_drafts(drafts, tmp_path)
    left = sorted(path.name for path in tmp_path.rglob("*") if path.is_file())
    assert left == ["0007.last.sql", "workflows"]
