-- One row an entity of the answer: what it posts now, when its last snapshot was, and that it was heard of. Reads
-- live_entry; read by the next cycle, the live board and the freshness check.
INSERT INTO parks.live_state AS state
    (ride_id, status, wait_minutes, fingerprint, source_updated_at, recorded_at, last_polled_at, is_present)
SELECT ride_id, status, wait_minutes, fingerprint, source_updated_at, %(polled_at)s, %(polled_at)s, true
FROM live_entry
ORDER BY ride_id
ON CONFLICT (ride_id) DO UPDATE
SET status = excluded.status, wait_minutes = excluded.wait_minutes, fingerprint = excluded.fingerprint,
    source_updated_at = excluded.source_updated_at, last_polled_at = excluded.last_polled_at, is_present = true,
    recorded_at = CASE WHEN (SELECT is_written FROM live_entry AS entry WHERE entry.ride_id = excluded.ride_id)
                       THEN excluded.recorded_at ELSE state.recorded_at END;
