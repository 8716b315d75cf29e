-- One row a ride and instant that the history does not have; moments are milliseconds since 1970 UTC. Read by
-- everything that reads the history. The rows come as arrays: a fifth less work than COPY to a staging table, which
-- only what is contested needs. In the order of the key, so that two files at once that hold the same instant wait for
-- each other, and never both.
INSERT INTO parks.ride_status_snapshots
    (ride_id, recorded_at, data_source, status, wait_minutes, has_standby, origin_id)
SELECT ride_id, timestamptz 'epoch' + moment * interval '1 millisecond', 'ARCHIVE', status, wait_minutes, has_standby,
       %(object_id)s
FROM unnest(%(rides)s::integer[], %(moments)s::bigint[], %(statuses)s::parks.status[], %(waits)s::smallint[],
            %(standbys)s::boolean[]) AS given (ride_id, moment, status, wait_minutes, has_standby)
ORDER BY ride_id, moment
ON CONFLICT DO NOTHING;
