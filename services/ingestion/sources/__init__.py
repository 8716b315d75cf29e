"""One file a kind of source. Each has a class with

    fetch(window)  -> the transactions that changed in the window, verbatim, as lines for the landing zone
    parse(lines)   -> the SalesRecords of one transaction, from its landing lines alone, without the network
    count(lines)   -> how many source lines they stand for, and their business day, as far as can be told

A transaction is the unit: it arrives whole in one version, and one bad line makes all of it a dead letter,
since half a sale would replace a whole one.
"""

import time
from collections.abc import Callable, Iterator
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Protocol

from shared.errors import DataError, TransientError

if TYPE_CHECKING:
    from services.ingestion.retail.records import SalesRecord
    from services.ingestion.retail.retailers import Retailer
    from services.ingestion.retail.window import Window
    from shared.state import VoidTransaction


class SourceMoved(TransientError):
    """The source changed while it was being paged through: what came may have a gap, begin again."""


class Parsed:
    """The records of one transaction. `is_correction`: it was changed after it was first complete.

    `line_numbers` gives the landing line of each record, from 0, where there are several. `void` says that there
    are none in this version, and so none of an older one any more.
    """

    __slots__ = ("is_correction", "line_numbers", "records", "void")

    def __init__(
        self, records: "list[SalesRecord]", is_correction: bool = False, line_numbers: list[int] | None = None,
        void: "VoidTransaction | None" = None,
    ) -> None:  # fmt: skip
        self.records, self.is_correction = records, is_correction
        self.line_numbers, self.void = line_numbers, void


class Source(Protocol):
    """What the intake needs of a source. `source_rows`: lines it says it sent, None where it does not say."""

    source_rows: int | None

    def fetch(self, window: "Window") -> Iterator[list[bytes]]: ...
    def parse(self, lines: list[bytes], latest: datetime) -> Parsed: ...
    def count(self, lines: list[bytes]) -> tuple[int, date | None]: ...
    def close(self) -> None: ...


def open_source(retailer: "Retailer", sleep: Callable[[float], Any] = time.sleep) -> Source:
    """Return the adapter of a retailer; it connects on first use."""
    if retailer.source == "woocommerce":
        from services.ingestion.sources.woocommerce import WooCommerce

        return WooCommerce(retailer, sleep)
    if retailer.source == "square":
        from services.ingestion.sources.square import Square

        return Square(retailer, sleep)
    from services.ingestion.sources.csv_export import CsvExport

    return CsvExport(retailer, sleep)


def parse(source: Source, lines: list[bytes], latest: datetime) -> Parsed:
    """Return the records of a transaction.

    Raises:
        DataError: it cannot be used; also for a number or a time that no arithmetic can follow, such as the
            year 1 in a zone east of UTC, or NaN.
    """
    try:
        return source.parse(lines, latest)
    except (ArithmeticError, ValueError) as exc:
        raise DataError(f"a number or a time is out of range ({type(exc).__name__}: {exc})") from exc
