-- One row is a pattern of a schema that some set has, the better ones of an element first: the order in which the decode
-- procedure picks one of those whose links have the same first year. Reads dropdown_cell and the mirror; read by
-- services/vehicle_etl/dropdown_sets.py, as a stream.
WITH member AS (
    SELECT DISTINCT (packed / 10000)::integer AS vinschemaid
    FROM dropdown_cell CROSS JOIN unnest(members) AS packed
)
SELECT p.vinschemaid, p.elementid, p.keys, p.attributeid
FROM member
JOIN {schema}.pattern AS p USING (vinschemaid)
WHERE p.elementid = ANY(%(elements)s)
ORDER BY
    coalesce(p.updatedon, p.createdon) DESC NULLS FIRST,
    length(replace(p.keys, '*', '')),
    translate(p.keys, '[]', '') COLLATE "C",
    p.id
