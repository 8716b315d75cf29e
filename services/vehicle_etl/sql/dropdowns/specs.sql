-- One row is a key or a value of a vehicle specification that has a key and fills one of the elements asked for, the
-- latest changed first. Read by dropdown_specs.py.
WITH useful AS (
    SELECT vspecschemapatternid AS spec_id
    FROM {schema}.vehiclespecpattern
    GROUP BY vspecschemapatternid
    HAVING bool_or(iskey) AND bool_or(NOT iskey AND elementid = ANY(%(filled)s))
)
SELECT spec.schemaid AS schema_id, spec.id AS spec_id, p.iskey, p.elementid, p.attributeid
FROM useful
JOIN {schema}.vspecschemapattern AS spec ON spec.id = useful.spec_id
JOIN {schema}.vehiclespecpattern AS p ON p.vspecschemapatternid = spec.id
WHERE p.iskey OR p.elementid = ANY(%(filled)s)
ORDER BY coalesce(p.updatedon, p.createdon) DESC NULLS FIRST, p.id
