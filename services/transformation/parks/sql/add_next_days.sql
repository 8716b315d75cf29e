-- Grain: a row a day that follows one of the batch and has statistics, though it is not marked itself: a posting
-- stands past midnight, for up to 24 hours, so that the hours after it hang on the day before, and on the one before
-- that where a day has 23. Without them the result would depend on the order in which days came in.
INSERT INTO stats_day (park_id, local_date)
SELECT day.park_id, day.local_date + further.days
FROM stats_day AS day
CROSS JOIN (VALUES (1), (2)) AS further (days)
WHERE EXISTS (SELECT FROM parks.ride_daily_stats AS built
              WHERE built.park_id = day.park_id AND built.local_date = day.local_date + further.days)
ON CONFLICT DO NOTHING;
