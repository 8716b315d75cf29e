-- Reads of console_parks.py.

-- name: parks
-- The parks that something is known of, with the newest day that has statistics.
SELECT p.park_id, COALESCE(p.name, p.slug, p.park_id::text) AS name, d.name AS destination, p.timezone,
       NOT (p.is_discovered AND p.timezone = 'UTC') AS is_timezone_known,
       (SELECT max(s.local_date) FROM parks.park_daily_stats AS s WHERE s.park_id = p.park_id) AS newest_day
FROM parks.parks AS p
LEFT JOIN parks.destinations AS d USING (destination_id)
WHERE EXISTS (SELECT FROM parks.rides AS r WHERE r.park_id = p.park_id)
ORDER BY d.name NULLS LAST, 2;

-- name: board
-- One row an attraction of the park that the live API has named: longest wait first, then what does not run.
SELECT r.entity_id, r.name, s.status::text AS status, s.wait_minutes, s.is_present, s.recorded_at,
       s.last_polled_at, s.last_polled_at < now() - interval '30 minutes' AS is_old
FROM parks.live_state AS s
JOIN parks.rides AS r USING (ride_id)
WHERE r.park_id = %(park)s AND COALESCE(r.entity_type, 'ATTRACTION') = 'ATTRACTION'
ORDER BY s.is_present DESC, s.status = 'OPERATING' DESC, s.wait_minutes DESC NULLS LAST, r.name;

-- name: rides
-- The rides of the park that have statistics, the one with the longest waits on its newest day first.
SELECT r.ride_id, r.entity_id, r.name, newest.local_date AS newest_day
FROM parks.rides AS r
CROSS JOIN LATERAL (SELECT s.local_date, s.mean_wait FROM parks.ride_daily_stats AS s
                    WHERE s.ride_id = r.ride_id ORDER BY s.local_date DESC LIMIT 1) AS newest
WHERE r.park_id = %(park)s
ORDER BY newest.mean_wait DESC NULLS LAST, r.name;

-- name: telling_day
-- The ride's newest day with at least two hours of operation: less is a dot, no line.
SELECT local_date FROM parks.ride_daily_stats
WHERE ride_id = %(ride)s AND operating_minutes >= 120
ORDER BY local_date DESC
LIMIT 1;

-- name: day_by_hour
-- One row an hour of the ride's local day; the hour that summer time's end repeats stands twice.
SELECT local_hour, hour_start, mean_wait, samples, down_minutes
FROM parks.ride_hourly_stats
WHERE ride_id = %(ride)s AND local_date = %(day)s
  AND hour_start BETWEEN %(day)s::date - interval '1 day' AND %(day)s::date + interval '2 days'
ORDER BY hour_start;

-- name: typical_by_hour
-- One row a local hour: the middle of the hourly means on the same weekday of the eight weeks before.
SELECT local_hour, percentile_cont(0.5) WITHIN GROUP (ORDER BY mean_wait) AS mean_wait, count(*) AS days
FROM parks.ride_hourly_stats
WHERE ride_id = %(ride)s AND local_date BETWEEN %(day)s::date - 56 AND %(day)s::date - 1
  AND hour_start BETWEEN %(day)s::date - interval '58 days' AND %(day)s::date + interval '1 day'
  AND extract(isodow FROM local_date) = extract(isodow FROM %(day)s::date) AND mean_wait IS NOT NULL
GROUP BY local_hour
ORDER BY local_hour;

-- name: months_by_year
-- One row a year and month of the ride: the mean of all posted waits, weighted by how many there were.
SELECT extract(year FROM local_date)::integer AS year, extract(month FROM local_date)::integer AS month,
       sum(wait_sum)::numeric / sum(samples) AS mean_wait, count(*) AS days
FROM parks.ride_daily_stats
WHERE ride_id = %(ride)s AND samples > 0
GROUP BY 1, 2
ORDER BY 1, 2;

-- name: imports
SELECT i.import_id, i.source, i.destination_id, d.name AS destination, i.first_date, i.last_date, i.status, i.wanted,
       i.files_total, i.files_done, i.files_failed, i.bytes_total, i.bytes_done, i.events, i.imported, i.duplicates,
       i.rejected, i.problem, i.created_at, i.started_at, i.updated_at, i.finished_at
FROM parks.import_checkpoints AS i
LEFT JOIN parks.destinations AS d USING (destination_id)
ORDER BY i.status IN ('IN_PROGRESS', 'PENDING', 'PAUSED') DESC, i.import_id DESC
LIMIT 10;

-- name: storage_days
-- One row a measured day of the last eight weeks, oldest first: the size of the database and what is known of its growth.
SELECT measured_on, total_bytes, bytes_per_day, capacity_bytes, days_until_full, note
FROM parks.storage_growth
WHERE scope = 'database' AND measured_on > (SELECT max(measured_on) FROM parks.storage_growth) - 56
ORDER BY measured_on;

-- name: storage_forecasts
-- What the newest measurement expects, by day.
SELECT target_on, forecast_bytes
FROM parks.storage_forecast
WHERE scope = 'database' AND made_on = (SELECT max(made_on) FROM parks.storage_forecast)
ORDER BY target_on;
