-- One row a new snapshot that came with showtimes or with queues of an unknown type. Reads live_entry.
INSERT INTO parks.snapshot_extras (ride_id, recorded_at, data_source, showtimes, unknown)
SELECT ride_id, %(polled_at)s, 'LIVE', showtimes, unknown
FROM live_entry
WHERE is_written AND (showtimes IS NOT NULL OR unknown IS NOT NULL)
ORDER BY ride_id
ON CONFLICT (ride_id, recorded_at, data_source) DO UPDATE
SET showtimes = excluded.showtimes, unknown = excluded.unknown;
