-- One row a snapshot of this object that came with showtimes or with queues of a type nobody knows.
INSERT INTO parks.snapshot_extras (ride_id, recorded_at, data_source, showtimes, unknown)
SELECT given.ride_id, known.recorded_at, 'ARCHIVE', given.showtimes, given.unknown
FROM jsonb_to_recordset(%(rows)s) AS given (ride_id integer, moment bigint, showtimes jsonb, unknown jsonb)
JOIN parks.ride_status_snapshots AS known
  ON known.ride_id = given.ride_id AND known.data_source = 'ARCHIVE' AND known.origin_id = %(object_id)s
 AND known.recorded_at = timestamptz 'epoch' + given.moment * interval '1 millisecond'
WHERE known.recorded_at BETWEEN timestamptz 'epoch' + %(first)s * interval '1 millisecond'
                            AND timestamptz 'epoch' + %(last)s * interval '1 millisecond'
ORDER BY given.ride_id, given.moment;
