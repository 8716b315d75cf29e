#!/usr/bin/env python3
"""Make .env and the secret files that Docker Compose needs.

Needs nothing but Python. What exists is kept, so it can be run again after an update that brings new secrets.
"""

import argparse
import os
import secrets
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# Containers run as an ordinary user and Compose mounts a secret with the owner and mode of its file: the
# files are readable for all, and the folder around them for its owner alone.
FOLDER_MODE, FILE_MODE = 0o700, 0o644


def password() -> str:
    """Return 32 random letters, digits, - and _."""
    return secrets.token_urlsafe(24)


def sql_server_password() -> str:
    """Return a password that SQL Server's policy takes.

    It wants upper and lower case letters and digits, and not the name of the login: `sa` is short enough to come up
    by chance. https://learn.microsoft.com/en-us/sql/relational-databases/security/password-policy
    """
    while True:
        made = password()
        kinds = (str.isupper, str.islower, str.isdigit)
        if all(any(map(kind, made)) for kind in kinds) and "sa" not in made.lower():
            return made


SECRETS: dict[str, tuple[Callable[[], str], str]] = {
    "postgres_password": (password, "the administrator of the database server"),
    "owner_password": (password, "cronhouse_owner, who migrates"),
    "job_password": (password, "cronhouse_job, who runs the jobs"),
    "api_password": (password, "cronhouse_api"),
    "reader_password": (password, "cronhouse_reader, for BI tools"),
    "retailers_password": (password, "the simulated retailers' databases"),
    "s3_access_key": (lambda: secrets.token_hex(10).upper(), "access key of the object store"),
    "s3_secret_key": (lambda: secrets.token_hex(20), "secret key of the object store"),
    "archive_access_key": (
        lambda: "",
        "access key of the parks' archive; empty: that of the object store (see .env)",
    ),
    "archive_secret_key": (lambda: "", "secret key of the parks' archive, likewise"),
    "alert_urls": (lambda: "", "where alerts go; empty: nowhere (see ALERT_URLS_FILE in .env)"),
    "retailer_1_credentials": (
        lambda: f"ck_{secrets.token_hex(20)}:cs_{secrets.token_hex(20)}",
        "WooCommerce: consumer_key:consumer_secret",
    ),
    "retailer_2_credentials": (password, "Square: access token"),
    "retailer_3_credentials": (password, "CSV export: API key"),
    "mssql_sa_password": (sql_server_password, "sa of the SQL Server in the profile mssql"),
    "mssql_source_password": (sql_server_password, "cronhouse_vehicles there, who reads vPIC"),
}


def main(argv: list[str] | None = None) -> int:
    """Write what is missing and say what was made."""
    options = parse_arguments(argv)
    try:
        made = make_secrets(options.secrets_dir, options.force)
        env_made = make_env(options.env_file, options.force)
    except OSError as exc:
        print(f"cannot write {exc.filename}: {exc.strerror}", file=sys.stderr)
        return 1
    report(options, made, env_made)
    return 0


def parse_arguments(argv: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--force", action="store_true", help="make everything anew; the old files become NAME.old"
    )
    parser.add_argument(
        "--env-file", type=Path, default=ROOT / ".env", help="default: .env beside docker-compose.yml"
    )
    parser.add_argument(
        "--secrets-dir", type=Path, default=ROOT / "secrets", help="default: secrets/ beside it"
    )
    return parser.parse_args(argv)


def make_secrets(folder: Path, force: bool) -> list[str]:
    """Write the secret files that are missing, with --force all of them; return the names of the new ones."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(FOLDER_MODE)
    made = []
    for name, (generate, _) in SECRETS.items():
        path = folder / name
        if path.exists() and not force:
            path.chmod(FILE_MODE)
            continue
        _keep_old(path)
        value = generate()
        _write(path, f"{value}\n" if value else "", FILE_MODE)
        made.append(name)
    return made


def make_env(path: Path, force: bool) -> bool:
    """Copy .env.example when there is no .env; tell whether it did."""
    if path.exists() and not force:
        return False
    _keep_old(path)
    _write(path, (ROOT / ".env.example").read_text(encoding="utf-8"), 0o600)
    return True


def _keep_old(path: Path) -> None:
    if path.exists():
        shutil.copy2(path, path.with_name(f"{path.name}.old"))


def _write(path: Path, text: str, mode: int) -> None:
    """Write a file whole or not at all, never readable for more people than `mode` says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.new")
    with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w", encoding="utf-8") as out:
        out.write(text)
    temporary.chmod(mode)
    temporary.replace(path)


def report(options: argparse.Namespace, made: list[str], env_made: bool) -> None:
    """Print what was made, never a value."""
    print(f"{'wrote' if env_made else 'kept '} {options.env_file}")
    for name in made:
        print(f"wrote {options.secrets_dir / name}: {SECRETS[name][1]}")
    kept = len(SECRETS) - len(made)
    if kept:
        print(f"kept  {kept} of {len(SECRETS)} secrets in {options.secrets_dir}")
    if options.force and made:
        print(
            "\nA database that was made with the old postgres_password still wants it: make a new one\n"
            "(docker compose down --volumes), or change it there before the next start. So does a SQL Server\n"
            "with mssql_sa_password: remove its volume. The other passwords are set at each start. The old\n"
            "files are kept as NAME.old; delete them when all works."
        )
    print("\nnext: docker compose up --detach --build --wait")


if __name__ == "__main__":
    sys.exit(main())
