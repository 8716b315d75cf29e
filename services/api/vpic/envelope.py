"""NHTSA's envelope in its three formats.

XML is what NHTSA sends when nothing is asked for. The names of XML elements are those that clients of NHTSA's
XML read; source: https://vpic.nhtsa.dot.gov/api/ and the documents that these clients keep for their tests.
"""

import csv
import io
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Annotated, Any, Literal
from xml.sax.saxutils import escape

from flask import Response, current_app, request
from pydantic import BeforeValidator, Field

from services.api import database
from services.api.answers import cached_body, csv_cell
from services.api.parameters import Parameters

RESPONSE = "Response returned successfully"
RESULTS = "Results returned successfully"
MAX_AGE = 60  # seconds for which a browser or proxy need not ask again
_MIMETYPES = {"json": "application/json", "xml": "application/xml", "csv": "text/csv"}
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

Row = dict[str, Any]


def _lower(value: Any) -> Any:
    return value.lower() or None if isinstance(value, str) else value


def _none_when_empty(value: Any) -> Any:
    return None if value == "" else value


Format = Annotated[
    Literal["json", "xml", "csv"] | None,
    BeforeValidator(_lower),
    Field(description="Else the Accept header decides; XML when it does not."),
]
Year = Annotated[Annotated[int, Field(ge=1, le=9999)] | None, BeforeValidator(_none_when_empty)]


class FormatQuery(Parameters):
    """What every address takes. Parameters that nobody knows are left alone, as NHTSA does."""

    format: Format = None


@dataclass(frozen=True)
class Envelope:
    """An answer. `element` is the name of one result in XML; `count` is the number of results unless given."""

    element: str
    results: list[Row]
    criteria: str | None = None
    message: str = RESPONSE
    count: int | None = None


def answer(envelope: Envelope, wanted: str | None = None) -> Response:
    """Answer in the format that is asked for: in the address, by `wanted` from a form, or by the Accept header."""
    wanted = _format(wanted)
    response = Response(write(envelope, wanted), mimetype=_MIMETYPES[wanted])
    response.vary.add("Accept")
    return response


def kept_answer(build: Callable[[], Envelope]) -> Response:
    """Answer in the format that is asked for, from the cache as long as the release is the same.

    Raises:
        CronhouseError: the database is away and nothing is kept.
    """
    wanted = _format()
    response = cached_body(read_release, lambda: write(build(), wanted), _MIMETYPES[wanted])
    if response.headers.get("X-Cache") == "STALE":
        response.headers["Cache-Control"] = "no-store"
    else:
        response.headers["Cache-Control"] = f"public, max-age={MAX_AGE}"
    response.headers["Vary"] = "Accept"
    return response


def read_release() -> Any:
    """Return which release is live."""
    return database.fetch_value(database.query("vpic", "release"))


def _format(wanted: str | None = None) -> str:
    given = (request.args.get("format") or wanted or "").lower()
    if given in _MIMETYPES:
        return given
    best = request.accept_mimetypes.best_match(["application/xml", "application/json", "text/csv"])
    return {"application/json": "json", "text/csv": "csv"}.get(best or "", "xml")


def write(envelope: Envelope, wanted: str) -> bytes:
    """Write an answer as json, xml or csv."""
    if wanted == "csv":
        return _csv(envelope.results)
    count = len(envelope.results) if envelope.count is None else envelope.count
    head = {"Count": count, "Message": envelope.message, "SearchCriteria": envelope.criteria}
    if wanted == "json":
        content = {**head, "Results": envelope.results}
        return current_app.json.dumps(content, separators=(",", ":")).encode("utf-8", "replace")
    return _xml(head, envelope)


def _xml(head: Row, envelope: Envelope) -> bytes:
    parts = [
        '<?xml version="1.0" encoding="utf-8"?>',
        '<Response xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        'xmlns:xsd="http://www.w3.org/2001/XMLSchema">',
        *_fields({name: value for name, value in head.items() if value is not None}),
        "<Results>",
    ]
    for row in envelope.results:
        parts += [f"<{envelope.element}>", *_fields(row), f"</{envelope.element}>"]
    return "".join([*parts, "</Results></Response>"]).encode("utf-8", "replace")


def _fields(row: Row) -> Iterable[str]:
    for name, value in row.items():
        if isinstance(value, list):
            one = name.removesuffix("s")
            inside = "".join(f"<{one}>{''.join(_fields(item))}</{one}>" for item in value)
            yield f"<{name}>{inside}</{name}>"
        elif value is None or value == "":
            yield f"<{name} />"
        else:
            yield f"<{name}>{_text(value)}</{name}>"


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return escape(_NOT_IN_XML.sub("\ufffd", str(value)))


def _csv(rows: list[Row]) -> bytes:
    buffer = io.StringIO()
    if rows:
        writer = csv.writer(buffer)
        writer.writerow(rows[0])
        writer.writerows([_cell(value) for value in row.values()] for row in rows)
    return buffer.getvalue().encode("utf-8", "replace")


def _cell(value: Any) -> Any:
    """Return what stands in a cell; of a list the names."""
    if isinstance(value, list):
        value = "; ".join(str(item["Name"]) for item in value)
    return csv_cell(value)
