-- One row a park and local day that got snapshots. Reads live_entry; read by the statistics, which rebuild the days.
INSERT INTO parks.dirty_day AS dirty (park_id, local_date)
SELECT park_id, (%(polled_at)s::timestamptz AT TIME ZONE parks.zone_at(park_id, %(polled_at)s))::date
FROM (SELECT DISTINCT park_id FROM live_entry WHERE is_written AND park_id IS NOT NULL) AS changed
ORDER BY park_id
ON CONFLICT (park_id, local_date) DO UPDATE SET marked_at = clock_timestamp();
