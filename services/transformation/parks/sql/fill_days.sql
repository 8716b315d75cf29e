-- Grain: a row a ride and local day with snapshots.
-- Reads stats_part, stats_cell; read by /api/rides, the year-over-year queries and `cronhouse export`.
-- A row under the same key is of another park then: the ride's park was put right.
INSERT INTO parks.ride_daily_stats AS built
    (ride_id, local_date, park_id, entity_id, samples, min_wait, mean_wait, p50_wait, p90_wait, max_wait,
     operating_minutes, down_minutes, open_minutes, covered_share, wait_sum, data_source)
WITH wait AS (
    SELECT ride_id, local_date, wait_minutes, sum(weighed_ms) AS weighed_ms
    FROM stats_part
    WHERE weighed_ms > 0 AND wait_minutes IS NOT NULL
    GROUP BY ride_id, local_date, wait_minutes
), weighed AS (
    SELECT ride_id, local_date, wait_minutes,
           sum(weighed_ms) OVER (PARTITION BY ride_id, local_date ORDER BY wait_minutes) AS up_to_ms,
           sum(weighed_ms) OVER (PARTITION BY ride_id, local_date) AS all_ms
    FROM wait
), percentile AS (
    SELECT ride_id, local_date, min(wait_minutes) FILTER (WHERE up_to_ms * 2 >= all_ms) AS p50_wait,
           min(wait_minutes) FILTER (WHERE up_to_ms * 10 >= all_ms * 9) AS p90_wait
    FROM weighed
    GROUP BY ride_id, local_date
), total AS (
    SELECT park_id, local_date, ride_id, sum(snapshots) AS snapshots,
           coalesce(sum(snapshots) FILTER (WHERE wait_minutes IS NOT NULL), 0) AS samples,
           min(wait_minutes) FILTER (WHERE snapshots > 0) AS min_wait,
           max(wait_minutes) FILTER (WHERE snapshots > 0) AS max_wait,
           coalesce(sum(wait_minutes::bigint * snapshots), 0) AS wait_sum,
           sum(operating_ms) AS operating_ms, sum(down_ms) AS down_ms, sum(known_ms) AS known_ms
    FROM stats_part
    GROUP BY park_id, local_date, ride_id
), published AS (
    SELECT piece.park_id, piece.local_date, piece.data_source,
           extract(epoch FROM coalesce(sum(cell.ends_at - cell.starts_at) FILTER (WHERE cell.is_published), '0'))
               * 1000 AS open_ms
    FROM stats_cell AS cell JOIN stats_piece AS piece USING (piece_id)
    GROUP BY piece.park_id, piece.local_date, piece.data_source
)
SELECT ride_id, local_date, total.park_id, ride.entity_id, samples, min_wait,
       (round(wait_sum * 10000.0::float8 / nullif(samples, 0)) / 10000)::numeric(8, 4), p50_wait, p90_wait, max_wait,
       round(operating_ms / 60000.0, 2), round(down_ms / 60000.0, 2), round(open_ms / 60000.0, 2),
       round(known_ms / nullif(open_ms, 0), 4), wait_sum, published.data_source
FROM total
JOIN (SELECT ride_id, entity_id FROM parks.rides) AS ride USING (ride_id)
JOIN published USING (park_id, local_date)
LEFT JOIN percentile USING (ride_id, local_date)
WHERE snapshots > 0
ORDER BY ride_id, local_date
ON CONFLICT (ride_id, local_date) DO UPDATE SET
    park_id = excluded.park_id, samples = excluded.samples, min_wait = excluded.min_wait,
    mean_wait = excluded.mean_wait, p50_wait = excluded.p50_wait, p90_wait = excluded.p90_wait,
    max_wait = excluded.max_wait, operating_minutes = excluded.operating_minutes,
    down_minutes = excluded.down_minutes, open_minutes = excluded.open_minutes,
    covered_share = excluded.covered_share, wait_sum = excluded.wait_sum, data_source = excluded.data_source;
