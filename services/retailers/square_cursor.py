"""The cursor of POST /v2/orders/search: where the next page begins, sealed with the query it belongs to."""

import hashlib
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import asdict, dataclass
from datetime import datetime


@dataclass(frozen=True)
class Cursor:
    """A place between two orders; `until` keeps the end of an open range where the first page saw it."""

    until: str
    moment: str | None = None
    sale_id: int | None = None
    page: int = 1

    def after(self, moment: datetime, sale_id: int) -> "Cursor":
        """Return the cursor of the page that begins after an order."""
        return Cursor(self.until, moment.isoformat(), sale_id, self.page + 1)

    def again(self) -> "Cursor":
        """Return a cursor that looks new and begins where this one does."""
        return Cursor(self.until, self.moment, self.sale_id, self.page + 1)

    def restart(self) -> "Cursor":
        """Return a cursor that looks new and begins at the start."""
        return Cursor(self.until, page=self.page + 1)

    def seal(self, query: dict) -> str:
        """Write the cursor."""
        text = json.dumps([*asdict(self).values(), _digest(query)], separators=(",", ":"))
        return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def open_cursor(text: str, query: dict) -> Cursor:
    """Read a cursor.

    Raises:
        ValueError: it is not ours, or belongs to another query.
    """
    *values, digest = json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    if digest != _digest(query):
        raise ValueError("the cursor belongs to another query")
    return Cursor(*values)


def _digest(query: dict) -> str:
    return hashlib.sha256(json.dumps(query, sort_keys=True).encode()).hexdigest()[:12]
