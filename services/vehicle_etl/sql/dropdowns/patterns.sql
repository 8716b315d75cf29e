-- One row is a pattern of one set of schemas, the better ones of an element first: the order in which the decode
-- procedure picks one. A set without patterns is one row of nulls. Reads dropdown_cell and the mirror; read by
-- services/vehicle_etl/dropdowns.py, as a stream.
WITH one_set AS (
    SELECT DISTINCT ON (set_id) set_id, suffix, seventh, members FROM dropdown_cell ORDER BY set_id
),
member AS (
    SELECT set_id, (packed / 10000)::integer AS vinschemaid, (packed %% 10000)::integer AS yearfrom
    FROM one_set CROSS JOIN unnest(members) AS packed
),
pattern AS (
    SELECT
        member.set_id,
        member.yearfrom,
        p.id,
        p.elementid,
        p.keys,
        p.attributeid,
        coalesce(p.updatedon, p.createdon) AS changed
    FROM member
    JOIN {schema}.pattern AS p USING (vinschemaid)
    WHERE p.elementid = ANY(%(elements)s)
)
SELECT
    one_set.set_id,
    one_set.suffix,
    one_set.seventh,
    pattern.elementid,
    pattern.keys,
    pattern.attributeid
FROM one_set
LEFT JOIN pattern USING (set_id)
ORDER BY
    one_set.set_id,
    pattern.yearfrom DESC,
    pattern.changed DESC NULLS FIRST,
    length(replace(pattern.keys, '*', '')),
    translate(pattern.keys, '[]', '') COLLATE "C",
    pattern.id
