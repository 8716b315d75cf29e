-- One row an entity of the answer, with the decision whether it becomes a snapshot: what is posted changed, it was
-- absent before, or its last snapshot is an hour old. Reads live_state; read by the other live_*.sql.
INSERT INTO live_entry
SELECT ride.ride_id, ride.entity_id, ride.park_id, given.status, given.wait, given.has_standby, given.fingerprint,
       given.updated_at, given.postings, given.showtimes, given.unknown,
       state.ride_id IS NULL OR NOT state.is_present OR state.fingerprint <> given.fingerprint
           OR state.recorded_at <= %(polled_at)s::timestamptz - %(heartbeat)s::interval
FROM jsonb_to_recordset(%(entries)s::jsonb) AS given
    (entity_id uuid, status parks.status, wait smallint, has_standby boolean, fingerprint text, updated_at timestamptz,
     postings jsonb, showtimes jsonb, unknown jsonb)
JOIN parks.rides AS ride ON ride.entity_id = given.entity_id
LEFT JOIN parks.live_state AS state ON state.ride_id = ride.ride_id
RETURNING entity_id::text AS entity_id, is_written;
