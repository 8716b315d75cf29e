-- Of two objects that hold one ride and instant the one with the greater number has the say, in whatever order they
-- are imported; an object that changed has the say over what it said before. Gives the rows that changed.
UPDATE parks.ride_status_snapshots AS known
SET status = staged.status, wait_minutes = staged.wait_minutes, has_standby = staged.has_standby,
    origin_id = %(object_id)s
FROM staged_snapshot AS staged
WHERE known.ride_id = staged.ride_id AND known.data_source = 'ARCHIVE'
  AND known.recorded_at = timestamptz 'epoch' + staged.moment * interval '1 millisecond'
  AND known.recorded_at BETWEEN timestamptz 'epoch' + %(first)s * interval '1 millisecond'
                            AND timestamptz 'epoch' + %(last)s * interval '1 millisecond'
  AND known.origin_id <= %(object_id)s
  AND (known.status, known.wait_minutes, known.has_standby, known.origin_id)
      IS DISTINCT FROM (staged.status, staged.wait_minutes, staged.has_standby, %(object_id)s);
