-- One row a snapshot of an object of whose stretches of time the history has nothing; moments are milliseconds since
-- 1970 UTC. Without ON CONFLICT, which looks every row up beforehand; the key still guards, and where another object got
-- in between the transaction begins again with insert_unknown. Read by everything that reads the history.
INSERT INTO parks.ride_status_snapshots
    (ride_id, recorded_at, data_source, status, wait_minutes, has_standby, origin_id)
SELECT ride_id, timestamptz 'epoch' + moment * interval '1 millisecond', 'ARCHIVE', status, wait_minutes, has_standby,
       %(object_id)s
FROM unnest(%(rides)s::integer[], %(moments)s::bigint[], %(statuses)s::parks.status[], %(waits)s::smallint[],
            %(standbys)s::boolean[]) AS given (ride_id, moment, status, wait_minutes, has_standby)
ORDER BY ride_id, moment;
