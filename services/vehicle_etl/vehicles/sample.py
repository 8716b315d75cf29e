"""A sample of VINs, decoded by the live release and by the one that is to take its place.

The sample is data/sample_vins.txt: VINs of 170 manufacturers without their serial numbers, which decode without error
in release 2026_08.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from services.vehicle_etl.vehicles.releases import Release
from shared import db
from shared.quality import Observation

FILE = Path(__file__).resolve().parent.parent / "data" / "sample_vins.txt"
# The number of the error says enough; the texts around it repeat it.
NOT_COMPARED = ("Error Text", "Additional Error Text")
ERRORS = "Error Code"


@dataclass(frozen=True)
class Change:
    """A variable of a VIN whose value is another one now; None is no value."""

    vin: str
    variable: str
    before: str | None
    after: str | None

    def __str__(self) -> str:
        return f"{self.vin} {self.variable}: {self.before or '-'} -> {self.after or '-'}"


@dataclass(frozen=True)
class Comparison:
    """What became of the sample. `worse` are VINs with an error that they did not have."""

    vins: int
    changes: tuple[Change, ...] = ()
    worse: tuple[str, ...] = ()

    def observations(self) -> dict[str, list[Observation]]:
        """Return what the checks decoded_changes and decoded_worse judge."""
        if not self.vins:
            return {}
        changed = len({change.vin for change in self.changes})
        common = Counter(change.variable for change in self.changes).most_common(5)
        note = ", ".join(f"{variable} {count}" for variable, count in common)
        return {
            "decoded_changes": [Observation(None, Decimal(changed) / self.vins, note or None)],
            "decoded_worse": [
                Observation(None, Decimal(len(self.worse)) / self.vins, ", ".join(self.worse[:5]))
            ],
        }


def compare(conn: db.Connection, before: Release | None, after: Release) -> Comparison:
    """Decode the sample with both releases.

    There is nothing to compare when one of them has no compiled decoder, or one of another version of this code.
    """
    if before is None or not (_has_decoder(conn, before) and _has_decoder(conn, after)):
        return Comparison(0)
    vins = FILE.read_text(encoding="ascii").split()
    pairs = zip(vins, _decode(conn, before, vins), _decode(conn, after, vins), strict=True)
    changes: list[Change] = []
    worse: list[str] = []
    for vin, old, new in pairs:
        changes += [
            Change(vin, name, old.get(name), new.get(name))
            for name in dict.fromkeys([*old, *new])
            if name not in NOT_COMPARED and old.get(name) != new.get(name)
        ]
        if _errors(new) - _errors(old):
            worse.append(vin)
    return Comparison(len(vins), tuple(changes), tuple(worse))


def _decode(conn: db.Connection, release: Release, vins: Sequence[str]) -> Iterator[Mapping[str, str | None]]:
    from shared.vin import Decoder
    from shared.vin.store import database_reader

    decoder = Decoder(database_reader(lambda: conn, release.schema))
    now = datetime.now(UTC)
    for vin in vins:
        yield decoder.decode(vin, now=now).values


def _errors(values: Mapping[str, str | None]) -> set[str]:
    return {code.strip() for code in (values.get(ERRORS) or "").split(",")}


def _has_decoder(conn: db.Connection, release: Release) -> bool:
    from shared.vin.store import has_decoder

    return has_decoder(conn, release.schema)
