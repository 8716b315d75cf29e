-- Grain: a row a ride and hour with snapshots, or with published minutes in which a status was known.
-- Reads stats_part, stats_cell; read by /api/rides and the year-over-year queries.
-- A row under the same key is of another day or park then: the park's zone or the ride's park was put right.
INSERT INTO parks.ride_hourly_stats AS built
    (ride_id, hour_start, park_id, entity_id, local_date, local_hour, samples, min_wait, mean_wait, p50_wait,
     p90_wait, max_wait, operating_minutes, down_minutes, open_minutes, covered_share, wait_sum, data_source)
WITH weighed AS (
    SELECT part.*, sum(weighed_ms) OVER (PARTITION BY ride_id, hour_start ORDER BY wait_minutes) AS up_to_ms,
           sum(weighed_ms) OVER (PARTITION BY ride_id, hour_start) AS all_ms
    FROM stats_part AS part
    WHERE wait_minutes IS NOT NULL
), percentile AS (
    SELECT ride_id, hour_start, min(wait_minutes) FILTER (WHERE up_to_ms * 2 >= all_ms) AS p50_wait,
           min(wait_minutes) FILTER (WHERE up_to_ms * 10 >= all_ms * 9) AS p90_wait
    FROM weighed
    WHERE weighed_ms > 0
    GROUP BY ride_id, hour_start
), total AS (
    SELECT park_id, local_date, ride_id, hour_start, sum(snapshots) AS snapshots,
           coalesce(sum(snapshots) FILTER (WHERE wait_minutes IS NOT NULL), 0) AS samples,
           min(wait_minutes) FILTER (WHERE snapshots > 0) AS min_wait,
           max(wait_minutes) FILTER (WHERE snapshots > 0) AS max_wait,
           coalesce(sum(wait_minutes::bigint * snapshots), 0) AS wait_sum,
           sum(operating_ms) AS operating_ms, sum(down_ms) AS down_ms, sum(known_ms) AS known_ms
    FROM stats_part
    GROUP BY park_id, local_date, ride_id, hour_start
), published AS (
    SELECT piece.park_id, piece.local_date, piece.data_source, cell.hour_start, min(piece.timezone) AS timezone,
           extract(epoch FROM coalesce(sum(cell.ends_at - cell.starts_at) FILTER (WHERE cell.is_published), '0'))
               * 1000 AS open_ms
    FROM stats_cell AS cell JOIN stats_piece AS piece USING (piece_id)
    GROUP BY piece.park_id, piece.local_date, piece.data_source, cell.hour_start
)
SELECT ride_id, hour_start, total.park_id, ride.entity_id, local_date,
       extract(hour FROM hour_start AT TIME ZONE published.timezone), samples, min_wait,
       (round(wait_sum * 10000.0::float8 / nullif(samples, 0)) / 10000)::numeric(8, 4), p50_wait, p90_wait, max_wait,
       round(operating_ms / 60000.0, 2), round(down_ms / 60000.0, 2), round(open_ms / 60000.0, 2),
       round(known_ms / nullif(open_ms, 0), 4), wait_sum, published.data_source
FROM total
JOIN (SELECT ride_id, entity_id FROM parks.rides) AS ride USING (ride_id)
JOIN published USING (park_id, local_date, hour_start)
LEFT JOIN percentile USING (ride_id, hour_start)
WHERE snapshots > 0 OR known_ms > 0
ORDER BY ride_id, hour_start
ON CONFLICT (ride_id, hour_start) DO UPDATE SET
    park_id = excluded.park_id, local_date = excluded.local_date, local_hour = excluded.local_hour,
    samples = excluded.samples, min_wait = excluded.min_wait, mean_wait = excluded.mean_wait,
    p50_wait = excluded.p50_wait, p90_wait = excluded.p90_wait, max_wait = excluded.max_wait,
    operating_minutes = excluded.operating_minutes, down_minutes = excluded.down_minutes,
    open_minutes = excluded.open_minutes, covered_share = excluded.covered_share,
    wait_sum = excluded.wait_sum, data_source = excluded.data_source;
