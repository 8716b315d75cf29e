"""The locked lists say what the wanted lists ask for, and scripts/lock_requirements.sh is polite."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "requirements"
LISTS = sorted(path.stem for path in FOLDER.glob("*.in"))
SERVICES = sorted(path.parent.name for path in (ROOT / "services").glob("*/__init__.py"))


def wanted(name: str) -> set[str]:
    """Name the packages of a wanted list, with those of the lists it includes."""
    found: set[str] = set()
    for line in (FOLDER / f"{name}.in").read_text().splitlines():
        line = line.partition("#")[0].strip()
        if line.startswith("-r "):
            found |= wanted(line[3:].removesuffix(".in"))
        elif line:
            found.add(normal(re.split(r"[\[<>=~;\s]", line)[0]))
    return found


def locked(name: str) -> dict[str, set[str]]:
    """Return the locked versions by package; more than one where Python versions need different ones."""
    versions: dict[str, set[str]] = {}
    for package, version in re.findall(
        r"^([A-Za-z0-9._-]+)(?:\[[^]]+\])?==([^\s;]+)", (FOLDER / f"{name}.txt").read_text(), re.MULTILINE
    ):
        versions.setdefault(normal(package), set()).add(version)
    return versions


def normal(package: str) -> str:
    return re.sub(r"[-_.]+", "-", package).lower()


def test_every_service_has_its_list() -> None:
    assert set(SERVICES) - {"themeparks"} <= set(LISTS)  # the stand-in runs in the retailers' image


@pytest.mark.parametrize("name", LISTS)
def test_lock_holds_what_is_wanted(name: str) -> None:
    assert wanted(name) <= set(locked(name))


@pytest.mark.parametrize("name", LISTS)
def test_services_run_the_versions_that_were_tested(name: str) -> None:
    tested = locked("dev")
    assert {
        package: versions for package, versions in locked(name).items() if not versions <= tested[package]
    } == {}


@pytest.mark.parametrize("name", LISTS)
def test_every_package_has_a_hash_and_no_index_is_named(name: str) -> None:
    text = (FOLDER / f"{name}.txt").read_text()
    entries = re.split(r"\n(?=[A-Za-z0-9])", text)
    assert [entry.split()[0] for entry in entries if "==" in entry and "--hash=sha256:" not in entry] == []
    assert not re.search(r"https?://|^-i |--(extra-)?index-url|--find-links", text, re.MULTILINE)


def test_help_and_unknown_option() -> None:
    script = str(ROOT / "scripts" / "lock_requirements.sh")
    assert (
        "--upgrade" in subprocess.run([script, "--help"], capture_output=True, text=True, check=True).stdout
    )
    result = subprocess.run([script, "--upgrad"], capture_output=True, text=True)
    assert result.returncode == 2
    assert "unknown option: --upgrad" in result.stderr
