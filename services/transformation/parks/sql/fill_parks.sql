-- Grain: a row a park and local day on which a ride posted a wait; rides that posted none do not count.
-- Reads stats_part, stats_cell; read by the year-over-year queries. covered_share: of the published minutes of all
-- its rides.
INSERT INTO parks.park_daily_stats
    (park_id, local_date, rides, samples, min_wait, mean_wait, p50_wait, p90_wait, max_wait,
     operating_minutes, down_minutes, open_minutes, covered_share, wait_sum)
WITH ride_day AS (
    SELECT park_id, local_date, ride_id, sum(snapshots) FILTER (WHERE wait_minutes IS NOT NULL) AS samples,
           min(wait_minutes) FILTER (WHERE snapshots > 0) AS min_wait,
           max(wait_minutes) FILTER (WHERE snapshots > 0) AS max_wait,
           sum(wait_minutes::bigint * snapshots) AS wait_sum,
           sum(operating_ms) AS operating_ms, sum(down_ms) AS down_ms, sum(known_ms) AS known_ms
    FROM stats_part
    GROUP BY park_id, local_date, ride_id
    HAVING sum(snapshots) FILTER (WHERE wait_minutes IS NOT NULL) > 0
), total AS (
    SELECT park_id, local_date, count(*) AS rides, sum(samples) AS samples, min(min_wait) AS min_wait,
           max(max_wait) AS max_wait, sum(wait_sum) AS wait_sum, sum(operating_ms) AS operating_ms,
           sum(down_ms) AS down_ms, sum(known_ms) AS known_ms
    FROM ride_day
    GROUP BY park_id, local_date
), wait AS (
    SELECT park_id, local_date, wait_minutes, sum(weighed_ms) AS weighed_ms
    FROM stats_part JOIN ride_day USING (park_id, local_date, ride_id)
    WHERE weighed_ms > 0 AND wait_minutes IS NOT NULL
    GROUP BY park_id, local_date, wait_minutes
), weighed AS (
    SELECT park_id, local_date, wait_minutes,
           sum(weighed_ms) OVER (PARTITION BY park_id, local_date ORDER BY wait_minutes) AS up_to_ms,
           sum(weighed_ms) OVER (PARTITION BY park_id, local_date) AS all_ms
    FROM wait
), percentile AS (
    SELECT park_id, local_date, min(wait_minutes) FILTER (WHERE up_to_ms * 2 >= all_ms) AS p50_wait,
           min(wait_minutes) FILTER (WHERE up_to_ms * 10 >= all_ms * 9) AS p90_wait
    FROM weighed
    GROUP BY park_id, local_date
), published AS (
    SELECT piece.park_id, piece.local_date,
           extract(epoch FROM coalesce(sum(cell.ends_at - cell.starts_at) FILTER (WHERE cell.is_published), '0'))
               * 1000 AS open_ms
    FROM stats_cell AS cell JOIN stats_piece AS piece USING (piece_id)
    GROUP BY piece.park_id, piece.local_date
)
SELECT park_id, local_date, rides, samples, min_wait,
       (round(wait_sum::float8 * 10000 / samples) / 10000)::numeric(8, 4), p50_wait, p90_wait, max_wait,
       round(operating_ms / 60000.0, 2), round(down_ms / 60000.0, 2), round(open_ms / 60000.0, 2),
       round(known_ms / nullif(open_ms * rides, 0), 4), wait_sum
FROM total
JOIN published USING (park_id, local_date)
LEFT JOIN percentile USING (park_id, local_date)
ORDER BY park_id, local_date;
