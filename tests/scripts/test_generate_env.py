"""scripts/generate_env.py makes what Compose needs, and never loses a password."""

import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts" / "generate_env.py"


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    places = ["--env-file", str(folder / ".env"), "--secrets-dir", str(folder / "secrets")]
    return subprocess.run([sys.executable, str(SCRIPT), *places, *arguments], capture_output=True, text=True)


def read_secrets(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in (folder / "secrets").iterdir()}


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def made(tmp_path: Path) -> Path:
    assert run(tmp_path).returncode == 0
    return tmp_path


def test_makes_every_secret_that_compose_names(made: Path) -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    assert set(read_secrets(made)) == set(compose["secrets"])


def test_secrets_are_random_and_long(tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    run(first), run(second)
    ours, theirs = read_secrets(first), read_secrets(second)
    for name in ours.keys() - {"alert_urls", "archive_access_key", "archive_secret_key"}:
        assert ours[name] != theirs[name]
        assert len(ours[name].strip()) >= 20, name


def test_passwords_of_sql_server_keep_its_rules() -> None:
    """Three kinds of characters, and not the name of the login, which `sa` is by chance in one of thirty."""
    sys.path.insert(0, str(SCRIPT.parent))
    try:
        from generate_env import SECRETS
    finally:
        sys.path.remove(str(SCRIPT.parent))
    for name in ("mssql_sa_password", "mssql_source_password"):
        for made in (SECRETS[name][0]() for _ in range(500)):
            assert re.search("[A-Z]", made) and re.search("[a-z]", made) and re.search("[0-9]", made)
            assert "sa" not in made.lower() and 8 <= len(made) <= 128


def test_only_the_owner_can_enter_and_containers_can_read(made: Path) -> None:
    assert mode(made / "secrets") == 0o700
    assert {mode(path) for path in (made / "secrets").iterdir()} == {0o644}
    assert mode(made / ".env") == 0o600


def test_a_second_run_keeps_everything(made: Path) -> None:
    before = read_secrets(made)
    (made / ".env").write_text("GATEWAY_PORT=9999\n")
    result = run(made)
    assert read_secrets(made) == before
    assert (made / ".env").read_text() == "GATEWAY_PORT=9999\n"
    assert "kept" in result.stdout


def test_a_missing_secret_is_added_beside_the_others(made: Path) -> None:
    before = read_secrets(made)
    (made / "secrets" / "api_password").unlink()
    result = run(made)
    after = read_secrets(made)
    assert after.pop("api_password") != before.pop("api_password")
    assert after == before
    assert "wrote" in result.stdout and "api_password" in result.stdout


def test_force_makes_all_anew_and_keeps_the_old(made: Path) -> None:
    before = read_secrets(made)["job_password"]
    result = run(made, "--force")
    after = read_secrets(made)
    assert after["job_password"] != before
    assert after["job_password.old"] == before
    assert "docker compose down --volumes" in result.stdout


def test_no_secret_is_printed(tmp_path: Path) -> None:
    result = run(tmp_path)
    for name, value in read_secrets(tmp_path).items():
        assert not value or value.strip() not in result.stdout + result.stderr, name


def test_help_and_unknown_option() -> None:
    help_text = subprocess.run([sys.executable, str(SCRIPT), "--help"], capture_output=True, text=True).stdout
    assert "--force" in help_text
    result = subprocess.run([sys.executable, str(SCRIPT), "--frce"], capture_output=True, text=True)
    assert result.returncode == 2
    assert "--frce" in result.stderr


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "secrets").write_text("a file in the way")
    result = run(tmp_path)
    assert result.returncode == 1
    assert "secrets" in result.stderr and "Traceback" not in result.stderr


def test_the_example_explains_every_name_compose_takes_from_it() -> None:
    """A name in docker-compose.yml that nobody can find in .env.example is a hidden switch."""
    used = set(re.findall(r"\$\{([A-Z0-9_]+)", (ROOT / "docker-compose.yml").read_text()))
    example = (ROOT / ".env.example").read_text()
    explained = set(re.findall(r"^#?([A-Z0-9_]+)=", example, re.MULTILINE))
    assert used <= explained


def test_the_example_sets_nothing() -> None:
    """An .env that is a mere copy must leave `make demo` embedded."""
    lines = (ROOT / ".env.example").read_text().splitlines()
    assert [line for line in lines if line and not line.startswith("#")] == []
