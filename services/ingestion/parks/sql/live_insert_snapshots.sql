-- One row an entity whose posting is a new snapshot. Two answers of one second are one instant: the later one counts.
-- Reads live_entry; read by everything that reads the history.
INSERT INTO parks.ride_status_snapshots
    (ride_id, recorded_at, data_source, status, wait_minutes, has_standby, origin_id, source_updated_at)
SELECT ride_id, %(polled_at)s, 'LIVE', status, wait_minutes, has_standby, %(cycle_id)s, source_updated_at
FROM live_entry WHERE is_written
ORDER BY ride_id
ON CONFLICT (ride_id, recorded_at, data_source) DO UPDATE
SET status = excluded.status, wait_minutes = excluded.wait_minutes, has_standby = excluded.has_standby,
    origin_id = excluded.origin_id, source_updated_at = excluded.source_updated_at;
