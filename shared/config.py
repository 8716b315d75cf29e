"""Settings: one frozen object read from the environment, every mistake reported at once.

A value comes from the environment, else from `.env` beside the checkout. A secret may come from a file
named by `NAME_FILE` instead. Blank counts as unset. Nothing is read on import.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar
from urllib.parse import quote, urlsplit, urlunsplit

from shared.errors import ConfigError

ROOT = Path(__file__).resolve().parent.parent
T = TypeVar("T")


@dataclass(frozen=True)
class Settings:
    """What the whole house needs to know about where it runs."""

    root: Path
    local_dir: Path
    workflows_dir: Path
    database_url: str | None
    redis_url: str | None
    object_store_url: str
    s3_endpoint_url: str | None
    alert_urls: tuple[str, ...]
    log_format: str
    log_level: str
    api_host: str
    api_port: int
    api_workers: int
    environ: Mapping[str, str] = field(repr=False)

    @property
    def embedded(self) -> bool:
        """True when no database is named: the embedded one under `.local` is used."""
        return self.database_url is None


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Read and check every setting.

    Raises:
        ConfigError: one line for each setting that is missing or wrong.
    """
    env = MappingProxyType(dict(environ) if environ is not None else read_environ())
    problems: list[str] = []

    def take(reader: Callable[..., T], *args: object) -> T:
        try:
            return reader(env, *args)
        except ConfigError as exc:
            problems.extend(exc.problems)
            return None  # type: ignore[return-value]

    local_dir = Path(env.get("CRONHOUSE_LOCAL_DIR") or ROOT / ".local").resolve()
    default_store = f"file://{quote(str(local_dir / 'objects'))}"
    settings = Settings(
        root=ROOT,
        local_dir=local_dir,
        workflows_dir=Path(env.get("CRONHOUSE_WORKFLOWS_DIR") or ROOT / "workflows"),
        database_url=take(_database_url),
        redis_url=take(_url, "REDIS_URL", None, ("redis", "rediss", "unix")),
        object_store_url=take(_url, "OBJECT_STORE_URL", default_store, ("file", "s3")) or default_store,
        s3_endpoint_url=take(_url, "S3_ENDPOINT_URL", None, ("http", "https")),
        alert_urls=tuple((take(read_secret_from, "ALERT_URLS") or "").split()),
        log_format=take(_choice, "LOG_FORMAT", "text", ("text", "json")),
        log_level=take(_choice, "LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR")),
        api_host=env.get("API_HOST") or "127.0.0.1",
        api_port=take(_integer, "API_PORT", 8000, 0, 65535),
        api_workers=take(_integer, "API_WORKERS", 2, 1, 64),
        environ=env,
    )
    if problems:
        raise ConfigError(*problems)
    return settings


def read_environ() -> dict[str, str]:
    """Return the environment over the values of `.env`; blank values are left out."""
    values: dict[str, str] = {}
    path = Path(os.environ.get("CRONHOUSE_ENV_FILE") or ROOT / ".env")
    if path.exists():
        from dotenv import dotenv_values

        values.update({name: value for name, value in dotenv_values(path).items() if value})
    values.update({name: value for name, value in os.environ.items() if value.strip()})
    return values


def read_secret(settings: Settings, name: str) -> str | None:
    """Return the secret NAME, or the first line of the file that NAME_FILE names.

    Raises:
        ConfigError: both are set, or the file cannot be read or is empty.
    """
    return read_secret_from(settings.environ, name)


def read_secret_from(env: Mapping[str, str], name: str) -> str | None:
    """Do what `read_secret` does, from a plain mapping."""
    value, file_name = env.get(name), env.get(f"{name}_FILE")
    if value and file_name:
        raise ConfigError(f"{name} and {name}_FILE are both set: keep one of them")
    if not file_name:
        return value or None
    try:
        text = Path(file_name).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as exc:
        raise ConfigError(f"{name}_FILE: cannot read {file_name}: {exc}") from exc
    if not text:
        raise ConfigError(f"{name}_FILE: {file_name} is empty")
    return text


def _database_url(env: Mapping[str, str]) -> str | None:
    url, password = read_secret_from(env, "DATABASE_URL"), read_secret_from(env, "DATABASE_PASSWORD")
    if url is None:
        return None
    parts = urlsplit(url)
    if parts.scheme not in ("postgresql", "postgres") or not parts.path.strip("/"):
        raise ConfigError("DATABASE_URL: expected postgresql://user@host:5432/database")
    if password is None:
        return url
    if parts.password:
        raise ConfigError("DATABASE_URL holds a password and DATABASE_PASSWORD is set too: keep one of them")
    if not parts.username:
        raise ConfigError("DATABASE_PASSWORD is set, but DATABASE_URL names no user")
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{parts.username}:{quote(password, safe='')}@{host}"))


def _url(env: Mapping[str, str], name: str, default: str | None, schemes: tuple[str, ...]) -> str | None:
    value = env.get(name) or default
    if value is not None and urlsplit(value).scheme not in schemes:
        raise ConfigError(
            f"{name}: expected a URL that begins with {' or '.join(s + '://' for s in schemes)}"
        )
    return value


def _choice(env: Mapping[str, str], name: str, default: str, choices: tuple[str, ...]) -> str:
    value = env.get(name) or default
    for choice in choices:
        if value.lower() == choice.lower():
            return choice
    raise ConfigError(f"{name}: {value!r} is not one of {', '.join(choices)}")


def _integer(env: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    value = env.get(name) or str(default)
    if not value.strip().isdecimal() or not low <= int(value) <= high:
        raise ConfigError(f"{name}: {value!r} is not a whole number from {low} to {high}")
    return int(value)
