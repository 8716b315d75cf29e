"""API keys: `ch_<prefix>_<secret>`. Only the SHA-256 is kept; the secret has 192 random bits, so a slow
hash would add nothing. Every function takes the caller's connection and never commits."""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from shared import db
from shared.errors import DataError, FatalError
from shared.sql import read_queries

ROLES = ("reader", "operator", "admin")
_FORM = re.compile(r"ch_([0-9a-f]{8})_[0-9a-f]{48}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._@-]{0,62}")
_Q = Path(__file__).parent / "queries" / "apikeys.sql"


@dataclass(frozen=True)
class ApiKey:
    """A key that may be used now. `use_is_news` is true when its last use was noted over a minute ago."""

    key_id: int
    name: str
    role: str
    prefix: str
    key_hash: str
    expires_at: datetime | None
    use_is_news: bool = False

    def may(self, role: str) -> bool:
        """Tell whether the key's role includes `role`."""
        return ROLES.index(self.role) >= ROLES.index(role)


def create_key(conn: db.Connection, name: str, role: str, expires_at: datetime | None = None) -> str:
    """Make a key and return it: it cannot be shown again.

    Raises:
        FatalError: no such role, an odd name, or the name is taken.
    """
    if role not in ROLES:
        raise FatalError(f"there is no role {role!r}; there are: {', '.join(ROLES)}")
    if not _NAME.fullmatch(name):
        raise FatalError(f"key name {name!r}: use 1 to 63 letters, digits, spaces and . _ @ -")
    prefix, secret = secrets.token_hex(4), secrets.token_hex(24)
    key = f"ch_{prefix}_{secret}"
    values = {
        "name": name,
        "role": role,
        "prefix": prefix,
        "key_hash": hash_key(key),
        "expires_at": expires_at,
    }
    if db.fetch_value(conn, read_queries(_Q)["create_key"], values) is None:
        raise FatalError(
            f"there is a key named {name!r} already: choose another name (revoked keys keep theirs)"
        )
    return key


def list_keys(conn: db.Connection) -> list[dict[str, Any]]:
    """List all keys without their hashes, oldest first, each with its state: active, expired or revoked."""
    return db.fetch_all(conn, read_queries(_Q)["list_keys"])


def revoke_key(conn: db.Connection, name: str) -> bool:
    """Refuse a key from now on; False when there is no such key in force."""
    return db.execute(conn, read_queries(_Q)["revoke_key"], {"name": name}) == 1


def find_key(conn: db.Connection, key: str) -> ApiKey:
    """Find the key that was presented.

    Raises:
        DataError: it is unknown, revoked or expired.
    """
    prefix = prefix_of(key)
    row = db.fetch_one(conn, read_queries(_Q)["find_key"], {"prefix": prefix}) if prefix else None
    if row is None or not hmac.compare_digest(row["key_hash"], hash_key(key)):
        raise DataError("the API key is not known")
    return _usable(row, prefix or "")


def find_prefix(conn: db.Connection, prefix: str) -> ApiKey:
    """Find a key by its prefix, for a caller who has proof of it by other means.

    Raises:
        DataError: it is unknown, revoked or expired.
    """
    row = db.fetch_one(conn, read_queries(_Q)["find_key"], {"prefix": prefix})
    if row is None:
        raise DataError("the API key is not known")
    return _usable(row, prefix)


def note_use(conn: db.Connection, key: ApiKey) -> None:
    """Write down that the key was used just now."""
    db.execute(conn, read_queries(_Q)["note_use"], {"key_id": key.key_id})


def write_audit(
    conn: db.Connection,
    actor: str,
    action: str,
    target: str,
    detail: dict[str, Any],
    remote: str | None = None,
) -> None:
    """Write down a change that a person or key asked for, in the transaction that makes it."""
    from psycopg2.extras import Json

    values = {"actor": actor, "action": action, "target": target, "detail": Json(detail), "remote": remote}
    db.execute(conn, read_queries(_Q)["write_audit"], values)


def hash_key(key: str) -> str:
    """Return what is kept of a key."""
    return hashlib.sha256(key.encode()).hexdigest()


def prefix_of(key: str) -> str | None:
    """Return the part that finds the key's row, None when the text cannot be a key."""
    match = _FORM.fullmatch(key)
    return match.group(1) if match else None


def _usable(row: dict[str, Any], prefix: str) -> ApiKey:
    if row["revoked_at"] is not None:
        raise DataError(f"the API key {row['name']!r} was revoked")
    if row["is_expired"]:
        raise DataError(f"the API key {row['name']!r} has expired")
    return ApiKey(
        row["key_id"],
        row["name"],
        row["role"],
        prefix,
        row["key_hash"],
        row["expires_at"],
        row["use_is_news"],
    )
