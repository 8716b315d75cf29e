"""The retailers of the workflow file, with their addresses and credentials from the settings."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from services.ingestion.retail.params import read_section, validate
from shared.config import Settings, read_secret_from
from shared.errors import ConfigError


@dataclass(frozen=True)
class Retailer:
    """One retailer. Its address and credentials stand in no log."""

    id: str
    name: str
    source: str
    zone: ZoneInfo
    currency: str
    overlap: timedelta
    page_size: int
    max_rejected_share: float
    url: str = field(default="", repr=False)
    credentials: str = field(default="", repr=False)

    @property
    def label(self) -> str:
        """Return how messages call it."""
        return f"{self.id} ({self.name})"

    @property
    def credentials_hint(self) -> str:
        """Say which setting holds its credentials."""
        name = f"{self.id.upper()}_CREDENTIALS"
        return f"check {name} or the file that {name}_FILE names"


def read_retailers(params: Mapping[str, Any], settings: Settings) -> list[Retailer]:
    """Read and check the retailers with their settings; embedded, those of the local stack are taken.

    Raises:
        ConfigError: one line for every mistake of every retailer.
    """
    environ: Mapping[str, str] = settings.environ
    if settings.embedded:
        from shared.local.stack import local_environ

        environ = local_environ(settings)
    problems = [f"workflows/retail.yml: {problem}" for problem in validate(params)]
    found = []
    for key, values in params["retailers"].items() if not problems else ():
        retailer_id = str(key)
        checked: dict[str, Any] = read_section(retailer_id, values)[0]
        checked |= _read_settings(retailer_id, values["source"], environ, problems)
        found.append(Retailer(id=retailer_id, **checked))
    if problems:
        raise ConfigError(*problems)
    return found


def describe_retailers(params: Mapping[str, Any]) -> dict[str, Retailer]:
    """Return the retailers by id without addresses and credentials: enough to read what they sent before."""
    problems = [f"workflows/retail.yml: {problem}" for problem in validate(params)]
    if problems:
        raise ConfigError(*problems)
    return {str(key): Retailer(id=str(key), **read_section(str(key), values)[0])
            for key, values in params["retailers"].items()}  # fmt: skip


def _read_settings(
    retailer_id: str, source: str, environ: Mapping[str, str], problems: list[str]
) -> dict[str, str]:
    prefix = retailer_id.upper()
    url = environ.get(f"{prefix}_URL", "")
    if not url:
        problems.append(
            f"{prefix}_URL is missing: the address of {retailer_id}, such as https://shop.example"
        )
    elif not url.startswith(("http://", "https://")):
        problems.append(f"{prefix}_URL: expected an address that begins with http:// or https://")
    try:
        credentials = read_secret_from(environ, f"{prefix}_CREDENTIALS") or ""
    except ConfigError as exc:
        problems.extend(exc.problems)
        return {}
    if not credentials:
        problems.append(f"{prefix}_CREDENTIALS is missing: set it, or {prefix}_CREDENTIALS_FILE")
    elif source == "woocommerce" and ":" not in credentials:
        problems.append(f"{prefix}_CREDENTIALS: expected consumer_key:consumer_secret")
    elif not credentials.isascii() or not credentials.isprintable():
        problems.append(f"{prefix}_CREDENTIALS: expected one line of printable ASCII")
    return {"url": url, "credentials": credentials}
