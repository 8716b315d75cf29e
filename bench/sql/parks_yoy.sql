-- Year over year straight from the history: what bench/parks_yoy.py holds the statistics against, and what a test
-- proves that they agree with. first_at, last_at, previous_first_at, previous_last_at are instants: constants, so that
-- other months are not touched. Every zone is a multiple of 15 minutes away from UTC: snapshots are summed by quarters
-- of an hour first, so that the clock of the park is asked a hundred times less often.

-- name: raw
-- Grain: a row a month, day or hour of the park's clock ({key} of local_time), both years beside each other.
WITH quarter AS (
    SELECT ride.park_id, date_bin('15 minutes', snapshot.recorded_at, '2000-01-01Z') AS at, false AS is_previous,
           count(*) AS samples, sum(snapshot.wait_minutes) AS wait_sum, max(snapshot.wait_minutes) AS max_wait
    FROM parks.ride_status_snapshots AS snapshot
    JOIN parks.rides AS ride USING (ride_id)
    WHERE snapshot.wait_minutes IS NOT NULL
      AND snapshot.recorded_at >= %(first_at)s AND snapshot.recorded_at < %(last_at)s
      AND (%(ride_id)s::integer IS NULL OR snapshot.ride_id = %(ride_id)s::integer)
      AND (%(park_id)s::uuid IS NULL OR ride.park_id = %(park_id)s::uuid)
    GROUP BY 1, 2
    UNION ALL
    SELECT ride.park_id, date_bin('15 minutes', snapshot.recorded_at, '2000-01-01Z'), true,
           count(*), sum(snapshot.wait_minutes), max(snapshot.wait_minutes)
    FROM parks.ride_status_snapshots AS snapshot
    JOIN parks.rides AS ride USING (ride_id)
    WHERE snapshot.wait_minutes IS NOT NULL
      AND snapshot.recorded_at >= %(previous_first_at)s AND snapshot.recorded_at < %(previous_last_at)s
      AND (%(ride_id)s::integer IS NULL OR snapshot.ride_id = %(ride_id)s::integer)
      AND (%(park_id)s::uuid IS NULL OR ride.park_id = %(park_id)s::uuid)
    GROUP BY 1, 2
), local AS (
    SELECT quarter.*, at AT TIME ZONE park.timezone AS local_time
    FROM quarter JOIN parks.parks AS park USING (park_id)
), held AS (
    SELECT is_previous, samples, wait_sum, max_wait, local_time,
           local_time::date + CASE WHEN is_previous THEN interval '1 year' ELSE interval '0' END AS held_on
    FROM local
    WHERE NOT is_previous OR to_char(local_time, 'MMDD') <> '0229'
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
