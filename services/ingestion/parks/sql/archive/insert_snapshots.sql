-- One row a ride and instant that the history does not have. In the order of the key, so that two files at once that
-- hold the same instant wait for each other, and never both. Read by everything that reads the history.
INSERT INTO parks.ride_status_snapshots
    (ride_id, recorded_at, data_source, status, wait_minutes, has_standby, origin_id)
SELECT ride_id, timestamptz 'epoch' + moment * interval '1 millisecond', 'ARCHIVE', status, wait_minutes, has_standby,
       %(object_id)s
FROM staged_snapshot
ORDER BY ride_id, moment
ON CONFLICT DO NOTHING;
