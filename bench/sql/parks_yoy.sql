-- Year over year straight from the history: what bench/parks_yoy.py holds the statistics against, and what a test
-- proves that they agree with.

-- name: session
-- The planner believes that every row handed on by a worker is dear, and leaves 150,000 groups to one process alone.
SET LOCAL jit = off; SET LOCAL parallel_tuple_cost = 0.001; SET LOCAL parallel_setup_cost = 100

-- name: raw
-- Grain: a row a month, day or hour of the park's clock ({key} of local_time), both years beside each other.
-- Every snapshot is read once, also where the two stretches overlap, in as many processes as there are. Hours of UTC
-- are summed first, so that the clock of the park is asked a hundred times less often; quarters of an hour where a zone
-- that is asked for is, on some day, not whole hours away from UTC (all zones are whole quarters away). The first ride
-- of a zone stands for the zone. Which one that is, and whether a ride is of the park, is looked up in an array by
-- ride_id: to join five million rows to forty takes longer, and with `ride_id = ANY (the park's rides)` the planner
-- expects too few rows for each process to sum its own. A local day begins 14 hours before that of UTC at the earliest
-- and ends 12 hours after it at the latest: these bounds are constants, so that other months are not touched; the local
-- days decide.
WITH asked AS (
    SELECT ride_id, timezone, min(ride_id) OVER (PARTITION BY timezone) AS first_ride_id
    FROM parks.rides
    JOIN parks.parks USING (park_id)
    WHERE (%(ride_id)s::integer IS NULL OR ride_id = %(ride_id)s::integer)
      AND (%(park_id)s::uuid IS NULL OR park_id = %(park_id)s::uuid)
), stand_in AS (
    SELECT array_agg(coalesce(first_ride_id, 0) ORDER BY number) AS of_ride
    FROM generate_series(1, (SELECT max(ride_id) FROM asked)) AS number
    LEFT JOIN asked ON asked.ride_id = number
), step AS (
    SELECT CASE WHEN bool_and(extract(minute FROM midnight AT TIME ZONE timezone) = 0) THEN interval '1 hour'
                ELSE interval '15 minutes' END AS width
    FROM (SELECT DISTINCT timezone FROM asked) AS zone
    CROSS JOIN generate_series((least(%(first_day)s::date, %(previous_first)s::date) - 1)::timestamptz,
                               (greatest(%(last_day)s::date, %(previous_last)s::date) + 2)::timestamptz,
                               interval '1 day') AS midnight
), bin AS (
    SELECT (SELECT of_ride FROM stand_in)[snapshot.ride_id] AS first_ride_id,
           date_bin((SELECT width FROM step), snapshot.recorded_at, '2000-01-01Z') AS at,
           count(*) AS samples, sum(snapshot.wait_minutes) AS wait_sum, max(snapshot.wait_minutes) AS max_wait
    FROM parks.ride_status_snapshots AS snapshot
    WHERE snapshot.wait_minutes IS NOT NULL
      AND (snapshot.recorded_at >= (%(first_day)s::date - interval '14 hours') AT TIME ZONE 'UTC'
               AND snapshot.recorded_at < (%(last_day)s::date + interval '36 hours') AT TIME ZONE 'UTC'
           OR snapshot.recorded_at >= (%(previous_first)s::date - interval '14 hours') AT TIME ZONE 'UTC'
               AND snapshot.recorded_at < (%(previous_last)s::date + interval '36 hours') AT TIME ZONE 'UTC')
      AND (%(ride_id)s::integer IS NULL OR snapshot.ride_id = %(ride_id)s::integer)
      AND (%(park_id)s::uuid IS NULL OR (SELECT of_ride FROM stand_in)[snapshot.ride_id] <> 0)
    GROUP BY 1, 2
), hour AS (
    SELECT date_bin('1 hour', at AT TIME ZONE asked.timezone, '2000-01-01') AS local_time,
           sum(samples)::bigint AS samples, sum(wait_sum)::bigint AS wait_sum, max(max_wait) AS max_wait
    FROM bin
    JOIN asked ON asked.ride_id = bin.first_ride_id
    GROUP BY 1
), held AS (
    SELECT false AS is_previous, local_time, local_time::date AS held_on, samples, wait_sum, max_wait
    FROM hour
    WHERE local_time::date BETWEEN %(first_day)s::date AND %(last_day)s::date
    UNION ALL
    SELECT true, local_time, (local_time + interval '1 year')::date, samples, wait_sum, max_wait
    FROM hour
    WHERE local_time::date BETWEEN %(previous_first)s::date AND %(previous_last)s::date
      AND to_char(local_time, 'MMDD') <> '0229'
), compared AS (
    SELECT {key} AS {name}, sum(samples) FILTER (WHERE NOT is_previous) AS samples,
           sum(samples) FILTER (WHERE is_previous) AS previous_samples,
           sum(wait_sum) FILTER (WHERE NOT is_previous) AS wait_sum,
           sum(wait_sum) FILTER (WHERE is_previous) AS previous_wait_sum,
           max(max_wait) FILTER (WHERE NOT is_previous) AS max_wait,
           max(max_wait) FILTER (WHERE is_previous) AS previous_max_wait
    FROM held
    GROUP BY 1
)
SELECT {name}, coalesce(samples, 0) AS samples, coalesce(previous_samples, 0) AS previous_samples,
       round(wait_sum / samples, 2) AS mean_wait, round(previous_wait_sum / previous_samples, 2) AS previous_mean_wait,
       max_wait, previous_max_wait
FROM compared
ORDER BY {name};

-- name: naive
-- The same as one would write it first: every row asked for its local time, the bounds in local time too, so that
-- no partition is left out, and the two years joined to each other.
WITH local AS (
    SELECT snapshot.recorded_at AT TIME ZONE park.timezone AS local_time, snapshot.wait_minutes
    FROM parks.ride_status_snapshots AS snapshot
    JOIN parks.rides AS ride USING (ride_id)
    JOIN parks.parks AS park USING (park_id)
    WHERE snapshot.wait_minutes IS NOT NULL
      AND (%(ride_id)s::integer IS NULL OR snapshot.ride_id = %(ride_id)s::integer)
      AND (%(park_id)s::uuid IS NULL OR ride.park_id = %(park_id)s::uuid)
), this AS (
    SELECT {now} AS key, count(*) AS samples, avg(wait_minutes) AS mean_wait, max(wait_minutes) AS max_wait
    FROM local WHERE local_time::date BETWEEN %(first_day)s AND %(last_day)s
    GROUP BY 1
), previous AS (
    SELECT {before} AS key, count(*) AS samples, avg(wait_minutes) AS mean_wait, max(wait_minutes) AS max_wait
    FROM local WHERE local_time::date BETWEEN %(previous_first)s AND %(previous_last)s
      AND to_char(local_time, 'MMDD') <> '0229'
    GROUP BY 1
)
SELECT key AS {name}, coalesce(this.samples, 0) AS samples, coalesce(previous.samples, 0) AS previous_samples,
       round(this.mean_wait, 2) AS mean_wait, round(previous.mean_wait, 2) AS previous_mean_wait,
       this.max_wait, previous.max_wait AS previous_max_wait
FROM this FULL JOIN previous USING (key)
ORDER BY key;
