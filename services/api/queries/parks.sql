-- Reads of parks.py. Lists have a place {order} where they can be sorted, and take a limit, null for all rows.

-- name: version
-- What answers hang on: the last cycle, the last description, the running minute (a park opens without either).
SELECT concat_ws(' ', (SELECT max(finished_at) FROM parks.live_cycle), (SELECT max(updated_at) FROM parks.parks),
                 date_trunc('minute', now()));

-- name: parks
-- One row a park: today's published OPERATING hours, in its own zone, and when it was heard of last.
SELECT p.park_id::text AS park_id, p.name, p.slug, p.destination_id::text AS destination_id, d.name AS destination_name,
       p.timezone, NOT (p.is_discovered AND p.timezone = 'UTC') AS is_timezone_known, p.latitude, p.longitude,
       today.local_date, hours.opens_at, hours.closes_at,
       CASE WHEN hours.opens_at IS NOT NULL THEN coalesce(hours.is_open, false) END AS is_open,
       live.attractions, live.last_polled_at
FROM parks.parks AS p
LEFT JOIN parks.destinations AS d USING (destination_id)
CROSS JOIN LATERAL (SELECT (now() AT TIME ZONE p.timezone)::date AS local_date) AS today
LEFT JOIN LATERAL (
    SELECT min(opens_at) FILTER (WHERE local_date = today.local_date) AS opens_at,
           max(closes_at) FILTER (WHERE local_date = today.local_date) AS closes_at,
           bool_or(now() >= opens_at AND now() < closes_at) AS is_open
    FROM parks.opening_hours AS h
    WHERE h.park_id = p.park_id AND h.kind = 'OPERATING'
      AND h.local_date BETWEEN today.local_date - 1 AND today.local_date  -- yesterday's may end after midnight
) AS hours ON true
LEFT JOIN LATERAL (
    SELECT count(*) FILTER (WHERE r.entity_type = 'ATTRACTION') AS attractions, max(s.last_polled_at) AS last_polled_at
    FROM parks.rides AS r LEFT JOIN parks.live_state AS s USING (ride_id)
    WHERE r.park_id = p.park_id
) AS live ON true
WHERE (%(destination)s::uuid IS NULL OR p.destination_id = %(destination)s)
ORDER BY {order}
LIMIT %(limit)s OFFSET %(offset)s;

-- name: park
SELECT park_id::text AS park_id, name, timezone FROM parks.parks WHERE park_id = %(park_id)s::uuid;

-- name: live
-- One row an entity of the park that the live API has named, with the queues of its last snapshot. An entity that the
-- last answer did not name is there, with is_present false: what it posted before may hold no more.
SELECT r.entity_id::text AS entity_id, r.name, r.entity_type, s.status::text AS status, s.wait_minutes, s.is_present,
       s.recorded_at, s.last_polled_at, s.source_updated_at, coalesce(queues.list, '[]') AS queues, extras.showtimes
FROM parks.live_state AS s
JOIN parks.rides AS r USING (ride_id)
LEFT JOIN LATERAL (
    SELECT jsonb_agg(jsonb_build_object(
               'queue_type', q.queue_type, 'wait_minutes', q.wait_minutes, 'state', q.state,
               'return_start_at', to_char(q.return_start_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
               'return_end_at', to_char(q.return_end_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
               'price_minor', q.price_minor, 'currency', q.currency,
               'group_start', q.group_start, 'group_end', q.group_end) ORDER BY q.queue_type) AS list
    FROM parks.queue_postings AS q
    WHERE q.ride_id = s.ride_id AND q.recorded_at = s.recorded_at AND q.data_source = 'LIVE'
) AS queues ON true
LEFT JOIN parks.snapshot_extras AS extras
  ON extras.ride_id = s.ride_id AND extras.recorded_at = s.recorded_at AND extras.data_source = 'LIVE'
WHERE r.park_id = %(park_id)s::uuid
  AND (%(entity_type)s::text IS NULL OR r.entity_type = %(entity_type)s)
  AND (%(status)s::text IS NULL OR s.status::text = %(status)s)
ORDER BY {order}
LIMIT %(limit)s OFFSET %(offset)s;

-- name: near_version
SELECT concat_ws(' ', max(valid_from), max(valid_to)) FROM parks.entity_metadata;

-- name: near
-- One row an attraction whose place is within the radius: the GiST index gives those in a box around the point (two
-- where the box crosses the 180th meridian), the haversine formula those in the circle. Distances on a sphere of
-- 6,371,008.8 m are right to half a percent.
SELECT near.* FROM (
    SELECT r.entity_id::text AS entity_id, r.name, r.park_id::text AS park_id, p.name AS park_name, m.latitude, m.longitude,
           round((2 * 6371008.8 * asin(least(1, sqrt(
               sin(radians(m.latitude - %(lat)s) / 2) ^ 2
               + cos(radians(%(lat)s)) * cos(radians(m.latitude)) * sin(radians(m.longitude - %(lon)s) / 2) ^ 2
           ))))::numeric, 1) AS distance_m,
           m.is_indoor, m.min_height_cm, m.max_height_cm, m.attraction_type, m.completeness
    FROM parks.entity_metadata AS m
    JOIN parks.rides AS r USING (ride_id)
    LEFT JOIN parks.parks AS p USING (park_id)
    WHERE m.valid_to IS NULL
      AND (point(m.longitude, m.latitude) <@ box(point(%(west)s, %(south)s), point(%(east)s, %(north)s))
           OR point(m.longitude, m.latitude) <@ box(point(%(west2)s, %(south)s), point(%(east2)s, %(north)s)))
      AND m.entity_type = 'ATTRACTION'
      AND (%(indoor)s::boolean IS NULL OR m.is_indoor = %(indoor)s)
      AND (%(max_height_cm)s::integer IS NULL OR m.min_height_cm IS NULL OR m.min_height_cm <= %(max_height_cm)s)
      AND (%(max_height_cm)s::integer IS NULL OR m.max_height_cm IS NULL OR m.max_height_cm >= %(max_height_cm)s)
) AS near
WHERE near.distance_m <= %(radius)s
ORDER BY near.distance_m, near.entity_id
LIMIT %(limit)s OFFSET %(offset)s;
