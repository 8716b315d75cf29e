"""Misbehave on demand: what can go wrong with a source, as tables of small functions.

A fault is switched on with POST /_faults {"fault": NAME, "times": N, "path": PART, ...} and hits the next N
requests whose path holds PART. Only when RETAILER_FAULTS=1; the list of names is in README.md.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from flask import Flask, Response, current_app, jsonify, request

UNTIL_CLEARED = 1_000_000
BIG_FIELD = 10 * 1024 * 1024


class Faults:
    """The faults that are switched on in this process."""

    def __init__(self, dialect: str) -> None:
        self.names = {*INSTEAD, *BODIES, *PAGES[dialect]}
        self._lasting = LASTING[dialect]
        self._lock = threading.Lock()
        self._active: list[dict[str, Any]] = []

    def add(self, wish: dict[str, Any]) -> dict[str, Any]:
        """Switch a fault on.

        Raises:
            ValueError: this retailer has no fault of that name, or a bad_record has no such kind.
        """
        name = wish.get("fault")
        if name not in self.names:
            raise ValueError(f"no fault is called {name!r}; there are {', '.join(sorted(self.names))}")
        if name == "bad_record" and wish.get("kind") not in KINDS:
            raise ValueError(f"bad_record needs a kind: one of {', '.join(sorted(KINDS))}")
        fault = {
            "path": "",
            **wish,
            "times": int(wish.get("times", UNTIL_CLEARED if name in self._lasting else 1)),
        }
        with self._lock:
            self._active.append(fault)
        return fault

    def clear(self) -> None:
        """Switch all faults off."""
        with self._lock:
            self._active.clear()

    def listing(self) -> list[dict[str, Any]]:
        """List the faults that are on, with the times that are left."""
        with self._lock:
            return [dict(fault) for fault in self._active]

    def take(self, name: str) -> dict[str, Any] | None:
        """Use a fault up once if it is on for this request."""
        if _is_own():
            return None
        with self._lock:
            for fault in self._active:
                if fault["fault"] == name and fault["path"] in request.path:
                    fault["times"] -= 1
                    if fault["times"] <= 0:
                        self._active.remove(fault)
                    return fault
        return None


def take(name: str) -> dict[str, Any] | None:
    """Use up a fault of the running app."""
    return current_app.extensions["faults"].take(name)


def install(app: Flask) -> None:
    """Let the app misbehave, and be told to."""
    faults = app.extensions["faults"]
    if not app.config["retailer"].faults:
        return

    @app.post("/_faults")
    def add_fault() -> tuple[Response, int]:
        try:
            return jsonify(faults.add(request.get_json())), 201
        except (ValueError, TypeError) as exc:
            return jsonify({"error": str(exc)}), 400

    @app.get("/_faults")
    def list_faults() -> Response:
        return jsonify(faults.listing())

    @app.delete("/_faults")
    def clear_faults() -> tuple[str, int]:
        faults.clear()
        return "", 204

    @app.before_request
    def instead() -> Response | None:
        if _is_own():
            return None
        for name, answer in INSTEAD.items():
            if (fault := faults.take(name)) and (response := answer(fault)):
                return response
        return None

    @app.after_request
    def spoil_body(response: Response) -> Response:
        if _is_own() or response.status_code != 200:
            return response
        for name, spoil in BODIES.items():
            if faults.take(name):
                response = spoil(response)
        return response


def _is_own() -> bool:
    return request.path.startswith("/_") or request.path == "/health"


# --- instead of an answer ---------------------------------------------------------------------------


def _latency(fault: dict) -> None:
    time.sleep(float(fault.get("seconds", 1)))


def _rate_limit(fault: dict) -> Response:
    response = current_app.extensions["error"](429, "rate_limit")
    response.headers["Retry-After"] = str(fault.get("retry_after", 1))
    return response


def _server_error(fault: dict) -> Response:
    return current_app.extensions["error"](int(fault.get("status", 500)), "server_error")


def _html(fault: dict) -> Response:
    return Response(
        "<!doctype html><title>Down for maintenance</title><h1>Back soon</h1>", mimetype="text/html"
    )


INSTEAD: dict[str, Callable[[dict], Response | None]] = {
    "latency": _latency,
    "rate_limit": _rate_limit,
    "server_error": _server_error,
    "html": _html,
}

# --- to the bytes of an answer ----------------------------------------------------------------------


def _cut_body(response: Response) -> Response:
    """Announce the whole body, send half and close the connection."""
    body = response.get_data()

    def half() -> Iterator[bytes]:
        yield body[: len(body) // 2]
        raise ConnectionResetError("the fault cut_body ends the connection here")

    cut = Response(half(), headers=response.headers)
    cut.headers["Content-Length"] = str(len(body))
    return cut


def _half_json(response: Response) -> Response:
    """Send half of the body as if it were the whole."""
    body = response.get_data()
    response.set_data(body[: len(body) // 2])
    return response


BODIES: dict[str, Callable[[Response], Response]] = {"half_json": _half_json, "cut_body": _cut_body}

# --- to a page; each dialect asks for them by name ---------------------------------------------------

_RECORD_FAULTS = {"big_field", "bad_record"}
PAGES = {
    "woocommerce": {"duplicate_page", "endless_pages", *_RECORD_FAULTS},
    "square": {"duplicate_page", "endless_pages", "repeat_cursor", *_RECORD_FAULTS},
    "csv_export": {"missing_total", "wrong_total", "shifted_column", "bad_encoding", *_RECORD_FAULTS},
}
# Faults that make no sense for one request: without "times" they stay until they are cleared. Pages that
# are numbered slip for as long as duplicate_page is on; a cursor goes back once.
LASTING = {
    "woocommerce": {"duplicate_page", "endless_pages"},
    "square": {"endless_pages", "repeat_cursor"},
    "csv_export": set(),
}

# --- to the first record that has a line --------------------------------------------------------------
# A place is the path to a value in a record; for each dialect, what becomes of which places.

_WOO_LINE = ("line_items", 0)
_SQUARE_LINE = ("line_items", 0)
RECORDS: dict[str, dict[str, list[tuple[tuple, Any]]]] = {
    "missing_id": {
        "woocommerce": [(("id",), None)],
        "square": [(("id",), None)],
        "csv_export": [(("Transaction",), "")],
    },
    "bad_date": {
        "woocommerce": [(("date_created",), "yesterday"), (("date_created_gmt",), "yesterday")],
        "square": [(("created_at",), "yesterday"), (("closed_at",), "yesterday")],
        "csv_export": [(("Timestamp",), "yesterday")],
    },
    "negative_price": {
        "woocommerce": [((*_WOO_LINE, "price"), -1.5), ((*_WOO_LINE, "subtotal"), "-1.50"),
                        ((*_WOO_LINE, "total"), "-1.50"), ((*_WOO_LINE, "quantity"), 1)],
        "square": [((*_SQUARE_LINE, "base_price_money", "amount"), -150),
                   ((*_SQUARE_LINE, "quantity"), "1"),
                   ((*_SQUARE_LINE, "gross_sales_money", "amount"), -150),
                   ((*_SQUARE_LINE, "variation_total_price_money", "amount"), -150),
                   ((*_SQUARE_LINE, "total_money", "amount"), -150)],
        "csv_export": [(("UnitPrice",), "-1,50"), (("Quantity",), "1"), (("Total",), "-1,50")],
    },
    "zero_quantity": {
        "woocommerce": [((*_WOO_LINE, "quantity"), 0)],
        "square": [((*_SQUARE_LINE, "quantity"), "0")],
        "csv_export": [(("Quantity",), "0")],
    },
    "wrong_sum": {
        "woocommerce": [((*_WOO_LINE, "total"), "123456.78")],
        "square": [((*_SQUARE_LINE, "total_money", "amount"), 12345678)],
        "csv_export": [(("Total",), "123456,78")],
    },
    "wrong_currency": {
        "woocommerce": [(("currency",), "EUR")],
        "square": [((*_SQUARE_LINE, "total_money", "currency"), "EUR"),
                   ((*_SQUARE_LINE, "base_price_money", "currency"), "EUR"),
                   (("total_money", "currency"), "EUR")],
        "csv_export": [(("Currency",), "EUR")],
    },
}  # fmt: skip
KINDS = set(RECORDS)
_BIG_FIELDS = {
    "woocommerce": (*_WOO_LINE, "name"),
    "square": (*_SQUARE_LINE, "name"),
    "csv_export": ("Product",),
}


def spoil_records(records: list[dict]) -> list[dict]:
    """Spoil the first record that can be, when a fault on records is on; records are changed in place."""
    dialect = current_app.config["retailer"].dialect
    victim = next((record for record in records if "Transaction" in record or record.get("line_items")), None)
    if victim is None:
        return records
    if fault := take("bad_record"):
        for place, value in RECORDS[fault["kind"]][dialect]:
            _put(victim, place, value)
    if take("big_field"):
        _put(victim, _BIG_FIELDS[dialect], "X" * BIG_FIELD)
    return records


def _put(record: dict, place: tuple, value: Any) -> None:
    """Set a value in nested dicts and lists; None takes it out."""
    *way, last = place
    target: Any = record
    for step in way:
        target = target[step]
    if value is None:
        del target[last]
    else:
        target[last] = value


def dumps(value: Any) -> bytes:
    """Write JSON as the two products do: no spaces, UTF-8."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
