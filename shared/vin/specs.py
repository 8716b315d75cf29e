"""Vehicle specifications, gathered by model for the compiler."""

from collections import defaultdict
from collections.abc import Iterator, Mapping

from shared.vin import parts
from shared.vin.sets import value_of
from shared.vin.source import Source, changed


def read_specs(
    source: Source, names: Mapping[str, Mapping[str, str]]
) -> Iterator[tuple[str, list[parts.SpecSchema]]]:
    """Give (model id as text, its specification schemas)."""
    models, years = defaultdict(set), defaultdict(list)
    for schema, model in source.rows("vehiclespecschema_model", ("vehiclespecschemaid", "modelid")):
        models[model].add(schema)
    for schema, year in source.rows("vehiclespecschema_year", ("vehiclespecschemaid", "year")):
        years[schema].append(int(year or 0))
    patterns = _read_patterns(source, names)
    schemas = {}
    columns = ("id", "makeid", "vehicletypeid", "tobeqced")
    for schema, make, vehicle_type, held_back in source.rows("vehiclespecschema", columns):
        if held_back != "t" and patterns[schema]:
            type_id = None if vehicle_type is None else int(vehicle_type)
            schemas[schema] = parts.SpecSchema(
                int(schema or 0),
                int(make or 0),
                type_id,
                tuple(sorted(years[schema])),
                tuple(patterns[schema]),
            )
    for model, wanted in models.items():
        found = sorted((schemas[schema] for schema in wanted if schema in schemas), key=lambda s: s.id)
        if found and model:
            yield model, found


def _read_patterns(
    source: Source, names: Mapping[str, Mapping[str, str]]
) -> dict[str | None, list[parts.SpecPattern]]:
    """Return the patterns of each schema that have a key and something to say, by id."""
    keys, rows = defaultdict(list), defaultdict(list)
    columns = ("vspecschemapatternid", "iskey", "elementid", "attributeid", "createdon", "updatedon")
    for pattern, is_key, element, attribute, created, updated in source.rows("vehiclespecpattern", columns):
        number, text = int(element or 0), attribute or ""
        if is_key == "t":
            keys[pattern].append((number, text.lower()))
        else:
            value = value_of(number, text, names)
            rows[pattern].append(parts.Named(number, text, value, changed(created, updated)))
    patterns = defaultdict(list)
    for pattern, schema in source.rows("vspecschemapattern", ("id", "schemaid")):
        if keys[pattern] and rows[pattern]:
            found = parts.SpecPattern(int(pattern or 0), tuple(keys[pattern]), tuple(rows[pattern]))
            patterns[schema].append(found)
    for found_patterns in patterns.values():
        found_patterns.sort(key=lambda item: item.id)
    return patterns
