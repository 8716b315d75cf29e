-- One row a staged snapshot whose ride and instant the history has with another content. Read by the log of issues.
SELECT ride.entity_id, known.recorded_at, known.status AS known_status, known.wait_minutes AS known_wait,
       staged.status, staged.wait_minutes
FROM staged_snapshot AS staged
JOIN parks.ride_status_snapshots AS known
  ON known.ride_id = staged.ride_id AND known.data_source = 'ARCHIVE'
 AND known.recorded_at = timestamptz 'epoch' + staged.moment * interval '1 millisecond'
JOIN parks.rides AS ride ON ride.ride_id = staged.ride_id
WHERE known.recorded_at BETWEEN timestamptz 'epoch' + %(first)s * interval '1 millisecond'
                            AND timestamptz 'epoch' + %(last)s * interval '1 millisecond'
  AND (known.status, known.wait_minutes, known.has_standby)
      IS DISTINCT FROM (staged.status, staged.wait_minutes, staged.has_standby)
ORDER BY ride.entity_id, known.recorded_at;
