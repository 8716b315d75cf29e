-- One row is an observation: check_name, subject (a park), observed, note. One scan of today's metadata of attractions.
WITH counted AS (
    SELECT
        coalesce(p.name, p.park_id::text) AS park, count(*) AS attractions,
        count(m.latitude) AS placed, count(nullif(m.attraction_type, 'UNKNOWN')) AS typed, count(m.is_indoor) AS indoor
    FROM parks.rides AS r
    JOIN parks.parks AS p USING (park_id)
    LEFT JOIN parks.entity_metadata AS m ON m.ride_id = r.ride_id AND m.valid_to IS NULL
    WHERE r.entity_type = 'ATTRACTION'
    GROUP BY p.park_id
)
SELECT o.check_name, c.park AS subject, o.known::numeric / c.attractions AS observed,
       o.known || ' of ' || c.attractions AS note
FROM counted AS c
CROSS JOIN LATERAL (VALUES ('coordinates', c.placed), ('attraction_types', c.typed), ('indoor', c.indoor))
    AS o (check_name, known);
