-- One row a snapshot of the due days of one month, copied once for the checks that follow. Reads
-- parks.ride_status_snapshots between `first` and `last` (plain bounds: other partitions are not touched);
-- a park's own status is no ride's.
INSERT INTO day_posting
SELECT d.park_id, d.local_date, d.ends_at, s.ride_id, s.recorded_at, s.data_source, s.status, s.wait_minutes, s.has_standby
FROM due_day AS d
JOIN parks.rides AS r ON r.park_id = d.park_id AND r.entity_type IS DISTINCT FROM 'PARK'
JOIN parks.ride_status_snapshots AS s
    ON s.ride_id = r.ride_id AND s.recorded_at >= d.starts_at AND s.recorded_at < d.ends_at
WHERE d.month = %(month)s AND s.recorded_at >= %(first)s AND s.recorded_at < %(last)s;
