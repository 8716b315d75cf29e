-- Grain: a row a day that follows one of the batch and has statistics, though it is not marked itself: a posting
-- stands past midnight, so that its first hours hang on the day before. Without it the result would depend on
-- the order in which days came in.
INSERT INTO stats_day (park_id, local_date)
SELECT park_id, local_date + 1
FROM stats_day AS day
WHERE EXISTS (SELECT FROM parks.ride_daily_stats AS built
              WHERE built.park_id = day.park_id AND built.local_date = day.local_date + 1)
ON CONFLICT DO NOTHING;
