-- What the batch's days had before.
DELETE FROM parks.ride_hourly_stats AS built
USING stats_day AS day
WHERE built.park_id = day.park_id AND built.local_date = day.local_date;
