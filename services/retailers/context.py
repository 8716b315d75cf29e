"""What a request works with: the retailer it asks, its clock, one connection."""

from datetime import datetime

from flask import current_app, g
from psycopg2.extensions import connection as Connection  # noqa: N812

from services.retailers import database
from services.retailers.settings import RetailerSettings


def retailer() -> RetailerSettings:
    """Return the settings of the retailer that is asked."""
    return current_app.config["retailer"]


def now() -> datetime:
    """Return the retailer's time, in UTC."""
    return retailer().clock.now()


def conn() -> Connection:
    """Return the connection of this request, opened on first use."""
    if "conn" not in g:
        g.conn = database.connect(retailer())
    return g.conn


def close(error: BaseException | None = None) -> None:
    """Close the connection of this request."""
    if "conn" in g:
        g.pop("conn").close()
