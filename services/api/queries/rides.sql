-- Reads of rides.py.

-- name: version
-- When statistics were written last.
SELECT refreshed_at FROM parks.stats_refresh;

-- name: ride
SELECT ride.ride_id, ride.entity_id, ride.name, ride.park_id, coalesce(park.timezone, 'UTC') AS timezone
FROM parks.rides AS ride
LEFT JOIN parks.parks AS park USING (park_id)
WHERE ride.entity_id = %(entity_id)s;

-- name: bounds
-- The instants at which the first local day begins and the last one ends.
SELECT (SELECT min(starts_at) FROM parks.day_pieces(%(park_id)s::uuid, %(from)s::date)) AS from_at,
       (SELECT max(ends_at) FROM parks.day_pieces(%(park_id)s::uuid, %(to)s::date)) AS to_at;

-- name: history
-- Pages by key, from the cursor (after_at, after_source) on. The bounds are constants when it is planned: only their
-- months are touched. {bound}, {compare} and {order} are for the direction.
SELECT to_char(recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS recorded_at,
       to_char(recorded_at AT TIME ZONE %(timezone)s, 'YYYY-MM-DD"T"HH24:MI:SS') AS local_time,
       status, wait_minutes, data_source, source_updated_at
FROM parks.ride_status_snapshots
WHERE ride_id = %(ride_id)s
  AND (%(from_at)s::timestamptz IS NULL OR recorded_at >= %(from_at)s::timestamptz)
  AND (%(to_at)s::timestamptz IS NULL OR recorded_at < %(to_at)s::timestamptz)
  AND (%(data_source)s::parks.data_source IS NULL OR data_source = %(data_source)s::parks.data_source)
  AND (%(after_at)s::timestamptz IS NULL
       OR (recorded_at {bound} %(after_at)s::timestamptz
           AND (recorded_at, data_source) {compare} (%(after_at)s::timestamptz, %(after_source)s::parks.data_source)))
ORDER BY ride_id {order}, recorded_at {order}, data_source {order}
LIMIT %(limit)s;

-- name: queues
-- The other queues of a page's snapshots: first_at and last_at are its oldest and newest instant.
SELECT to_char(recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS recorded_at, data_source,
       queue_type, wait_minutes, state, return_start_at, return_end_at, price_minor, currency, group_start,
       group_end, next_allocation_at
FROM parks.queue_postings
WHERE ride_id = %(ride_id)s
  AND recorded_at >= %(first_at)s::timestamptz AND recorded_at <= %(last_at)s::timestamptz
ORDER BY recorded_at, data_source, queue_type;

-- name: daily
SELECT local_date, samples, min_wait, mean_wait, p50_wait, p90_wait, max_wait, operating_minutes, down_minutes,
       open_minutes, covered_share, data_source
FROM parks.ride_daily_stats
WHERE ride_id = %(ride_id)s
  AND (%(from)s::date IS NULL OR local_date >= %(from)s::date)
  AND (%(to)s::date IS NULL OR local_date <= %(to)s::date)
ORDER BY {order}
LIMIT %(limit)s OFFSET %(offset)s;

-- name: hourly
SELECT hour_start, local_date, local_hour, samples, min_wait, mean_wait, p50_wait, p90_wait, max_wait,
       operating_minutes, down_minutes, open_minutes, covered_share, data_source
FROM parks.ride_hourly_stats
WHERE ride_id = %(ride_id)s
  AND (%(from)s::date IS NULL OR (local_date >= %(from)s::date AND hour_start >= %(from)s::date - interval '1 day'))
  AND (%(to)s::date IS NULL OR (local_date <= %(to)s::date AND hour_start < %(to)s::date + interval '2 days'))
ORDER BY {order}
LIMIT %(limit)s OFFSET %(offset)s;
