-- Grain: a row a park and hour in which a ride posted a wait.
-- Reads what fill_hours wrote; read by the year-over-year queries by hour.
INSERT INTO parks.park_hourly_stats AS built
    (park_id, hour_start, local_date, local_hour, rides, samples, min_wait, mean_wait, max_wait, wait_sum)
SELECT hour.park_id, hour.hour_start, hour.local_date, min(hour.local_hour), count(*), sum(hour.samples),
       min(hour.min_wait),
       (round(sum(hour.wait_sum)::float8 * 10000 / sum(hour.samples)) / 10000)::numeric(8, 4), max(hour.max_wait),
       sum(hour.wait_sum)
FROM stats_day AS day
CROSS JOIN LATERAL (
    SELECT * FROM parks.ride_hourly_stats AS made
    WHERE made.park_id = day.park_id AND made.local_date = day.local_date AND made.samples > 0
    OFFSET 0
) AS hour
GROUP BY hour.park_id, hour.hour_start, hour.local_date
ORDER BY hour.park_id, hour.hour_start
ON CONFLICT (park_id, hour_start) DO UPDATE SET
    local_date = excluded.local_date, local_hour = excluded.local_hour, rides = excluded.rides,
    samples = excluded.samples, min_wait = excluded.min_wait, mean_wait = excluded.mean_wait,
    max_wait = excluded.max_wait, wait_sum = excluded.wait_sum;
