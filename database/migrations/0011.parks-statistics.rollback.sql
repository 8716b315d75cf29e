DROP TABLE parks.stats_refresh;
DROP VIEW parks.ride_operating_days;
DROP TABLE parks.park_hourly_stats;
DROP TABLE parks.park_daily_stats;
DROP TABLE parks.ride_daily_stats;
DROP TABLE parks.ride_hourly_stats;
DROP TABLE parks.dirty_day;
DROP FUNCTION parks.day_pieces;
