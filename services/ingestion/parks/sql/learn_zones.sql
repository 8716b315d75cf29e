-- The time zones of parks that a list alone has named, from the first events that speak of them; before register_rides,
-- which gives a zone to new parks alone. One row an event's park and zone in `entities`. Where a park has rides or
-- hours, days rest on the zone already: then the metadata job corrects it, and has its days made anew. A zone is not known
-- where the park is discovered and has 'UTC'; the API says the same of it, as is_timezone_known.
WITH given AS (
    SELECT DISTINCT ON (park_id) park_id, timezone
    FROM jsonb_to_recordset(%(entities)s::jsonb) AS entity (park_id uuid, timezone text)
    WHERE park_id IS NOT NULL AND timezone IS NOT NULL
    ORDER BY park_id, timezone
), learned AS (
    UPDATE parks.parks AS park
    SET timezone = coalesce((SELECT name FROM pg_timezone_names WHERE name = given.timezone), 'UTC'), updated_at = now()
    FROM given
    WHERE park.park_id = given.park_id AND park.is_discovered AND park.timezone = 'UTC'
      AND NOT EXISTS (SELECT FROM parks.rides AS ride WHERE ride.park_id = park.park_id)
      AND NOT EXISTS (SELECT FROM parks.opening_hours AS hours WHERE hours.park_id = park.park_id)
    RETURNING park.park_id, park.timezone
)
UPDATE parks.park_timezones AS zone SET timezone = learned.timezone
FROM learned
WHERE zone.park_id = learned.park_id AND zone.valid_from = '-infinity';
