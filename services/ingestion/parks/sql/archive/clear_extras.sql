-- Makes room: rows of parks.snapshot_extras of the instants that this object has the say over; its own follow.
DELETE FROM parks.snapshot_extras AS old
USING staged_snapshot AS staged, parks.ride_status_snapshots AS known
WHERE old.ride_id = staged.ride_id AND old.data_source = 'ARCHIVE'
  AND old.recorded_at = timestamptz 'epoch' + staged.moment * interval '1 millisecond'
  AND known.ride_id = old.ride_id AND known.recorded_at = old.recorded_at AND known.data_source = 'ARCHIVE'
  AND known.origin_id = %(object_id)s
  AND old.recorded_at BETWEEN timestamptz 'epoch' + %(first)s * interval '1 millisecond'
                          AND timestamptz 'epoch' + %(last)s * interval '1 millisecond'
  AND known.recorded_at BETWEEN timestamptz 'epoch' + %(first)s * interval '1 millisecond'
                            AND timestamptz 'epoch' + %(last)s * interval '1 millisecond';
