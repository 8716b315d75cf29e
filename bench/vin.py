"""How fast VINs are decoded with a whole release, beside ultravin, a decoder in Rust.

    python bench/vin.py [--dump FILE] [--vins 40000] [--fleet 1000000]

The release is compiled into an embedded server of its own, and read from there. VINs are made from the patterns,
evenly over (manufacturer code, span of model years), with right check digits. Every figure is one process, one core,
and counts until the values of all variables can be read by name, as in the dict that ultravin gives. ultravin is
measured in the same run when it is installed: `pip install ultravin`; it is nothing that Cronhouse needs.
"""

import argparse
import gc
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from functools import lru_cache
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import msgspec

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from shared import db
from shared.config import ROOT, Settings, load_settings
from shared.local.postgres import EmbeddedPostgres
from shared.vin import Decoder, VinError, parts
from shared.vin.checkdigit import check_digit, first_digit_of_correction
from shared.vin.compile import compile_parts
from shared.vin.keys import accepted
from shared.vin.source import Column, Source, split_copy
from shared.vin.store import database_reader, write_parts

FULL = ROOT.parent / "shared" / "data" / "vpic" / "vpic_full_2026_08.plain.zip"
SAMPLE = ROOT / "services" / "vehicle_etl" / "data" / "vpic_subset.plain.sql.zip"
UNSEEN, AGAIN, FLEET, COLD, MEMORY = 100, 20, 10, 20, 300  # microseconds three times, milliseconds, MB
DESCRIPTORS = 50_000
HOW_TO_READ = """
How to read it: microseconds of one core a VIN, smaller is better; `of limit` must stay below 1. (a) are VINs never
seen before: once with the manufacturers' parts still in the database, once with them in memory; only the second has
a limit, since the first is mostly the database's answers, a few for each manufacturer. (b) are the VINs of (a) once
more. (c) is a fleet: many serial numbers of few descriptors, by a process that begins with nothing in memory. (d) is
the first VIN of a manufacturer, in milliseconds. Memory is a worker with the decoder's ordinary limits after all VINs
of (a). ultravin's first pass is to be compared with (a) in memory, its second with (b). What is above its limit only
because the machine is busy moves ultravin's figures as well: look at the ratio."""
_COPY = re.compile(rb"COPY vpic\.(\S+) \((.*)\) FROM stdin;\n")
_YEARS = "ABCDEFGHJKLMNPRSTVWXY123456789"


class BlockFile(Source):
    """The COPY blocks of a dump, taken out of the zip file: the compiler's source."""

    def __init__(self, dump: Path, folder: Path) -> None:
        self.path, self.blocks, at, inside = folder / "dump.sql", {}, 0, False
        with zipfile.ZipFile(dump) as archive, open(self.path, "wb") as out:
            shutil.copyfileobj(archive.open(archive.namelist()[0]), out, 1 << 20)
        with open(self.path, "rb") as lines:
            for line in lines:
                at += len(line)
                if inside:
                    inside = line != b"\\.\n"
                elif found := _COPY.match(line):
                    columns = [name.strip(' "') for name in found[2].decode().split(",")]
                    self.blocks[found[1].decode()], inside = (columns, at), True

    def batches(self, table: str, columns: Sequence[str]) -> Iterator[Sequence[Column]]:
        """Give the rows of a table by columns."""
        names, start = self.blocks.get(table, ([], 0))
        if names:
            picked = [names.index(name) for name in columns] or [0]
            with open(self.path, "rb") as file:
                file.seek(start)
                yield from split_copy(iter(file.readline, b"\\.\n"), len(names), picked)


class VinMaker:
    """Makes VINs that a release knows."""

    def __init__(self, read: parts.ReadParts) -> None:
        self.read = read
        self.set = lru_cache(maxsize=4000)(lambda number: self._part(f"s{number}", parts.SetPart))
        self.spans = list(self._spans())

    def _part(self, name: str, kind: type[Any]) -> Any:
        return parts.unpack(self.read([name])[name], kind)

    def _spans(self) -> Iterator[tuple[str, int, int, int]]:
        """Give (code, first year, last year, set), only what is public."""
        for wmi, packed in self._part(parts.COMMON, parts.Common).makers.items():
            part = msgspec.msgpack.decode(packed, type=parts.WmiPart)
            ends = [*[year - 1 for year in part.from_years[1:]], 2027]
            for first, last, number in zip(part.from_years, ends, part.set_ids, strict=False):
                if number and part.published and max(first, 1981) <= min(last, 2027):
                    yield wmi, max(first, 1981), min(last, 2027), number

    def make(self, chance: random.Random, span: tuple[str, int, int, int]) -> str | None:
        """Make a VIN: two random keys of the span are met, the other places hold what is valid there."""
        wmi, first, last, number = span
        found = self.set(number)
        chars = dict(zip(parts.VALID_POSITIONS, map(_usual, found.valid), strict=True))
        for key in chance.sample(found.keys, min(2, len(found.keys))):
            chars |= {at + 4: _usual(place) for at, place in enumerate(accepted(key)) if place and at != 5}
        year = _YEARS[(chance.randint(first, last) - 1980) % 30]
        picked = "".join(chance.choice(chars.get(at) or "0123456789") for at in (4, 5, 6, 7, 8, 11))
        serial = wmi[3:] or "".join(chance.choice(_digits(chars.get(at, ""))) for at in (12, 13, 14))
        serial += f"{chance.randrange(1000):03}"
        return with_check_digit(f"{wmi[:3]}{picked[:5]}0{year}{picked[5]}{serial}")

    def many(self, count: int, seed: int, spans: Sequence[tuple[str, int, int, int]]) -> list[str]:
        """Make distinct VINs in random order."""
        chance, made = random.Random(seed), dict[str, None]()
        while len(made) < count:
            if vin := self.make(chance, chance.choice(spans)):
                made[vin] = None
        return list(made)


def _usual(chars: str) -> str:
    return "".join(char for char in chars if char.isalnum() and char not in "IOQ")


def _digits(chars: str) -> str:
    return "".join(char for char in chars if char.isdigit()) or "0123456789"


def with_check_digit(vin: str) -> str | None:
    """Put the check digit in; None for what cannot be a VIN."""
    digit = check_digit(vin, first_digit_of_correction(vin)) if len(vin) == 17 else "?"
    return None if digit in ("?", "") else vin[:8] + digit + vin[9:]


def fleet_of(vins: Sequence[str], count: int) -> list[str]:
    """Make a fleet: other serial numbers for the descriptors of some VINs, in random order."""
    chance = random.Random(3)
    heads = list({vin[:8] + vin[9:11]: vin for vin in vins if vin[2] != "9"}.values())[:DESCRIPTORS]
    fleet: list[str] = []
    while len(fleet) < count:
        head = heads[len(fleet) % len(heads)]
        fleet.append(with_check_digit(f"{head[:11]}{chance.randrange(10**6):06}") or head)
    chance.shuffle(fleet)
    return fleet


def each(decode: Callable[[str], Any], vins: Sequence[str]) -> float:
    """Return the microseconds of a core that one VIN takes."""
    started = time.process_time()
    for vin in vins:
        decode(vin)
    return (time.process_time() - started) / len(vins) * 1e6


def decode_with(decoder: Decoder) -> Callable[[str], Any]:
    """Return what decodes a VIN to a dict; where NHTSA's procedure fails there is none."""

    def decode(vin: str) -> Any:
        try:
            return decoder.decode(vin).values
        except VinError:
            return None

    return decode


def first_decodes(decoder: Decoder, vins: Sequence[str]) -> list[float]:
    """Return the milliseconds of the first VIN of each manufacturer."""
    decode, seen, times = decode_with(decoder), set(), []
    for vin in vins:
        wmi = vin[:3] + (vin[11:14] if vin[2] == "9" else "")
        if wmi not in seen:
            seen.add(wmi)
            started = time.perf_counter()
            decode(vin)
            times.append((time.perf_counter() - started) * 1e3)
    return times


def main() -> int:
    """Measure, print, and say by the exit code whether the limits are kept."""
    options = _parse_arguments()
    if options.child:
        return _child(options)
    folder = Path(tempfile.mkdtemp(prefix="cronhouse-bench-")).resolve()
    folder.chmod(0o755)
    server = EmbeddedPostgres(folder, durable=False)
    try:
        server.start()
        server.create_database("bench")
        url = server.url("bench")
        print(f"compiling {options.dump.name}", flush=True)
        made = run_child("compile", url, options)
        print(
            "  {parts:,} parts, {mb:.0f} MB in {seconds:.0f} s, at most {peak:.0f} MB of memory".format(
                **made
            )
        )
        return measure(url, options)
    finally:
        server.remove()
        shutil.rmtree(folder, ignore_errors=True)


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure the VIN decoder with a whole release.")
    parser.add_argument(
        "--dump", type=Path, default=FULL if FULL.exists() else SAMPLE, help="a plain dump, zipped"
    )
    parser.add_argument("--vins", type=int, default=40_000, help="distinct VINs of (a) (default 40000)")
    parser.add_argument("--fleet", type=int, default=1_000_000, help="VINs of (c) (default 1000000)")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    return parser.parse_args()


def run_child(what: str, url: str, options: argparse.Namespace, stdin: str = "") -> dict[str, Any]:
    """Run a step as a process of its own, whose memory is its own; return what it says."""
    command = [sys.executable, __file__, "--child", what, "--url", url, "--dump", str(options.dump)]
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{what} failed:\n{done.stderr}")
    return json.loads(done.stdout)  # type: ignore[no-any-return]


def peak() -> float:
    """Return the largest memory of this program in MB; getrusage would count the parent's from before exec."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found[1]) / 1024 if found else 0.0


def _child(options: argparse.Namespace) -> int:
    with closing(connect(options.url)) as conn:
        if options.child == "compile":
            said = compile_dump(conn, options.dump) | {"peak": peak()}
        else:
            conn.autocommit = True
            vins, read = sys.stdin.read().split(), database_reader(lambda: conn)
            gc.freeze()  # the list of VINs is ours: the decoder need not pay for looking through it
            if options.child == "fleet":
                decoder = Decoder(read, max_bytes=4 << 30, templates=DESCRIPTORS * 2)
            else:
                decoder = Decoder(read)
            said = {"each": each(decode_with(decoder), vins), "peak": peak()}
    print(json.dumps(said))
    return 0


def compile_dump(conn: db.Connection, dump: Path) -> dict[str, Any]:
    """Compile a dump into the database."""
    with tempfile.TemporaryDirectory(prefix="cronhouse-bench-") as folder:
        source = BlockFile(dump, Path(folder))
        started = time.perf_counter()
        db.execute(conn, "CREATE SCHEMA vpic")
        count = write_parts(conn, "vpic", compile_parts(source))
        conn.commit()
    size = db.fetch_value(conn, "SELECT sum(octet_length(data)) FROM vpic.vin_part")
    return {"parts": count, "mb": size / 1e6, "seconds": time.perf_counter() - started}


def connect(url: str) -> db.Connection:
    """Connect to the server of this run."""
    settings: Settings = load_settings({"DATABASE_URL": url})
    return db.connect(settings, application_name="bench")


def measure(url: str, options: argparse.Namespace) -> int:
    """Measure all figures and print them."""
    with closing(connect(url)) as conn:
        conn.autocommit = True
        read = database_reader(lambda: conn)
        maker = VinMaker(read)
        spans = random.Random(1).choices(maker.spans, k=options.vins // 2)
        vins, others = maker.many(options.vins, 2, spans), maker.many(options.vins // 2, 4, spans)
        cold = first_decodes(Decoder(read, max_bytes=4 << 30, templates=10**6), others)
        figures = [
            ("(d) first VIN of a manufacturer, 99 of 100 below (ms)", quantiles(cold, n=100)[98], COLD)
        ]
        print(
            f"  first VIN of a manufacturer: {len(cold):,}, half below {median(cold):.2f} ms, worst {max(cold):.1f}"
        )
        loading = each(decode_with(Decoder(read, max_bytes=4 << 30, templates=10**6)), vins)
        unseen, again = measure_in_memory(conn, vins, others)
        figures.insert(0, ("(a) unseen VINs, parts in memory", unseen, UNSEEN))
        figures.insert(1, ("(b) the same again", again, AGAIN))
        fleet = fleet_of(maker.many(DESCRIPTORS * 2, 5, maker.spans), options.fleet)
    figures.insert(2, ("(c) a fleet", run_child("fleet", url, options, "\n".join(fleet))["each"], FLEET))
    worker = run_child("memory", url, options, "\n".join(vins))
    figures.append(("memory of a worker (MB)", worker["peak"], MEMORY))
    rust = measure_ultravin(vins, fleet)
    print(f"\n{'':<56}{'measured':>10}{'limit':>8}{'of limit':>10}{'ultravin':>10}{'ratio':>8}")
    for (name, value, limit), theirs in zip(figures, [*rust, None, None], strict=True):
        beside = f"{theirs:>10.1f}{value / theirs:>8.2f}" if theirs else ""
        print(f"{name:<56}{value:>10.1f}{limit:>8}{value / limit:>10.2f}{beside}")
    print(f"{'(a) unseen VINs, parts still in the database':<56}{loading:>10.1f}")
    print(HOW_TO_READ)
    return 0 if all(value <= limit for _, value, limit in figures) else 1


def measure_in_memory(conn: db.Connection, vins: Sequence[str], others: Sequence[str]) -> tuple[float, float]:
    """Return what VINs take the first time and the second; before, the parts were read for others."""
    rows = db.fetch_all(conn, "SELECT part, data FROM vpic.vin_part")
    held = {row["part"]: bytes(row["data"]) for row in rows}
    decoder = Decoder(lambda names: {name: held[name] for name in names}, max_bytes=4 << 30, templates=10**6)
    decode = decode_with(decoder)
    each(decode, others)
    return each(decode, vins), each(decode, vins)


def measure_ultravin(vins: Sequence[str], fleet: Sequence[str]) -> list[float | None]:
    """Return ultravin's figures for (a), (b) and (c); None for each when it is not installed."""
    try:
        import ultravin
    except ImportError:
        print("  ultravin is not installed: `pip install ultravin` puts its figures beside ours")
        return [None, None, None]
    os.environ.setdefault("RAYON_NUM_THREADS", "1")
    some = fleet[: len(vins)]
    return [each(ultravin.decode, vins), each(ultravin.decode, vins), each(ultravin.decode, some)]


if __name__ == "__main__":
    raise SystemExit(main())
