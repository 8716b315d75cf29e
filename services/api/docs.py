"""/docs: the OpenAPI document and a page over it. The page's files come with the package
flask-openapi3-swagger, so that no outside host is asked."""

from pathlib import Path
from typing import Any

import flask_openapi3_swagger
from flask import Blueprint, Response, current_app, render_template, send_from_directory
from flask_openapi3 import OpenAPI

blueprint = Blueprint("docs", __name__, url_prefix="/docs")
ASSETS = Path(flask_openapi3_swagger.__file__).parent / "templates" / "swagger"
ASSET_NAMES = ("css/swagger-ui.css", "js/swagger-ui-bundle.js", "images/swagger.svg")
STRICT = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
)
# Swagger UI sets styles on its elements, draws icons as data: and calls this API alone.
FOR_DOCS = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)


def register(app: OpenAPI) -> None:
    """Add the pages."""
    app.register_blueprint(blueprint)


def policy_for(endpoint: str | None) -> str:
    """Return the Content-Security-Policy of an endpoint; neither allows another host."""
    return FOR_DOCS if endpoint == "docs.page" else STRICT


@blueprint.get("")
def page() -> Any:
    return render_template("docs.html")


@blueprint.get("/openapi.json")
def openapi() -> Any:
    return current_app.json.response(current_app.api_doc)  # type: ignore[attr-defined]


@blueprint.get("/assets/<path:name>")
def assets(name: str) -> Response:
    if name not in ASSET_NAMES:
        return send_from_directory(ASSETS, "not-there")
    return send_from_directory(ASSETS, name, max_age=86400)
