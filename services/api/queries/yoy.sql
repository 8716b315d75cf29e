-- Reads of yoy.py: a stretch of local days against the same days a year before, from the statistics. A day of the
-- year before is moved onto the day that it is held against: one calendar year (29 February is held against
-- nothing), or 364 days, so that weekdays meet.
-- ride_id and park_id narrow the answer, null is everything; the places {days}, {hours}, {held} and {key} are yoy.py's.

-- name: park
SELECT park_id, name, timezone FROM parks.parks WHERE park_id = %(park_id)s;

-- name: newest_day
-- From the days of parks where it is not of one ride: there are fewer by the number of rides.
SELECT max(local_date) FROM ({days}) AS day WHERE samples > 0;

-- name: period
-- A year up to `to` unless `from` is given, and what it is held against.
WITH period AS (
    SELECT coalesce(%(from)s::date, (%(to)s::date - interval '1 year')::date + 1) AS first_day, %(to)s::date AS last_day
)
SELECT first_day, last_day,
       CASE WHEN %(align)s = 'date'
            THEN (first_day - interval '1 year')::date + (to_char(first_day, 'MMDD') = '0229')::integer  -- 1 March
            ELSE first_day - 364 END AS previous_first,
       CASE WHEN %(align)s = 'date' THEN (last_day - interval '1 year')::date ELSE last_day - 364 END AS previous_last
FROM period;

-- name: comparison
-- Both years of the rows of by_month, by_day or by_hour, their means and how they have changed.
WITH compared AS (
    SELECT *, wait_sum::float8 / samples AS mean, previous_wait_sum::float8 / previous_samples AS previous_mean
    FROM ({held}) AS held
)
SELECT {key}, coalesce(samples, 0) AS samples, coalesce(previous_samples, 0) AS previous_samples,
       round(mean::numeric, 2) AS mean_wait, round(previous_mean::numeric, 2) AS previous_mean_wait,
       round(mean::numeric, 2) - round(previous_mean::numeric, 2) AS change_minutes,
       round((100 * (mean - previous_mean) / nullif(previous_mean, 0))::numeric, 1) AS change_percent,
       max_wait, previous_max_wait, days, previous_days, rides, previous_rides
FROM compared
ORDER BY {key}
LIMIT %(limit)s OFFSET %(offset)s;

-- name: by_month
-- Grain: a row a month.
WITH day AS (
    SELECT false AS is_previous, local_date AS held_on, local_date, ride_id, samples, wait_sum, max_wait
    FROM parks.ride_daily_stats
    WHERE local_date BETWEEN %(first_day)s::date AND %(last_day)s::date AND samples > 0
      AND (%(ride_id)s::integer IS NULL OR ride_id = %(ride_id)s::integer)
      AND (%(park_id)s::uuid IS NULL OR park_id = %(park_id)s::uuid)
    UNION ALL
    SELECT true, CASE WHEN %(align)s = 'date' THEN (local_date + interval '1 year')::date ELSE local_date + 364 END,
           local_date, ride_id, samples, wait_sum, max_wait
    FROM parks.ride_daily_stats
    WHERE local_date BETWEEN %(previous_first)s::date AND %(previous_last)s::date AND samples > 0
      AND (%(align)s <> 'date' OR to_char(local_date, 'MMDD') <> '0229')
      AND (%(ride_id)s::integer IS NULL OR ride_id = %(ride_id)s::integer)
      AND (%(park_id)s::uuid IS NULL OR park_id = %(park_id)s::uuid)
), summed AS (  -- by ride, and by date: what is counted distinct is then a number of rows
    SELECT date_trunc('month', held_on)::date AS month_start, is_previous, grouping(ride_id) = 1 AS is_of_date, sum(samples) AS samples,
           sum(wait_sum) AS wait_sum, max(max_wait) AS max_wait
    FROM day
    GROUP BY GROUPING SETS ((1, 2, ride_id), (1, 2, local_date))
), held AS (
    SELECT month_start,
           sum(samples) FILTER (WHERE NOT is_previous AND is_of_date) AS samples,
           sum(samples) FILTER (WHERE is_previous AND is_of_date) AS previous_samples,
           sum(wait_sum) FILTER (WHERE NOT is_previous AND is_of_date) AS wait_sum,
           sum(wait_sum) FILTER (WHERE is_previous AND is_of_date) AS previous_wait_sum,
           max(max_wait) FILTER (WHERE NOT is_previous) AS max_wait,
           max(max_wait) FILTER (WHERE is_previous) AS previous_max_wait,
           count(*) FILTER (WHERE NOT is_previous AND is_of_date) AS days,
           count(*) FILTER (WHERE is_previous AND is_of_date) AS previous_days,
           count(*) FILTER (WHERE NOT is_previous AND NOT is_of_date) AS rides,
           count(*) FILTER (WHERE is_previous AND NOT is_of_date) AS previous_rides
    FROM summed
    GROUP BY month_start
)
SELECT * FROM held

-- name: days_of_ride
SELECT local_date, samples, wait_sum, max_wait, 1 AS rides
FROM parks.ride_daily_stats
WHERE ride_id = %(ride_id)s AND samples > 0

-- name: days_of_parks
SELECT local_date, samples, wait_sum, max_wait, rides
FROM parks.park_daily_stats
WHERE (%(park_id)s::uuid IS NULL OR park_id = %(park_id)s::uuid)

-- name: by_day
-- Grain: a row a day. A ride is of one park, so the rides of parks add up.
WITH day AS (
    SELECT false AS is_previous, local_date AS held_on, samples, wait_sum, max_wait, rides
    FROM ({days}) AS now
    WHERE local_date BETWEEN %(first_day)s::date AND %(last_day)s::date
    UNION ALL
    SELECT true, CASE WHEN %(align)s = 'date' THEN (local_date + interval '1 year')::date ELSE local_date + 364 END,
           samples, wait_sum, max_wait, rides
    FROM ({days}) AS before
    WHERE local_date BETWEEN %(previous_first)s::date AND %(previous_last)s::date
      AND (%(align)s <> 'date' OR to_char(local_date, 'MMDD') <> '0229')
), held AS (
    SELECT held_on AS local_date,
           sum(samples) FILTER (WHERE NOT is_previous) AS samples,
           sum(samples) FILTER (WHERE is_previous) AS previous_samples,
           sum(wait_sum) FILTER (WHERE NOT is_previous) AS wait_sum,
           sum(wait_sum) FILTER (WHERE is_previous) AS previous_wait_sum,
           max(max_wait) FILTER (WHERE NOT is_previous) AS max_wait,
           max(max_wait) FILTER (WHERE is_previous) AS previous_max_wait,
           bool_or(NOT is_previous)::integer AS days, bool_or(is_previous)::integer AS previous_days,
           coalesce(sum(rides) FILTER (WHERE NOT is_previous), 0) AS rides,
           coalesce(sum(rides) FILTER (WHERE is_previous), 0) AS previous_rides
    FROM day
    GROUP BY held_on
)
SELECT * FROM held

-- name: hours_of_ride
SELECT local_date, local_hour, samples, wait_sum, max_wait
FROM parks.ride_hourly_stats
WHERE ride_id = %(ride_id)s AND samples > 0
  AND hour_start >= %(previous_first)s::date - interval '1 day'
  AND hour_start < %(last_day)s::date + interval '2 days'

-- name: hours_of_parks
SELECT local_date, local_hour, samples, wait_sum, max_wait
FROM parks.park_hourly_stats
WHERE (%(park_id)s::uuid IS NULL OR park_id = %(park_id)s::uuid)
  AND local_date BETWEEN %(previous_first)s::date AND %(last_day)s::date

-- name: by_hour
-- Grain: a row an hour of the local clock, 0 to 23, over all days of the stretch. days and rides are those with a
-- posted wait in the stretch, whatever the hour.
WITH hour AS (
    SELECT *, local_date BETWEEN %(first_day)s::date AND %(last_day)s::date AS is_now,
           local_date BETWEEN %(previous_first)s::date AND %(previous_last)s::date
               AND (%(align)s <> 'date' OR to_char(local_date, 'MMDD') <> '0229') AS is_previous
    FROM ({hours}) AS hours
), held AS (
    SELECT local_hour, sum(samples) FILTER (WHERE is_now) AS samples,
           sum(samples) FILTER (WHERE is_previous) AS previous_samples,
           sum(wait_sum) FILTER (WHERE is_now) AS wait_sum,
           sum(wait_sum) FILTER (WHERE is_previous) AS previous_wait_sum,
           max(max_wait) FILTER (WHERE is_now) AS max_wait,
           max(max_wait) FILTER (WHERE is_previous) AS previous_max_wait
    FROM hour
    WHERE is_now OR is_previous
    GROUP BY local_hour
), shown AS (
    SELECT count(DISTINCT local_date) FILTER (WHERE is_now) AS days, count(DISTINCT ride_id) FILTER (WHERE is_now) AS rides,
           count(DISTINCT local_date) FILTER (WHERE is_previous) AS previous_days,
           count(DISTINCT ride_id) FILTER (WHERE is_previous) AS previous_rides
    FROM (
        SELECT local_date, ride_id, local_date BETWEEN %(first_day)s::date AND %(last_day)s::date AS is_now,
               local_date BETWEEN %(previous_first)s::date AND %(previous_last)s::date
                   AND (%(align)s <> 'date' OR to_char(local_date, 'MMDD') <> '0229') AS is_previous
        FROM parks.ride_daily_stats
        WHERE samples > 0 AND local_date BETWEEN %(previous_first)s::date AND %(last_day)s::date
          AND (%(ride_id)s::integer IS NULL OR ride_id = %(ride_id)s::integer)
          AND (%(park_id)s::uuid IS NULL OR park_id = %(park_id)s::uuid)
    ) AS ride_day
)
SELECT * FROM held CROSS JOIN shown
