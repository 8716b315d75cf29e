"""Compile a release into the parts that the decoder reads."""

import hashlib
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec

from shared import db
from shared.errors import DataError
from shared.vin import parts
from shared.vin.keys import upper, wmi_of
from shared.vin.patterns import Patterns
from shared.vin.schemas import Schemas
from shared.vin.sets import MODEL, Link, Lookups, build_set, value_of
from shared.vin.source import SchemaSource, Source, changed, microseconds
from shared.vin.specs import read_specs
from shared.vin.validchars import ValidChars
from shared.vin.values import LOOKUPS, clean

Part = tuple[str, bytes]
_VIEWS = {"vncsabodytype": "defs_body", "vncsamake": "defs_make", "vncsamodel": "defs_model"}
_IN_USE = {"-1", "-257"}  # modes of a definition
_OPEN_END = 2999


def compile_release(conn: db.Connection, schema: str, *, now: datetime | None = None) -> int:
    """Compile the mirror tables of a schema into its table vin_part; return the number of parts.

    Runs within the caller's transaction and does not commit. `now` decides which of NHTSA's own
    definitions are in force.
    """
    from shared.vin.store import write_parts

    return write_parts(conn, schema, compile_parts(SchemaSource(conn, schema), now=now))


def compile_parts(source: Source, *, now: datetime | None = None) -> Iterator[Part]:
    """Give the parts of a release one by one.

    Raises:
        DataError: the release has no manufacturer codes or no patterns.
    """
    token = parts.new_token()
    names = _read_names(source, (now or datetime.now(UTC)).year)
    specs = {model: _packed(schemas) for model, schemas in read_specs(source, names)}
    elements = _read_elements(source)
    wmis = _read_wmis(source)
    links = _read_links(source)
    patterns, valid = Patterns(), ValidChars()
    patterns.read(source)
    valid.read(source)
    if not wmis or not patterns.ids:
        raise DataError("the release has no manufacturer codes or no patterns: nothing to compile")
    lookups = Lookups(
        values=_read_values(patterns, names),
        model_pairs=frozenset(n for n, (element, _) in enumerate(patterns.pairs) if element == MODEL),
        makes_of=_read_makes_of(source, names),
        with_specs=frozenset(specs),
        held_back=_read_held_back(source),
    )
    decodable = frozenset(element.id for element in elements if element.decode is not None)
    builder = _Builder(token, Schemas(patterns, decodable), lookups)
    manufacturers, makers = _Manufacturers(source, names, valid), {}
    for wmi in sorted(wmis):
        wmi_links = links.get(wmis[wmi][0], [])
        from_years, set_ids = [], []
        for year, held in _spans(wmi_links):
            number, part = builder.number(held)
            from_years.append(year)
            set_ids.append(number)
            yield from part
        every, part = builder.number([(schema, first) for schema, first, _ in wmi_links])
        yield from part
        makers[wmi] = manufacturers.part(wmi, wmis[wmi], from_years, set_ids, every)
    yield parts.COMMON, parts.pack(token, _common(source, names, elements, makers, specs))
    yield parts.RELEASE, token


class _Builder:
    """Numbers sets and compiles each once."""

    def __init__(self, token: bytes, schemas: Schemas, lookups: Lookups) -> None:
        self.token, self.schemas, self.lookups = token, schemas, lookups
        self.numbers: dict[bytes, int] = {}

    def number(self, links: list[Link]) -> tuple[int, list[Part]]:
        """Return the number of a set, and the part to store when it is a new one."""
        if not links:
            return 0, []
        links = sorted(links)
        digest = hashlib.blake2b(repr(links).encode(), digest_size=16).digest()
        if digest in self.numbers:
            return self.numbers[digest], []
        number = self.numbers[digest] = len(self.numbers) + 1
        part = build_set(self.schemas, links, self.lookups)
        return number, [(f"s{number}", parts.pack(self.token, part))]


def _spans(links: list[tuple[int, int, int]]) -> Iterator[tuple[int, list[Link]]]:
    """Give (first year, links that hold from then on), by year."""
    edges = sorted({first for _, first, _ in links} | {last + 1 for _, _, last in links})
    for year in edges:
        yield year, [(schema, first) for schema, first, last in links if first <= year <= last]


class _Manufacturers:
    """What a manufacturer code's part says besides its sets."""

    def __init__(self, source: Source, names: dict[str, dict[str, str]], valid: ValidChars) -> None:
        self.names, self.valid = names, valid
        self.makes: dict[str, list[tuple[int, str]]] = defaultdict(list)
        for wmi_id, make in source.rows("wmi_make", ("wmiid", "makeid")):
            if make is not None and make in names["make"]:
                self.makes[wmi_id or ""].append((int(make), _shown(names["make"][make])))
        self.exceptions: dict[str, list[str]] = defaultdict(list)
        for vin, counts in source.rows("vinexception", ("vin", "checkdigit")):
            if counts == "t" and vin:
                self.exceptions[wmi_of(vin)].append(vin)

    def part(
        self, wmi: str, row: tuple[str | None, ...], from_years: list[int], set_ids: list[int], every: int
    ) -> msgspec.Raw:
        """Return a manufacturer code, packed."""
        wmi_id, manufacturer, type_id, truck_id, published, created, updated = row
        charsets, valid = self.valid.of(wmi)
        name = self.names["manufacturer"].get(manufacturer or "")
        part = parts.WmiPart(
            id=int(wmi_id or 0),
            type_id=_integer(type_id),
            truck_id=_integer(truck_id),
            manufacturer_id=_integer(manufacturer),
            manufacturer=None if name is None else _shown(name),
            published=microseconds(published),
            created=changed(created, updated),
            makes=tuple(sorted(self.makes.get(wmi_id or "", []))),
            from_years=tuple(from_years),
            set_ids=tuple(set_ids),
            every_set=every,
            charsets=tuple(charsets),
            valid=valid,
            exceptions=tuple(self.exceptions.get(wmi, ())),
        )
        return _packed(part)


def _packed(part: object) -> msgspec.Raw:
    return msgspec.Raw(msgspec.msgpack.encode(part))


def _shown(name: str) -> str:
    """Return a name as answers show those of makes, manufacturers and vehicle types."""
    return upper(clean(name) or "")


def _integer(text: str | None) -> int | None:
    return None if text is None else int(text)


def _read_wmis(source: Source) -> dict[str, tuple[str | None, ...]]:
    names = "manufacturerid vehicletypeid trucktypeid publicavailabilitydate createdon updatedon"
    columns = ("wmi", "id", *names.split())
    return {row[0] or "": row[1:] for row in source.rows("wmi", columns)}


def _read_links(source: Source) -> dict[str | None, list[tuple[int, int, int]]]:
    """Return (schema, first year, last year) by the id of a manufacturer code."""
    links = defaultdict(list)
    for wmi, schema, first, last in source.rows(
        "wmi_vinschema", ("wmiid", "vinschemaid", "yearfrom", "yearto")
    ):
        links[wmi].append((int(schema or 0), int(first or 0), int(last or _OPEN_END)))
    return links


def _read_values(patterns: Patterns, names: dict[str, dict[str, str]]) -> dict[int, str | None]:
    """Return the values of those (element, attribute) that do not mean what stands there."""
    values = {}
    for number, (element, attribute) in enumerate(patterns.pairs):
        value = value_of(element, attribute, names)
        if value != attribute:
            values[number] = value
    return values


def _read_held_back(source: Source) -> frozenset[int]:
    rows = source.rows("vinschema", ("id", "tobeqced"))
    return frozenset(int(schema or 0) for schema, held in rows if held == "t")


def _read_makes_of(source: Source, names: dict[str, dict[str, str]]) -> dict[str, list[tuple[int, str]]]:
    makes = defaultdict(list)
    for model, make in source.rows("make_model", ("modelid", "makeid")):
        if make in names["make"]:
            makes[model or ""].append((int(make), _shown(names["make"][make])))
    return makes


def _read_names(source: Source, year: int) -> dict[str, dict[str, str]]:
    """Return the names of all lookup tables by id as text."""
    names = {}
    for table in sorted(set(LOOKUPS.values())):
        if table in _VIEWS:
            names[table] = _read_definitions(source, _VIEWS[table], year)
        else:
            names[table] = {row[0] or "": row[1] or "" for row in source.rows(table, ("id", "name"))}
    return names


def _read_definitions(source: Source, table: str, year: int) -> dict[str, str]:
    """Return the definitions of NHTSA's crash statistics that are in force in a year."""
    columns = ("id", "def", "from_year", "to_year", "mode")
    names = {}
    for row in source.rows(table, columns + (("make",) if table == "defs_model" else ())):
        number, first, last = int(row[0] or 0), int(row[2] or 0), int(row[3] or _OPEN_END)
        if number > 0 and first <= year <= last and row[4] in _IN_USE:
            key = int(row[5] or 0) * 1_000_000 + number if table == "defs_model" else number
            names[str(key)] = row[1] or ""
    return names


def _read_elements(source: Source) -> list[parts.Element]:
    columns = ("id", "name", "code", "groupname", "datatype", "decode", "isprivate", "weight")
    return [
        parts.Element(int(r[0] or 0), r[1] or "", r[2], r[3], r[4], r[5], r[6] == "t", _integer(r[7]))
        for r in source.rows("element", columns)
    ]


def _common(
    source: Source,
    names: dict[str, dict[str, str]],
    elements: list[parts.Element],
    makers: dict[str, msgspec.Raw],
    specs: dict[str, msgspec.Raw],
) -> parts.Common:
    errors = source.rows("errorcode", ("id", "name", "additionalerrortext", "weight"))
    conversions = source.rows("conversion", ("id", "fromelementid", "toelementid", "formula"))
    descriptors = source.rows("vindescriptor", ("descriptor", "modelyear"))
    return parts.Common(
        makers=makers,
        specs=specs,
        elements=elements,
        errors=sorted(
            (parts.ErrorCode(int(r[0] or 0), r[1] or "", r[2], _integer(r[3])) for r in errors),
            key=lambda code: code.id,
        ),
        conversions=sorted(
            (
                parts.Conversion(int(r[0] or 0), int(r[1] or 0), int(r[2] or 0), r[3] or "")
                for r in conversions
            ),
            key=lambda conversion: conversion.id,
        ),
        engines=_read_engines(source, names),
        defaults=_read_defaults(source, names, elements),
        types={int(number): _shown(name) for number, name in names["vehicletype"].items()},
        descriptors={text: int(year) for text, year in descriptors if text and year},
    )


def _read_engines(source: Source, names: dict[str, dict[str, str]]) -> dict[str, list[parts.Named]]:
    """Return the patterns of engine models by trimmed lower-case name, latest change first."""
    name_of = {row[0]: (row[1] or "").strip().lower() for row in source.rows("enginemodel", ("id", "name"))}
    columns = ("id", "enginemodelid", "elementid", "attributeid", "createdon", "updatedon")
    found = defaultdict(list)
    for number, engine, element, attribute, created, updated in source.rows("enginemodelpattern", columns):
        if engine in name_of:
            value = value_of(int(element or 0), attribute or "", names)
            named = parts.Named(int(element or 0), attribute or "", value, changed(created, updated))
            found[name_of[engine]].append((int(number or 0), named))
    return {
        name: [named for _, named in sorted(rows, key=lambda row: (*_latest(row[1].created), row[0]))]
        for name, rows in found.items()
    }


def _latest(created: int | None) -> tuple[bool, int]:
    """Return a sort key: no time first, then the latest."""
    return created is not None, -(created or 0)


def _read_defaults(
    source: Source, names: dict[str, dict[str, str]], elements: list[parts.Element]
) -> dict[int, list[parts.Named]]:
    """Return the defaults of each vehicle type with their values."""
    types = {element.id: element.data_type for element in elements}
    defaults = defaultdict(list)
    columns = ("elementid", "vehicletypeid", "defaultvalue", "createdon", "updatedon")
    for element, vehicle_type, attribute, created, updated in source.rows("defaultvalue", columns):
        if attribute is None:
            continue
        number = int(element or 0)
        unknown = types.get(number) == "lookup" and attribute == "0"
        value = "Not Applicable" if unknown else value_of(number, attribute, names)
        named = parts.Named(number, attribute, value, changed(created, updated))
        defaults[int(vehicle_type or 0)].append(named)
    return defaults
