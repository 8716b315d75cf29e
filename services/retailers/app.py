"""The Flask app of one retailer."""

import logging

import psycopg2
from flask import Flask, Response, current_app, jsonify

from services.retailers import csv_export, database, faults, mutations, seed, square, woocommerce
from services.retailers.context import close, conn, retailer
from services.retailers.settings import RetailerSettings

SPEAKERS = {"woocommerce": woocommerce, "square": square, "csv_export": csv_export}

log = logging.getLogger(__name__)


def create_app(settings: RetailerSettings) -> Flask:
    """Open the retailer's books and build its app."""
    app = Flask(f"services.retailers.{settings.retailer}", static_folder=None)
    app.config["retailer"] = settings
    app.extensions["faults"] = faults.Faults(settings.dialect)
    app.extensions["seeded_until"] = seed.open_books(settings)
    app.before_request(_keep_books_ahead)
    app.teardown_request(close)
    app.register_error_handler(psycopg2.OperationalError, _database_away)
    app.get("/health")(_health)
    faults.install(app)
    mutations.install(app)
    SPEAKERS[settings.dialect].install(app)
    return app


def _keep_books_ahead() -> None:
    """Add days before the books run out; they reach weeks ahead, so this is once in weeks."""
    settings = retailer()
    if current_app.extensions["seeded_until"] <= settings.clock.today():
        current_app.extensions["seeded_until"] = seed.extend_books(conn(), settings)


def _health() -> Response:
    settings = retailer()
    with database.transaction(conn()) as cursor:
        cursor.execute("SELECT 1")
    return jsonify(
        status="ok",
        retailer=settings.retailer,
        dialect=settings.dialect,
        now=settings.clock.now().isoformat(),
        books_until=current_app.extensions["seeded_until"].isoformat(),
    )


def _database_away(exc: psycopg2.OperationalError) -> Response:
    log.error("the database is away: %s", exc)
    return current_app.extensions["error"](503, "server_error")
