-- Grain: a row a park and local day of the batch, the first ones in the order of their keys.
-- Reads parks.dirty_day; read by every statement that follows.
INSERT INTO stats_day (park_id, local_date, marked_at)
SELECT park_id, local_date, marked_at
FROM parks.dirty_day
ORDER BY park_id, local_date
LIMIT %(days)s;
