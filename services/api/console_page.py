"""How a page of the console leaves: with who is signed in, and never kept by a browser."""

from typing import Any

from flask import g, make_response, render_template


def page(template: str, **values: Any) -> Any:
    """Draw a page of the console."""
    response = make_response(render_template(template, principal=g.get("principal"), **values))
    response.headers["Cache-Control"] = "no-store"
    return response
