"""The application factory.

gunicorn -c python:services.api.gunicorn_conf 'services.api.app:create_app()'
"""

import time

from flask import Flask, Response, g, request
from flask_openapi3 import Info, OpenAPI
from werkzeug.middleware.proxy_fix import ProxyFix

from services.api import (
    admin_quality,
    admin_storage,
    auth,
    console,
    database,
    decoding,
    docs,
    dropdowns,
    errors,
    front,
    garage,
    health,
    limits,
    metrics,
    parameters,
    parks,
    parks_imports,
    quality,
    retail,
    rides,
    vin,
    workflows,
    yoy,
)
from services.api.answers import JsonProvider
from services.api.request_log import read_request_id, write_line
from services.api.settings import read_proxies
from services.api.vpic import addresses, decode, lists
from shared import logs
from shared.cache import open_cache
from shared.config import Settings, load_settings

MAX_BODY_BYTES = 256 * 1024
_QUIET = ("health.health", "health.ready", "metrics.metrics", "static", "docs.assets")
_DESCRIPTION = """Sales, quality and runs of a data warehouse that runs on cron.

Send a key as `Authorization: Bearer ch_...` or `X-API-Key: ch_...`; `cronhouse key create` makes one.
Every error has the same shape. Amounts are JSON numbers, days `YYYY-MM-DD`, times RFC 3339 in UTC."""


def create_app(settings: Settings | None = None) -> Flask:
    """Build the API and the console.

    Raises:
        ConfigError: a setting is wrong.
    """
    if settings is None:
        settings = load_settings()
        logs.configure(settings.log_format, settings.log_level)
    app = OpenAPI(
        "services.api",
        info=Info(title="Cronhouse", version="1", description=_DESCRIPTION),
        security_schemes={
            "bearer": {"type": "http", "scheme": "bearer"},
            "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
        },
        validation_error_model=errors.ErrorAnswer,
        validation_error_callback=errors.on_invalid_request,
        doc_ui=False,
    )
    app.json = JsonProvider(app)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    app.extensions.update(settings=settings, cache=open_cache(settings))
    app.before_request(_start)
    database.init_app(app, settings)
    decoding.init_app(app)
    auth.init_app(app, settings)
    app.after_request(_finish)  # the last of the functions after a request: they run in reverse order
    limiter = limits.init_app(app, settings)
    app.before_request(auth.decide)
    app.before_request(parameters.refuse_repeated)
    errors.register(app)
    for subject in (
        health,
        metrics,
        workflows,
        retail,
        quality,
        dropdowns,
        lists,
        decode,
        vin,
        garage,
        parks,
        parks_imports,
        rides,
        yoy,
        admin_storage,
        admin_quality,
    ):
        app.register_api(subject.api)
    docs.register(app)
    console.register(app, limiter)
    front.install(app, dropdowns.PREFIX)
    addresses.install(app)
    _trust_proxies(app, settings)
    return app


def _trust_proxies(app: Flask, settings: Settings) -> None:
    """Believe X-Forwarded-For and -Proto of as many proxies as stand in front: 0 unless told."""
    if count := read_proxies(settings):
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=count, x_proto=count, x_host=0)  # type: ignore[method-assign]


def _start() -> None:
    g.request_id = read_request_id(request.headers.get("X-Request-ID", ""))
    g.started = time.monotonic()


def _finish(response: Response) -> Response:
    response.headers["X-Request-ID"] = g.get("request_id", "-")
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("X-Frame-Options", "DENY")
    response.headers.setdefault("Referrer-Policy", "same-origin")
    response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
    response.headers.setdefault("Content-Security-Policy", docs.policy_for(request.endpoint))
    if response.status_code == 503:  # the limiter has put its own on every answer
        response.headers["Retry-After"] = str(g.get("retry_after", errors.RETRY_SECONDS))
    elif response.status_code != 429:
        response.headers.pop("Retry-After", None)
    if response.status_code < 400:
        auth.note_use()
    if request.endpoint not in _QUIET:
        _log_request(response)
    return response


def _log_request(response: Response) -> None:
    principal = g.get("principal")
    seconds = time.monotonic() - g.get("started", time.monotonic())
    actor = principal.name if principal else None
    write_line(
        request.method, request.path, response.status_code, seconds, g.get("request_id", "-"), actor,
        request.remote_addr,
    )  # fmt: skip
