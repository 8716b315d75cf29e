-- Small reads and writes of metadata.py and hours.py.

-- name: park
SELECT park_id::text AS park_id, name, timezone, is_discovered, latitude, longitude
FROM parks.parks WHERE park_id = %(park_id)s;

-- name: put_destinations
INSERT INTO parks.destinations AS known (destination_id, name, slug, external_id, is_discovered)
SELECT destination_id, name, slug, external_id, false
FROM jsonb_to_recordset(%(rows)s::jsonb) AS given (destination_id uuid, name text, slug text, external_id text)
ORDER BY destination_id
ON CONFLICT (destination_id) DO UPDATE
SET name = excluded.name, slug = excluded.slug, external_id = excluded.external_id, is_discovered = false, updated_at = now()
WHERE (known.name, known.slug, known.external_id, known.is_discovered)
      IS DISTINCT FROM (excluded.name, excluded.slug, excluded.external_id, false);

-- name: put_park_names
-- Parks of the list of destinations: their names alone are known, until their own page is read.
INSERT INTO parks.parks AS known (park_id, destination_id, name, is_discovered)
SELECT park_id, destination_id, name, true
FROM jsonb_to_recordset(%(rows)s::jsonb) AS given (park_id uuid, destination_id uuid, name text)
ORDER BY park_id
ON CONFLICT (park_id) DO UPDATE
SET name = coalesce(excluded.name, known.name), destination_id = excluded.destination_id, updated_at = now()
WHERE (known.name, known.destination_id) IS DISTINCT FROM (coalesce(excluded.name, known.name), excluded.destination_id);

-- name: put_first_zones
INSERT INTO parks.park_timezones (park_id, timezone)
SELECT park_id, timezone FROM parks.parks AS p
WHERE NOT EXISTS (SELECT FROM parks.park_timezones AS z WHERE z.park_id = p.park_id)
ORDER BY park_id
ON CONFLICT DO NOTHING;

-- name: put_park
UPDATE parks.parks
SET name = coalesce(%(name)s, name), slug = coalesce(%(slug)s, slug), timezone = %(timezone)s,
    latitude = coalesce(%(latitude)s, latitude), longitude = coalesce(%(longitude)s, longitude),
    is_discovered = false, updated_at = now()
WHERE park_id = %(park_id)s;

-- name: correct_zone
-- The zone of a park that was only discovered was a guess: what it is now it has always been, as far as is known.
UPDATE parks.park_timezones SET timezone = %(timezone)s WHERE park_id = %(park_id)s AND valid_from = '-infinity';

-- name: change_zone
INSERT INTO parks.park_timezones (park_id, valid_from, timezone) VALUES (%(park_id)s, %(now)s, %(timezone)s)
ON CONFLICT (park_id, valid_from) DO UPDATE SET timezone = excluded.timezone;

-- name: mark_all_days
-- Every day with statistics was cut in the guessed zone, every marked one was told by it; their neighbours may get
-- what they lose. Of rides: a park has no row of a day on which none of them posted a wait.
INSERT INTO parks.dirty_day AS dirty (park_id, local_date)
SELECT DISTINCT park_id, local_date + shift
FROM (
    SELECT park_id, local_date FROM parks.ride_daily_stats WHERE park_id = %(park_id)s
    UNION
    SELECT park_id, local_date FROM parks.dirty_day WHERE park_id = %(park_id)s
) AS cut
CROSS JOIN generate_series(-1, 1) AS shift
ORDER BY 1, 2
ON CONFLICT (park_id, local_date) DO UPDATE SET marked_at = clock_timestamp();

-- name: register
SELECT count(*) FROM parks.register_rides(%(entities)s::jsonb);

-- name: described
UPDATE parks.rides SET is_discovered = false WHERE is_discovered AND entity_id = ANY(%(ids)s::uuid[]);

-- name: completeness
-- How much is known of the attractions of today, in percent.
SELECT round(avg(completeness), 1) FROM parks.entity_metadata WHERE valid_to IS NULL AND entity_type = 'ATTRACTION';

-- name: parks_by_slug
SELECT park_id::text AS park_id, coalesce(slug, '') AS slug, coalesce(name, '') AS name, timezone FROM parks.parks;
